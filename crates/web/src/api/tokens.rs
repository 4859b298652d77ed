//! API tokens.

use axum::Json;
use axum::http::StatusCode;
use freehold_core::id::TokenId;
use freehold_engine::Permission;
use freehold_engine::view::TokenView;
use serde::{Deserialize, Serialize};

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::JsonBody;
use crate::refused::Refused;

/// A token to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    scopes: Vec<Permission>,
}

/// A token just made: its view, and the token itself, shown this once.
#[derive(Serialize)]
pub(crate) struct Made {
    #[serde(flatten)]
    view: TokenView,
    token: String,
}

pub(crate) async fn list(visitor: Visitor) -> Answer<Vec<TokenView>> {
    Ok(Json(visitor.ask(|engine, caller| engine.tokens(caller)).await?))
}

pub(crate) async fn create(visitor: Visitor, JsonBody(new): JsonBody<New>) -> Result<(StatusCode, Json<Made>), Refused> {
    let (view, token) = visitor.ask(move |engine, caller| engine.create_token(caller, &new.name, &new.scopes)).await?;
    Ok((StatusCode::CREATED, Json(Made { view, token: token.reveal().to_owned() })))
}

pub(crate) async fn revoke(visitor: Visitor, Named(id): Named<TokenId>) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.revoke_token(caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
