//! How the owner is reached. A channel's secret goes in and never comes out.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use freehold_core::id::ChannelId;
use freehold_engine::view::{ChannelView, NotificationsView, TestView};
use freehold_engine::{ChannelKind, QuietHours};
use serde::Deserialize;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret, secrets};
use crate::refused::Refused;

/// A channel's settings, and its token or password. To keep the one there is, that is left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    kind: ChannelKind,
    fields: BTreeMap<String, Secret>,
}

/// Hours of the day, and their time zone: the server's if left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hours {
    start: String,
    end: String,
    #[serde(default)]
    zone: String,
}

pub(crate) async fn show(visitor: Visitor) -> Answer<NotificationsView> {
    Ok(Json(visitor.ask(|engine, caller| engine.notifications(caller)).await?))
}

pub(crate) async fn add(
    visitor: Visitor,
    JsonBody(settings): JsonBody<Settings>,
) -> Result<(StatusCode, Json<ChannelView>), Refused> {
    let fields = secrets(settings.fields);
    let added = visitor.ask(move |engine, caller| engine.save_channel(caller, None, settings.kind, fields)).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

pub(crate) async fn replace(
    visitor: Visitor,
    Named(id): Named<ChannelId>,
    JsonBody(settings): JsonBody<Settings>,
) -> Answer<ChannelView> {
    let fields = secrets(settings.fields);
    let kind = settings.kind;
    Ok(Json(visitor.ask(move |engine, caller| engine.save_channel(caller, Some(id), kind, fields)).await?))
}

pub(crate) async fn remove(visitor: Visitor, Named(id): Named<ChannelId>) -> Result<StatusCode, Refused> {
    visitor.ask(move |engine, caller| engine.remove_channel(caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn test(visitor: Visitor, Named(id): Named<ChannelId>) -> Answer<TestView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.test_channel(caller, id)).await?))
}

pub(crate) async fn set_quiet(visitor: Visitor, JsonBody(hours): JsonBody<Hours>) -> Result<StatusCode, Refused> {
    let set = visitor.ask(move |engine, caller| {
        let hours = QuietHours::read(&hours.start, &hours.end, &hours.zone)?;
        engine.set_quiet_hours(caller, Some(hours))
    });
    set.await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn end_quiet(visitor: Visitor) -> Result<StatusCode, Refused> {
    visitor.ask(|engine, caller| engine.set_quiet_hours(caller, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}
