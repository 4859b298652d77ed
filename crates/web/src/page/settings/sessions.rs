//! Sessions: the browsers that are signed in.

use askama::Template;
use freehold_core::id::SessionId;
use freehold_engine::view::SessionView;

use super::{Filter, Section};
use crate::admit::Visitor;
use crate::api::{Asked, Named};
use crate::done::Done;
use crate::page::text::When;
use crate::page::{Frame, Page, go_to_saying, show};

#[derive(Template)]
#[template(path = "settings/sessions.html")]
pub(in crate::page) struct SessionsPage {
    frame: Frame,
    text: String,
    total: usize,
    sessions: Vec<SessionRow>,
    has_others: bool,
}

struct SessionRow {
    id: SessionId,
    browser: String,
    /// The same in its own words.
    user_agent: String,
    /// Where it was begun from.
    address: Option<String>,
    began: When,
    last_seen: When,
    is_this: bool,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let sessions = visitor.ask(|engine, caller| engine.sessions(caller)).await?;
    let mut page = page(sessions, visitor.session.as_ref().map(|session| session.id), filter);
    page.frame.tell(&visitor);
    Ok(show(&page))
}

pub(crate) async fn sign_out(visitor: Visitor, Named(id): Named<SessionId>) -> Page {
    visitor.ask(move |engine, caller| engine.sign_out_session(caller, id)).await?;
    go_to_saying(Done::BrowserSignedOut, Section::Sessions.path())
}

pub(crate) async fn sign_out_others(visitor: Visitor) -> Page {
    visitor.ask(|engine, caller| engine.sign_out_others(caller)).await?;
    go_to_saying(Done::OthersSignedOut, Section::Sessions.path())
}

/// `this` is the session that asks.
pub(in crate::page) fn page(sessions: Vec<SessionView>, this: Option<SessionId>, filter: Filter) -> SessionsPage {
    let fits = |session: &SessionView| filter.fits(&[&session.browser, &session.user_agent]);
    let row = |session: SessionView| SessionRow {
        is_this: Some(session.id) == this,
        id: session.id,
        browser: session.browser,
        user_agent: session.user_agent,
        address: session.address,
        began: When(session.created_at),
        last_seen: When(session.last_seen_at),
    };
    SessionsPage {
        frame: Frame::of_settings(Section::Sessions),
        has_others: sessions.iter().any(|session| Some(session.id) != this),
        total: sessions.len(),
        sessions: sessions.into_iter().filter(fits).map(row).collect(),
        text: filter.text,
    }
}
