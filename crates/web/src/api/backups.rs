//! Backups: made, planned, handed out.

use axum::Json;
use axum::response::Response;
use freehold_core::BackupId;
use freehold_engine::{BackupPlan, BackupProgress, BackupsView};

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::JsonBody;
use crate::download;
use crate::refused::Refused;

pub(crate) async fn list(visitor: Visitor) -> Answer<BackupsView> {
    Ok(Json(visitor.ask(|engine, caller| engine.backups(caller)).await?))
}

/// Begins one; the list says when it ended.
pub(crate) async fn begin(visitor: Visitor) -> Answer<BackupProgress> {
    Ok(Json(visitor.ask(|engine, caller| engine.back_up(caller)).await?))
}

pub(crate) async fn plan(visitor: Visitor, JsonBody(plan): JsonBody<BackupPlan>) -> Answer<BackupsView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.set_backup_plan(caller, Some(plan))).await?))
}

pub(crate) async fn end_plan(visitor: Visitor) -> Answer<BackupsView> {
    Ok(Json(visitor.ask(|engine, caller| engine.set_backup_plan(caller, None)).await?))
}

pub(crate) async fn file(visitor: Visitor, Named(id): Named<BackupId>) -> Result<Response, Refused> {
    let (path, size) = visitor.ask(move |engine, caller| engine.backup_file(caller, id)).await?;
    download::backup(path, size).await
}
