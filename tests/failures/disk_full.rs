//! A full disk: the run fails by that name, nothing durable is lost, and the server answers.

use std::time::Duration;

use freehold_tests::server::Server;
use serde_json::{Value, json};

/// Twice what the databases keep back for this moment, and a little for records.
const DISK: u64 = 24 << 20;

#[test]
fn a_full_disk_fails_the_run_and_nothing_else() {
    let mut server = Server::new(&[]);
    server.start_on_a_disk_of(DISK);
    add(&server, "small", "200");
    assert_eq!(ended(&server, "small"), json!({"outcome": "succeeded"}));
    add(&server, "large", "80000");
    assert_eq!(ended(&server, "large"), full(), "{}", server.log());

    assert_eq!(server.json(&["source", "show", "small"])["streams"][1]["count"], 200);
    let kept = server.json(&["source", "show", "large"])["streams"][1]["count"].as_u64().expect("a count");
    let read = server.json(&["records", "large", "notes"]);
    assert_eq!(read["total"].as_u64(), Some(kept), "what was durable is still there, and counted");
    assert!(kept > 0, "some of it was");

    // The disk is as full as before, and every run says so: before its connector is started, and for as long as it takes.
    let submitted = attempts(&server);
    for _ in 0..5 {
        let said = server.cli(&["run", "small"], "");
        assert!(said.code != 0 && said.out.contains("disk is full"), "{said:?}");
        assert_eq!(ended(&server, "small"), full(), "{}", server.log());
    }
    assert_eq!(attempts(&server), submitted, "nobody was signed in to for nothing");
    assert_eq!(server.json(&["source", "show", "small"])["reason"], "disk_full");
    for change in ["pause", "resume"] {
        assert_eq!(server.cli(&["source", change, "small"], "").code, 0, "what the owner does is still written");
    }
    assert_eq!(server.cli(&["audit", "verify"], "").code, 0);
    assert!(server.http("GET /healthz", &[], "").starts_with("HTTP/1.1 200"));
}

/// How often sign-in details were submitted, whatever came of it.
fn attempts(server: &Server) -> Vec<String> {
    let metrics = server.http("GET /metrics", &[], "");
    let lines: Vec<String> =
        metrics.lines().filter(|line| line.starts_with("freehold_attempts_total")).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{metrics}");
    lines
}

fn full() -> Value {
    json!({"outcome": "failed", "reason": "disk_full"})
}

fn add(server: &Server, name: &str, notes: &str) {
    let notes = format!("note_count={notes}");
    let arguments =
        ["source", "add", "spec_only", "--name", name, "--setting", &notes, "--agree", "--secret-stdin", "--no-wait"];
    let said = server.cli(&arguments, "username=ada\npassword=a-right-one\n");
    assert_eq!(said.code, 0, "{said:?}");
}

/// The outcome of a source's last run, once that is over.
fn ended(server: &Server, name: &str) -> Value {
    for _ in 0..1_200 {
        let source = server.json(&["source", "show", name]);
        if source["current_run"].is_null() {
            let runs = server.json(&["runs", name]);
            return runs[0]["outcome"].clone();
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("{name} never ended: {}", server.log());
}
