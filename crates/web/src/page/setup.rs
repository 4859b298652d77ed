//! The durable state of a source's setup: one address, the same after a reload, a restart, and on another device.

use askama::Template;
use freehold_core::identity::IdentityState;
use freehold_core::run::{Outcome, Resume, RunState};
use freehold_core::status::Status;
use freehold_core::{CredentialMode, CredentialState, SourceId};
use freehold_engine::view::{InteractionView, RunView, SourceView};

use super::interaction::Following;
use super::text::{count, counted};
use super::{Frame, Page, Under, show, url};
use crate::admit::Visitor;
use crate::api::{Asked, Named};
use crate::status::{Button, Sign, button, collect, sign};

#[derive(Template)]
#[template(path = "setup.html")]
pub(super) struct SetupPage {
    pub(super) frame: Frame,
    source: SourceView,
    heading: String,
    sign: Sign,
    steps: Vec<Step>,
    headline: String,
    detail: Option<String>,
    button: Option<Button>,
    /// How far the connector says it is, of how many.
    progress: Option<(u64, u64)>,
    is_done: bool,
    /// Whether it goes on by itself now.
    is_under_way: bool,
    /// Address, name and count of each stream.
    streams: Vec<(String, String, String)>,
}

/// One step, and how far it is.
struct Step {
    label: String,
    state: StepState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StepState {
    Done,
    Now,
    Stuck,
    Later,
}

impl StepState {
    fn word(self) -> &'static str {
        match self {
            StepState::Done => "done",
            StepState::Now => "now",
            StepState::Stuck => "stopped",
            StepState::Later => "later",
        }
    }
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<SourceId>, Asked(following): Asked<Following>) -> Page {
    let (source, run, interaction) = visitor
        .ask(move |engine, caller| {
            let source = engine.source(caller, id)?;
            let run = source.current_run.or(source.last_run).map(|run| engine.run(caller, run)).transpose()?;
            let interaction = source.interaction.map(|id| engine.interaction(caller, id)).transpose()?;
            Ok((source, run, interaction))
        })
        .await?;
    if let Some(turn) = following.instead(source.interaction) {
        return turn;
    }
    Ok(show(&page(source, run.as_ref(), interaction.as_ref())))
}

pub(super) fn page(source: SourceView, run: Option<&RunView>, interaction: Option<&InteractionView>) -> SetupPage {
    let outcome = run.and_then(|run| run.outcome.as_ref());
    let collected = source.last_success_at.is_some();
    let stopped = matches!(source.status, Status::NeedsOwner { .. } | Status::Broken { .. } | Status::Waiting { .. });
    let is_done = collected && !stopped && source.current_run.is_none();
    let working = source.current_run.is_some() && interaction.is_none();
    let stuck = !is_done && !working;
    let mut steps = Vec::new();
    let step = |label: String, done: bool, reached: bool| Step {
        label,
        state: match (done, reached, stuck) {
            (true, _, _) => StepState::Done,
            (false, true, true) => StepState::Stuck,
            (false, true, false) => StepState::Now,
            (false, false, _) => StepState::Later,
        },
    };
    // In a browser, details that were accepted are not yet a session: a code may be wanted still.
    let on_the_way = run.is_some_and(|run| is_signing_in(&run.run_state));
    let known = matches!(source.identity, IdentityState::Confirmed { .. } | IdentityState::AcceptedUnverified) || is_done;
    let accepted = source.credentials.iter().any(|credential| matches!(credential.state, CredentialState::Verified { .. }));
    let signed_in = !on_the_way && (known || accepted || matches!(source.identity, IdentityState::Proposed { .. }));
    if source.mode == CredentialMode::StoredCredential {
        let saved = source.credentials.first().is_some_and(|main| main.state != CredentialState::None);
        steps.push(step("Sign-in details saved".to_owned(), saved, !saved));
        steps.push(step("Signing in".to_owned(), signed_in, saved));
    } else {
        steps.push(step("Signing in, in the secure browser".to_owned(), signed_in, true));
    }
    let account = match &source.identity {
        IdentityState::Confirmed { identity } | IdentityState::Proposed { identity } => {
            format!("Account: {}", identity.display)
        }
        IdentityState::AcceptedUnverified => "Account not verified, as you accepted".to_owned(),
        IdentityState::Unconfirmed => "Which account".to_owned(),
    };
    steps.push(step(account, known && !on_the_way, signed_in));
    let counts = run.map(|run| run.counts).unwrap_or_default();
    let collecting = match run {
        Some(run) if is_collecting(&run.run_state) && counts.emitted > 0 => {
            format!("Collecting: {} so far", count(counts.emitted))
        }
        _ => "Collecting".to_owned(),
    };
    steps.push(step(collecting, is_done, known && !on_the_way));
    let held: u64 = source.streams.iter().map(|stream| stream.count).sum();
    let (headline, detail) = match (&source.status, outcome) {
        _ if is_done && held > 0 => (format!("Done. {} kept.", counted(held, "record is", "records are")), None),
        _ if is_done => ("Done. There was nothing to collect.".to_owned(), None),
        (Status::Paused, _) => (source.sentence.clone(), None),
        (
            _,
            Some(Outcome::NeedsOwner { .. } | Outcome::Failed { .. } | Outcome::Interrupted | Outcome::Cancelled { .. }),
        ) if !working => (source.sentence.clone(), run.and_then(|run| run.detail.clone())),
        _ => {
            let told =
                run.and_then(|run| run.progress.as_ref()).filter(|_| working).map(|progress| progress.message.clone());
            (run.filter(|_| working).map_or_else(|| source.sentence.clone(), |run| run.sentence.clone()), told)
        }
    };
    let detail = detail.filter(|detail| *detail != headline);
    // "Continue setup" leads to this very page.
    let next = button(&source).filter(|button| !button.url.ends_with("/setup"));
    // After a first run that was called off, setup goes on by another.
    let is_called_off = next.is_none() && source.status == Status::SettingUp && source.current_run.is_none();
    let button = next.or_else(|| is_called_off.then(|| collect(&source)));
    let progress = run.filter(|_| working).and_then(|run| run.progress.as_ref()).and_then(|p| Some((p.count?, p.total?)));
    SetupPage {
        frame: Frame::new(format!("Setting up {}", source.name), Under::Home),
        heading: match (is_done, collected) {
            (true, _) => format!("{} is set up", source.name),
            (false, true) => format!("Connecting {} again", source.name),
            (false, false) => format!("Setting up {}", source.name),
        },
        sign: sign(&source.status),
        steps,
        headline,
        detail,
        button,
        progress,
        is_done,
        is_under_way: working,
        streams: source.streams.iter().map(|s| (url::stream(source.id, &s.name), s.label.clone(), count(s.count))).collect(),
        source,
    }
}

fn is_signing_in(state: &RunState) -> bool {
    match state {
        RunState::OpeningProfile | RunState::Looking | RunState::SigningIn { .. } | RunState::WaitingForBrowser { .. } => {
            true
        }
        RunState::WaitingForOwner { resume, .. } => matches!(resume, Resume::Looking | Resume::SigningIn),
        _ => false,
    }
}

fn is_collecting(state: &RunState) -> bool {
    matches!(state, RunState::Collecting { .. } | RunState::Committing)
}
