//! After a crash: what a dead server left open is closed before anything new is started.

use freehold_core::attempt::AttemptState;
use freehold_core::interaction::InteractionState;
use freehold_core::run::{Cause, Outcome, RunEvent, RunState};
use freehold_core::{Problem, RunId};
use freehold_store::{CommitRun, RunRow};

use crate::audit::Action;
use crate::problem::from_store;
use crate::schedule::after_success;
use crate::server::Inner;
use crate::wipe::{LIMIT, keeps_nothing};

impl Inner {
    /// Closes the runs a dead server had under way as `interrupted`, keeps the records whose account was matched, and wants each
    /// run once more, unless what became of its attempt is unknown.
    pub(crate) fn close_what_a_dead_server_left(&self) -> Result<(), Problem> {
        let mut cut_off: Vec<RunId> = Vec::new();
        for (_, attempt) in self.vault_db.unresolved_attempts().map_err(from_store)? {
            let detail = [("outcome", AttemptState::Unknown.as_str()), ("why", "the server stopped")];
            let audit = self.audited("freehold", Action::AttemptResolve, &attempt.id.to_string(), &detail);
            self.vault_db.resolve_attempt(attempt.id, AttemptState::Unknown, self.now(), audit).map_err(from_store)?;
            cut_off.push(attempt.run);
        }
        self.wipe_what_a_dead_server_left()?;
        for run in self.data.unfinished_runs().map_err(from_store)? {
            if !matches!(run.state, RunState::Queued { .. }) {
                self.interrupt(&run, cut_off.contains(&run.id))?;
            }
        }
        Ok(())
    }

    /// The runs in the ephemeral mode that it did not come to wipe.
    fn wipe_what_a_dead_server_left(&self) -> Result<(), Problem> {
        for unwiped in self.data.unwiped_runs().map_err(from_store)?.into_iter().filter(|unwiped| !unwiped.ended) {
            if !matches!(self.run_row(unwiped.run)?.state, RunState::Wiping { .. }) {
                let wipe = RunEvent::Wipe { outcome: Outcome::Interrupted };
                self.data.transition(unwiped.run, wipe, None).map_err(from_store)?;
            }
        }
        self.sweep(LIMIT)
    }

    fn interrupt(&self, run: &RunRow, attempt_unknown: bool) -> Result<(), Problem> {
        if let Some(open) = self.data.open_interaction_of(run.source).map_err(from_store)?
            && open.run == Some(run.id)
        {
            self.data.resolve_interaction(open.id, InteractionState::Withdrawn, self.now()).map_err(from_store)?;
        }
        self.data.drop_held(run.id).map_err(from_store)?;
        let source = self.source_row(run.source)?;
        let next_due_at = source.interval_seconds.map(|seconds| after_success(seconds, self.now(), &*self.rng));
        self.data
            .commit_run(CommitRun {
                run: run.id,
                states: Vec::new(),
                outcome: Outcome::Interrupted,
                counts: run.counts,
                detail: Some("The server stopped while this ran. Records that were kept are kept.".to_owned()),
                source_update: Box::new(move |source| {
                    if source.next_due_at.is_none() {
                        source.next_due_at = next_due_at;
                    }
                }),
            })
            .map_err(from_store)?;
        // Once: a run that brings the server down must not do so for ever.
        if !attempt_unknown && !source.paused && run.cause != Cause::Retry && !keeps_nothing(source.mode) {
            self.queue_run(run.source, Cause::Retry, Some(run.id))?;
        }
        Ok(())
    }
}
