//! A full disk: the run fails by that name, nothing durable is lost, and the server answers.

use std::time::Duration;

use freehold_tests::server::Server;

#[test]
fn a_full_disk_fails_the_run_and_nothing_else() {
    let mut server = Server::new(&[]);
    server.start_on_a_disk_of(6 << 20);
    let add = |name: &str, notes: &str| {
        let notes = format!("note_count={notes}");
        let arguments =
            ["source", "add", "spec_only", "--name", name, "--setting", &notes, "--agree", "--secret-stdin", "--no-wait"];
        let said = server.cli(&arguments, "username=ada\npassword=a-right-one\n");
        assert_eq!(said.code, 0, "{said:?}");
    };
    add("small", "200");
    assert_eq!(ended(&server, "small"), "succeeded");
    add("large", "60000");
    let outcome = ended(&server, "large");
    let runs = server.json(&["runs", "large"]);
    assert_eq!((outcome.as_str(), runs[0]["outcome"]["reason"].as_str()), ("failed", Some("disk_full")), "{}", server.log());

    assert_eq!(server.json(&["source", "show", "small"])["streams"][1]["count"], 200);
    let kept = server.json(&["source", "show", "large"])["streams"][1]["count"].as_u64().expect("a count");
    let read = server.json(&["records", "large", "notes"]);
    assert_eq!(read["total"].as_u64(), Some(kept), "what was durable is still there, and counted");
    assert!(server.http("GET /healthz", &[], "").starts_with("HTTP/1.1 200"));
}

fn ended(server: &Server, name: &str) -> String {
    for _ in 0..1_200 {
        let source = server.json(&["source", "show", name]);
        if source["current_run"].is_null() {
            let runs = server.json(&["runs", name]);
            return runs[0]["outcome"]["outcome"].as_str().unwrap_or("none").to_owned();
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("{name} never ended: {}", server.log());
}
