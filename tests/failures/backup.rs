//! Backups in bad moments: while records come in, on a full disk, killed half-way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use freehold_tests::server::Server;
use rusqlite::{Connection, OpenFlags};

/// More than a backup takes.
const NOTES: &str = "note_count=150000";

#[test]
fn a_backup_made_while_records_come_in_is_of_one_instant() {
    let mut server = Server::new(&[]);
    server.start();
    let begun =
        ["source", "add", "spec_only", "--name", "notes", "--setting", NOTES, "--agree", "--secret-stdin", "--no-wait"];
    let said = server.cli(&begun, "username=ada\npassword=a-right-one\n");
    assert_eq!(said.code, 0, "{said:?}");
    while count(&server) == 0 {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let file = server.folder().join("running.backup");
    let made = server.cli(&["backup", "now", "--to", &file.to_string_lossy()], "");
    assert_eq!(made.code, 0, "{made:?} {}", server.log());
    let after = server.json(&["source", "show", "notes"]);
    assert!(!after["current_run"].is_null(), "the run was over before the backup: more notes are needed");

    let mut other = Server::new(&[]);
    empty(&other);
    let restored = restore(&other, &server, &file);
    assert_eq!(restored.code, 0, "{restored:?}");
    let data = read_only(&other.folder().join("data/data.db"));
    let one = |sql: &str| data.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
    let streams = one("SELECT sum(count) FROM streams");
    assert_eq!(one("SELECT count(*) FROM records WHERE data IS NOT NULL"), streams, "what is counted is there");
    assert!(streams > 0);
    let whole: String = data.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(whole, "ok");
    drop(data);

    other.start();
    let runs = other.json(&["runs", "notes"]);
    assert!(runs.as_array().expect("runs").iter().any(|run| run["outcome"]["outcome"] == "interrupted"), "{runs}");
    assert_eq!(other.cli(&["audit", "verify"], "").code, 0);
}

#[test]
fn a_server_killed_while_it_backs_up_leaves_nothing_half() {
    for moment in [5, 20, 60, 120, 250] {
        let mut server = Server::new(&[]);
        server.start();
        let begun =
            ["source", "add", "spec_only", "--name", "notes", "--setting", "note_count=20000", "--agree", "--secret-stdin"];
        assert_eq!(server.cli(&begun, "username=ada\npassword=a-right-one\n").code, 0);
        let backups = server.folder().join("data/backups");
        std::thread::scope(|scope| {
            let now = scope.spawn(|| server.cli(&["backup", "now"], ""));
            std::thread::park_timeout(Duration::from_millis(moment));
            // Whatever the command says: its server is about to go.
            let kill = rustix::process::Pid::from_raw(i32::try_from(server.pid()).expect("a pid")).expect("a pid");
            rustix::process::kill_process(kill, rustix::process::Signal::KILL).expect("its own child");
            let _ = now.join();
        });
        server.kill();
        for file in files(&backups).into_iter().filter(|file| file.extension() == Some("backup".as_ref())) {
            let key = server.folder().join("recovery-key");
            let check = ["backup", "check", &file.to_string_lossy(), "--recovery-key-file", &key.to_string_lossy()];
            assert_eq!(server.cli(&check, "").code, 0, "killed after {moment} ms: what has its name is whole");
        }
        server.start();
        let left: Vec<PathBuf> =
            files(&backups).into_iter().filter(|file| file.extension() != Some("backup".as_ref())).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "killed after {moment} ms");
        assert!(!server.folder().join("data/backup.part").exists(), "killed after {moment} ms");
        assert_eq!(server.cli(&["backup", "now"], "").code, 0, "killed after {moment} ms");
    }
}

#[test]
fn on_a_full_disk_a_backup_says_so_and_takes_no_room() {
    const DISK: u64 = 24 << 20;
    let mut server = Server::new(&[]);
    server.start_on_a_disk_of(DISK);
    let begun =
        ["source", "add", "spec_only", "--name", "notes", "--setting", "note_count=12000", "--agree", "--secret-stdin"];
    assert_eq!(server.cli(&begun, "username=ada\npassword=a-right-one\n").code, 0, "{}", server.log());
    let said = server.cli(&["backup", "now"], "");
    assert!(said.code == 10 && said.err.contains("MB"), "{said:?}");
    let listed = server.json(&["backup", "list"]);
    assert_eq!(listed["backups"][0]["outcome"], "failed", "{listed}");
    assert_eq!(server.cli(&["audit", "verify"], "").code, 0);
    assert_eq!(server.cli(&["run", "notes"], "").code, 0, "and collecting goes on");
}

/// Records of the source that runs.
fn count(server: &Server) -> u64 {
    server.json(&["source", "show", "notes"])["streams"][1]["count"].as_u64().unwrap_or_default()
}

/// As it was before it was set up.
fn empty(server: &Server) {
    std::fs::remove_dir_all(server.folder().join("data")).expect("removed");
    std::fs::remove_file(server.folder().join("config/vault.key")).expect("removed");
}

fn restore(on: &Server, from: &Server, file: &Path) -> freehold_tests::server::Said {
    let key = from.folder().join("recovery-key");
    on.cli(&["restore", &file.to_string_lossy(), "--recovery-key-file", &key.to_string_lossy()], "")
}

fn read_only(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").path()).collect()
}
