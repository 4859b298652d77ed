//! A stream's records: a filter, a table whose columns follow from the data, and paging, all in the address.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{Problem, ProblemCode, SourceId, Timestamp};
use freehold_engine::view::{CollectedView, CountView, CountsView, RecordPage, RecordTime, RecordView, StreamView};
use serde_json::Value;

use super::chart::Chart;
use super::text::{Dated, When, bytes, counted, words};
use super::{Frame, Page, Under, show_with, url};
use crate::admit::Visitor;
use crate::api::records::Filter;
use crate::api::{Asked, Named};
use crate::narrowed::Narrowed;
use crate::zone::OwnersZone;

/// Columns taken from the data, beside the title and the time.
const COLUMNS: usize = 3;
/// The longest text that is still a cell.
const CELL: usize = 60;

#[derive(Template)]
#[template(path = "records.html")]
pub(super) struct RecordsPage {
    pub(super) frame: Frame,
    source: CollectedView,
    source_url: String,
    label: String,
    /// What the records are in the order of, in words.
    time: String,
    narrowed: Narrowed,
    /// What the list is narrowed to, in words.
    narrowed_words: String,
    is_narrowed: bool,
    /// What is wrong with what it was to be narrowed to.
    problem: Option<Problem>,
    chart: Option<Chart>,
    total: String,
    /// What all of the stream's records take on the disk, where all are listed.
    size: Option<String>,
    columns: Vec<String>,
    rows: Vec<Row>,
    /// Where all of them are, and where the first of these are.
    all: String,
    here: String,
    next: Option<String>,
    is_first: bool,
    /// What is said of records that cannot be found yet.
    waiting: Option<String>,
    /// Where these records are a file, for each format.
    exports: [(&'static str, String); 2],
    /// Where the stream is deleted, if there is anything of it.
    delete: Option<String>,
}

struct Row {
    url: String,
    title: String,
    at: Dated,
    /// Each with its column's name, for the cards of a narrow screen.
    cells: Vec<(String, Cell)>,
}

/// A short value.
pub(super) enum Cell {
    Text(String),
    Time(When),
}

pub(crate) async fn show_page(
    visitor: Visitor,
    Named((id, stream)): Named<(SourceId, String)>,
    OwnersZone(zone): OwnersZone,
    Asked(filter): Asked<Filter>,
) -> Page {
    let is_first = filter.before.is_none();
    let narrowed = filter.narrowed().by(zone);
    let query = narrowed.filter().map(|narrowed| filter.of(narrowed));
    let wanted = stream.clone();
    let (source, found) = visitor
        .ask(move |engine, caller| {
            let source = engine.collected(caller, id)?;
            let found = query.and_then(|query| {
                let counts = engine.counts(caller, id, &wanted, &query.filter)?;
                Ok((engine.records(caller, id, &wanted, &query)?, counts))
            });
            // What was typed wrong is told above the list; where it is anything else, there is no list.
            match found {
                Err(problem) if problem.code != ProblemCode::BadInput => Err(problem),
                found => Ok((source, found)),
            }
        })
        .await?;
    let view = stream_of(&source, &stream)?;
    let status = if found.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(show_with(status, &page(source, &view, found, narrowed, is_first)))
}

/// The stream of that name.
pub(super) fn stream_of(source: &CollectedView, name: &str) -> Result<StreamView, Problem> {
    source.streams.iter().find(|stream| stream.name == name).cloned().ok_or_else(|| {
        Problem::new(
            ProblemCode::NotFound,
            "This source has no such stream.",
            "Start from the source's page, which lists them.",
        )
    })
}

pub(super) fn page(
    source: CollectedView,
    stream: &StreamView,
    found: Result<(RecordPage, CountsView), Problem>,
    narrowed: Narrowed,
    is_first: bool,
) -> RecordsPage {
    let ((found, counts), problem) = match found {
        Ok(found) => (found, None),
        Err(problem) => (Default::default(), Some(problem)),
    };
    let columns = columns(&found.records);
    let asked = narrowed.asked();
    let row = |record: &RecordView| Row {
        url: url::with_query(&url::record(source.id, &stream.name, &record.key), &asked),
        title: record.title.clone(),
        at: Dated(record.emitted_at),
        cells: columns.iter().map(|name| (words(name), cell(record.data.get(name)))).collect(),
    };
    let all = url::stream(source.id, &stream.name);
    let with = |page: &str, name, value| url::with_query(page, &[&asked[..], &[(name, value)]].concat());
    let of_part = |part: &CountView| url::with_query(&all, &narrowed.to_part(&counts, part).asked());
    let whole = narrowed.has_day().then(|| url::with_query(&all, &[("text", &narrowed.text)]));
    RecordsPage {
        chart: Chart::of_records(&counts, whole, of_part),
        frame: Frame::new(format!("{} of {}", stream.label, source.name), Under::Home),
        label: stream.label.clone(),
        time: time_words(&stream.time),
        waiting: super::search::waiting(found.waiting),
        exports: [("CSV", "csv"), ("JSON Lines", "jsonl")]
            .map(|(label, format)| (label, with(&url::exports(source.id, &stream.name), "format", format))),
        delete: (stream.count + stream.earlier > 0).then(|| url::delete_stream(source.id, &stream.name)),
        total: counted(found.total, "record", "records"),
        size: (!narrowed.is_narrowed() && found.total > 0).then(|| bytes(stream.bytes)),
        rows: found.records.iter().map(row).collect(),
        columns: columns.iter().map(|name| words(name)).collect(),
        next: found.next.as_deref().map(|next| with(&all, "before", next)),
        here: url::with_query(&all, &asked),
        all,
        narrowed_words: narrowed.words(),
        is_narrowed: narrowed.is_narrowed(),
        narrowed,
        problem,
        is_first,
        source_url: url::collected(&source),
        source,
    }
}

/// What records are in the order of, as the heading of its column.
pub(super) fn time_words(time: &RecordTime) -> String {
    time.field.as_deref().map_or_else(|| "Collected".to_owned(), words)
}

/// The columns that tell these records apart best: short values most of them have, neither all the same nor a second title, nor
/// what another column shows already.
fn columns(records: &[RecordView]) -> Vec<String> {
    let mut chosen: Vec<Candidate<'_>> = Vec::new();
    for candidate in candidates(records) {
        if chosen.len() < COLUMNS && !candidate.is_time() && !chosen.iter().any(|other| other.shows(&candidate)) {
            chosen.push(candidate);
        }
    }
    chosen.into_iter().map(|candidate| candidate.name.to_owned()).collect()
}

/// A field that could be a column: its short values, by the record's place in the list.
struct Candidate<'a> {
    name: &'a str,
    values: BTreeMap<usize, String>,
    is_text: bool,
}

impl Candidate<'_> {
    fn is_time(&self) -> bool {
        self.values.values().all(|text| text.parse::<Timestamp>().is_ok())
    }

    /// Whether this column says all that `other` would.
    fn shows(&self, other: &Candidate<'_>) -> bool {
        other.values.iter().all(|(place, text)| self.values.get(place).is_some_and(|shown| shown.contains(text.as_str())))
    }
}

/// Every such field, the best first: text before numbers, the fullest before others, and by name among equals, so that a reload
/// does not move them.
fn candidates(records: &[RecordView]) -> Vec<Candidate<'_>> {
    let mut fields: BTreeMap<&str, Candidate<'_>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        for (name, value) in record.data.as_object().into_iter().flatten() {
            // A flag is the same word in nearly every row.
            let Some(text) = short(value).filter(|_| !value.is_boolean()) else { continue };
            if text == record.title || text == record.key {
                continue;
            }
            let field = fields.entry(name).or_insert(Candidate { name, values: BTreeMap::new(), is_text: true });
            field.is_text &= value.is_string();
            field.values.insert(place, text);
        }
    }
    let tells_apart = |field: &Candidate<'_>| {
        let distinct: BTreeSet<&String> = field.values.values().collect();
        let is_id = field.name == "id" || field.name.ends_with("_id");
        let is_opaque = !field.is_time() && distinct.iter().all(|text| looks_opaque(text));
        field.values.len() * 2 > records.len() && (records.len() == 1 || distinct.len() > 1) && !is_id && !is_opaque
    };
    let mut found: Vec<Candidate<'_>> = fields.into_values().filter(tells_apart).collect();
    found.sort_by_key(|field| (!field.is_text, std::cmp::Reverse(field.values.len()), field.name));
    found
}

/// Ids and hashes tell a person nothing.
fn looks_opaque(text: &str) -> bool {
    text.len() >= 16 && !text.contains(' ') && !text.contains('@') && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// A value short enough for a cell.
fn short(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text.chars().count() <= CELL && !text.contains('\n') => {
            Some(text.clone())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("Yes".to_owned()),
        Value::Bool(false) => Some("No".to_owned()),
        _ => None,
    }
}

fn cell(value: Option<&Value>) -> Cell {
    let text = value.and_then(short).unwrap_or_default();
    match text.parse::<Timestamp>() {
        Ok(instant) => Cell::Time(When(instant)),
        Err(_) => Cell::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(key: &str, title: &str, data: Value) -> RecordView {
        let at: Timestamp = "2026-03-01T09:05:30Z".parse().expect("a time");
        RecordView {
            key: key.to_owned(),
            title: title.to_owned(),
            emitted_at: at,
            first_seen_at: at,
            changed_at: at,
            versions: 1,
            data,
        }
    }

    #[test]
    fn columns_are_what_tells_records_apart() {
        let records = [
            record(
                "1",
                "Lake",
                json!({"subject": "Lake", "from": "a@example.test", "folder": "In", "same": "x", "size": 5, "from_email": "a@example", "seen": true,
                "date": "2026-03-01T09:05:30Z", "body": "long\ntext", "hash": "9f86d081884c7d659a2feaa0c55ad015"}),
            ),
            record(
                "2",
                "Hill",
                json!({"subject": "Hill", "from": "b@example.test", "folder": "Out", "same": "x", "size": 6, "from_email": "b@example", "seen": false,
                "date": "2026-03-02T09:05:30Z", "body": "more\ntext", "hash": "8f86d081884c7d659a2feaa0c55ad015"}),
            ),
        ];
        assert_eq!(columns(&records), ["folder", "from", "size"]);
        assert_eq!(columns(&[]), Vec::<String>::new());
    }
}
