//! The scanner, shown to find what it is for. Each plant is written by other code than the scanner's own encoders.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::Stdio;

use freehold_core::SecretKind;
use freehold_tests::canary::{Canary, Scanner};
use freehold_tests::random::TestRng;

fn canaries() -> Vec<Canary> {
    let rng = TestRng::new(12);
    SecretKind::ALL
        .iter()
        .map(|kind| match kind {
            SecretKind::OtpSeed | SecretKind::RecoveryCodes => Canary::plain(kind.as_str(), 32, &rng),
            _ => Canary::password(kind.as_str(), &rng),
        })
        .collect()
}

/// The one canary that `leaks` is about.
fn only(leaks: &[freehold_tests::canary::Leak]) -> &str {
    let found: BTreeSet<_> = leaks.iter().map(|leak| leak.what.as_str()).collect();
    assert_eq!(found.len(), 1, "one plant, and found: {leaks:?}");
    found.into_iter().next().expect("one")
}

#[test]
fn every_kind_is_found_in_every_encoding() {
    let all = canaries();
    let scanner = Scanner::new(&all);
    for canary in &all {
        let value = &canary.value;
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let utf16 = |to: fn(u16) -> [u8; 2]| format!("x{value}").encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let mut plants: Vec<(&str, Vec<u8>)> = vec![
            ("raw", format!("password={value};").into_bytes()),
            ("json", serde_json::to_vec(&serde_json::json!({ "password": value })).expect("JSON")),
            ("hex", format!("dump {hex} end").into_bytes()),
            ("hex", hex.to_uppercase().into_bytes()),
            ("utf-16", utf16(u16::to_le_bytes)),
            ("utf-16", utf16(u16::to_be_bytes)),
            ("url", value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>().into_bytes()),
            ("html", value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").into_bytes()),
            ("truncated", format!("tail …{}", &value[value.len() - 20..]).into_bytes()),
        ];
        for before in ["", "u", "us"] {
            plants.push(("base64", data_encoding::BASE64.encode(format!("{before}{value}").as_bytes()).into_bytes()));
            let text = data_encoding::BASE64URL_NOPAD.encode(format!("{before}{value}:rest").as_bytes());
            plants.push(("base64url", text.into_bytes()));
        }
        for (encoding, bytes) in plants {
            let surrounded = [b"2026-01-01 INFO ".as_slice(), &bytes, b" done\n"].concat();
            let leaks = scanner.scan("a log", &surrounded);
            assert!(!leaks.is_empty(), "{} in {encoding} was not found", canary.what);
            assert_eq!(only(&leaks), canary.what, "{encoding}");
        }
    }
}

#[test]
fn files_their_names_and_folders_below_are_read() {
    let all = canaries();
    let scanner = Scanner::new(&all);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("crash/42")).expect("folders");
    std::fs::write(folder.path().join("crash/42/core.txt"), format!("frame 3: {}", all[0].value)).expect("a file");
    let leaks = scanner.scan_folder(folder.path()).expect("readable");
    assert_eq!(only(&leaks), all[0].what);
    assert!(leaks[0].place.contains("crash/42/core.txt"), "{}", leaks[0].place);

    let seed = all.iter().find(|canary| canary.what == "otp_seed").expect("a seed");
    let named = tempfile::tempdir().expect("a folder");
    std::fs::write(named.path().join(format!("{}.tmp", seed.value)), "").expect("a file");
    assert_eq!(only(&scanner.scan_folder(named.path()).expect("readable")), seed.what);
}

#[test]
fn a_database_its_log_and_its_free_pages_are_read() {
    let all = canaries();
    let scanner = Scanner::new(&all);
    let folder = tempfile::tempdir().expect("a folder");
    let database = rusqlite::Connection::open(folder.path().join("data.db")).expect("a database");
    database
        .execute_batch(
            "PRAGMA secure_delete = OFF; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (v);",
        )
        .expect("a table");
    database.execute("INSERT INTO t VALUES (?1)", [&all[1].value]).expect("a row");
    let leaks = scanner.scan_folder(folder.path()).expect("readable");
    assert_eq!(only(&leaks), all[1].what);
    assert!(leaks.iter().all(|leak| leak.place.contains("data.db-wal")), "still in the log only: {leaks:?}");

    database.execute_batch("DELETE FROM t; PRAGMA wal_checkpoint(TRUNCATE);").expect("deleted");
    let leaks = scanner.scan_folder(folder.path()).expect("readable");
    assert_eq!(only(&leaks), all[1].what, "a deleted row's bytes stay in the page");
}

#[test]
fn a_childs_environment_and_arguments_are_read() {
    let all = canaries();
    let scanner = Scanner::new(&all);
    assert_eq!(scanner.scan_processes(std::process::id()), [], "nothing planted yet");
    for in_environment in [true, false] {
        #[expect(clippy::disallowed_methods, reason = "the planted leak is another process's")]
        let mut shell = std::process::Command::new("/bin/sh");
        // A shell below a shell, so that the whole tree is walked; it says when it is up and waits for its input to end.
        shell.args(["-c", "sh -c 'echo up; read end' \"$0\" \"$@\"; :"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if in_environment {
            shell.env("AMAZON_PASSWORD", &all[2].value);
        } else {
            shell.args(["name", &all[2].value]);
        }
        let mut child = shell.spawn().expect("a shell");
        child.stdout.as_mut().expect("piped").read_exact(&mut [0; 3]).expect("it says it is up");
        let leaks = scanner.scan_processes(std::process::id());
        child.stdin.take().expect("piped").write_all(b"\n").expect("it ends");
        child.wait().expect("it ended");
        assert_eq!(only(&leaks), all[2].what);
        assert!(leaks.len() >= 2, "the shell and the one below it: {leaks:?}");
    }
}

#[test]
fn what_is_not_a_secret_is_no_leak() {
    let scanner = Scanner::new(&canaries());
    let others = TestRng::new(13);
    let noise: String = (0..2000).map(|_| Canary::password("other", &others).value).collect();
    assert_eq!(scanner.scan("noise", noise.as_bytes()), []);
}
