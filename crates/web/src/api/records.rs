//! Records, their history and their files.

use axum::Json;
use axum::response::Response;
use freehold_core::SourceId;
use freehold_engine::view::{RecordPage, RecordView, VersionView};
use freehold_engine::{ExportFormat, RecordQuery};
use serde::Deserialize;

use super::{Answer, Asked, Named};
use crate::admit::Visitor;
use crate::download;
use crate::refused::Refused;

/// Which records: those that contain `text`, after the point `before`, at most `limit`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) before: Option<String>,
    #[serde(default)]
    pub(crate) limit: u32,
}

impl Filter {
    pub(crate) fn into_query(self) -> RecordQuery {
        let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        RecordQuery { text: given(self.text), before: given(self.before), limit: self.limit }
    }
}

pub(crate) async fn list(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
    Asked(filter): Asked<Filter>,
) -> Answer<RecordPage> {
    let query = filter.into_query();
    Ok(Json(visitor.ask(move |engine, caller| engine.records(caller, source, &stream, &query)).await?))
}

/// Which records, and as what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    format: String,
    #[serde(default)]
    text: Option<String>,
}

/// A stream as a file. The console's download is the same.
pub(crate) async fn export(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Refused> {
    let format = ExportFormat::parse(&wanted.format)?;
    let export = visitor.ask(move |engine, caller| engine.export(caller, source, &stream, wanted.text, format)).await?;
    Ok(download::export(export))
}

pub(crate) async fn show(
    visitor: Visitor,
    Named((source, stream, key)): Named<(SourceId, String, String)>,
) -> Answer<RecordView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.record(caller, source, &stream, &key)).await?))
}

pub(crate) async fn versions(
    visitor: Visitor,
    Named((source, stream, key)): Named<(SourceId, String, String)>,
) -> Answer<Vec<VersionView>> {
    Ok(Json(visitor.ask(move |engine, caller| engine.versions(caller, source, &stream, &key)).await?))
}

/// A record's file. The console's download is the same.
pub(crate) async fn blob(visitor: Visitor, Named((source, sha256)): Named<(SourceId, String)>) -> Result<Response, Refused> {
    let blob = visitor.ask(move |engine, caller| engine.blob(caller, source, &sha256)).await?;
    download::send(blob).await
}
