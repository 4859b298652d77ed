//! Your turn: a question to the owner, who asks it and why, and the answer.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::{InteractionId, Problem};
use freehold_engine::Answer;
use freehold_engine::view::InteractionView;

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
    submit: String,
    since: When,
    deadline: Option<When>,
    /// The words of the two plain answers, where they are what is asked for.
    yes_no: Option<(&'static str, &'static str)>,
    is_open: bool,
    /// Where the live view's script is, if the secure browser is shown here.
    live: Option<String>,
    closed: &'static str,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

const ANSWER: &str = "answer.";

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<InteractionId>) -> Page {
    let asked = visitor.ask(move |engine, caller| engine.interaction(caller, id)).await?;
    Ok(show(&page(asked, &Start::Defaults, !visitor.is_reauthenticated(), None)))
}

pub(super) fn page(
    asked: InteractionView,
    start: &Start<'_>,
    asks_passphrase: bool,
    problem: Option<Problem>,
) -> InteractionPage {
    let fields = asked.form.as_ref().map_or_else(Vec::new, |form| form::fields(form, ANSWER, start, problem.as_ref()));
    let is_open = asked.interaction_state == InteractionState::Open;
    let yes_no = if fields.is_empty() { plain_answers(asked.kind) } else { None };
    InteractionPage {
        frame: Frame::new(format!("Your turn: {}", asked.source_name), Under::Home),
        heading: heading(asked.kind),
        submit: asked.form.as_ref().and_then(|form| form.submit_label.clone()).unwrap_or_else(|| "Send".to_owned()),
        since: When(asked.asked_at),
        deadline: asked.deadline.map(When),
        yes_no,
        is_open,
        live: (is_open && (asked.secure_browser || asked.kind == InteractionKind::SignIn)).then(asset::live_script),
        closed: closed(asked.interaction_state),
        // What changes secrets or hosts asks for it; a code or an approval does not.
        asks_passphrase: asks_passphrase
            && matches!(asked.kind, InteractionKind::Credentials | InteractionKind::Identity | InteractionKind::WiderHosts),
        fields,
        asked,
        problem,
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

fn plain_answers(kind: InteractionKind) -> Option<(&'static str, &'static str)> {
    match kind {
        InteractionKind::Identity => Some(("Yes, this is my account", "No, it is not")),
        InteractionKind::Challenge | InteractionKind::Approval => Some(("I have done it", "I do not want to")),
        InteractionKind::WiderHosts => Some(("Allow it", "Do not allow it")),
        InteractionKind::SignIn => Some(("I have signed in", "I do not want to")),
        InteractionKind::Code | InteractionKind::Credentials => None,
    }
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
    let asked = visitor.ask(move |engine, caller| engine.interaction(caller, id)).await?;
    let reply = match (body.text("say"), &asked.form) {
        (Some("yes"), _) => Answer::Yes,
        (Some("no"), _) => Answer::No,
        (_, Some(form)) => Answer::Fields(form::secrets(form, ANSWER, &mut body)),
        (_, None) => return go_to(&format!("/interactions/{id}")),
    };
    let source = asked.source;
    let answered = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.answer(caller, id, reply)).await,
        Err(refused) => Err(refused),
    };
    match answered {
        Ok(_) => go_to(&format!("/sources/{source}/setup")),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let asked = visitor.ask(move |engine, caller| engine.interaction(caller, id)).await?;
            let page = page(asked, &Start::Typed(&body), !visitor.is_reauthenticated(), Some(problem));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}
