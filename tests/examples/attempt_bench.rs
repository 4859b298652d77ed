//! What committing an attempt costs beside one fsync of the same disk, in turns: one JSON object. Run it with `--release`, on the disk
//! that the first argument names.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_core::{
    AttemptId, Clock, ConnectorName, OwnerId, RunId, SealedBytes, SecretAddress, SecretKind, SourceId, SystemClock,
};
use freehold_store::{AuditHead, AuditRow, DataDb, DataDir, NewAttempt, PutSecret, SourceKeyRow, VaultDb};
use freehold_tests::random::TestRng;

const ROUNDS: usize = 300;

#[expect(clippy::print_stdout, reason = "its output is for the bench to read")]
fn main() {
    let parent = PathBuf::from(std::env::args().nth(1).expect("the folder to measure in"));
    let folder = tempfile::tempdir_in(&parent).expect("a folder");
    let data_dir = DataDir::open(&folder.path().join("data")).expect("a data directory");
    let vault = VaultDb::open(&data_dir).expect("vault.db");
    // As before every run: without room kept back the databases are tended as on a full disk, which costs more.
    let data = DataDb::open(&data_dir, Arc::new(SystemClock)).expect("data.db");
    data.check_room().expect("room");
    let rng = Arc::new(TestRng::new(1));
    let mut file = File::create(folder.path().join("floor")).expect("a file");

    let (mut attempts, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // A source for each round, so that no history grows behind the measurement.
        let address = SecretAddress {
            owner: OwnerId::new(&SystemClock, &*rng),
            source: SourceId::new(&SystemClock, &*rng),
            connector: ConnectorName::parse("stand_in").expect("a name"),
            kind: SecretKind::Token,
            version: 1,
        };
        put(&vault, &address);
        floors.push(time(|| {
            file.write_all(&[7; 4096]).expect("written");
            file.sync_data().expect("on disk");
        }));
        let new = NewAttempt {
            id: AttemptId::new(&SystemClock, &*rng),
            address,
            run: RunId::new(&SystemClock, &*rng),
            given: None,
            origin: None,
            step: None,
            code_index: None,
            at: SystemClock.now(),
        };
        attempts.push(time(|| drop(vault.commit_attempt(new, Box::new(|_| Ok(())), Box::new(entry)).expect("committed"))));
    }
    let (attempt, fsync) = (median(attempts), median(floors));
    println!("{}", serde_json::json!({"attempt_us": attempt.as_micros() as u64, "fsync_us": fsync.as_micros() as u64}));
}

fn put(vault: &VaultDb, address: &SecretAddress) {
    let new_key = Some(SourceKeyRow {
        source: address.source,
        purpose: "secrets".to_owned(),
        generation: 1,
        state: "active".to_owned(),
        wrapped: SealedBytes(vec![1; 80]),
    });
    let sealed = SealedBytes(vec![2; 1024]);
    let put = PutSecret { address: address.clone(), sealed, new_key, consent: None, at: SystemClock.now() };
    vault.put_secret(put, Box::new(entry)).expect("kept");
}

fn entry(head: AuditHead) -> (AuditRow, Option<[u8; 32]>) {
    let row = AuditRow {
        seq: head.seq + 1,
        at: SystemClock.now(),
        actor: "bench".to_owned(),
        action: "secret.take".to_owned(),
        subject: "a source".to_owned(),
        detail_json: "{}".to_owned(),
        hash: [3; 32],
    };
    (row, None)
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}
