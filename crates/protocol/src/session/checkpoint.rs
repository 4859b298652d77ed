//! Which checkpoints may be committed (Collection Profile, section 3, Eligible-checkpoint algorithm).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Violation;
use crate::Manifest;
use crate::message::{DetailCoverage, DetailKey};

/// The declared graph, and the coverage reported in one run.
///
/// Freehold does not serve detail gaps back to a connector yet, so a key that was only gapped is not credited: its checkpoint
/// is withheld, and the next run meets the record again. That is stricter than the profile asks, never laxer.
pub(super) struct Checkpoints {
    scope: HashSet<String>,
    /// Each in-scope stream's checkpoint parents.
    parents: HashMap<String, Vec<String>>,
    /// In-scope streams that account for their own details, by `parent_streams`.
    detail_streams: HashSet<String>,
    /// Streams covered by their `state_stream` alone.
    projected: HashSet<String>,
    /// Each (detail stream, parent) reported, with whether every required key was fetched.
    reports: HashMap<(String, String), bool>,
}

impl Checkpoints {
    pub(super) fn new(manifest: &Manifest, scope: &HashSet<String>) -> Self {
        let in_scope = || manifest.streams.iter().filter(|stream| scope.contains(&stream.name));
        let names = |keep: fn(&crate::manifest::Stream) -> bool| {
            in_scope().filter(|stream| keep(stream)).map(|stream| stream.name.clone()).collect()
        };
        Self {
            scope: scope.clone(),
            parents: in_scope()
                .map(|stream| (stream.name.clone(), stream.checkpoint_parents().map(str::to_owned).collect()))
                .collect(),
            detail_streams: names(|stream| stream.parent_streams.is_some()),
            projected: names(|stream| stream.state_stream.is_some()),
            reports: HashMap::new(),
        }
    }

    /// Whether STATE may name that stream: it is the checkpoint of something that was asked for.
    pub(super) fn is_checkpoint(&self, stream: &str) -> bool {
        self.parents.values().flatten().any(|parent| parent == stream)
    }

    /// Takes a report, within the manifest's declared shape.
    pub(super) fn report(&mut self, coverage: DetailCoverage) -> Result<(), Violation> {
        let DetailCoverage { stream, state_stream, required_keys, hydrated_keys, .. } = coverage;
        let declared = self.parents.get(&stream).is_some_and(|parents| parents.contains(&state_stream));
        if !declared || self.projected.contains(&stream) || !self.scope.contains(&state_stream) {
            return Err(Violation::CoverageNotDeclared { stream, state_stream });
        }
        let hydrated: HashSet<&DetailKey> = hydrated_keys.iter().collect();
        let complete = required_keys.iter().all(|key| hydrated.contains(key));
        self.reports.entry((stream, state_stream)).and_modify(|before| *before &= complete).or_insert(complete);
        Ok(())
    }

    /// Checkpoint streams that may not be committed: those of a failed stream (steps 1 and 2), and those whose details are not
    /// proven complete (step 3).
    pub(super) fn ineligible(&self, failed_streams: &BTreeSet<String>) -> BTreeSet<&str> {
        let of_failed = failed_streams.iter().filter_map(|stream| self.parents.get(stream)).flatten();
        let unproven = self.detail_streams.iter().flat_map(|stream| {
            let parents = self.parents.get(stream).into_iter().flatten();
            parents.filter(move |parent| !self.reports.contains_key(&(stream.clone(), (*parent).clone())))
        });
        let incomplete = self.reports.iter().filter(|(_, complete)| !**complete).map(|((_, parent), _)| parent);
        of_failed.chain(unproven).chain(incomplete).map(String::as_str).collect()
    }
}
