//! One stream of a source: what there is of it, deleting it, and collecting it again.

use axum::Json;
use axum::http::StatusCode;
use freehold_core::SourceId;
use freehold_engine::view::StreamContentView;
use serde::Deserialize;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::JsonBody;
use crate::refused::Refused;

/// What deleting a stream needs to be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    confirm_name: String,
    leave_out: bool,
}

pub(crate) async fn show(visitor: Visitor, Named((source, stream)): Named<(SourceId, String)>) -> Answer<StreamContentView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.stream_content(caller, source, &stream)).await?))
}

pub(crate) async fn delete(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
    JsonBody(Deletion { confirm_name, leave_out }): JsonBody<Deletion>,
) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.delete_stream(caller, source, &stream, &confirm_name, leave_out)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn take_in(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.take_in(caller, source, &stream)).await?;
    Ok(StatusCode::NO_CONTENT)
}
