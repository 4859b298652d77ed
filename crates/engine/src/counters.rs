//! What has been counted since the start, for the metrics page.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use freehold_core::attempt::AttemptState;
use freehold_core::run::{Counts, Outcome};
use freehold_core::status::VaultState;

use crate::server::{Inner, lock};
use crate::view::Numbers;

#[derive(Default)]
pub(crate) struct Counters {
    runs_ended: Mutex<BTreeMap<&'static str, u64>>,
    attempts: Mutex<BTreeMap<&'static str, u64>>,
    records_ingested: AtomicU64,
    records_rejected: AtomicU64,
}

impl Counters {
    pub(crate) fn run_ended(&self, outcome: &Outcome, counts: &Counts) {
        *lock(&self.runs_ended).entry(outcome.as_str()).or_default() += 1;
        let ingested = counts.added + counts.changed + counts.unchanged + counts.deleted;
        self.records_ingested.fetch_add(ingested, Ordering::Relaxed);
        self.records_rejected.fetch_add(counts.rejected, Ordering::Relaxed);
    }

    pub(crate) fn attempt(&self, state: AttemptState) {
        *lock(&self.attempts).entry(state.as_str()).or_default() += 1;
    }
}

impl Inner {
    pub(crate) fn numbers(&self) -> Numbers {
        let own = |counts: &Mutex<BTreeMap<&'static str, u64>>| {
            lock(counts).iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let mut sources = BTreeMap::new();
        for view in self.source_views().unwrap_or_default() {
            *sources.entry(view.status.as_str().to_owned()).or_default() += 1;
        }
        Numbers {
            sources,
            runs_ended: own(&self.counters.runs_ended),
            runs_active: self.active_runs() as u64,
            records_ingested: self.counters.records_ingested.load(Ordering::Relaxed),
            records_rejected: self.counters.records_rejected.load(Ordering::Relaxed),
            attempts: own(&self.counters.attempts),
            interactions_open: self.data.open_interactions().map_or(0, |open| open.len() as u64),
            vault_unlocked: u64::from(self.door.state() == VaultState::Unlocked),
        }
    }
}
