//! A problem as a page, or as the way out of it.

use askama::Template;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use freehold_core::{Problem, ProblemCode};

use super::{Frame, show_with, url};
use crate::origin::Site;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    problem: Problem,
    back: String,
}

/// Where a request was made, and where its page is.
pub(crate) struct Place {
    page: String,
}

impl Place {
    /// The page itself, or for a form the page it was on.
    pub(crate) fn of(request: &Request) -> Self {
        let page = if matches!(*request.method(), Method::GET | Method::HEAD) {
            request.uri().path_and_query().map(|place| place.as_str().to_owned())
        } else {
            referring_page(request)
        };
        Self { page: url::next(page.as_deref()) }
    }
}

/// The page of this server that a form was sent from.
fn referring_page(request: &Request) -> Option<String> {
    let origin = &request.extensions().get::<Site>()?.origin;
    let referrer = request.headers().get(header::REFERER)?.to_str().ok()?;
    Some(referrer.strip_prefix(origin.as_str())?.to_owned())
}

/// Turns a problem's JSON into a page, or sends the visitor to where the way out is.
pub(crate) fn dress(response: Response, place: &Place) -> Response {
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let elsewhere = |page: &str| Redirect::to(&format!("{page}?next={}", url::segment(&place.page))).into_response();
    match problem.code {
        ProblemCode::NotSetUp => Redirect::to("/start").into_response(),
        ProblemCode::Unauthenticated => elsewhere("/sign-in"),
        ProblemCode::ReauthenticationRequired => elsewhere("/reauthenticate"),
        _ => {
            let page = ErrorPage { frame: Frame::bare(problem.code.title()), problem, back: place.page.clone() };
            show_with(response.status(), &page)
        }
    }
}
