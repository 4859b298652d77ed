//! The browsers that are signed in to the console.

use axum::Json;
use axum::http::StatusCode;
use freehold_core::id::SessionId;
use freehold_engine::view::SessionView;
use serde::Serialize;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::refused::Refused;

/// How many were signed out.
#[derive(Serialize)]
pub(crate) struct SignedOut {
    signed_out: usize,
}

pub(crate) async fn list(visitor: Visitor) -> Answer<Vec<SessionView>> {
    Ok(Json(visitor.ask(|engine, caller| engine.sessions(caller)).await?))
}

pub(crate) async fn sign_out(visitor: Visitor, Named(id): Named<SessionId>) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.sign_out_session(caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All but the one that asks, where it is one.
pub(crate) async fn sign_out_others(visitor: Visitor) -> Answer<SignedOut> {
    let signed_out = visitor.ask(|engine, caller| engine.sign_out_others(caller)).await?;
    Ok(Json(SignedOut { signed_out }))
}
