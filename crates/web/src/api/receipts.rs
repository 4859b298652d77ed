//! Receipts: what was removed, what was looked at afterwards, and what is left.

use axum::Json;
use freehold_core::{ReceiptId, SourceId};
use freehold_engine::view::ReceiptView;
use serde::Deserialize;

use super::{Answer, Asked, Named};
use crate::admit::Visitor;

/// How many, newest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Most {
    #[serde(default = "fifty")]
    limit: u32,
}

fn fifty() -> u32 {
    50
}

pub(crate) async fn list(visitor: Visitor, Asked(most): Asked<Most>) -> Answer<Vec<ReceiptView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.receipts(caller, None, most.limit)).await?))
}

/// Those of one source, removed or not.
pub(crate) async fn of_source(
    visitor: Visitor,
    Named(id): Named<SourceId>,
    Asked(most): Asked<Most>,
) -> Answer<Vec<ReceiptView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.receipts(caller, Some(id), most.limit)).await?))
}

pub(crate) async fn show(visitor: Visitor, Named(id): Named<ReceiptId>) -> Answer<ReceiptView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.receipt(caller, id)).await?))
}

/// Removes what a run left and looks once more.
pub(crate) async fn wipe(visitor: Visitor, Named(id): Named<SourceId>) -> Answer<ReceiptView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.wipe_again(caller, id)).await?))
}
