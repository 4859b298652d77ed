//! The pages of signing in: the e-mail address has an address of its own, and everything after it shares another.

use std::collections::HashMap;

use askama::Template;
use axum::Form;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Page;
use crate::account::Site;
use crate::captcha;
use crate::lang::Lang;
use crate::path::{encoded, own};
use crate::reply;
use crate::sign_in::{Notice, Step, Submitted};
use crate::upload;
use crate::visitor::{LANG, Visitor};
use crate::weather::{refused, turned_away};
use crate::world::{Shared, World};

type Fields = HashMap<String, String>;

#[derive(Template)]
#[template(path = "shop/sign_in.html")]
struct SignIn {
    page: Page,
    step: Step,
    notice: Option<Message>,
    email: String,
    phone: &'static str,
    is_texted: bool,
    captcha: String,
}

#[derive(Template)]
#[template(path = "shop/window.html")]
struct Window {
    page: Page,
    /// Where the other window is to go; nothing before it has been opened.
    wanted: String,
    is_finished: bool,
}

/// A notice in words.
struct Message {
    /// What a machine may read: `wrong-password`.
    code: &'static str,
    text: &'static str,
    is_good: bool,
}

pub(super) async fn email(State(world): State<Shared>, visitor: Visitor, Query(query): Query<Fields>) -> Response {
    let mut world = world.lock();
    if let Some(elsewhere) = look_alike(&world, &visitor) {
        return reply::see(&elsewhere);
    }
    let session = visitor.session_in(&mut world, Site::Shop);
    let wanted = query.get("return").map(|path| own(path).to_owned());
    if world.signed_in(Site::Shop, &session).is_some() {
        return reply::see(&wanted.unwrap_or_else(|| "/orders".to_owned()));
    }
    let in_window = query.contains_key("window");
    let response = if world.moods.popup && !in_window && wanted.is_some() {
        let page = Page::new(&mut world, &visitor, &session, ("Sign in", "Anmelden"));
        reply::page(StatusCode::OK, &Window { page, wanted: encoded(&wanted.unwrap_or_default()), is_finished: false })
    } else {
        world.begin_sign_in(&session, wanted, in_window);
        show(&mut world, &visitor, &session, Step::Email)
    };
    let response = match visitor.chosen {
        Some(lang) => reply::with_cookie(response, Site::Shop, LANG, lang.code()),
        None => response,
    };
    reply::with_session(response, Site::Shop, &visitor, &session)
}

pub(super) async fn submit_email(State(world): State<Shared>, visitor: Visitor, Form(fields): Form<Fields>) -> Response {
    let mut world = world.lock();
    if !visitor.sent(&world, fields.get("csrf")) {
        return refused(StatusCode::FORBIDDEN);
    }
    world.submit(&visitor.session, Submitted::Email(field(&fields, "email")));
    go_on(&mut world, &visitor)
}

pub(super) async fn password(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    match world.sign_in_step(&visitor.session, visitor.browser.as_deref()) {
        None | Some(Step::Email | Step::Done) => go_on(&mut world, &visitor),
        Some(step) => show(&mut world, &visitor, &visitor.session, step),
    }
}

pub(super) async fn submit(State(world): State<Shared>, visitor: Visitor, Form(fields): Form<Fields>) -> Response {
    let mut world = world.lock();
    if !visitor.sent(&world, fields.get("csrf")) {
        return refused(StatusCode::FORBIDDEN);
    }
    let remember = fields.contains_key("remember");
    let submitted = match field(&fields, "step").as_str() {
        "captcha" => Submitted::Captcha(field(&fields, "letters")),
        "password" => Submitted::Password(field(&fields, "password")),
        "new-password" => Submitted::NewPassword(field(&fields, "new_password"), field(&fields, "new_password_again")),
        "code" => Submitted::Code { code: field(&fields, "code"), remember },
        "recovery" => Submitted::RecoveryCode { code: field(&fields, "recovery_code"), remember },
        "ask-recovery" => Submitted::AskRecovery,
        "ask-code" => Submitted::AskCode,
        "resend" => Submitted::Resend,
        _ => return refused(StatusCode::NOT_FOUND),
    };
    if let Some(away) = world.turn_away(&visitor.session, &submitted) {
        return turned_away(away, world.now());
    }
    world.submit(&visitor.session, submitted);
    go_on(&mut world, &visitor)
}

/// A picture from the visitor's disk, as a browser sends a file: the form's token is in the address, the rest is looked at for size.
pub(super) async fn submit_proof(
    State(world): State<Shared>,
    visitor: Visitor,
    Query(query): Query<Fields>,
    body: Bytes,
) -> Response {
    let mut world = world.lock();
    if !visitor.sent(&world, query.get("csrf")) {
        return refused(StatusCode::FORBIDDEN);
    }
    world.submit(&visitor.session, Submitted::Proof { bytes: upload::file_size(&body) });
    go_on(&mut world, &visitor)
}

pub(super) async fn letters(State(world): State<Shared>, visitor: Visitor) -> Response {
    let world = world.lock();
    let attempt = world.sessions.get(&visitor.session).and_then(|session| session.attempt.as_ref());
    let Some(attempt) = attempt else { return refused(StatusCode::NOT_FOUND) };
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")], captcha::picture(&attempt.captcha))
        .into_response()
}

pub(super) async fn finished(State(world): State<Shared>, visitor: Visitor, Query(query): Query<Fields>) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Signed in", "Angemeldet"));
    let wanted = own(&field(&query, "return")).to_owned();
    reply::page(StatusCode::OK, &Window { page, wanted, is_finished: true })
}

/// To where a sign-in is at.
fn go_on(world: &mut World, visitor: &Visitor) -> Response {
    match world.sign_in_step(&visitor.session, visitor.browser.as_deref()) {
        None | Some(Step::Email) => reply::see("/sign-in"),
        Some(Step::Done) => {
            let Some(finished) = world.finish_sign_in(&visitor.session) else { return reply::see("/sign-in") };
            let wanted = own(&finished.wanted).to_owned();
            let to = if finished.in_window { format!("/sign-in/finished?return={}", encoded(&wanted)) } else { wanted };
            reply::signed_in(&finished, &to)
        }
        Some(_) => reply::see("/sign-in/password"),
    }
}

fn show(world: &mut World, visitor: &Visitor, session: &str, step: Step) -> Response {
    let title = match step {
        Step::Code | Step::Recovery => ("Enter your code", "Code eingeben"),
        Step::NewPassword => ("Choose a new password", "Neues Passwort wählen"),
        Step::Approval => ("Approve on your phone", "Auf dem Handy bestätigen"),
        _ => ("Sign in", "Anmelden"),
    };
    let page = Page::new(world, visitor, session, title);
    let (mut email, mut notice, mut captcha) = (String::new(), None, String::new());
    if let Some(attempt) = world.sessions.get_mut(session).and_then(|session| session.attempt.as_mut()) {
        email = attempt.email.clone().unwrap_or_default();
        notice = attempt.notice.take().map(|notice| message(notice, page.lang));
        captcha.clone_from(&attempt.captcha);
    }
    let account = world.accounts.iter().find(|account| account.site == Site::Shop && account.email == email);
    let phone = account.map(|account| account.phone).unwrap_or_default();
    let is_texted = account.is_some_and(|account| account.second_factor.code() == "sms");
    let template = SignIn { page, step, notice, email, phone, is_texted, captcha };
    reply::page(StatusCode::OK, &template)
}

fn message(notice: Notice, lang: Lang) -> Message {
    let (code, en, de) = match notice {
        Notice::UnknownEmail => {
            ("unknown-email", "We know no account with this e-mail address.", "Zu dieser E-Mail-Adresse gibt es kein Konto.")
        }
        Notice::WrongPassword => ("wrong-password", "This password is not right.", "Dieses Passwort ist nicht richtig."),
        Notice::WrongEmailOrPassword => (
            "wrong-email-or-password",
            "The e-mail address or the password is not right.",
            "E-Mail-Adresse oder Passwort ist nicht richtig.",
        ),
        Notice::WrongCaptcha => (
            "wrong-captcha",
            "These were not the letters. Here are others.",
            "Das waren nicht die Buchstaben. Hier sind andere.",
        ),
        Notice::WrongCode => ("wrong-code", "This code is not right.", "Dieser Code ist nicht richtig."),
        Notice::ExpiredCode => ("expired-code", "This code has expired.", "Dieser Code ist abgelaufen."),
        Notice::UsedCode => (
            "used-code",
            "This code was used before. Wait for the next one.",
            "Dieser Code wurde schon benutzt. Warten Sie auf den nächsten.",
        ),
        Notice::WrongRecovery => (
            "wrong-recovery-code",
            "This recovery code is not right, or was used before.",
            "Dieser Wiederherstellungscode ist falsch oder schon benutzt.",
        ),
        Notice::PoorPassword => (
            "poor-password",
            "Type a password you have not used, of eight characters or more, twice.",
            "Geben Sie zweimal ein neues Passwort mit mindestens acht Zeichen ein.",
        ),
        Notice::NoFile => ("no-file", "There was no picture in this.", "Es war kein Bild dabei."),
        Notice::Denied => ("denied", "You said on your phone that this was not you.", "Sie haben auf dem Handy abgelehnt."),
        Notice::CodeSent => ("code-sent", "A new code is on its way.", "Ein neuer Code ist unterwegs."),
        Notice::SignedOut => ("signed-out", "You are signed out.", "Sie sind abgemeldet."),
    };
    Message { code, text: lang.pick(en, de), is_good: matches!(notice, Notice::CodeSent | Notice::SignedOut) }
}

/// The sign-in page of the other origin, when the mood is that and the visitor is not there yet.
fn look_alike(world: &World, visitor: &Visitor) -> Option<String> {
    if !world.moods.look_alike || visitor.target.contains("from=") {
        return None;
    }
    let (name, port) = visitor.host.rsplit_once(':')?;
    let other = if name == "localhost" { "127.0.0.1" } else { "localhost" };
    let separator = if visitor.target.contains('?') { '&' } else { '?' };
    Some(format!("http://{other}:{port}{}{separator}from={name}", visitor.target))
}

fn field(fields: &Fields, name: &str) -> String {
    fields.get(name).cloned().unwrap_or_default()
}
