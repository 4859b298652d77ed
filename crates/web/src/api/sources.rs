//! Connectors and sources.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use freehold_core::{ConnectorName, CredentialMode, SecretKind, SourceId};
use freehold_engine::view::{ConnectorView, RunView, SourceView};
use freehold_engine::{NewSource, ProofView, SourceChange};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret, secrets};
use crate::refused::Refused;

/// A source to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    connector: ConnectorName,
    name: String,
    mode: CredentialMode,
    #[serde(default)]
    settings: BTreeMap<String, Value>,
    #[serde(default)]
    expected_account: Option<String>,
    #[serde(default)]
    accept_unverified: bool,
    #[serde(default)]
    credentials: BTreeMap<SecretKind, BTreeMap<String, Secret>>,
    #[serde(default)]
    consent: bool,
}

/// A change; what is absent stays, and `"interval_seconds": null` turns the schedule off.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    settings: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    mode: Option<CredentialMode>,
    #[serde(default, deserialize_with = "present")]
    interval_seconds: Option<Option<u64>>,
}

/// What a run of a source that keeps nothing may be given: sign-in details for it alone, by kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    #[serde(default)]
    credentials: BTreeMap<SecretKind, BTreeMap<String, Secret>>,
}

/// What removing needs to be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    confirm_name: String,
    delete_records: bool,
}

/// Keeps `null` apart from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(crate) async fn connectors(visitor: Visitor) -> Answer<Vec<ConnectorView>> {
    Ok(Json(visitor.ask(|engine, _| Ok(engine.connectors())).await?))
}

pub(crate) async fn connector(visitor: Visitor, Named(name): Named<ConnectorName>) -> Answer<ConnectorView> {
    Ok(Json(visitor.ask(move |engine, _| engine.connector(&name)).await?))
}

pub(crate) async fn proof(visitor: Visitor, Named(name): Named<ConnectorName>) -> Answer<ProofView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.proof(caller, &name)).await?))
}

pub(crate) async fn prove(
    visitor: Visitor,
    Named(name): Named<ConnectorName>,
) -> Result<(StatusCode, Json<ProofView>), Refused> {
    Ok((StatusCode::ACCEPTED, Json(visitor.ask(move |engine, caller| engine.prove(caller, &name)).await?)))
}

pub(crate) async fn list(visitor: Visitor) -> Answer<Vec<SourceView>> {
    Ok(Json(visitor.ask(|engine, caller| engine.sources(caller)).await?))
}

pub(crate) async fn add(visitor: Visitor, JsonBody(new): JsonBody<New>) -> Result<(StatusCode, Json<SourceView>), Refused> {
    let new = NewSource {
        connector: new.connector,
        name: new.name,
        mode: new.mode,
        settings: new.settings,
        expected_account: new.expected_account,
        accept_unverified: new.accept_unverified,
        credentials: new.credentials.into_iter().map(|(kind, fields)| (kind, secrets(fields))).collect(),
        consent: new.consent,
    };
    Ok((StatusCode::CREATED, Json(visitor.ask(|engine, caller| engine.add_source(caller, new)).await?)))
}

pub(crate) async fn show(visitor: Visitor, Named(id): Named<SourceId>) -> Answer<SourceView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.source(caller, id)).await?))
}

pub(crate) async fn change(
    visitor: Visitor,
    Named(id): Named<SourceId>,
    JsonBody(change): JsonBody<Change>,
) -> Answer<SourceView> {
    let Change { name, settings, mode, interval_seconds } = change;
    let change = SourceChange { name, settings, mode, interval_seconds };
    Ok(Json(visitor.ask(move |engine, caller| engine.change_source(caller, id, change)).await?))
}

pub(crate) async fn remove(
    visitor: Visitor,
    Named(id): Named<SourceId>,
    JsonBody(removal): JsonBody<Removal>,
) -> Result<StatusCode, Refused> {
    let work = move |engine: &freehold_engine::Engine, caller: &freehold_engine::Caller| {
        engine.remove_source(caller, id, &removal.confirm_name, removal.delete_records)
    };
    visitor.ask(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn pause(visitor: Visitor, Named(id): Named<SourceId>) -> Answer<SourceView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.pause(caller, id)).await?))
}

pub(crate) async fn resume(visitor: Visitor, Named(id): Named<SourceId>) -> Answer<SourceView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.resume(caller, id)).await?))
}

pub(crate) async fn sign_out(visitor: Visitor, Named(id): Named<SourceId>) -> Answer<SourceView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.sign_out(caller, id)).await?))
}

pub(crate) async fn run(
    visitor: Visitor,
    Named(id): Named<SourceId>,
    JsonBody(start): JsonBody<Start>,
) -> Result<(StatusCode, Json<RunView>), Refused> {
    let details: BTreeMap<_, _> = start.credentials.into_iter().map(|(kind, fields)| (kind, secrets(fields))).collect();
    let started = visitor.ask(move |engine, caller| {
        if details.is_empty() { engine.start_run(caller, id) } else { engine.start_run_with(caller, id, details) }
    });
    Ok((StatusCode::ACCEPTED, Json(started.await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_the_schedule_off_is_not_leaving_it_alone() {
        let change = |text: &str| serde_json::from_str::<Change>(text).map(|change| change.interval_seconds).ok();
        assert_eq!(change("{}"), Some(None));
        assert_eq!(change(r#"{"interval_seconds": null}"#), Some(Some(None)));
        assert_eq!(change(r#"{"interval_seconds": 3600}"#), Some(Some(Some(3600))));
        assert_eq!(change(r#"{"interval": 3600}"#), None, "an unknown member is refused");
    }

    #[test]
    fn a_run_is_given_details_by_kind_and_nothing_else() {
        let kinds =
            |text: &str| serde_json::from_str::<Start>(text).map(|start| start.credentials.into_keys().collect()).ok();
        assert_eq!(kinds("{}"), Some(Vec::new()));
        let given = r#"{"credentials": {"username_password": {"username": "a", "password": "b"}}}"#;
        assert_eq!(kinds(given), Some(vec![SecretKind::UsernamePassword]));
        for wrong in [r#"{"credential": {}}"#, r#"{"credentials": {"passwords": {}}}"#, r#"{"credentials": {"token": "a"}}"#]
        {
            assert_eq!(kinds(wrong), None, "{wrong}");
        }
    }
}
