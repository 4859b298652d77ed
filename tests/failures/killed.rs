//! `kill -9`: no durable record lost or doubled, nothing left running, the run closed as interrupted and taken up again once.

use std::collections::BTreeMap;
use std::time::Duration;

use freehold_tests::server::Server;
use rusqlite::{Connection, OpenFlags};

const NOTES: u64 = 4_000;
/// How long after the run began the server dies: from before the connector is there to when it is nearly done.
const MOMENTS_MS: [u64; 6] = [0, 30, 90, 180, 300, 500];

#[test]
fn a_server_killed_at_any_moment_loses_and_doubles_nothing() {
    let mut interrupted = 0;
    for moment in MOMENTS_MS {
        let mut server = Server::new(&[]);
        server.start();
        add(&server);
        std::thread::park_timeout(Duration::from_millis(moment));
        server.kill();
        assert_eq!(left_running(&server), Vec::<u32>::new(), "killed after {moment} ms");

        server.start();
        let outcome = finish(&server);
        assert_eq!(outcome, "succeeded", "killed after {moment} ms: {}", server.log());
        let count = server.json(&["source", "show", "notes"])["streams"][1]["count"].as_u64();
        assert_eq!(count, Some(NOTES), "killed after {moment} ms");
        let audit = server.cli(&["audit", "verify"], "");
        assert_eq!(audit.code, 0, "{audit:?}");
        let runs = server.json(&["runs", "notes"]);
        let all = runs.as_array().expect("a list");
        interrupted += all.iter().filter(|run| run["outcome"]["outcome"] == "interrupted").count();
    }
    assert!(interrupted >= 2, "only {interrupted} runs were under way when their server died: the moments are wrong");
}

#[test]
fn a_stream_deleted_just_before_the_server_dies_is_gone_and_so_is_its_room() {
    let mut server = Server::new(&[]);
    server.start();
    add(&server);
    assert_eq!(finish(&server), "succeeded");
    let before = size(&server);
    for moment in [0, 15, 60, 200] {
        let said = server.cli(&["source", "delete-stream", "notes", "notes", "--collect-anew", "--confirm", "notes"], "");
        assert_eq!(said.code, 0, "{said:?}");
        std::thread::park_timeout(Duration::from_millis(moment));
        server.kill();
        server.start();
        assert_eq!(server.json(&["source", "show", "notes"])["streams"][1]["count"], 0, "killed after {moment} ms");
        assert_eq!(server.json(&["search", "note"])["hits"], serde_json::json!([]), "killed after {moment} ms");
        let left = (0..600).find(|_| {
            std::thread::park_timeout(Duration::from_millis(50));
            left_of_streams(&server) == 0
        });
        assert!(left.is_some(), "killed after {moment} ms: {}", server.log());
        assert!(size(&server) < before / 2, "{} of {before} pages after {moment} ms", size(&server));
        assert_eq!(server.cli(&["run", "notes"], "").code, 0, "{}", server.log());
        assert_eq!(server.json(&["source", "show", "notes"])["streams"][1]["count"], NOTES, "killed after {moment} ms");
    }
    server.stop();
}

/// How many deleted streams are still being taken off the disk.
fn left_of_streams(server: &Server) -> u64 {
    look(server, "SELECT count(*) FROM removed_streams")
}

/// How many pages the records' database has.
fn size(server: &Server) -> u64 {
    look(server, "PRAGMA page_count")
}

fn look(server: &Server, sql: &str) -> u64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(server.folder().join("data/data.db"), flags).expect("opened");
    database.query_row(sql, [], |row| row.get(0)).expect("a number")
}

fn add(server: &Server) {
    let notes = format!("note_count={NOTES}");
    let arguments =
        ["source", "add", "spec_only", "--name", "notes", "--setting", &notes, "--agree", "--secret-stdin", "--no-wait"];
    let said = server.cli(&arguments, "username=ada\npassword=a-right-one\n");
    assert_eq!(said.code, 0, "{said:?}");
}

/// Lets the runs come to their end; where a sign-in was cut off, the owner asks for it to be tried once more.
fn finish(server: &Server) -> String {
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..600 {
        let source = server.json(&["source", "show", "notes"]);
        if source["reason"] == "attempt_unknown" && source["current_run"].is_null() {
            assert_eq!(server.cli(&["credential", "try-again", "notes"], "").code, 0);
        } else if source["current_run"].is_null() {
            let runs = server.json(&["runs", "notes"]);
            return runs[0]["outcome"]["outcome"].as_str().unwrap_or("none").to_owned();
        }
        *outcomes.entry(source["status"].to_string()).or_default() += 1;
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("never settled: {outcomes:?}");
}

/// Processes that have this server's scratch directory in their environment: its connectors.
fn left_running(server: &Server) -> Vec<u32> {
    let own = server.folder().join("scratch").display().to_string();
    let all = || std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let running = || -> Vec<u32> {
        all()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                String::from_utf8_lossy(&environment).contains(&own)
            })
            .collect()
    };
    // The kernel takes a moment to end a tree of processes.
    for _ in 0..100 {
        if running().is_empty() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    running()
}
