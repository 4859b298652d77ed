//! The vault's door and the audit log.

use axum::Json;
use freehold_engine::UnlockWith;
use freehold_engine::view::{AuditCheck, AuditView, VaultView};
use serde::{Deserialize, Serialize};

use super::{Answer, Asked};
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret};

/// The recovery key or the vault's passphrase, or nothing to use the key file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlock {
    #[serde(default)]
    recovery_key: Option<Secret>,
    #[serde(default)]
    vault_passphrase: Option<Secret>,
}

/// The vault's new passphrase.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passphrase {
    vault_passphrase: Secret,
}

/// A new recovery key, shown once, and which groups of it (from 1) have to be typed back.
#[derive(Serialize)]
pub(crate) struct RecoveryKey {
    recovery_key: String,
    groups: Vec<usize>,
}

/// The groups typed back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Groups {
    groups: Vec<Secret>,
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
    let with = match (unlock.recovery_key, unlock.vault_passphrase) {
        (Some(Secret(key)), _) => UnlockWith::RecoveryKey(key),
        (None, Some(Secret(passphrase))) => UnlockWith::Passphrase(passphrase),
        (None, None) => UnlockWith::KeyFile,
    };
    Ok(Json(visitor.ask(move |engine, caller| engine.unlock_vault(caller, with)).await?))
}

pub(crate) async fn set_passphrase(visitor: Visitor, JsonBody(new): JsonBody<Passphrase>) -> Answer<VaultView> {
    let Secret(new) = new.vault_passphrase;
    Ok(Json(visitor.ask(move |engine, caller| engine.set_vault_passphrase(caller, &new)).await?))
}

pub(crate) async fn remove_passphrase(visitor: Visitor) -> Answer<VaultView> {
    Ok(Json(visitor.ask(|engine, caller| engine.remove_vault_passphrase(caller)).await?))
}

pub(crate) async fn add_key_file(visitor: Visitor) -> Answer<VaultView> {
    Ok(Json(visitor.ask(|engine, caller| engine.add_key_file(caller)).await?))
}

pub(crate) async fn remove_key_file(visitor: Visitor) -> Answer<VaultView> {
    Ok(Json(visitor.ask(|engine, caller| engine.remove_key_file(caller)).await?))
}

pub(crate) async fn new_recovery_key(visitor: Visitor) -> Answer<RecoveryKey> {
    let (shown, groups) = visitor.ask(|engine, caller| engine.new_recovery_key(caller)).await?;
    Ok(Json(RecoveryKey { recovery_key: shown.reveal().to_owned(), groups }))
}

pub(crate) async fn confirm_recovery_key(visitor: Visitor, JsonBody(typed): JsonBody<Groups>) -> Answer<VaultView> {
    let groups: Vec<_> = typed.groups.into_iter().map(|Secret(group)| group).collect();
    Ok(Json(visitor.ask(move |engine, caller| engine.confirm_new_recovery_key(caller, &groups)).await?))
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
