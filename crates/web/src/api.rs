//! The API for programs and the CLI: JSON in and out under `/api/v1`.
//!
//! Lists are JSON arrays of the engine's views, single things are objects, and what is done without anything to say answers
//! 204. Problems are RFC 9457. What each address takes is in the struct next to its handler; unknown members are refused.

pub(crate) mod answers;
pub(crate) mod backups;
pub(crate) mod credentials;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod notifications;
pub(crate) mod receipts;
pub(crate) mod records;
pub(crate) mod removed;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod setup;
pub(crate) mod sources;
pub(crate) mod streams;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod vault;

use axum::Json;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use freehold_core::{Problem, ProblemCode};
use serde::de::DeserializeOwned;

use crate::refused::Refused;

/// What most handlers answer.
pub(crate) type Answer<T> = Result<Json<T>, Refused>;

/// The names in a path. Text that is no such name is something that does not exist.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        Path::from_request_parts(parts, state).await.map(|Path(names)| Self(names)).map_err(|_| Refused::not_found())
    }
}

/// The query of an address.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        Query::from_request_parts(parts, state).await.map(|Query(query)| Self(query)).map_err(|_| {
            let problem = Problem::new(
                ProblemCode::BadInput,
                "The query of this address does not fit.",
                "Check the names and values after the question mark.",
            );
            Refused(problem.at("query"))
        })
    }
}
