//! A source's sign-in details. They go in and never come out.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use freehold_core::{SecretKind, SourceId};
use freehold_engine::view::CredentialView;
use serde::Deserialize;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret, secrets};
use crate::refused::Refused;

/// Sign-in details of one kind, and whether the owner agreed to its words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    kind: SecretKind,
    fields: BTreeMap<String, Secret>,
    #[serde(default)]
    consent: bool,
}

pub(crate) async fn save(
    visitor: Visitor,
    Named(id): Named<SourceId>,
    JsonBody(details): JsonBody<Details>,
) -> Answer<CredentialView> {
    let Details { kind, fields, consent } = details;
    let fields = secrets(fields);
    Ok(Json(visitor.ask(move |engine, caller| engine.save_credential(caller, id, kind, fields, consent)).await?))
}

pub(crate) async fn forget(visitor: Visitor, Named(id): Named<SourceId>) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.forget_credentials(caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn try_again(visitor: Visitor, Named(id): Named<SourceId>) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.try_again(caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// None of the codes was used since the backup that was restored.
pub(crate) async fn trust_codes(visitor: Visitor, Named(source): Named<SourceId>) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.trust_codes(caller, source)).await?;
    Ok(StatusCode::NO_CONTENT)
}
