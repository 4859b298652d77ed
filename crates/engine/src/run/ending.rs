//! The end of a run: its result, the cursors and what it changes about its source, in one transaction.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{CancelledBy, Cause, Counts, Outcome, RunEvent};
use freehold_core::{CredentialMode, Timestamp};
use freehold_store::{CommitRun, RunRow, SourceRow, StoreError};
use serde_json::Value;

use super::Mail;
use super::verdict::Verdict;
use crate::schedule::{after_failure, after_success};
use crate::server::Inner;
use crate::wipe::unverified;

/// Between two tries to write the end while the database cannot be written.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Writes the end. Where that fails it waits and tries again: the run is over only once its end is on disk. On a full disk the
/// second try has the room that the databases keep back for this.
pub(super) fn end(inner: &Inner, run: &RunRow, mut verdict: Verdict, counts: Counts, mailbox: &Receiver<Mail>) {
    // A cancellation that came while the connector was finishing wins over what it said.
    while let Ok(mail) = mailbox.try_recv() {
        if let Mail::Cancel(by) = mail {
            verdict = Verdict::cancelled(by);
        }
    }
    loop {
        let error = match write(inner, run, &verdict, counts) {
            Ok(outcome) => {
                inner.counters.run_ended(&outcome, &counts);
                break;
            }
            Err(error) => error,
        };
        tracing::error!(run = %run.id, %error, "the end of a run could not be written; trying again");
        if matches!(error, StoreError::DiskFull) {
            verdict = Verdict::failed(FailureReason::DiskFull, "The disk was full when the run's result was to be written.");
        } else if !matches!(error, StoreError::Sql { .. } | StoreError::Io { .. }) {
            break;
        }
        match mailbox.recv_timeout(TRY_AGAIN) {
            Ok(Mail::Cancel(CancelledBy::Shutdown)) | Err(RecvTimeoutError::Disconnected) => break,
            _ => {}
        }
    }
    if verdict.session_ended {
        inner.sign_in_again(run);
    }
    inner.clear_live(run.id);
    inner.verify_replaced(run.source);
}

/// Wipes a run in the ephemeral mode. What could not be shown to be gone is how it ends then.
pub(super) fn wipe(inner: &Inner, run: &RunRow, verdict: Verdict) -> Verdict {
    match inner.wipe_at_end(run, &verdict.outcome) {
        Ok(None) => verdict,
        Ok(Some(left)) => {
            let (reason, detail) = unverified(&left);
            Verdict { states: verdict.states, ..Verdict::needs_owner(reason, detail) }
        }
        Err(problem) => {
            tracing::error!(run = %run.id, %problem, "a run could not be wiped; it is tried again by the clock");
            Verdict::needs_owner(OwnerReason::WipeUnverified, format!("The wipe of this run failed: {problem}"))
        }
    }
}

fn write(inner: &Inner, run: &RunRow, verdict: &Verdict, counts: Counts) -> Result<Outcome, StoreError> {
    let now = inner.now();
    if verdict.outcome.is_success() {
        // A second try finds the run committing already.
        match inner.data.transition(run.id, RunEvent::Commit, None) {
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let failures = inner.data.source(run.source)?.map_or(0, |source| source.failures);
    let interval = inner.data.source(run.source)?.and_then(|source| source.interval_seconds);
    let retry_at = |asked| after_failure(failures + 1, asked, now, &*inner.rng);
    let next_by_schedule = interval.map(|seconds| after_success(seconds, now, &*inner.rng));
    let mut outcome = verdict.outcome.clone();
    let next_due_at = match &mut outcome {
        Outcome::Succeeded => next_by_schedule,
        Outcome::Failed {
            reason: FailureReason::ProviderDown { retry_at: at } | FailureReason::RateLimited { retry_at: at },
        } => {
            *at = Some(retry_at(*at));
            *at
        }
        // A person has to look, but what broke may also mend by itself, so the schedule goes on, slower.
        Outcome::Failed { .. } => interval.map(|_| retry_at(next_by_schedule)),
        // What only the owner can move on is not tried behind their back.
        Outcome::NeedsOwner { .. } => None,
        Outcome::Cancelled { by: CancelledBy::Shutdown } => Some(now),
        Outcome::Cancelled { .. } | Outcome::Interrupted => next_by_schedule,
    };
    let ended = outcome.clone();
    let source_update = Box::new(move |source: &mut SourceRow| update(source, &ended, next_due_at, now));
    inner.data.commit_run(CommitRun {
        run: run.id,
        states: verdict.states.iter().map(|(stream, cursor): &(String, Value)| (stream.clone(), cursor.clone())).collect(),
        outcome: outcome.clone(),
        counts,
        detail: verdict.detail.clone(),
        source_update,
    })?;
    Ok(outcome)
}

fn update(source: &mut SourceRow, outcome: &Outcome, next_due_at: Option<Timestamp>, now: Timestamp) {
    source.next_due_at = next_due_at;
    match outcome {
        Outcome::Succeeded => {
            source.failures = 0;
            source.last_success_at = Some(now);
            source.ever_collected = true;
        }
        Outcome::Failed { .. } => source.failures = source.failures.saturating_add(1),
        Outcome::NeedsOwner { .. } | Outcome::Cancelled { .. } | Outcome::Interrupted => {}
    }
}

impl Inner {
    /// Queues a run that signs in with the saved details and goes on, once: the session ended while this one was collecting.
    fn sign_in_again(&self, run: &RunRow) {
        let stores = self.source_row(run.source).is_ok_and(|source| source.mode == CredentialMode::StoredCredential);
        if stores
            && run.cause != Cause::Retry
            && let Err(problem) = self.queue_run(run.source, Cause::Retry, Some(run.id))
        {
            tracing::warn!(run = %run.id, %problem, "a run whose session ended could not be followed by another");
        }
    }

    /// Queues the run that verifies sign-in details which were replaced while another run was under way.
    fn verify_replaced(&self, source: freehold_core::SourceId) {
        let key = format!("verify/{source}");
        let wanted = self.data.setting(&key).ok().flatten() == Some(Value::Bool(true));
        if wanted
            && self.data.set_setting(&key, Value::Null).is_ok()
            && let Err(problem) = self.queue_run(source, Cause::Setup, None)
        {
            tracing::warn!(%source, %problem, "replaced sign-in details could not be verified at once");
        }
    }
}
