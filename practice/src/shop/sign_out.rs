//! Signing out, which asks first.

use std::collections::HashMap;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::Page;
use crate::account::Site;
use crate::reply;
use crate::sign_in::Notice;
use crate::visitor::{SESSION, Visitor};
use crate::weather::refused;
use crate::world::Shared;

#[derive(Template)]
#[template(path = "shop/sign_out.html")]
struct SignOut {
    page: Page,
}

pub(super) async fn ask(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    if world.signed_in(Site::Shop, &visitor.session).is_none() {
        return reply::see("/sign-in");
    }
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Sign out", "Abmelden"));
    reply::page(StatusCode::OK, &SignOut { page })
}

pub(super) async fn sign_out(
    State(world): State<Shared>,
    visitor: Visitor,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    let mut world = world.lock();
    if !visitor.sent(&world, fields.get("csrf")) {
        return refused(StatusCode::FORBIDDEN);
    }
    world.sign_out(Site::Shop, &visitor.session);
    let session = world.open_session(Site::Shop);
    world.begin_sign_in(&session, Some("/orders".to_owned()), false);
    if let Some(attempt) = world.sessions.get_mut(&session).and_then(|session| session.attempt.as_mut()) {
        attempt.notice = Some(Notice::SignedOut);
    }
    reply::with_cookie(reply::see("/sign-in"), Site::Shop, SESSION, &session)
}
