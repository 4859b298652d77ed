//! Reading records, their history and their files.

use freehold_core::{Problem, SourceId};
use freehold_protocol::manifest::Stream;
use freehold_store::{Neighbours, RecordRow, VersionRow};
use serde_json::Value;

use crate::caller::{Caller, Permission};
use crate::days::Days;
use crate::problem::{bad_input, from_store, not_found};
use crate::search::SearchQuery;
use crate::server::{Engine, Inner};
use crate::view::{BlobView, NeighbourView, NeighboursView, RecordPage, RecordTime, RecordView, VersionView};

/// What a stream's list of records is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Only those that contain this: words, "several in a row", -one that must not be.
    pub text: Option<String>,
    /// Only those from these days.
    pub days: Days,
}

/// Which records.
#[derive(Clone, Debug, Default)]
pub struct RecordQuery {
    /// Of which list.
    pub filter: RecordFilter,
    /// Continue after this point, from [`RecordPage::next`].
    pub before: Option<String>,
    /// At most this many; 50 if 0, 500 at most.
    pub limit: u32,
}

impl Engine {
    /// A page of a stream's records, newest first.
    pub fn records(
        &self,
        caller: &Caller,
        source: SourceId,
        stream: &str,
        query: &RecordQuery,
    ) -> Result<RecordPage, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        let reading = inner.reading(source, stream)?;
        let filter = query.filter.by(&reading.time)?;
        let before = query.before.as_deref().map(str::parse).transpose();
        let before = before.map_err(|_| {
            bad_input("before", "This is not a place in the list.", "Leave it out, or pass the `next` of the page before.")
        })?;
        let limit = if query.limit == 0 { 50 } else { query.limit.min(500) };
        let wanted = freehold_store::RecordQuery { filter, before, limit: limit as usize };
        // First, so that what is said to be missing is never less than what is.
        let waiting =
            if wanted.filter.text.is_some() { inner.data.waiting_for_index() } else { Ok(0) }.map_err(from_store)?;
        let page = inner.data.records(source, stream, &wanted).map_err(from_store)?;
        let total = inner.data.count_records(source, stream, &wanted.filter).map_err(from_store)?;
        Ok(RecordPage {
            records: page.rows.into_iter().map(|row| record_view(row, reading.title.as_deref())).collect(),
            next: page.next,
            total,
            waiting,
        })
    }

    /// What is beside a record in its stream's list; nothing if it is not in that list (any more).
    pub fn neighbours(
        &self,
        caller: &Caller,
        source: SourceId,
        stream: &str,
        key: &str,
        filter: &RecordFilter,
    ) -> Result<NeighboursView, Problem> {
        caller.must(Permission::Read)?;
        let filter = filter.by(&self.0.reading(source, stream)?.time)?;
        let found = self.0.data.neighbours(source, stream, key, &filter).map_err(from_store)?;
        Ok(neighbours_view(found.unwrap_or_default()))
    }

    /// What is beside a record among those a search finds; nothing if it is not among them (any more).
    pub fn found_neighbours(
        &self,
        caller: &Caller,
        source: SourceId,
        stream: &str,
        key: &str,
        query: &SearchQuery,
    ) -> Result<NeighboursView, Problem> {
        caller.must(Permission::Read)?;
        let wanted = freehold_store::SearchQuery { text: query.text.clone(), source: query.source, ..Default::default() };
        let found = self.0.data.found_neighbours(source, stream, key, &wanted).map_err(from_store)?;
        Ok(neighbours_view(found.unwrap_or_default()))
    }

    /// One record.
    pub fn record(&self, caller: &Caller, source: SourceId, stream: &str, key: &str) -> Result<RecordView, Problem> {
        caller.must(Permission::Read)?;
        let reading = self.0.reading(source, stream)?;
        let row = self.0.data.record(source, stream, key).map_err(from_store)?;
        row.map(|row| record_view(row, reading.title.as_deref())).ok_or_else(|| not_found("record"))
    }

    /// The values it has had, newest first.
    pub fn versions(&self, caller: &Caller, source: SourceId, stream: &str, key: &str) -> Result<Vec<VersionView>, Problem> {
        caller.must(Permission::Read)?;
        let rows = self.0.data.versions(source, stream, key).map_err(from_store)?;
        Ok(rows.into_iter().map(version_view).collect())
    }

    /// A file of this source's, by its content's hash.
    pub fn blob(&self, caller: &Caller, source: SourceId, sha256: &str) -> Result<BlobView, Problem> {
        caller.must(Permission::Read)?;
        let data = &self.0.data;
        let row = data.blob_of(source, sha256).map_err(from_store)?.ok_or_else(|| not_found("file"))?;
        Ok(BlobView {
            path: data.blob_path(&row.sha256).map_err(from_store)?,
            sha256: row.sha256,
            size: row.size,
            media_type: row.media_type,
            filename: row.filename,
        })
    }
}

impl RecordFilter {
    /// The same to the store, for records of this time.
    pub(crate) fn by(&self, time: &RecordTime) -> Result<freehold_store::RecordFilter, Problem> {
        let text = self.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        Ok(freehold_store::RecordFilter { text: text.map(str::to_owned), span: self.days.span(time)? })
    }
}

/// How the records of a stream are read.
pub(crate) struct Reading {
    /// The field that says what a record is, as the manifest's `x_pdpp_role` names it.
    title: Option<String>,
    /// What they are in the order of.
    pub(crate) time: RecordTime,
}

impl Inner {
    /// How the records of a source's stream are read, whether the source was removed or not.
    pub(crate) fn reading(&self, source: SourceId, stream: &str) -> Result<Reading, Problem> {
        let row = self.any_source_row(source)?;
        let connector = self.catalog.get(&row.connector).ok();
        let declared = connector.as_ref().and_then(|connector| connector.manifest.stream(stream));
        Ok(Reading {
            title: declared.and_then(|stream| stream.field_with_role("primary-title")).map(str::to_owned),
            time: declared.map(time_of).unwrap_or_default(),
        })
    }
}

/// What a stream's records are in the order of. A cursor need not be a time; where it is, its format says so.
pub(crate) fn time_of(stream: &Stream) -> RecordTime {
    let format = |field: &str| stream.format_of(field).filter(|format| ["date", "date-time"].contains(format));
    let field = stream.time_field().filter(|field| stream.consent_time_field.is_some() || format(field).is_some());
    RecordTime { field: field.map(str::to_owned), is_day: field.and_then(format) == Some("date") }
}

fn neighbours_view(found: Neighbours) -> NeighboursView {
    let view =
        |beside: freehold_store::Neighbour| NeighbourView { source: beside.source, stream: beside.stream, key: beside.key };
    NeighboursView { newer: found.newer.map(view), older: found.older.map(view), place: found.place }
}

fn record_view(row: RecordRow, title_field: Option<&str>) -> RecordView {
    let data: Value = serde_json::from_str(&row.data).unwrap_or(Value::Null);
    RecordView {
        title: title_of(&data, title_field).unwrap_or_else(|| row.key.clone()),
        key: row.key,
        emitted_at: row.emitted_at,
        first_seen_at: row.first_seen_at,
        changed_at: row.changed_at,
        versions: row.versions,
        data,
    }
}

/// The declared title, or the field people usually read first.
pub(crate) fn title_of(data: &Value, title_field: Option<&str>) -> Option<String> {
    let usual = ["title", "subject", "name", "display_name", "filename", "summary"];
    let candidates = title_field.into_iter().chain(usual);
    let text = candidates.filter_map(|field| data.get(field)).find_map(Value::as_str).map(str::trim)?;
    (!text.is_empty()).then(|| text.chars().take(200).collect())
}

fn version_view(row: VersionRow) -> VersionView {
    VersionView { seen_at: row.seen_at, run: row.run, data: row.data.and_then(|data| serde_json::from_str(&data).ok()) }
}
