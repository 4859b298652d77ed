//! The pages of signing in: e-mail address and password share an address, what comes after has its own.

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
use crate::path::own;
use crate::reply;
use crate::sign_in::{Notice, Step, Submitted};
use crate::upload;
use crate::visitor::Visitor;
use crate::weather::{refused, turned_away};
use crate::world::{Shared, World};

type Fields = HashMap<String, String>;

#[derive(Template)]
#[template(path = "amazon/sign_in.html")]
struct SignIn {
    page: Page,
    step: Step,
    error: Option<&'static str>,
    email: String,
    phone: &'static str,
    is_texted: bool,
}

pub(super) async fn sign_in(State(world): State<Shared>, visitor: Visitor, Query(query): Query<Fields>) -> Response {
    let mut world = world.lock();
    let session = visitor.session_in(&mut world, Site::Amazon);
    let wanted = query.get("openid.return_to").map(|address| path_of(address, &visitor.host));
    if world.signed_in(Site::Amazon, &session).is_some() {
        return reply::see(&wanted.unwrap_or_else(|| "/".to_owned()));
    }
    let step = world.sign_in_step(&session, visitor.browser.as_deref());
    let response = match step {
        Some(step @ (Step::Password | Step::Locked { .. })) if wanted.is_none() => {
            show(&mut world, &visitor, &session, step)
        }
        _ => {
            world.begin_sign_in(&session, wanted, false);
            show(&mut world, &visitor, &session, Step::Email)
        }
    };
    reply::with_session(response, Site::Amazon, &visitor, &session)
}

/// Every page after the password.
pub(super) async fn later(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    match world.sign_in_step(&visitor.session, visitor.browser.as_deref()) {
        Some(step) if visitor.target.split('?').next() == Some(address(step)) => {
            show(&mut world, &visitor, &visitor.session, step)
        }
        _ => go_on(&mut world, &visitor),
    }
}

pub(super) async fn submit(State(world): State<Shared>, visitor: Visitor, Form(fields): Form<Fields>) -> Response {
    let mut world = world.lock();
    if !visitor.sent(&world, fields.get("appActionToken")) {
        return refused(StatusCode::FORBIDDEN);
    }
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let remember = fields.contains_key("rememberDevice");
    let submitted = match field("subPageType").as_str() {
        "SignInClaimCollect" => {
            // Nobody sees this field; whatever fills it fills anything.
            if !field("password").is_empty() {
                world.counts.decoy_filled += 1;
            }
            Submitted::Email(field("email"))
        }
        "SignInPasswordCollect" => Submitted::Password(field("password")),
        "Captcha" => Submitted::Captcha(field("guess")),
        "Mfa" => Submitted::Code { code: field("otpCode"), remember },
        "NewPassword" => Submitted::NewPassword(field("password"), field("passwordCheck")),
        "Resend" => Submitted::Resend,
        _ => return refused(StatusCode::NOT_FOUND),
    };
    if let Some(away) = world.turn_away(&visitor.session, &submitted) {
        return turned_away(away, world.now());
    }
    world.submit(&visitor.session, submitted);
    go_on(&mut world, &visitor)
}

pub(super) async fn submit_proof(
    State(world): State<Shared>,
    visitor: Visitor,
    Query(query): Query<Fields>,
    body: Bytes,
) -> Response {
    let mut world = world.lock();
    if !visitor.sent(&world, query.get("appActionToken")) {
        return refused(StatusCode::FORBIDDEN);
    }
    world.submit(&visitor.session, Submitted::Proof { bytes: upload::file_size(&body) });
    go_on(&mut world, &visitor)
}

pub(super) async fn letters(State(world): State<Shared>, visitor: Visitor) -> Response {
    let world = world.lock();
    let attempt = world.sessions.get(&visitor.session).and_then(|session| session.attempt.as_ref());
    let Some(attempt) = attempt else { return refused(StatusCode::NOT_FOUND) };
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
    (headers, captcha::picture(&attempt.captcha)).into_response()
}

/// To where a sign-in is at.
fn go_on(world: &mut World, visitor: &Visitor) -> Response {
    match world.sign_in_step(&visitor.session, visitor.browser.as_deref()) {
        Some(Step::Done) => match world.finish_sign_in(&visitor.session) {
            Some(finished) => reply::signed_in(&finished, own(&finished.wanted)),
            None => reply::see("/ap/signin"),
        },
        Some(step) => reply::see(address(step)),
        None => reply::see("/ap/signin"),
    }
}

fn address(step: Step) -> &'static str {
    match step {
        Step::Email | Step::Password | Step::Locked { .. } | Step::Done => "/ap/signin",
        Step::Captcha => "/ap/cvf/request",
        Step::Approval => "/ap/cvf/transactionapproval",
        Step::NewPassword => "/ap/forgotpassword/reverification",
        Step::Proof => "/ap/cvf/document",
        // It has no recovery codes of its own.
        Step::Code | Step::Recovery => "/ap/mfa",
    }
}

fn show(world: &mut World, visitor: &Visitor, session: &str, step: Step) -> Response {
    let title = match step {
        Step::Code | Step::Recovery => ("Two-Step Verification", "Zwei-Schritt-Verifizierung"),
        Step::NewPassword => ("Create a new password", "Neues Passwort erstellen"),
        Step::Approval => ("Approve the sign-in", "Anmeldung genehmigen"),
        Step::Proof => ("Verify your identity", "Identität bestätigen"),
        _ => ("Sign in", "Anmelden"),
    };
    let page = Page::new(world, visitor, session, title);
    let (mut email, mut error) = (String::new(), None);
    if let Some(attempt) = world.sessions.get_mut(session).and_then(|session| session.attempt.as_mut()) {
        email = attempt.email.clone().unwrap_or_default();
        error = attempt.notice.take().and_then(|notice| words(notice, page.lang));
    }
    let account = world.accounts.iter().find(|account| account.site == Site::Amazon && account.email == email);
    let phone = account.map(|account| account.phone).unwrap_or_default();
    let is_texted = account.is_some_and(|account| account.second_factor.code() == "sms");
    reply::page(StatusCode::OK, &SignIn { page, step, error, email, phone, is_texted })
}

fn words(notice: Notice, lang: Lang) -> Option<&'static str> {
    let (en, de) = match notice {
        Notice::UnknownEmail => {
            ("We cannot find an account with that email address", "Wir konnten kein Konto mit dieser E-Mail-Adresse finden")
        }
        Notice::WrongPassword => ("Your password is incorrect", "Falsches Passwort"),
        Notice::WrongEmailOrPassword => ("Your email or password is incorrect", "E-Mail-Adresse oder Passwort ist falsch"),
        Notice::WrongCaptcha => {
            ("Enter the characters as they are shown in the image", "Geben Sie die Zeichen wie im Bild ein")
        }
        Notice::WrongCode => ("The code you entered is not valid", "Der eingegebene Code ist nicht gültig"),
        Notice::ExpiredCode => ("The code you entered has expired", "Der eingegebene Code ist abgelaufen"),
        Notice::UsedCode => ("The code you entered was already used", "Der eingegebene Code wurde bereits benutzt"),
        Notice::WrongRecovery | Notice::SignedOut | Notice::CodeSent => return None,
        Notice::PoorPassword => (
            "Choose a new password of eight characters or more",
            "Wählen Sie ein neues Passwort mit mindestens acht Zeichen",
        ),
        Notice::NoFile => ("Choose a file first", "Wählen Sie zuerst eine Datei"),
        Notice::Denied => ("The sign-in was denied", "Die Anmeldung wurde abgelehnt"),
    };
    Some(lang.pick(en, de))
}

/// The path of an address, where it is one of this host.
fn path_of(address: &str, host: &str) -> String {
    own(address.strip_prefix(&format!("https://{host}")).unwrap_or(address)).to_owned()
}
