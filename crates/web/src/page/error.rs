//! A problem as a page, or as the way out of it.

use askama::Template;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use freehold_core::{Problem, ProblemCode, SecretBytes};
use freehold_engine::view::SetupStage;

use super::{Frame, Under, show_with, url};
use crate::app::App;
use crate::cookie;
use crate::origin::Site;
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    pub(super) frame: Frame,
    problem: Problem,
    /// The address that was asked for, without its query.
    place: String,
    /// What can be done from here, the likeliest first.
    ways: Vec<(&'static str, String)>,
}

/// Where a request was made, and where its page is.
pub(crate) struct Place {
    path: String,
    page: String,
    is_form: bool,
    /// Whether it was asked for by one of this server's names; by any other nothing else would be answered either.
    is_here: bool,
    session: Option<SecretBytes>,
}

impl Place {
    /// The page itself, or for a form the page it was on.
    pub(crate) fn of(request: &Request) -> Self {
        let is_form = !matches!(*request.method(), Method::GET | Method::HEAD);
        let page = if is_form {
            referring_page(request)
        } else {
            request.uri().path_and_query().map(|place| place.as_str().to_owned())
        };
        let site = request.extensions().get::<Site>();
        Self {
            path: request.uri().path().to_owned(),
            page: url::next(page.as_deref()),
            is_form,
            is_here: site.is_some(),
            session: site.and_then(|site| cookie::session(site, request.headers())),
        }
    }

    /// Whether programs ask here, who want no page.
    fn is_for_programs(&self) -> bool {
        self.path.starts_with("/api/") || ["/healthz", "/readyz", "/metrics"].contains(&self.path.as_str())
    }

    /// Whether whoever asked is signed in to the console. It lets nobody in: it decides what is around a refusal.
    async fn has_console(&mut self, app: &App) -> bool {
        let Some(token) = self.session.take() else { return false };
        let asked = app.ask(move |engine| Ok(engine.setup_stage()? == SetupStage::Done && engine.session(&token).is_ok()));
        asked.await.unwrap_or(false)
    }
}

/// The page of this server that a form was sent from.
fn referring_page(request: &Request) -> Option<String> {
    let origin = &request.extensions().get::<Site>()?.origin;
    let referrer = request.headers().get(header::REFERER)?.to_str().ok()?;
    Some(referrer.strip_prefix(origin.as_str())?.to_owned())
}

/// Refuses where no route does, in the way of the place.
pub(crate) async fn refuse(app: &App, place: Place, refused: Refused) -> Response {
    let response = refused.into_response();
    if place.is_for_programs() { response } else { dress(app, response, place).await }
}

/// Turns a problem's JSON into a page, or sends the visitor to where the way out is.
pub(crate) async fn dress(app: &App, response: Response, mut place: Place) -> Response {
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let elsewhere = |page: &str| Redirect::to(&format!("{page}?next={}", url::segment(&place.page))).into_response();
    match problem.code {
        ProblemCode::NotSetUp => Redirect::to("/start").into_response(),
        ProblemCode::Unauthenticated => elsewhere("/sign-in"),
        ProblemCode::ReauthenticationRequired => elsewhere("/reauthenticate"),
        _ => {
            let has_console = place.has_console(app).await;
            show_with(response.status(), &page(problem, place, has_console))
        }
    }
}

pub(super) fn page(problem: Problem, place: Place, has_console: bool) -> ErrorPage {
    let title = problem.code.title();
    ErrorPage {
        frame: if has_console { Frame::new(title, Under::Nothing) } else { Frame::bare(title) },
        ways: ways(problem.code, &place),
        place: place.path,
        problem,
    }
}

/// What helps: where the cause is put right, then where the visitor came from, then the first page.
fn ways(code: ProblemCode, place: &Place) -> Vec<(&'static str, String)> {
    if !place.is_here {
        return Vec::new();
    }
    let vault = "/settings/vault";
    let mut ways = match code {
        ProblemCode::VaultLocked => vec![("Unlock the vault", vault.to_owned())],
        ProblemCode::VaultUnavailable => vec![("See the vault", vault.to_owned())],
        _ => Vec::new(),
    };
    ways.retain(|(_, way)| *way != place.page);
    match code {
        // Where there is nothing there will be nothing the next time.
        ProblemCode::NotFound if !place.is_form => {}
        _ if place.page == "/" => {}
        _ if place.is_form => ways.push(("Back to that page", place.page.clone())),
        ProblemCode::Forbidden => {}
        _ => ways.push(("Try again", place.page.clone())),
    }
    ways.push(("Home", "/".to_owned()));
    ways
}
