//! A problem as a response: RFC 9457 `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use freehold_core::{Problem, ProblemCode};
use serde::Serialize;

/// A request that was not granted. It answers as JSON; a page's route turns it into a page ([`crate::page::error::dress`]).
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl Refused {
    /// Refuses with these words.
    pub(crate) fn new(code: ProblemCode, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self(Problem::new(code, what, next))
    }

    /// Nothing is at this address.
    pub(crate) fn not_found() -> Self {
        Self::new(
            ProblemCode::NotFound,
            "There is nothing at this address.",
            "Check the address, or start from the first page.",
        )
    }
}

/// The members of RFC 9457, section 3.1, then Freehold's own.
#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    problem: &'a Problem,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = self.0.code;
        let details = Details {
            r#type: format!("urn:freehold:problem:{}", code.as_str()),
            title: code.title(),
            status: code.http_status(),
            detail: &self.0.what,
            problem: &self.0,
        };
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(self.0);
        response
    }
}
