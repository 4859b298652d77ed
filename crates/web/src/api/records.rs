//! Records, their history and their files.

use axum::Json;
use axum::response::Response;
use freehold_core::SourceId;
use freehold_engine::view::{CountsView, RecordPage, RecordView, VersionView};
use freehold_engine::{ExportFormat, RecordFilter, RecordQuery};
use serde::Deserialize;

use super::{Answer, Asked, Named};
use crate::admit::Visitor;
use crate::download;
use crate::narrowed::Narrowed;
use crate::refused::Refused;

/// Which records: those that contain `text`, of the days from `from` to `to` by the clocks of `zone`, after the point `before`, at most
/// `limit`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    text: Option<String>,
    from: Option<String>,
    to: Option<String>,
    zone: Option<String>,
    pub(crate) before: Option<String>,
    #[serde(default)]
    limit: u32,
}

impl Filter {
    /// What the list is narrowed to.
    pub(crate) fn narrowed(&self) -> Narrowed {
        Narrowed::given(self.text.clone(), self.from.clone(), self.to.clone(), self.zone.clone())
    }

    /// Which part of the list of `filter`.
    pub(crate) fn of(self, filter: RecordFilter) -> RecordQuery {
        let before = self.before.map(|before| before.trim().to_owned()).filter(|before| !before.is_empty());
        RecordQuery { filter, before, limit: self.limit }
    }
}

pub(crate) async fn list(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
    Asked(filter): Asked<Filter>,
) -> Answer<RecordPage> {
    let narrowed = filter.narrowed().filter()?;
    let query = filter.of(narrowed);
    Ok(Json(visitor.ask(move |engine, caller| engine.records(caller, source, &stream, &query)).await?))
}

/// The list whose records are counted over time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    text: Option<String>,
    from: Option<String>,
    to: Option<String>,
    zone: Option<String>,
}

pub(crate) async fn counts(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
    Asked(list): Asked<Counted>,
) -> Answer<CountsView> {
    let filter = Narrowed::given(list.text, list.from, list.to, list.zone).filter()?;
    Ok(Json(visitor.ask(move |engine, caller| engine.counts(caller, source, &stream, &filter)).await?))
}

/// Which records, and as what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    format: String,
    text: Option<String>,
    from: Option<String>,
    to: Option<String>,
    zone: Option<String>,
}

/// A stream as a file. The console's download is the same.
pub(crate) async fn export(
    visitor: Visitor,
    Named((source, stream)): Named<(SourceId, String)>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Refused> {
    let format = ExportFormat::parse(&wanted.format)?;
    let filter = Narrowed::given(wanted.text, wanted.from, wanted.to, wanted.zone).filter()?;
    let export = visitor.ask(move |engine, caller| engine.export(caller, source, &stream, &filter, format)).await?;
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
