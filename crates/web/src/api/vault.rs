//! The vault's door and the audit log.

use axum::Json;
use freehold_engine::view::{AuditCheck, AuditView, VaultView};
use serde::Deserialize;

use super::{Answer, Asked};
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret};

/// The recovery key, or nothing to use the key file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlock {
    #[serde(default)]
    recovery_key: Option<Secret>,
}

/// A page of the audit log, oldest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    after: u64,
    #[serde(default = "hundred")]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

pub(crate) async fn show(visitor: Visitor) -> Answer<VaultView> {
    Ok(Json(visitor.ask(|engine, caller| engine.vault(caller)).await?))
}

pub(crate) async fn unlock(visitor: Visitor, JsonBody(unlock): JsonBody<Unlock>) -> Answer<VaultView> {
    let key = unlock.recovery_key.map(|Secret(key)| key);
    Ok(Json(visitor.ask(move |engine, caller| engine.unlock_vault(caller, key.as_ref())).await?))
}

pub(crate) async fn lock(visitor: Visitor) -> Answer<VaultView> {
    Ok(Json(visitor.ask(|engine, caller| engine.lock_vault(caller)).await?))
}

pub(crate) async fn audit(visitor: Visitor, Asked(page): Asked<Page>) -> Answer<Vec<AuditView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.audit(caller, page.after, page.limit)).await?))
}

pub(crate) async fn verify(visitor: Visitor) -> Answer<AuditCheck> {
    Ok(Json(visitor.ask(|engine, caller| engine.verify_audit(caller)).await?))
}
