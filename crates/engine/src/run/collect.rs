//! The run's conversation with its connector, from START to its exit.

use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::time::Instant;

use freehold_core::interaction::InteractionKind;
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::CancelledBy;
use freehold_protocol::manifest::IdentitySource;
use freehold_protocol::message::{DoneError, InteractionKind as Asked};
use freehold_protocol::recovery::{self, Cause};
use freehold_protocol::session::{Ending, Exit, Outcome};
use jiff::SignedDuration;
use serde_json::json;

use super::Mail;
use super::attempt;
use super::gate::identity_in;
use super::output::Item;
use super::verdict::{Step, Verdict};
use super::work::{TELL_EVERY, Work};
use crate::problem::from_store;
use crate::server::lock;
use crate::view::ProgressView;

const BATCH_RECORDS: usize = 4_000;
const BATCH_BYTES: usize = 2 << 20;
/// How far the end has come.
#[derive(Default)]
struct End {
    output: bool,
    exit: Option<Exit>,
    /// When the connector has to be gone, once it said DONE or closed its output.
    by: Option<Instant>,
}

impl Work<'_> {
    /// Reacts to everything until the connector is gone, and says how the run ends.
    pub(super) fn collect(&mut self) -> Step<Verdict> {
        let limits = self.inner.config.run_limits;
        let whole = Instant::now() + limits.whole;
        let mut silent = Instant::now() + limits.silence;
        let mut end = End::default();
        while !(end.output && end.exit.is_some()) {
            let mail = match self.aside.pop_front().map_or_else(|| self.mailbox.try_recv(), Ok) {
                Ok(mail) => mail,
                Err(TryRecvError::Disconnected) => return Verdict::cancelled(CancelledBy::Shutdown).stop(),
                Err(TryRecvError::Empty) => {
                    self.flush()?;
                    let deadline = match (&self.waiting, end.by) {
                        (Some(waiting), _) => waiting.until,
                        (None, Some(by)) => by,
                        (None, None) => silent.min(whole),
                    };
                    let tell = self.untold.then(|| self.told + TELL_EVERY).filter(|tell| *tell < deadline);
                    match self.mailbox.recv_timeout(tell.unwrap_or(deadline).saturating_duration_since(Instant::now())) {
                        Ok(mail) => mail,
                        Err(RecvTimeoutError::Timeout) if tell.is_some() => {
                            self.tell_now();
                            continue;
                        }
                        Err(RecvTimeoutError::Timeout) if self.waiting.is_some() => {
                            self.lapse()?;
                            silent = Instant::now() + limits.silence;
                            continue;
                        }
                        Err(RecvTimeoutError::Timeout) if end.by.is_some() => {
                            self.launched.kill();
                            end.by = None;
                            continue;
                        }
                        Err(_) => return self.timed_out(whole <= Instant::now()),
                    }
                }
            };
            match mail {
                Mail::Output(items) => {
                    silent = Instant::now() + limits.silence;
                    for item in items {
                        if matches!(item, Item::Done) {
                            // Everything it sent is durable before its input ends.
                            self.flush()?;
                            self.launched.close_input();
                            end.by = Some(Instant::now() + limits.exit);
                        } else {
                            self.item(item)?;
                        }
                    }
                    self.launched.permits.return_one();
                }
                Mail::OutputEnded => {
                    end.output = true;
                    end.by = Some(Instant::now() + limits.exit);
                    self.launched.close_input();
                    if !lock(&self.launched.session).is_done() {
                        // It died, or broke the contract: nothing it could still do counts.
                        self.launched.kill();
                    }
                }
                Mail::Exited(exit) => {
                    end.exit = Some(exit);
                    // What it left running would keep its output open.
                    self.launched.kill();
                }
                Mail::Answer(interaction, answer) => {
                    self.answered(interaction, answer)?;
                    silent = Instant::now() + limits.silence;
                }
                Mail::Cancel(by) => {
                    lock(&self.launched.session).cancel();
                    self.withdraw()?;
                    return Verdict::cancelled(by).stop();
                }
                Mail::VaultUnlocked | Mail::BrowserFree => {}
            }
        }
        self.flush()?;
        self.withdraw()?;
        let exit = end.exit.unwrap_or(Exit::Awaited);
        let ending = lock(&self.launched.session).ending(exit);
        self.judge(ending)
    }

    fn item(&mut self, item: Item) -> Step<()> {
        match item {
            Item::Record(record) => {
                if self.attempt.is_some() {
                    self.accepted()?;
                }
                if !self.gate.is_open()
                    && let Some(identity) = identity_in(self.identity_rule(), &record)
                {
                    self.flush()?;
                    self.seen(identity)?;
                }
                self.batch_bytes += record.key.len() + record.data.len() + 128;
                self.batch.push(record);
                if self.batch.len() >= BATCH_RECORDS || self.batch_bytes >= BATCH_BYTES {
                    self.flush()?;
                }
            }
            Item::Rejected(rejected) => self.rejected.push(rejected),
            Item::Identity(identity) => {
                self.accepted()?;
                self.flush()?;
                // Where the manifest reads the account elsewhere, the connector's word on it does not count.
                if self.identity_rule().is_some_and(|rule| rule.source == IdentitySource::Message) {
                    self.seen(identity.into())?;
                }
            }
            Item::Interaction(interaction) => {
                self.flush()?;
                match interaction.kind {
                    Asked::Credentials => self.deliver(&interaction)?,
                    Asked::Otp => self.ask(interaction, InteractionKind::Code, OwnerReason::CodeRequired)?,
                    Asked::ManualAction if self.browser.is_some() => self.person_wanted(&interaction)?,
                    Asked::ManualAction => self.ask(interaction, InteractionKind::Challenge, OwnerReason::Challenge)?,
                }
            }
            Item::CredentialUpdate(update) => self.update_credential(update)?,
            Item::Reply(line) => self.launched.send(line.into()),
            Item::Progress(progress) => {
                self.progress =
                    Some(ProgressView { message: progress.message, count: progress.count, total: progress.total });
                self.tell_soon();
            }
            Item::Skipped(skip) => self.note("skip_result", json!(skip))?,
            Item::Note(kind, note) => self.note(kind, note)?,
            Item::Done => {}
        }
        Ok(())
    }

    pub(super) fn note(&self, kind: &str, note: serde_json::Value) -> Step<()> {
        Ok(self.inner.data.note(self.run.id, kind, note).map_err(from_store)?)
    }

    fn timed_out(&mut self, whole: bool) -> Step<Verdict> {
        let detail = if whole {
            "The run took longer than a run may, and was stopped."
        } else {
            "The connector said nothing for too long, and was stopped."
        };
        Verdict::failed(FailureReason::ConnectorFailed, detail).stop()
    }

    /// What the conversation came to.
    fn judge(&mut self, ending: Ending) -> Step<Verdict> {
        let states: Vec<_> = ending
            .commit
            .iter()
            .filter_map(|(stream, cursor)| Some((stream.clone(), serde_json::from_str(cursor.get()).ok()?)))
            .collect();
        match ending.outcome {
            Outcome::Succeeded => {
                if !self.gate.is_open() {
                    return self.unreadable();
                }
                self.identify_again()?;
                self.accepted()?;
                Ok(Verdict::succeeded(states))
            }
            Outcome::Failed { error, failed_streams } => {
                let mut verdict = self.failure(error);
                if !failed_streams.is_empty() && self.gate.is_open() {
                    verdict.states = states;
                }
                Ok(verdict)
            }
            Outcome::Died(exit) => {
                let open = self.attempt.as_ref().is_some_and(attempt::Attempt::is_open);
                let detail = format!("The connector {exit} before it was done.");
                Ok(if open {
                    Verdict::needs_owner(OwnerReason::AttemptUnknown, detail)
                } else {
                    Verdict::failed(FailureReason::ConnectorFailed, detail)
                })
            }
            Outcome::Cancelled => Ok(Verdict::cancelled(CancelledBy::Connector)),
            Outcome::Violated(violation) => Ok(Verdict::failed(
                FailureReason::ConnectorViolation,
                format!("The connector broke its contract: {violation}."),
            )),
        }
    }

    /// What the connector's own failure means. Its hint decides; its words are only shown.
    fn failure(&self, error: Option<DoneError>) -> Verdict {
        let error = error.unwrap_or_else(|| DoneError {
            code: None,
            message: "The connector failed and did not say why.".to_owned(),
            recovery_hint: None,
            retryable: false,
            retry_after_seconds: None,
        });
        let detail = self.launched.redactor.redact(&error.message);
        let retry_at = error.retry_after_seconds.map(|seconds| {
            const LONGEST: u64 = 30 * 86_400;
            self.inner.now() + SignedDuration::from_secs(seconds.min(LONGEST) as i64)
        });
        match recovery::cause(error.recovery_hint, error.retryable, self.browser.is_some()) {
            Cause::Owner(OwnerReason::CredentialRejected) if self.attempt.is_none() => Verdict::failed(
                FailureReason::ConnectorFailed,
                format!("The connector says that sign-in details were refused, and was given none. {detail}"),
            ),
            Cause::Owner(reason) => {
                let session_ended = self.browser.is_some() && reason == OwnerReason::SignInRequired;
                Verdict { session_ended, ..Verdict::needs_owner(reason, detail) }
            }
            Cause::Failure(FailureReason::ProviderDown { .. }) if retry_at.is_some() => {
                Verdict::failed(FailureReason::RateLimited { retry_at }, detail)
            }
            Cause::Failure(FailureReason::ConnectorFailed) if self.unanswered.is_some() => {
                let reason = self.unanswered.clone().unwrap_or(OwnerReason::CodeRequired);
                Verdict::needs_owner(reason, detail)
            }
            Cause::Failure(reason) => Verdict::failed(reason, detail),
        }
    }

    /// Stops a connector that is still there: asked first if there is time to, then with everything it started.
    pub(super) fn stop_connector(&mut self, politely: bool) {
        if politely {
            self.launched.terminate();
            let until = Instant::now() + self.inner.config.run_limits.exit;
            while let Ok(mail) = self.mailbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                match mail {
                    Mail::Exited(_) => break,
                    Mail::Output(_) => self.launched.permits.return_one(),
                    _ => {}
                }
            }
        }
        self.launched.kill();
    }
}
