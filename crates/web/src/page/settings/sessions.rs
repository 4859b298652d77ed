//! Sessions: the browsers that are signed in.

use askama::Template;
use freehold_core::id::SessionId;
use freehold_engine::view::SessionView;

use super::Section;
use crate::admit::Visitor;
use crate::page::text::When;
use crate::page::{Frame, Page, show};

#[derive(Template)]
#[template(path = "settings/sessions.html")]
pub(in crate::page) struct SessionsPage {
    frame: Frame,
    sessions: Vec<SessionRow>,
}

struct SessionRow {
    browser: String,
    began: When,
    last_seen: When,
    is_this: bool,
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    let sessions = visitor.ask(|engine, caller| engine.sessions(caller)).await?;
    Ok(show(&page(sessions, visitor.session.as_ref().map(|session| session.id))))
}

/// `this` is the session that asks.
pub(in crate::page) fn page(sessions: Vec<SessionView>, this: Option<SessionId>) -> SessionsPage {
    let row = |session: SessionView| SessionRow {
        is_this: Some(session.id) == this,
        browser: session.user_agent,
        began: When(session.created_at),
        last_seen: When(session.last_seen_at),
    };
    SessionsPage { frame: Frame::of_settings(Section::Sessions), sessions: sessions.into_iter().map(row).collect() }
}
