//! Runs and what is known of them.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use freehold_core::{RunId, SourceId};
use freehold_engine::view::{RejectedView, RunView, TimelineView};
use serde::Deserialize;

use super::{Answer, Asked, Named};
use crate::admit::Visitor;
use crate::refused::Refused;

/// A page of runs, newest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Before {
    #[serde(default)]
    before: Option<RunId>,
    #[serde(default = "fifty")]
    limit: u32,
}

/// A page of a run's entries, oldest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    #[serde(default)]
    after: u64,
    #[serde(default = "fifty")]
    limit: u32,
}

fn fifty() -> u32 {
    50
}

pub(crate) async fn list(visitor: Visitor, Named(id): Named<SourceId>, Asked(page): Asked<Before>) -> Answer<Vec<RunView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.runs(caller, id, page.before, page.limit)).await?))
}

pub(crate) async fn show(visitor: Visitor, Named(id): Named<RunId>) -> Answer<RunView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.run(caller, id)).await?))
}

pub(crate) async fn cancel(visitor: Visitor, Named(id): Named<RunId>) -> Answer<RunView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.cancel_run(caller, id)).await?))
}

pub(crate) async fn timeline(
    visitor: Visitor,
    Named(id): Named<RunId>,
    Asked(page): Asked<After>,
) -> Answer<Vec<TimelineView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.timeline(caller, id, page.after)).await?))
}

pub(crate) async fn rejected(
    visitor: Visitor,
    Named(id): Named<RunId>,
    Asked(page): Asked<After>,
) -> Answer<Vec<RejectedView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.rejected(caller, id, page.after, page.limit)).await?))
}

/// What the connector wrote, as plain text: it is a program's output, and only ever shown as that.
pub(crate) async fn log(visitor: Visitor, Named(id): Named<RunId>) -> Result<Response, Refused> {
    let text = visitor.ask(move |engine, caller| engine.connector_log(caller, id)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
