//! The control page: every mood by a switch, and the same for programs.

use std::collections::HashMap;

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Page;
use crate::account::{SecondFactor, Site};
use crate::mood::Moods;
use crate::order::Market;
use crate::reply;
use crate::visitor::Visitor;
use crate::world::{NoSuchAccount, Shared};

#[derive(Template)]
#[template(path = "shop/moods.html")]
struct MoodsPage {
    page: Page,
    moods: Map<String, Value>,
    switches: &'static [Switch],
    people: Vec<Person>,
}

impl MoodsPage {
    /// A mood as a form has it; empty if it has no value.
    fn word(&self, name: &str) -> String {
        match self.moods.get(name) {
            Some(Value::String(word)) => word.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }
    }

    fn is(&self, name: &str, word: &str) -> bool {
        self.word(name) == word
    }
}

struct Person {
    site: Site,
    name: &'static str,
    display: &'static str,
    password: String,
    second_factor: SecondFactor,
    passwords: u64,
    codes: u64,
    signed_in: u64,
}

/// A mood on the page.
struct Switch {
    name: &'static str,
    title: &'static str,
    says: &'static str,
    kind: Kind,
}

enum Kind {
    YesNo,
    Number,
    /// One of these.
    Choice(&'static [&'static str]),
}

const AREAS: Kind = Kind::Choice(&["nowhere", "sign_in", "account", "orders", "everywhere"]);
const PEOPLE: Kind = Kind::Choice(&["", "maria", "jonas", "ada", "noor"]);

const fn switch(name: &'static str, title: &'static str, says: &'static str, kind: Kind) -> Switch {
    Switch { name, title, says, kind }
}

const SWITCHES: &[Switch] = &[
    switch("delay_ms", "Slow", "Milliseconds every answer waits.", Kind::Number),
    switch("errors", "Errors", "Where every answer is a 500.", AREAS),
    switch("submit_errors", "Errors on submitting", "A password or code is answered with a 500.", Kind::YesNo),
    switch(
        "rate_limited",
        "Rate limited",
        "Where a request is one too many (429); when signing in, a password or code.",
        AREAS,
    ),
    switch("changed_layout", "Changed layout", "Where ids, classes and data attributes have other names.", AREAS),
    switch(
        "captcha",
        "Captcha",
        "Letters to type from a picture.",
        Kind::Choice(&["never", "before_password", "after_password"]),
    ),
    switch("code", "Codes", "What becomes of a code.", Kind::Choice(&["normal", "always_wrong", "always_expired"])),
    switch("approval", "Approval on a phone", "Signing in waits for a yes under Phone.", Kind::YesNo),
    switch("password_expired", "Password expired", "A right password has to be replaced.", Kind::YesNo),
    switch("locked_out", "Locked out", "The account is locked for half an hour.", Kind::YesNo),
    switch("wrong_account", "Wrong account", "Whoever signs in is this person.", PEOPLE),
    switch("endless_redirect", "Endless redirect", "Orders and account redirect for ever.", Kind::YesNo),
    switch("popup", "Pop-up", "Signing in opens a window.", Kind::YesNo),
    switch("file_dialog", "File dialog", "A picture has to be uploaded.", Kind::YesNo),
    switch("vague_refusal", "Vague refusal", "E-mail or password wrong: it does not say which.", Kind::YesNo),
    switch("session_not_kept", "Session not kept", "Signed out right after success.", Kind::YesNo),
    switch("look_alike", "Look-alike", "The sign-in is at another origin.", Kind::YesNo),
    switch("session_seconds", "Session length", "Seconds a session lasts; 0 is for ever.", Kind::Number),
];

pub(super) async fn page(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Moods", "Launen"));
    let people = world.accounts.iter().map(|account| {
        let counts = world.counts.of(account.site, account.name);
        Person {
            site: account.site,
            name: account.name,
            display: account.display,
            password: account.password.clone(),
            second_factor: account.second_factor,
            passwords: counts.passwords,
            codes: counts.codes,
            signed_in: counts.signed_in,
        }
    });
    let people = people.collect();
    let moods = as_map(&world.moods);
    reply::page(StatusCode::OK, &MoodsPage { page, moods, switches: SWITCHES, people })
}

/// Changes the moods that are named and leaves the others. JSON is answered with all of them, a form with the page.
pub(super) async fn change(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let is_json = is_json(&headers);
    let mut world = world.lock();
    let mut moods = as_map(&world.moods);
    let changes = if is_json { json_changes(&body) } else { form_changes(&moods, &body) };
    let changed = changes.and_then(|changes| {
        moods.extend(changes);
        serde_json::from_value::<Moods>(Value::Object(moods)).map_err(|error| error.to_string())
    });
    match changed {
        Ok(changed) => {
            world.moods = changed;
            if is_json { Json(&world.moods).into_response() } else { reply::see("/moods") }
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error).into_response(),
    }
}

pub(super) async fn counts(State(world): State<Shared>) -> Response {
    Json(&world.lock().counts).into_response()
}

/// The letters in the pictures of the sign-ins under way, for programs that play a person and cannot see.
pub(super) async fn letters(State(world): State<Shared>) -> Response {
    let world = world.lock();
    let attempts = world.sessions.values().filter_map(|session| session.attempt.as_ref());
    Json(attempts.map(|attempt| attempt.captcha.clone()).collect::<Vec<_>>()).into_response()
}

pub(super) async fn expire_sessions(State(world): State<Shared>) -> Response {
    world.lock().expire_sessions();
    reply::see("/moods")
}

pub(super) async fn reset(State(world): State<Shared>) -> Response {
    world.lock().reset();
    reply::see("/moods")
}

/// What an account's routes take, as a form or as JSON. Without a site, the practice shop's account is meant.
#[derive(Deserialize)]
struct Change {
    site: Option<Site>,
    password: Option<String>,
    second_factor: Option<SecondFactor>,
    market: Option<Market>,
}

pub(super) async fn password(
    State(world): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    changed(&headers, &body, |change| {
        let password = change.password.filter(|password| !password.is_empty()).ok_or("a password is missing")?;
        let mut world = world.lock();
        let account = world.account_mut(change.site.unwrap_or(Site::Shop), &name).map_err(unknown)?;
        account.password = password;
        Ok(Value::Null)
    })
}

pub(super) async fn second_factor(
    State(world): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    changed(&headers, &body, |change| {
        let second_factor = change.second_factor.ok_or("a second factor is missing")?;
        let mut world = world.lock();
        let account = world.account_mut(change.site.unwrap_or(Site::Shop), &name).map_err(unknown)?;
        account.second_factor = second_factor;
        Ok(Value::Null)
    })
}

/// Places an order of today.
pub(super) async fn place_order(
    State(world): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    changed(&headers, &body, |change| {
        let market = change.market.unwrap_or(if change.site == Some(Site::Amazon) { Market::Com } else { Market::Shop });
        world.lock().place_order(market, &name).map(Value::String).map_err(unknown)
    })
}

fn changed(headers: &HeaderMap, body: &[u8], change: impl FnOnce(Change) -> Result<Value, String>) -> Response {
    let is_json = is_json(headers);
    let fields = if is_json {
        json_changes(body)
    } else {
        Ok(form(body).into_iter().map(|(key, value)| (key, value.into())).collect())
    };
    let wanted = fields.and_then(|fields| serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string()));
    match wanted.and_then(change) {
        Ok(answer) if is_json => Json(answer).into_response(),
        Ok(_) => reply::see("/moods"),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error).into_response(),
    }
}

fn unknown(error: NoSuchAccount) -> String {
    error.to_string()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

fn as_map(moods: &Moods) -> Map<String, Value> {
    match serde_json::to_value(moods) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn json_changes(body: &[u8]) -> Result<Map<String, Value>, String> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// A form's words as values of the kinds the moods have now.
fn form_changes(now: &Map<String, Value>, body: &[u8]) -> Result<Map<String, Value>, String> {
    let typed = |(name, word): (String, String)| {
        let value = match now.get(&name) {
            Some(Value::Bool(_)) => Value::Bool(matches!(word.as_str(), "true" | "on" | "1" | "yes")),
            Some(Value::Number(_)) => {
                Value::from(word.trim().parse::<u32>().map_err(|_| format!("{name}: {word:?} is no number"))?)
            }
            _ if word.is_empty() => Value::Null,
            _ => Value::String(word),
        };
        Ok((name, value))
    };
    form(body).into_iter().map(typed).collect()
}

/// The fields of a form; of several with one name, the last.
fn form(body: &[u8]) -> HashMap<String, String> {
    let body = String::from_utf8_lossy(body);
    let uri = format!("http://form/?{body}").parse::<axum::http::Uri>().ok();
    let query = uri.and_then(|uri| axum::extract::Query::<HashMap<String, String>>::try_from_uri(&uri).ok());
    query.map(|query| query.0).unwrap_or_default()
}
