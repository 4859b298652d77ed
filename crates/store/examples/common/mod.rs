//! What the benches share: a database of their own, a source in it, and a run of it that is collecting.
#![allow(dead_code, reason = "each bench uses its part")]

use freehold_core::identity::IdentityState;
use freehold_core::run::{Cause, Counts, RunEvent, RunState};
use freehold_core::{Clock, ConnectorName, CredentialMode, OwnerId, Rng, RunId, ServerId, SourceId, SystemClock};
use freehold_store::{DataDb, RunRow, SourceRow};

pub(crate) type Outcomes<T> = Result<T, Box<dyn std::error::Error>>;

/// The source of that number, in no database yet.
pub(crate) fn source(n: u64) -> Outcomes<SourceRow> {
    let clock = SystemClock;
    Ok(SourceRow {
        id: SourceId::new(&clock, &Counter(n)),
        owner: OwnerId::new(&clock, &Counter(0)),
        connector: ConnectorName::parse("imap")?,
        name: format!("source {n}"),
        mode: CredentialMode::StoredCredential,
        settings: serde_json::Map::new(),
        expected_account: None,
        identity: IdentityState::Unconfirmed,
        paused: false,
        interval_seconds: None,
        next_due_at: None,
        failures: 0,
        connector_digest: None,
        created_at: clock.now(),
        last_success_at: None,
        ever_collected: false,
    })
}

/// A source that is added, and a run of it that collects.
pub(crate) fn collecting(data: &DataDb) -> Outcomes<(SourceId, RunId)> {
    let source = source(1)?;
    let run = RunId::new(&SystemClock, &Counter(1));
    data.insert_source(source.clone())?;
    data.insert_run(RunRow {
        id: run,
        source: source.id,
        cause: Cause::Owner,
        state: RunState::Queued { cause: Cause::Owner, due_at: source.created_at },
        created_at: source.created_at,
        started_at: None,
        ended_at: None,
        outcome: None,
        counts: Counts::default(),
        detail: None,
        retry_of: None,
    })?;
    data.transition(run, RunEvent::Admit { server: ServerId::new(&SystemClock, &Counter(1)) }, None)?;
    data.transition(run, RunEvent::Collect, None)?;
    Ok((source.id, run))
}

/// Not random at all: ids only have to differ.
pub(crate) struct Counter(pub(crate) u64);

impl Rng for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        let end = bytes.len();
        bytes[end - 8..].copy_from_slice(&self.0.to_be_bytes());
    }
}
