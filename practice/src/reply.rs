//! Answers: pages, redirects, and the cookies that go with them.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::account::Site;
use crate::sign_in::Finished;
use crate::visitor::{BROWSER, SESSION, Visitor};

/// 30 days, in seconds: a browser that is closed and opened again is still signed in, as on most shops.
const COOKIE_SECONDS: u32 = 30 * 24 * 60 * 60;

/// A page, whatever its status.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], html)
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A redirect that turns a submission into a visit.
pub(crate) fn see(path: &str) -> Response {
    with(StatusCode::SEE_OTHER.into_response(), header::LOCATION, path)
}

/// `response` with a cookie that scripts cannot read; the site over TLS keeps its own to TLS. An empty value takes it away.
pub(crate) fn with_cookie(response: Response, site: Site, name: &str, value: &str) -> Response {
    let age = if value.is_empty() { 0 } else { COOKIE_SECONDS };
    let secure = if site == Site::Amazon { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    with(response, header::SET_COOKIE, &cookie)
}

/// `response` with the session's cookie, where the browser does not show it already.
pub(crate) fn with_session(response: Response, site: Site, visitor: &Visitor, session: &str) -> Response {
    if visitor.session == session { response } else { with_cookie(response, site, SESSION, session) }
}

/// To where a finished sign-in leads, with what its browser is to keep.
pub(crate) fn signed_in(finished: &Finished, to: &str) -> Response {
    let response = with_cookie(see(to), finished.site, SESSION, &finished.session);
    match &finished.browser {
        Some(browser) => with_cookie(response, finished.site, BROWSER, browser),
        None => response,
    }
}

/// `response` with one more header.
pub(crate) fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
    response
}
