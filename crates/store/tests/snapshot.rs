//! A copy of both databases, of one instant, while both are written.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::at;
use freehold_core::SystemClock;
use freehold_store::{AuditMake, AuditRow, DataDb, DataDir, Snapshot, StoreError, VaultDb};
use rusqlite::Connection;

fn audit() -> AuditMake {
    Box::new(move |head| {
        let seq = head.seq + 1;
        let row = AuditRow {
            seq,
            at: at(1),
            actor: "test".to_owned(),
            action: "count".to_owned(),
            subject: "s".to_owned(),
            detail_json: "{}".to_owned(),
            hash: [1; 32],
        };
        (row, None)
    })
}

fn open(path: &Path) -> (VaultDb, DataDb) {
    let dir = DataDir::open(path).expect("data directory");
    (VaultDb::open(&dir).expect("vault.db"), DataDb::open(&dir, Arc::new(SystemClock)).expect("data.db"))
}

#[test]
fn both_are_of_one_instant_while_both_are_written() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (vault, data) = open(dir.path());
    // So much that copying it takes longer than a write.
    data.set_setting("ballast", "x".repeat(40 << 20).into()).expect("set");
    data.set_setting("count", 0.into()).expect("set");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut count = 0u64;
            while !is_over.load(Ordering::Relaxed) {
                count += 1;
                vault.append_audit(audit()).expect("appended");
                data.set_setting("count", count.into()).expect("set");
            }
        });
        for round in 0..5 {
            let mut told = 0;
            let folder = dir.path().join("copy");
            let snapshot = Snapshot::take(&vault, &data, &folder, &mut |done, all| {
                assert!(told <= done && done <= all, "progress moves forward");
                told = done;
                Ok(())
            })
            .expect("a snapshot");
            let read = |path: std::path::PathBuf, sql: &str| {
                let copy = Connection::open(path).expect("a copy");
                copy.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number")
            };
            let in_vault = read(snapshot.vault(), "SELECT count(*) FROM audit");
            let in_data = read(snapshot.data(), "SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'count'");
            assert!(in_data <= in_vault && in_vault <= in_data + 1, "round {round}: {in_vault} {in_data}");
            drop(snapshot);
            assert!(!folder.exists());
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn whoever_gives_up_leaves_nothing_and_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (vault, data) = open(dir.path());
    let folder = dir.path().join("copy");
    let given_up =
        Snapshot::take(&vault, &data, &folder, &mut |_, _| Err(StoreError::Conflict { what: "stopped".to_owned() }));
    assert!(given_up.is_err() && !folder.exists());
    data.set_setting("count", 1.into()).expect("still written");
    vault.append_audit(audit()).expect("still written");
    data.sweep_blobs().expect("swept");
}
