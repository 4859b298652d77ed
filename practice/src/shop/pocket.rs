//! What a person has in their pocket: the texts on their phone, its questions, and their authenticator app.

use std::collections::HashMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::Page;
use crate::account::Site;
use crate::qr;
use crate::reply;
use crate::totp;
use crate::visitor::Visitor;
use crate::weather::refused;
use crate::world::Shared;

/// Texts shown at most.
const TEXTS: usize = 20;

#[derive(Template)]
#[template(path = "shop/texts.html")]
struct Texts {
    page: Page,
    texts: Vec<ShownText>,
}

struct ShownText {
    site: Site,
    account: &'static str,
    display: &'static str,
    phone: &'static str,
    at: Timestamp,
    code: String,
}

#[derive(Template)]
#[template(path = "shop/authenticator.html")]
struct Authenticator {
    page: Page,
    seconds_left: i64,
    keys: Vec<Key>,
}

struct Key {
    site: Site,
    name: &'static str,
    display: &'static str,
    code: String,
    seed: &'static str,
    uri: String,
    recovery: Vec<String>,
}

#[derive(Template)]
#[template(path = "shop/phone.html")]
struct Phone {
    page: Page,
    approvals: Vec<ShownApproval>,
}

struct ShownApproval {
    number: u64,
    site: Site,
    account: &'static str,
    display: &'static str,
    at: Timestamp,
}

pub(super) async fn texts(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Texts", "SMS"));
    let shown = world.texts.iter().rev().take(TEXTS).filter_map(|text| {
        let account = world.account(text.site, text.account).ok()?;
        let (display, phone) = (account.display, account.phone);
        Some(ShownText { site: text.site, account: text.account, display, phone, at: text.at, code: text.code.clone() })
    });
    let texts = shown.collect();
    reply::page(StatusCode::OK, &Texts { page, texts })
}

pub(super) async fn authenticator(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Authenticator", "Authenticator"));
    let now = world.now();
    let step = totp::step(now);
    let keys = world.accounts.iter().map(|account| Key {
        site: account.site,
        name: account.name,
        display: account.display,
        code: totp::code(account.seed, step),
        seed: account.seed,
        uri: totp::uri(account.site.title(), account.email, account.seed),
        recovery: account.recovery.iter().cloned().collect(),
    });
    let keys = keys.collect();
    let seconds_left = (step + 1) * totp::STEP_SECONDS - now.as_second();
    reply::page(StatusCode::OK, &Authenticator { page, seconds_left, keys })
}

/// The QR picture of an account's seed, as PNG: what a person would photograph or save.
pub(super) async fn picture(State(world): State<Shared>, Path((site, name)): Path<(String, String)>) -> Response {
    let world = world.lock();
    let account = Site::from_code(&site).and_then(|site| world.account(site, &name).ok());
    let uri = account.map(|account| totp::uri(account.site.title(), account.email, account.seed));
    match uri.and_then(|uri| qr::png(&uri)) {
        Some(png) => ([(header::CONTENT_TYPE, "image/png")], png).into_response(),
        None => refused(StatusCode::NOT_FOUND),
    }
}

pub(super) async fn phone(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Phone", "Handy"));
    let waiting = world.approvals.iter().rev().filter(|approval| approval.answer.is_none()).filter_map(|approval| {
        let display = world.account(approval.site, approval.account).ok()?.display;
        let (number, site, account, at) = (approval.number, approval.site, approval.account, approval.at);
        Some(ShownApproval { number, site, account, display, at })
    });
    let approvals = waiting.collect();
    reply::page(StatusCode::OK, &Phone { page, approvals })
}

pub(super) async fn tap(State(world): State<Shared>, Form(fields): Form<HashMap<String, String>>) -> Response {
    let number = fields.get("number").and_then(|number| number.parse::<u64>().ok());
    let approve = fields.get("answer").is_some_and(|answer| answer == "approve");
    let mut world = world.lock();
    match world.approvals.iter_mut().find(|approval| Some(approval.number) == number && approval.answer.is_none()) {
        Some(approval) => {
            approval.answer = Some(approve);
            reply::see("/phone")
        }
        None => refused(StatusCode::NOT_FOUND),
    }
}
