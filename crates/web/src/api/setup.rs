//! First start, for a machine without a screen.

use axum::Json;
use axum::http::StatusCode;
use freehold_engine::NewOwner;
use freehold_engine::view::SetupStage;
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret};
use crate::refused::Refused;

/// How far the server is set up.
#[derive(Serialize)]
pub(crate) struct Setup {
    stage: SetupStage,
    /// Which groups of the recovery key, from 1, have to be typed back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<usize>,
}

/// A new owner.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Owner {
    setup_code: Secret,
    passphrase: Secret,
}

/// The recovery key, shown this once.
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

/// A new passphrase for whoever holds the recovery key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassphrase {
    recovery_key: Secret,
    passphrase: Secret,
}

/// The passphrase, and the one to be used from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedPassphrase {
    passphrase: Secret,
    new_passphrase: Secret,
}

pub(crate) async fn show(visitor: Visitor) -> Answer<Setup> {
    let stage = visitor.stage;
    let groups = match stage {
        // None when the server restarted in between: then only a new key helps.
        SetupStage::RecoveryKey => visitor.app.ask(|engine| engine.recovery_challenge()).await.unwrap_or_default(),
        SetupStage::Owner | SetupStage::Done => Vec::new(),
    };
    Ok(Json(Setup { stage, groups }))
}

pub(crate) async fn create_owner(visitor: Visitor, JsonBody(owner): JsonBody<Owner>) -> Answer<RecoveryKey> {
    let new = NewOwner { setup_code: owner.setup_code.0, passphrase: owner.passphrase.0 };
    let (recovery_key, groups) = visitor
        .app
        .ask(move |engine| Ok((engine.create_owner(new)?.reveal().to_owned(), engine.recovery_challenge()?)))
        .await?;
    Ok(Json(RecoveryKey { recovery_key, groups }))
}

pub(crate) async fn confirm_recovery_key(
    visitor: Visitor,
    JsonBody(typed): JsonBody<Groups>,
) -> Result<StatusCode, Refused> {
    let groups: Vec<_> = typed.groups.into_iter().map(|Secret(group)| group).collect();
    visitor.app.ask(move |engine| engine.confirm_recovery_key(&groups)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn reset_passphrase(
    visitor: Visitor,
    JsonBody(new): JsonBody<NewPassphrase>,
) -> Result<StatusCode, Refused> {
    visitor.app.ask(move |engine| engine.reset_passphrase(&new.recovery_key.0, &new.passphrase.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn change_passphrase(
    visitor: Visitor,
    JsonBody(changed): JsonBody<ChangedPassphrase>,
) -> Result<StatusCode, Refused> {
    let (Secret(old), Secret(new)) = (changed.passphrase, changed.new_passphrase);
    visitor.ask(move |engine, caller| engine.change_passphrase(caller, &old, &new)).await?;
    Ok(StatusCode::NO_CONTENT)
}
