//! Signing in to the console, giving the passphrase again, signing out.

use askama::Template;
use axum::Extension;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use freehold_core::{Problem, ProblemCode};
use freehold_engine::view::SetupStage;
use serde::Deserialize;

use super::{Frame, Page, go_to, show, show_with, url};
use crate::admit::Visitor;
use crate::api::Asked;
use crate::body::FormBody;
use crate::cookie;
use crate::origin::{Client, Site};
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    pub(super) frame: Frame,
    /// Whether the owner is signed in and only gives the passphrase again.
    pub(super) again: bool,
    pub(super) next: String,
    pub(super) problem: Option<Problem>,
}

/// The page to go on to.
#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

fn page(again: bool, next: Option<&str>, problem: Option<Problem>) -> SignInPage {
    let frame = Frame::bare(if again { "Your passphrase again" } else { "Sign in" });
    SignInPage { frame, again, next: url::next(next), problem }
}

pub(crate) async fn show_form(visitor: Visitor, Asked(query): Asked<Next>) -> Page {
    match visitor.stage {
        SetupStage::Owner => go_to("/start"),
        _ if visitor.session.is_some() => go_to(&url::next(query.next.as_deref())),
        SetupStage::RecoveryKey | SetupStage::Done => Ok(show(&page(false, query.next.as_deref(), None))),
    }
}

pub(crate) async fn sign_in(
    visitor: Visitor,
    Extension(site): Extension<Site>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    mut form: FormBody,
) -> Page {
    if visitor.stage == SetupStage::Owner {
        return go_to("/start");
    }
    let passphrase = form.take("passphrase");
    let browser = user_agent(&headers);
    let next = url::next(form.text("next"));
    match visitor.app.ask(move |engine| engine.sign_in(&passphrase, &browser, client.address)).await {
        Ok(new) => {
            Ok(([(header::SET_COOKIE, cookie::set(&site, new.token.reveal())?)], Redirect::to(&next)).into_response())
        }
        Err(problem) => again_or_refuse(false, &next, problem),
    }
}

pub(crate) async fn show_again(Asked(query): Asked<Next>) -> Page {
    Ok(show(&page(true, query.next.as_deref(), None)))
}

pub(crate) async fn reauthenticate(mut visitor: Visitor, mut form: FormBody) -> Page {
    let next = url::next(form.text("next"));
    match visitor.reauthenticate(form.take("passphrase")).await {
        Ok(()) => go_to(&next),
        Err(Refused(problem)) => again_or_refuse(true, &next, problem),
    }
}

pub(crate) async fn sign_out(visitor: Visitor, Extension(site): Extension<Site>) -> Page {
    if let Some(session) = &visitor.session {
        let id = session.id;
        visitor.app.ask(move |engine| engine.end_session(id)).await?;
    }
    Ok(([(header::SET_COOKIE, cookie::clear(&site)?)], Redirect::to("/sign-in")).into_response())
}

/// The browser in its own words, cut to what is worth keeping.
pub(super) fn user_agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().take(200).collect()
}

fn again_or_refuse(again: bool, next: &str, problem: Problem) -> Page {
    let status = match problem.code {
        ProblemCode::Unauthenticated | ProblemCode::BadInput => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemCode::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
        _ => return Err(Refused(problem)),
    };
    Ok(show_with(status, &page(again, Some(next), Some(problem))))
}
