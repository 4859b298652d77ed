//! What the store's tests share: a clock and ids of their own, a source, a run, records.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use freehold_core::identity::IdentityState;
use freehold_core::run::{Cause, Counts, RunEvent, RunState};
use freehold_core::{Clock, ConnectorName, CredentialMode, OwnerId, Rng, RunId, ServerId, SourceId, Timestamp};
use freehold_store::{DataDb, DataDir, NewRecord, RunRow, SourceRow, VaultDb};

/// A clock that moves a second each time it is asked.
pub(crate) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + self.0.fetch_add(1, Ordering::Relaxed)).expect("in range")
    }
}

/// Counts instead of being random: ids only have to differ.
pub(crate) struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        let end = bytes.len();
        bytes[end - 8..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
}

pub(crate) static CLOCK: Ticking = Ticking(AtomicI64::new(0));
pub(crate) static RNG: Counting = Counting(AtomicU64::new(1));

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + second).expect("in range")
}

pub(crate) fn open_data(path: &Path) -> DataDb {
    DataDb::open(&DataDir::open(path).expect("data directory"), Arc::new(Ticking(AtomicI64::new(0)))).expect("data.db")
}

pub(crate) fn open_vault(path: &Path) -> VaultDb {
    VaultDb::open(&DataDir::open(path).expect("data directory")).expect("vault.db")
}

pub(crate) fn source() -> SourceRow {
    SourceRow {
        id: SourceId::new(&CLOCK, &RNG),
        owner: OwnerId::new(&CLOCK, &RNG),
        connector: ConnectorName::parse("imap").expect("name"),
        name: "Mail".to_owned(),
        mode: CredentialMode::StoredCredential,
        settings: serde_json::Map::new(),
        expected_account: None,
        identity: IdentityState::Unconfirmed,
        paused: false,
        interval_seconds: Some(3600),
        next_due_at: None,
        failures: 0,
        connector_digest: Some("abc".to_owned()),
        created_at: at(0),
        last_success_at: None,
        ever_collected: false,
    }
}

/// A source in the database.
pub(crate) fn added_source(data: &DataDb) -> SourceId {
    let row = source();
    data.insert_source(row.clone()).expect("added");
    row.id
}

pub(crate) fn queued(source: SourceId) -> RunRow {
    RunRow {
        id: RunId::new(&CLOCK, &RNG),
        source,
        cause: Cause::Owner,
        state: RunState::Queued { cause: Cause::Owner, due_at: at(0) },
        created_at: at(0),
        started_at: None,
        ended_at: None,
        outcome: None,
        counts: Counts::default(),
        detail: None,
        retry_of: None,
    }
}

/// A run of this source that is collecting.
pub(crate) fn collecting_run(data: &DataDb, source: SourceId) -> RunId {
    let run = queued(source);
    data.insert_run(run.clone()).expect("inserted");
    data.transition(run.id, RunEvent::Admit { server: ServerId::new(&CLOCK, &RNG) }, None).expect("admitted");
    data.transition(run.id, RunEvent::Collect, None).expect("collecting");
    run.id
}

pub(crate) fn record(stream: &str, key: &str, data: &str, second: i64) -> NewRecord {
    NewRecord { stream: stream.into(), key: key.to_owned(), data: data.into(), emitted_at: at(second), delete: false }
}

pub(crate) fn deletion(stream: &str, key: &str, second: i64) -> NewRecord {
    NewRecord { delete: true, ..record(stream, key, "", second) }
}
