//! Removed sources whose records were kept. The records themselves are read where those of any source are.

use axum::Json;
use axum::http::StatusCode;
use freehold_core::SourceId;
use freehold_engine::view::CollectedView;
use serde::Deserialize;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::JsonBody;
use crate::refused::Refused;

/// What deleting for good needs to be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    confirm_name: String,
}

pub(crate) async fn list(visitor: Visitor) -> Answer<Vec<CollectedView>> {
    Ok(Json(visitor.ask(|engine, caller| engine.removed_sources(caller)).await?))
}

pub(crate) async fn delete(
    visitor: Visitor,
    Named(id): Named<SourceId>,
    JsonBody(deletion): JsonBody<Deletion>,
) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.delete_removed(caller, id, &deletion.confirm_name)).await?;
    Ok(StatusCode::NO_CONTENT)
}
