//! A source is removed and its records stay: they are listed, read and at last deleted, from the terminal.

use std::path::Path;

use crate::harness::{Deployment, PASSPHRASE};

#[test]
fn the_records_of_a_removed_source_are_read_and_deleted() {
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/connectors");
    let deployment = Deployment::with(&format!("connector_dirs = [\"{}\"]\n", connectors.display()));
    deployment.set_up();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let details = deployment.secret_file("details", "username=ada\npassword=a-right-one\n");
    let server = deployment.serve();
    let run = |arguments: &[&str]| deployment.run(&[&["--passphrase-file", &passphrase], arguments].concat());
    run(&["source", "add", "spec_only", "--name", "notes", "--agree", "--secret-file", &details]).succeeded();
    let before = run(&["--json", "records", "notes", "notes"]).succeeded().json();

    let listed = run(&["source", "list", "--removed"]).succeeded().out;
    assert!(listed.contains("No records of removed sources are kept."), "{listed}");
    run(&["source", "remove", "notes", "--confirm", "notes"]).succeeded();
    assert_eq!(run(&["--json", "source", "list"]).succeeded().json(), serde_json::json!([]));
    let listed = run(&["source", "list", "--removed"]).succeeded().out;
    assert!(listed.contains("notes") && listed.contains("Ada"), "{listed}");

    assert_eq!(run(&["--json", "records", "notes", "notes"]).succeeded().json(), before);
    let streams = run(&["--json", "records", "notes"]).succeeded().json();
    assert_eq!((&streams["name"], &streams["removed"]), (&"notes".into(), &true.into()));
    assert_ne!(run(&["source", "show", "notes"]).code, 0, "it is no source any more");

    let refused = run(&["source", "remove", "notes", "--confirm", "notes"]);
    assert!(refused.code != 0 && refused.err.contains("--delete-records"), "{refused:?}");
    let refused = run(&["source", "remove", "notes", "--delete-records", "--confirm", "other"]);
    assert_ne!(refused.code, 0, "deleted under a wrong name");
    run(&["source", "remove", "notes", "--delete-records", "--confirm", "notes"]).succeeded();
    assert_ne!(run(&["records", "notes", "notes"]).code, 0);
    assert_eq!(run(&["--json", "source", "list", "--removed"]).succeeded().json(), serde_json::json!([]));
    run(&["audit", "verify"]).succeeded();
    server.stop();
}
