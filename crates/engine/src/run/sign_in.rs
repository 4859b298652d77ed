//! A browser run until its account is known: the profile is opened, somebody signs in, and which account it is gets read (R4, R8).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use freehold_browser::{Need, Sight, SignInMachine, Turn};
use freehold_core::attempt::AttemptState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{CancelledBy, Outcome, RunEvent};
use freehold_core::{CredentialMode, InteractionId};
use freehold_store::{InteractionRow, RunRow, SourceRow};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Mail;
use super::browser::{RunBrowser, failed};
use super::prepare::wait_for_unlock;
use super::secrets::VaultSecrets;
use super::verdict::{Step, Verdict};
use crate::catalog::Connector;
use crate::interaction::Answer;
use crate::problem::from_store;
use crate::server::Inner;
use crate::wipe::keeps_nothing;

/// Between two looks at what a person does in the browser.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// A run on its way in.
pub(super) struct Entrance<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) run: &'a RunRow,
    pub(super) mailbox: &'a Receiver<Mail>,
    pub(super) source: SourceRow,
    pub(super) connector: &'a Connector,
    pub(super) browser: RunBrowser,
    /// What came of a connector that is already at work, for later.
    pub(super) aside: Vec<Mail>,
}

/// What came of a question.
pub(super) enum Reply {
    /// The form's fields.
    Fields(std::collections::BTreeMap<String, freehold_core::SecretBytes>),
    Yes,
    No,
    /// Nobody answered, and nobody has to any more: the page went on by itself, or by what somebody did in it.
    Moved,
}

/// Opens the source's browser and comes back when its own account is signed in. The source's row is as it is by then.
pub(super) fn enter(
    inner: &Arc<Inner>,
    run: &RunRow,
    mailbox: &Receiver<Mail>,
    source: SourceRow,
    connector: &Connector,
) -> Step<(SourceRow, RunBrowser)> {
    if !keeps_nothing(source.mode) {
        wait_for_unlock(inner, run, mailbox)?;
    }
    let browser = RunBrowser::open(inner, run, mailbox, &source, connector)?;
    let mut entrance = Entrance { inner, run, mailbox, source, connector, browser, aside: Vec::new() };
    match entrance.sign_in().and_then(|_| entrance.identify()) {
        Ok(()) => Ok((entrance.source, entrance.browser)),
        Err(verdict) => {
            entrance.browser.close(&entrance.source);
            Err(verdict)
        }
    }
}

impl Entrance<'_> {
    /// Returns whether anything had to be done to be signed in.
    pub(super) fn sign_in(&mut self) -> Step<bool> {
        let Some(descriptor) = self.connector.resolved_sign_in(&self.source.settings) else {
            let detail = "The connector's manifest does not say how its account is signed in to.";
            return Verdict::failed(FailureReason::ConnectorFailed, detail).stop();
        };
        self.transition(RunEvent::Look)?;
        let mut machine = SignInMachine::new(descriptor, self.connector.captures(), Arc::clone(&self.inner.clock));
        let source = self.source.clone();
        let mut secrets = VaultSecrets::new(self.inner, self.run, &source);
        let ended = self.work(&mut machine, &mut secrets);
        machine.give_up(&mut secrets).map_err(failed)?;
        let state = match ended.as_ref().map_err(|verdict| &verdict.outcome) {
            Ok(()) => AttemptState::Accepted,
            Err(Outcome::Failed { reason: FailureReason::ProviderDown { .. } | FailureReason::RateLimited { .. } }) => {
                AttemptState::Unjudged
            }
            Err(_) => AttemptState::Unknown,
        };
        secrets.settle(state)?;
        if !machine.trace().is_empty() {
            let trace = serde_json::to_value(machine.trace()).unwrap_or_default();
            self.inner.data.note(self.run.id, "screens", trace).map_err(from_store)?;
        }
        ended?;
        // At once: whatever happens to this run, the session is kept.
        self.browser.seal(&self.source)?;
        // One entry is the look that found it signed in.
        Ok(machine.trace().len() > 1)
    }

    /// Works with the machine, and with the owner where it needs one, until the account is signed in.
    fn work(&mut self, machine: &mut SignInMachine, secrets: &mut VaultSecrets<'_>) -> Step<()> {
        self.browser.watch_typing(machine.is_typing());
        let (run, mailbox) = (self.run, self.mailbox);
        let stopped = std::cell::RefCell::new((None, Vec::new()));
        // No answer can come while no question is open.
        let stop = || {
            let (cancelled, aside) = &mut *stopped.borrow_mut();
            while let Ok(mail) = mailbox.try_recv() {
                match mail {
                    Mail::Cancel(by) => *cancelled = Some(by),
                    mail => aside.push(mail),
                }
            }
            cancelled.is_some()
        };
        let mut turn = machine.begin(self.browser.tabs(), secrets, &stop).map_err(failed)?;
        loop {
            tracing::debug!(run = %run.id, ?turn, "a sign-in's turn");
            self.aside.append(&mut stopped.borrow_mut().1);
            let need = match turn {
                Turn::SignedIn => return Ok(()),
                Turn::NeedsOwner(need) => need,
                Turn::Stopped => {
                    return Verdict::cancelled(stopped.borrow().0.unwrap_or(CancelledBy::Shutdown)).stop();
                }
                ended => return verdict_of(ended).stop(),
            };
            if let Need::Credentials = need {
                let detail = "The provider refused the saved sign-in details before; they are not tried again.";
                return Verdict::needs_owner(OwnerReason::CredentialRejected, detail).stop();
            }
            let patience = self.inner.config.run_limits.answer;
            let question = question(&need, self.source.mode, &self.connector.manifest.display_name, patience);
            match self.ask(&question, Some(machine))? {
                Reply::Fields(fields) => {
                    if let Some(code) = fields.into_values().next() {
                        machine.give_code(code);
                    }
                }
                Reply::Yes | Reply::Moved => {}
                Reply::No => return Verdict::needs_owner(question.reason, "You did not want to.").stop(),
            }
            turn = machine.go_on(self.browser.tabs(), secrets, &stop).map_err(failed)?;
        }
    }

    /// Asks the owner and waits: for the answer, or, while a machine can look, for the page to move on.
    pub(super) fn ask(&mut self, question: &Question, mut machine: Option<&mut SignInMachine>) -> Step<Reply> {
        let interaction = InteractionId::new(&*self.inner.clock, &*self.inner.rng);
        let now = self.inner.now();
        let row = InteractionRow {
            id: interaction,
            source: self.source.id,
            run: Some(self.run.id),
            kind: question.kind,
            state: InteractionState::Open,
            reason: question.reason.clone(),
            message: question.message.clone(),
            schema: (question.kind == InteractionKind::Code).then(code_schema),
            asked_at: now,
            deadline: SignedDuration::try_from(question.patience).ok().map(|wait| now + wait),
            answered_at: None,
            data: question.data.clone(),
        };
        self.inner.data.open_interaction(row).map_err(from_store)?;
        self.browser.show(self.source.id, self.run.id, interaction)?;
        self.transition(RunEvent::Ask { interaction })?;
        let reply = self.wait(interaction, question, &mut machine);
        if !matches!(reply, Ok(Reply::Fields(_) | Reply::Yes | Reply::No)) {
            // The owner may answer at this very moment, which changes nothing.
            let lapsed = reply.as_ref().is_err_and(|verdict| matches!(verdict.outcome, Outcome::NeedsOwner { .. }));
            let state = if lapsed { InteractionState::Expired } else { InteractionState::Withdrawn };
            let _ = self.inner.close_interaction(interaction, state);
        }
        self.browser.hide(self.run.id);
        let reply = reply?;
        self.transition(RunEvent::Answered)?;
        Ok(reply)
    }

    fn wait(
        &mut self,
        interaction: InteractionId,
        question: &Question,
        machine: &mut Option<&mut SignInMachine>,
    ) -> Step<Reply> {
        let until = Instant::now() + question.patience;
        // Only one a person answers in the browser, or on another device, ends by itself.
        let looks = matches!(
            question.kind,
            InteractionKind::SignIn | InteractionKind::Challenge | InteractionKind::Approval | InteractionKind::Code
        );
        loop {
            match self.mailbox.recv_timeout(LOOK_EVERY) {
                Ok(Mail::Answer(answered, answer)) if answered == interaction => {
                    return Ok(match answer {
                        Answer::Fields(fields) => Reply::Fields(fields),
                        Answer::Yes => Reply::Yes,
                        Answer::No => Reply::No,
                    });
                }
                Ok(Mail::Cancel(by)) => return Verdict::cancelled(by).stop(),
                Ok(mail @ (Mail::OutputEnded | Mail::Exited(_))) => {
                    self.aside.push(mail);
                    let detail = "The connector ended while it waited for somebody to sign in.";
                    return Verdict::failed(FailureReason::ConnectorFailed, detail).stop();
                }
                Ok(mail @ Mail::Output(_)) => self.aside.push(mail),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Verdict::cancelled(CancelledBy::Shutdown).stop(),
            }
            if Instant::now() >= until {
                return Verdict::needs_owner(question.reason.clone(), "Nobody answered in time.").stop();
            }
            if let Some(machine) = machine
                && looks
            {
                let moved = match machine.look(self.browser.tabs()).map_err(failed)? {
                    Sight::SignedIn => true,
                    // While a person signs in by hand, a page more is nothing to interfere with.
                    Sight::Changed => question.kind != InteractionKind::SignIn,
                    Sight::Same => false,
                };
                if moved {
                    return Ok(Reply::Moved);
                }
            }
        }
    }

    pub(super) fn transition(&self, event: RunEvent) -> Step<()> {
        self.inner.data.transition(self.run.id, event, None).map_err(from_store)?;
        self.inner.tell_run(self.run);
        Ok(())
    }
}

/// What the owner is asked, and why.
pub(super) struct Question {
    pub(super) kind: InteractionKind,
    pub(super) reason: OwnerReason,
    pub(super) message: String,
    pub(super) data: Option<Value>,
    /// How long it waits for the owner.
    pub(super) patience: Duration,
}

fn question(need: &Need, mode: CredentialMode, provider: &str, patience: Duration) -> Question {
    let asked = |kind, reason, message: String| Question { kind, reason, message, data: None, patience };
    let words = |words: &Option<String>| {
        let said = words.as_ref().map(|words| format!(" It says: “{}.”", words.trim_end_matches(['.', ' '])));
        said.unwrap_or_default()
    };
    match need {
        Need::SignIn | Need::Credentials => {
            let why = match mode {
                CredentialMode::StoredCredential => "The saved sign-in details are not enough for what it asks.",
                _ => "Nothing you type there is stored.",
            };
            let message = format!("Sign in to {provider} in the secure browser. {why}");
            asked(InteractionKind::SignIn, OwnerReason::SignInRequired, message)
        }
        Need::Code { words: said, refused } => {
            let refused = if *refused { "The code before this one was refused. " } else { "" };
            let message = format!("{refused}{provider} asks for a code.{}", words(said));
            asked(InteractionKind::Code, OwnerReason::CodeRequired, message)
        }
        Need::Challenge { kind } => {
            let message =
                format!("{provider} asks something only a person can answer ({kind}). Answer it in the secure browser.");
            asked(InteractionKind::Challenge, OwnerReason::Challenge, message)
        }
        Need::Approval { words: said } => {
            let message = format!("{provider} waits for your approval on another device.{}", words(said));
            asked(InteractionKind::Approval, OwnerReason::Approval, message)
        }
        Need::UnknownScreen => {
            let message =
                format!("{provider} shows a page the connector does not know. Go on from it in the secure browser.");
            asked(InteractionKind::SignIn, OwnerReason::UnknownScreen, message)
        }
        Need::AttemptUnknown => {
            let message = format!(
                "The last sign-in was cut off before {provider} answered, so the saved details are not sent again by themselves. \
                 Sign in, in the secure browser."
            );
            asked(InteractionKind::SignIn, OwnerReason::AttemptUnknown, message)
        }
        Need::TooOften => {
            let message = format!(
                "Freehold has signed in to {provider} as often as it may by itself without risking that the account is locked. \
                 Sign in, in the secure browser."
            );
            asked(InteractionKind::SignIn, OwnerReason::SignInRequired, message)
        }
    }
}

/// How a run ends whose sign-in ended without being in.
fn verdict_of(turn: Turn) -> Verdict {
    match turn {
        Turn::Rejected { of } if of.iter().any(|name| name == "otp" || name == "recovery_code") => {
            Verdict::needs_owner(OwnerReason::CodeRequired, "The provider refused the code.")
        }
        Turn::Rejected { .. } => {
            Verdict::needs_owner(OwnerReason::CredentialRejected, "The provider refused the saved sign-in details.")
        }
        Turn::PasswordExpired => Verdict::needs_owner(
            OwnerReason::PasswordExpired,
            "The provider wants a new password set before anyone signs in.",
        ),
        Turn::LockedOut { until } => {
            let detail = match until {
                Some(until) => format!("The provider locked the account until {until}."),
                None => "The provider locked the account.".to_owned(),
            };
            Verdict::needs_owner(OwnerReason::LockedOut { until }, detail)
        }
        Turn::RateLimited { until } => {
            Verdict::failed(FailureReason::RateLimited { retry_at: until }, "The provider asks for a pause.")
        }
        Turn::SessionNotKept => session_not_kept(),
        Turn::WrongOrigin { origin } => Verdict::needs_owner(
            OwnerReason::WrongOrigin,
            format!("A page at {origin} asked for sign-in details, which are not for that address. It got nothing."),
        ),
        Turn::ProviderDown { detail } => Verdict::failed(
            FailureReason::ProviderDown { retry_at: None },
            format!("The provider could not be reached or answered badly ({detail})."),
        ),
        Turn::SignedIn | Turn::NeedsOwner(_) | Turn::Stopped => Verdict::cancelled(CancelledBy::Shutdown),
    }
}

pub(super) fn session_not_kept() -> Verdict {
    Verdict::needs_owner(OwnerReason::SessionNotKept, "The provider signed Freehold out again straight after signing in.")
}

fn code_schema() -> Value {
    json!({ "type": "object", "properties": { "code": { "type": "string", "title": "Code" } }, "required": ["code"] })
}
