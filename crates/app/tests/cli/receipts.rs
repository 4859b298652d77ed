//! What is forgotten and removed leaves a receipt, read at the terminal; and what only a source that keeps nothing can do.

use std::path::Path;

use crate::harness::{Deployment, PASSPHRASE};

#[test]
fn forgetting_and_removing_leave_a_receipt_each() {
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/connectors");
    let deployment = Deployment::with(&format!("connector_dirs = [\"{}\"]\n", connectors.display()));
    deployment.set_up();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let details = deployment.secret_file("details", "username=ada\npassword=a-right-one\n");
    let server = deployment.serve();
    let run = |arguments: &[&str]| deployment.run(&[&["--passphrase-file", &passphrase], arguments].concat());
    run(&["source", "add", "spec_only", "--name", "notes", "--agree", "--secret-file", &details]).succeeded();
    assert!(run(&["receipts"]).succeeded().out.contains("No receipts yet."));
    assert!(run(&["receipt", "notes"]).err.contains("has no receipt yet"));

    // It may be collected any time, so it is neither wiped nor given details for one run.
    let refused = run(&["run", "notes", "--secret-file", &details]);
    assert!(refused.code != 0 && refused.err.contains("only a source that keeps nothing"), "{refused:?}");
    let refused = run(&["source", "wipe", "notes"]);
    assert!(refused.code != 0 && refused.err.contains("Nothing of this source is left"), "{refused:?}");

    let forgotten = run(&["credential", "forget", "notes", "--yes"]).succeeded().out;
    let id = forgotten.split('`').nth(1).and_then(|command| command.strip_prefix("freehold receipt ")).unwrap();
    let shown = run(&["receipt", id]).succeeded().out;
    for words in [id, "verified", "User name and password", "sign-in details forgotten", "Audit hash"] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    let json = run(&["--json", "receipt", id]).succeeded().json();
    assert_eq!((&json["kind"], &json["verified"], &json["left"]), (&"forget".into(), &true.into(), &serde_json::json!([])));
    let chain = run(&["--json", "audit", "show", "--limit", "1000"]).succeeded().json();
    assert!(chain.as_array().unwrap().iter().any(|entry| entry["hash"] == json["audit"]), "the audit log tells of it");

    let removed = run(&["source", "remove", "notes", "--confirm", "notes"]).succeeded().out;
    assert!(removed.contains("It left a receipt"), "{removed}");
    // Of the removed source, by its name.
    let receipts = run(&["--json", "receipts", "notes"]).succeeded().json();
    let kinds: Vec<_> = receipts.as_array().unwrap().iter().map(|receipt| receipt["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["remove", "forget"], "the newest first");
    assert!(run(&["receipts"]).succeeded().out.contains("source removed"));
    for text in [forgotten, shown, json.to_string()] {
        assert!(!text.contains("a-right-one"));
    }
    server.stop();
}
