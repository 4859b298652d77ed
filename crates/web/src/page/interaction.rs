//! Your turn: a question to the owner, who asks it and why, and the answer.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::identity::IdentityState;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::{CredentialMode, Identity, InteractionId, Problem};
use freehold_engine::Answer;
use freehold_engine::view::{InteractionView, SourceView};
use serde::Deserialize;

use super::details::give_passphrase;
use super::text::When;
use super::{Frame, Page, Under, go_to, show, show_with};
use crate::admit::Visitor;
use crate::api::Named;
use crate::asset;
use crate::body::FormBody;
use crate::form::{self, FieldView, Start};
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "interaction.html")]
pub(super) struct InteractionPage {
    pub(super) frame: Frame,
    asked: InteractionView,
    heading: &'static str,
    fields: Vec<FieldView>,
    /// The accounts to compare, where that is the question.
    accounts: Vec<Account>,
    buttons: Vec<Choice>,
    /// What an answer leads to, where its button cannot say it all.
    consequence: Option<&'static str>,
    /// Whether other sign-in details would be a way out.
    takes_details: bool,
    /// Without one, other details are the only way out.
    has_browser: bool,
    since: When,
    deadline: Option<When>,
    is_open: bool,
    /// Where the live view's script is, if the secure browser is shown here.
    live: Option<String>,
    /// Whether the answer is given in the browser; elsewhere that is only there to look.
    is_in_browser: bool,
    /// Where the owner goes when it is over.
    after: String,
    closed: &'static str,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

/// An account as it is compared with another.
struct Account {
    label: &'static str,
    name: String,
    /// What it is told from others by, where that is not its name.
    key: Option<String>,
}

/// A button, and what pressing it says.
struct Choice {
    say: &'static str,
    words: String,
    is_primary: bool,
}

/// The query of a page that leads to the owner's turn by itself: the owner has set off what the question comes from, and waits.
#[derive(Default, Deserialize)]
pub(crate) struct Following {
    #[serde(default)]
    follow: bool,
}

impl Following {
    /// The page of the open question to go to instead, if there is one.
    pub(super) fn instead(&self, open: Option<InteractionId>) -> Option<Page> {
        open.filter(|_| self.follow).map(|id| go_to(&format!("/interactions/{id}")))
    }
}

const ANSWER: &str = "answer.";

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<InteractionId>) -> Page {
    let (asked, source) = of(&visitor, id).await?;
    Ok(show(&page(asked, &source, &Start::Defaults, !visitor.is_reauthenticated(), None)))
}

async fn of(visitor: &Visitor, id: InteractionId) -> Result<(InteractionView, SourceView), Refused> {
    visitor
        .ask(move |engine, caller| {
            let asked = engine.interaction(caller, id)?;
            let source = engine.source(caller, asked.source)?;
            Ok((asked, source))
        })
        .await
}

pub(super) fn page(
    asked: InteractionView,
    source: &SourceView,
    start: &Start<'_>,
    asks_passphrase: bool,
    problem: Option<Problem>,
) -> InteractionPage {
    let fields = asked.form.as_ref().map_or_else(Vec::new, |form| form::fields(form, ANSWER, start, problem.as_ref()));
    let is_open = asked.interaction_state == InteractionState::Open;
    let confirmed = match &source.identity {
        IdentityState::Confirmed { identity } if asked.kind == InteractionKind::Identity => Some(identity),
        _ => None,
    };
    // Its saved details are all that a source without a browser signs in with.
    let has_browser = source.profile.is_some() || source.mode != CredentialMode::StoredCredential;
    let (buttons, consequence) = match confirmed {
        Some(_) => mismatch_choices(has_browser),
        None => choices(&asked, source.mode),
    };
    InteractionPage {
        frame: Frame::new(format!("Your turn: {}", asked.source_name), Under::Home),
        heading: if confirmed.is_some() { "Another account is signed in" } else { heading(asked.kind) },
        accounts: accounts(&asked, confirmed),
        buttons,
        consequence,
        takes_details: confirmed.is_some() && source.mode == CredentialMode::StoredCredential,
        has_browser,
        since: When(asked.asked_at),
        deadline: asked.deadline.map(When),
        is_open,
        live: (is_open && (asked.secure_browser || asked.kind == InteractionKind::SignIn)).then(asset::live_script),
        is_in_browser: matches!(asked.kind, InteractionKind::SignIn | InteractionKind::Challenge),
        after: after(source),
        closed: closed(asked.interaction_state),
        // What changes secrets or hosts asks for it; a code or an approval does not.
        asks_passphrase: asks_passphrase
            && matches!(asked.kind, InteractionKind::Credentials | InteractionKind::Identity | InteractionKind::WiderHosts),
        fields,
        asked,
        problem,
    }
}

/// Where it goes on: at the setup, or, of a source that is set up, at its run, and to the next question if there is one.
fn after(source: &SourceView) -> String {
    let page = format!("/sources/{}", source.id);
    match (source.last_success_at, source.current_run) {
        (None, _) => format!("{page}/setup?follow=true"),
        (Some(_), Some(run)) => format!("{page}/runs/{run}?follow=true"),
        (Some(_), None) => page,
    }
}

fn heading(kind: InteractionKind) -> &'static str {
    match kind {
        InteractionKind::SignIn => "Sign in, in the secure browser",
        InteractionKind::Code => "Enter the code",
        InteractionKind::Challenge => "Something only you can do",
        InteractionKind::Approval => "Approve it on your other device",
        InteractionKind::Credentials => "Sign-in details are needed",
        InteractionKind::Identity => "Is this the right account?",
        InteractionKind::WiderHosts => "The connector asks for more than it had",
    }
}

fn accounts(asked: &InteractionView, confirmed: Option<&Identity>) -> Vec<Account> {
    let known = |label, identity: &Identity| Account {
        label,
        name: identity.display.clone(),
        key: Some(identity.key.clone()).filter(|key| *key != identity.display),
    };
    let named = |name: &String| Account { label: "You expect", name: name.clone(), key: None };
    let own = confirmed.map(|identity| known("This source belongs to", identity));
    let own = own.or_else(|| asked.expected.as_ref().map(named));
    own.into_iter().chain(asked.seen.as_ref().map(|seen| known("Signed in now", seen))).collect()
}

fn choices(asked: &InteractionView, mode: CredentialMode) -> (Vec<Choice>, Option<&'static str>) {
    let kind = asked.kind;
    let (yes, no) = match kind {
        InteractionKind::Identity => ("Yes, this is my account", "No, it is not"),
        InteractionKind::Challenge | InteractionKind::Approval => ("I have done it", "Not now"),
        InteractionKind::WiderHosts => ("Allow it", "Do not allow it"),
        InteractionKind::SignIn => ("I have signed in", "Not now"),
        // Without a word of its own, so that the form's fields are the answer.
        InteractionKind::Code => return (vec![choice("", "Send the code", true), choice("no", "Not now", false)], None),
        InteractionKind::Credentials => return (Vec::new(), None),
    };
    let consequence = match (kind, mode) {
        (InteractionKind::Identity, CredentialMode::StoredCredential) => {
            Some("If it is not, Freehold signs out and forgets the details that led to it.")
        }
        (InteractionKind::Identity, _) => Some("If it is not, Freehold signs out, and you can sign in again."),
        (InteractionKind::SignIn | InteractionKind::Challenge | InteractionKind::Approval, _) => {
            Some("As soon as it is done, this page goes on by itself.")
        }
        _ => None,
    };
    // Another account than the one the owner named is hardly the right one.
    let doubtful = kind == InteractionKind::Identity && asked.expected.is_some();
    let mut buttons = vec![choice("yes", yes, !doubtful), choice("no", no, doubtful)];
    buttons.sort_by_key(|button| !button.is_primary);
    (buttons, consequence)
}

/// A confirmed account is never relabelled, so that is not among them.
fn mismatch_choices(has_browser: bool) -> (Vec<Choice>, Option<&'static str>) {
    let leave = choice("yes", "Leave it", false);
    if has_browser {
        let consequence = "Signing in again signs that account out first. Your records stay as they are either way.";
        (vec![choice("no", "Sign in again", true), leave], Some(consequence))
    } else {
        (vec![leave], Some("Your records stay as they are either way."))
    }
}

fn choice(say: &'static str, words: &str, is_primary: bool) -> Choice {
    Choice { say, words: words.to_owned(), is_primary }
}

fn closed(state: InteractionState) -> &'static str {
    match state {
        InteractionState::Open => "",
        InteractionState::Answered => "You have answered this.",
        InteractionState::Expired => "The time for this has passed. Start the run again when you are ready.",
        InteractionState::Withdrawn => "This is no longer needed.",
    }
}

pub(crate) async fn answer(mut visitor: Visitor, Named(id): Named<InteractionId>, mut body: FormBody) -> Page {
    let (asked, _) = of(&visitor, id).await?;
    let reply = match (body.text("say"), &asked.form) {
        (Some("yes"), _) => Answer::Yes,
        (Some("no"), _) => Answer::No,
        (_, Some(form)) => Answer::Fields(form::secrets(form, ANSWER, &mut body)),
        (_, None) => return go_to(&format!("/interactions/{id}")),
    };
    let answered = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.answer(caller, id, reply)).await,
        Err(refused) => Err(refused),
    };
    let (asked, source) = of(&visitor, id).await?;
    match answered {
        Ok(_) => go_to(&after(&source)),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let page = page(asked, &source, &Start::Typed(&body), !visitor.is_reauthenticated(), Some(problem));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}
