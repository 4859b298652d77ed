//! Sessions: the browsers that are signed in.

use askama::Template;
use freehold_core::id::SessionId;
use freehold_engine::view::SessionView;

use super::Section;
use crate::admit::Visitor;
use crate::api::Named;
use crate::page::text::When;
use crate::page::{Frame, Page, go_to, show};

#[derive(Template)]
#[template(path = "settings/sessions.html")]
pub(in crate::page) struct SessionsPage {
    frame: Frame,
    sessions: Vec<SessionRow>,
    has_others: bool,
}

struct SessionRow {
    id: SessionId,
    browser: String,
    began: When,
    last_seen: When,
    is_this: bool,
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    let sessions = visitor.ask(|engine, caller| engine.sessions(caller)).await?;
    Ok(show(&page(sessions, visitor.session.as_ref().map(|session| session.id))))
}

pub(crate) async fn sign_out(visitor: Visitor, Named(id): Named<SessionId>) -> Page {
    visitor.ask(move |engine, caller| engine.sign_out_session(caller, id)).await?;
    go_to(Section::Sessions.path())
}

pub(crate) async fn sign_out_others(visitor: Visitor) -> Page {
    visitor.ask(|engine, caller| engine.sign_out_others(caller)).await?;
    go_to(Section::Sessions.path())
}

/// `this` is the session that asks.
pub(in crate::page) fn page(sessions: Vec<SessionView>, this: Option<SessionId>) -> SessionsPage {
    let row = |session: SessionView| SessionRow {
        is_this: Some(session.id) == this,
        id: session.id,
        browser: session.user_agent,
        began: When(session.created_at),
        last_seen: When(session.last_seen_at),
    };
    SessionsPage {
        frame: Frame::of_settings(Section::Sessions),
        has_others: sessions.iter().any(|session| Some(session.id) != this),
        sessions: sessions.into_iter().map(row).collect(),
    }
}
