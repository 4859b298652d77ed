//! Runs: queueing, watching, cancelling. How one is carried out is in the modules below.

mod ask;
mod attempt;
mod beside;
mod blobs;
mod browser;
mod collect;
pub(crate) mod directory;
mod ending;
mod errand;
mod gate;
mod identify;
mod launch;
mod output;
mod prepare;
mod recovery;
mod secrets;
mod sign_in;
mod verdict;
mod work;

pub(crate) use errand::Errand;
pub(crate) use prepare::Credential;

use std::sync::Arc;
use std::sync::mpsc;

use freehold_core::run::{CancelledBy, Cause, Counts, Outcome, RunEvent, RunState};
use freehold_core::{InteractionId, Problem, ProblemCode, RunId, SourceId, Timestamp};
use freehold_protocol::session::Exit;
use freehold_store::{RunRow, SourceRow, StoreError};

use crate::caller::{Caller, Permission};
use crate::ephemeral::Given;
use crate::event::Event;
use crate::interaction::Answer;
use crate::problem::{from_store, not_found};
use crate::server::{Engine, Inner};
use crate::view::{RejectedView, RunView, TimelineView};

/// What reaches a run's thread from outside: everything it reacts to comes through one mailbox, in order.
pub(crate) enum Mail {
    /// Lines of the connector, parsed.
    Output(Vec<output::Item>),
    /// The connector's output ended, or broke the contract; the session knows which.
    OutputEnded,
    /// The connector's process is gone.
    Exited(Exit),
    /// The owner answered the interaction.
    Answer(InteractionId, Answer),
    /// The vault is open again.
    VaultUnlocked,
    /// A browser is free, or the queue for one has moved on.
    BrowserFree,
    /// Someone called the run off.
    Cancel(CancelledBy),
}

impl Engine {
    /// Queues a run now. A source with an unfinished run: `source_busy`; one with an open question: `conflict`.
    pub fn start_run(&self, caller: &Caller, source: SourceId) -> Result<RunView, Problem> {
        caller.must(Permission::Run)?;
        let inner = &self.0;
        inner.may_start(&inner.source_row(source)?)?;
        let run = inner.queue_run(source, Cause::Owner, None)?;
        inner.run_view(run)
    }

    /// Cancels a run. It wins over a DONE that is not committed.
    pub fn cancel_run(&self, caller: &Caller, run: RunId) -> Result<RunView, Problem> {
        caller.must(Permission::Run)?;
        let inner = &self.0;
        let row = inner.run_row(run)?;
        if row.state.is_ended() {
            return Err(Problem::new(ProblemCode::Conflict, "The run is over.", "There is nothing left to cancel."));
        }
        match inner.mailbox(run) {
            // A run that has just ended no longer listens, which is as good.
            Some(mailbox) => drop(mailbox.send(Mail::Cancel(CancelledBy::Owner))),
            None => inner.end_unstarted(&row, CancelledBy::Owner)?,
        }
        inner.run_view(run)
    }

    /// One run.
    pub fn run(&self, caller: &Caller, run: RunId) -> Result<RunView, Problem> {
        caller.must(Permission::Read)?;
        self.0.run_view(run)
    }

    /// A source's runs, newest first.
    pub fn runs(
        &self,
        caller: &Caller,
        source: SourceId,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunView>, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        let name = inner.source_row(source)?.name;
        let rows = inner.data.runs(source, limit.clamp(1, 200) as usize, before).map_err(from_store)?;
        Ok(rows.into_iter().map(|row| inner.run_view_of(row, name.clone())).collect())
    }

    /// A run's timeline after `after` (0 for all).
    pub fn timeline(&self, caller: &Caller, run: RunId, after: u64) -> Result<Vec<TimelineView>, Problem> {
        caller.must(Permission::Read)?;
        let entries = self.0.data.timeline(run, after).map_err(from_store)?;
        Ok(entries.into_iter().map(crate::sentence::timeline_view).collect())
    }

    /// The records a run rejected, after `after` (0 for the first).
    pub fn rejected(&self, caller: &Caller, run: RunId, after: u64, limit: u32) -> Result<Vec<RejectedView>, Problem> {
        caller.must(Permission::Read)?;
        let rows = self.0.data.rejected(run, limit.clamp(1, 1_000) as usize, after).map_err(from_store)?;
        let view = |(seq, row): (u64, freehold_store::RejectedRow)| RejectedView {
            seq,
            stream: row.stream,
            key: row.key,
            reason: row.reason,
            detail: row.detail,
            data: row.data,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// What the connector wrote to standard error: capped, and without the secrets it was given.
    pub fn connector_log(&self, caller: &Caller, run: RunId) -> Result<String, Problem> {
        caller.must(Permission::Read)?;
        self.0.data.stderr(run).map_err(from_store)
    }
}

impl Inner {
    /// Whether the owner may have a run of this source now.
    pub(crate) fn may_start(&self, source: &SourceRow) -> Result<(), Problem> {
        let conflict = |what, next| Err(Problem::new(ProblemCode::Conflict, what, next));
        if self.unwiped_of(source)?.is_some() {
            return conflict("What the last run left could not be shown to be gone.", "See what is left first.");
        }
        if source.paused {
            return conflict("The source is paused.", "Resume it first.");
        }
        if self.data.open_interaction_of(source.id).map_err(from_store)?.is_some() {
            return conflict("The source waits for your answer to a question.", "Answer that first.");
        }
        Ok(())
    }

    pub(crate) fn run_row(&self, run: RunId) -> Result<RunRow, Problem> {
        self.data.run(run).map_err(from_store)?.ok_or_else(|| not_found("run"))
    }

    /// Wants a run: a row, so that it survives whatever happens to this process.
    pub(crate) fn queue_run(&self, source: SourceId, cause: Cause, retry_of: Option<RunId>) -> Result<RunId, Problem> {
        self.queue_run_with(source, cause, retry_of, None)
    }

    /// The same with sign-in details that are given for this run alone.
    pub(crate) fn queue_run_with(
        &self,
        source: SourceId,
        cause: Cause,
        retry_of: Option<RunId>,
        given: Option<Given>,
    ) -> Result<RunId, Problem> {
        let now = self.now();
        let run = self.new_run(source, cause, now, retry_of);
        let id = run.id;
        if let Some(given) = given {
            self.keep_given(id, given);
        }
        self.data.insert_run(run).map_err(|error| {
            self.let_go(id);
            match error {
                StoreError::Conflict { .. } => Problem::new(
                    ProblemCode::SourceBusy,
                    "A run of this source is under way.",
                    "Watch that one, or cancel it first.",
                ),
                other => from_store(other),
            }
        })?;
        self.wake.now();
        self.tell(Event::Run { run: id, source });
        Ok(id)
    }

    /// Queues the run that follows from what the owner gave or said: it verifies new sign-in details, or goes on after an answer. One that
    /// is under way comes to its end first.
    pub(crate) fn run_soon(&self, source: SourceId) -> Result<(), Problem> {
        if let Some(run) = self.data.unfinished_run_of(source).map_err(from_store)? {
            return match run.state {
                // It has not read the sign-in details yet, and will find the new ones.
                RunState::Queued { .. } | RunState::WaitingForUnlock => Ok(()),
                _ => self.data.set_setting(&format!("verify/{source}"), true.into()).map_err(from_store),
            };
        }
        self.queue_run(source, Cause::Setup, None).map(drop)
    }

    fn new_run(&self, source: SourceId, cause: Cause, due_at: Timestamp, retry_of: Option<RunId>) -> RunRow {
        RunRow {
            id: RunId::new(&*self.clock, &*self.rng),
            source,
            cause,
            state: RunState::Queued { cause, due_at },
            created_at: self.now(),
            started_at: None,
            ended_at: None,
            outcome: None,
            counts: Counts::default(),
            detail: None,
            retry_of,
        }
    }

    /// Ends a run that no thread carries out yet.
    pub(crate) fn end_unstarted(&self, run: &RunRow, by: CancelledBy) -> Result<(), Problem> {
        let event = RunEvent::End { outcome: Outcome::Cancelled { by }, counts: Counts::default() };
        self.data.transition(run.id, event, None).map_err(from_store)?;
        self.let_go(run.id);
        self.tell(Event::Run { run: run.id, source: run.source });
        Ok(())
    }

    /// Starts the thread of a queued run.
    pub(crate) fn start(self: &Arc<Self>, run: RunRow) {
        let (sender, mailbox) = mpsc::channel();
        self.register(run.id, sender.clone());
        let inner = Arc::clone(self);
        let name = format!("run {}", run.id);
        self.spawn(&name, move || work::carry_out(&inner, run, sender, &mailbox));
    }
}
