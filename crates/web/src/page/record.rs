//! A record as a page: its values, its files, and what it was before.

use askama::Template;
use freehold_core::{Problem, SourceId, Timestamp};
use freehold_engine::view::{CollectedView, NeighbourView, NeighboursView, RecordView, VersionView};
use freehold_engine::{Caller, Engine, SearchQuery};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::records::stream_of;
use super::text::{Dated, When, bytes, count, words};
use super::{Frame, Page, Under, show, url};
use crate::admit::Visitor;
use crate::api::{Asked, Named, search};
use crate::narrowed::Narrowed;

/// The longest text shown on one line.
const LINE: usize = 100;
/// Values within values deeper than this are shown as JSON.
const DEPTH: usize = 3;

#[derive(Template)]
#[template(path = "record.html")]
pub(super) struct RecordPage {
    pub(super) frame: Frame,
    source: CollectedView,
    source_url: String,
    stream_url: String,
    stream_label: String,
    beside: Beside,
    title: String,
    key: String,
    at: Dated,
    first_seen: When,
    changed: When,
    rows: Vec<Row>,
    files: Vec<FileRow>,
    versions: Vec<Version>,
}

/// The list a record is looked at in, as the address of the record says it.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct In {
    pub(super) text: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) zone: Option<String>,
    /// The words of a search, if the list is what that found, and the source it was narrowed to.
    #[serde(default)]
    pub(super) search: String,
    #[serde(default)]
    pub(super) source: String,
}

impl In {
    fn narrowed(&self) -> Narrowed {
        Narrowed::given(self.text.clone(), self.from.clone(), self.to.clone(), self.zone.clone())
    }

    /// The query of the addresses of the list's records.
    fn asked(&self) -> Vec<(&'static str, String)> {
        let search = [("search", self.search.clone()), ("source", self.source.clone())];
        self.narrowed().asked().map(|(name, value)| (name, value.to_owned())).into_iter().chain(search).collect()
    }

    /// What is beside a record in this list.
    fn neighbours(
        &self,
        engine: &Engine,
        caller: &Caller,
        (source, stream, key): (SourceId, &str, &str),
    ) -> Result<NeighboursView, Problem> {
        let within = search::Filter { text: self.search.clone(), source: self.source.clone(), ..Default::default() };
        match within.into_query().filter(SearchQuery::has_word) {
            Some(query) => engine.found_neighbours(caller, source, stream, key, &query),
            None => engine.neighbours(caller, source, stream, key, &self.narrowed().filter()?),
        }
    }
}

/// What is beside a record in its list.
struct Beside {
    newer: Option<String>,
    older: Option<String>,
    /// Its place among all, in words.
    place: Option<String>,
    /// The search that found them, with its address, if that is the list.
    search: Option<(String, String)>,
    /// What the stream's list is narrowed to, in words.
    narrowed: String,
}

/// One value with its name.
struct Row {
    label: String,
    /// 0 for the record's own values, 1 for those within one of them, …
    depth: usize,
    shown: Shown,
}

enum Shown {
    /// A heading for the rows that follow.
    Heading,
    Line(String),
    /// As it came, with its own line breaks.
    Text(String),
    /// The source of a web page, which is never drawn: whatever is in it stays text.
    Source(String),
    /// Things of one kind, a line each.
    Table(Table),
    Time(When),
}

/// A list of things that have the same short values.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A file of the record.
struct FileRow {
    url: String,
    name: String,
    size: String,
    media_type: String,
}

/// A value the record has had: what changed then.
struct Version {
    at: When,
    run_url: String,
    is_deletion: bool,
    changes: Vec<Change>,
}

struct Change {
    label: String,
    before: Option<String>,
    after: Option<String>,
}

/// What the page of a record is made of.
pub(super) struct Facts {
    pub(super) source: CollectedView,
    pub(super) record: RecordView,
    pub(super) versions: Vec<VersionView>,
    pub(super) beside: NeighboursView,
}

pub(crate) async fn show_page(
    visitor: Visitor,
    Named((id, stream, key)): Named<(SourceId, String, String)>,
    Asked(list): Asked<In>,
) -> Page {
    let (wanted, within) = (stream.clone(), list.clone());
    let facts = visitor
        .ask(move |engine, caller| {
            Ok(Facts {
                source: engine.collected(caller, id)?,
                record: engine.record(caller, id, &wanted, &key)?,
                versions: engine.versions(caller, id, &wanted, &key)?,
                beside: within.neighbours(engine, caller, (id, &wanted, &key))?,
            })
        })
        .await?;
    let label = stream_of(&facts.source, &stream)?.label;
    Ok(show(&page(facts, &stream, label, &list)))
}

pub(super) fn page(facts: Facts, stream: &str, label: String, list: &In) -> RecordPage {
    let Facts { source, record, versions, beside } = facts;
    let mut found = Found { source: source.id, title: record.title.clone(), rows: Vec::new(), files: Vec::new() };
    match &record.data {
        Value::Object(fields) => found.fields(fields, 0),
        other => found.value("Value", other, 0),
    }
    RecordPage {
        frame: Frame::new(record.title.clone(), Under::Home),
        stream_url: url::with_query(&url::stream(source.id, stream), &list.narrowed().asked()),
        stream_label: label,
        beside: beside_in(beside, list),
        at: Dated(record.emitted_at),
        first_seen: When(record.first_seen_at),
        changed: When(record.changed_at),
        rows: found.rows,
        files: found.files,
        versions: versions_of(source.id, &versions),
        title: record.title,
        key: record.key,
        source_url: url::collected(&source),
        source,
    }
}

fn beside_in(beside: NeighboursView, list: &In) -> Beside {
    let asked = list.asked();
    let asked: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let to = |other: NeighbourView| url::with_query(&url::record(other.source, &other.stream, &other.key), &asked);
    let found = || url::with_query("/search", &[("text", &list.search), ("source", &list.source)]);
    Beside {
        newer: beside.newer.map(to),
        older: beside.older.map(to),
        place: beside.place.map(|(place, of)| format!("{} of {}", count(place), count(of))),
        search: (!list.search.is_empty()).then(|| (list.search.clone(), found())),
        narrowed: list.narrowed().words(),
    }
}

/// The rows and files found in a record so far.
struct Found {
    source: SourceId,
    /// What stands above them all, and need not be said again.
    title: String,
    rows: Vec<Row>,
    files: Vec<FileRow>,
}

impl Found {
    fn fields(&mut self, fields: &Map<String, Value>, depth: usize) {
        let mut ordered: Vec<_> = fields.iter().collect();
        ordered.sort_by_key(|(name, value)| rank(name, value));
        for (name, value) in ordered {
            match measured(name, value, fields) {
                Some(text) => self.rows.push(Row { label: words(name), depth, shown: Shown::Line(text) }),
                None if depth == 0 && value.as_str() == Some(&self.title) => {}
                None => self.value(&words(name), value, depth),
            }
        }
    }

    fn value(&mut self, label: &str, value: &Value, depth: usize) {
        let shown = match value {
            Value::Null => return,
            Value::String(text) if text.is_empty() => return,
            Value::String(text) => string(text),
            Value::Bool(yes) => Shown::Line(if *yes { "Yes" } else { "No" }.to_owned()),
            Value::Number(number) => Shown::Line(number.to_string()),
            Value::Array(items) if items.is_empty() => return,
            Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
                string(&items.iter().map(plain).collect::<Vec<_>>().join(", "))
            }
            Value::Object(fields) if fields.contains_key("$blob") => {
                self.file(&fields["$blob"]);
                return;
            }
            nested if depth >= DEPTH => Shown::Text(serde_json::to_string_pretty(nested).unwrap_or_default()),
            Value::Array(items) => match table(items) {
                Some(table) => Shown::Table(table),
                None => return self.items(label, items, depth),
            },
            Value::Object(fields) => {
                let before = self.rows.len();
                self.fields(fields, depth + 1);
                // A heading over nothing but files would stand alone.
                if self.rows.len() > before {
                    self.rows.insert(before, Row { label: label.to_owned(), depth, shown: Shown::Heading });
                }
                return;
            }
        };
        self.rows.push(Row { label: label.to_owned(), depth, shown });
    }

    fn items(&mut self, label: &str, items: &[Value], depth: usize) {
        for (index, item) in items.iter().enumerate() {
            let label = if items.len() == 1 { label.to_owned() } else { format!("{label} {}", index + 1) };
            self.value(&label, item, depth);
        }
    }

    fn file(&mut self, blob: &Value) {
        let text = |name: &str| blob.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sha256 = text("sha256");
        let name = if text("filename").is_empty() { "File without a name".to_owned() } else { text("filename") };
        self.files.push(FileRow {
            url: format!("/sources/{}/blobs/{}", self.source, url::segment(&sha256)),
            name,
            size: bytes(blob.get("size").and_then(Value::as_u64).unwrap_or_default()),
            media_type: text("media_type"),
        });
    }
}

/// A number with what it is a number of: bytes, or the currency the things beside it are in.
fn measured(name: &str, value: &Value, beside: &Map<String, Value>) -> Option<String> {
    const MONEY: [&str; 8] = ["total", "price", "amount", "cost", "fee", "tax", "discount", "balance"];
    if let Some(size) = value.as_u64().filter(|_| name.ends_with("bytes")) {
        return Some(bytes(size));
    }
    let currency = beside.get("currency").and_then(Value::as_str).filter(|currency| currency.len() == 3)?;
    let is_money = name.split('_').any(|word| MONEY.contains(&word)) && !name.ends_with("_cents");
    let text = plain(value);
    let is_number =
        !text.is_empty() && text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_money && is_number).then(|| format!("{text} {currency}"))
}

/// Several things whose values are all short, as a table.
fn table(items: &[Value]) -> Option<Table> {
    let things: Vec<&Map<String, Value>> = items.iter().map(Value::as_object).collect::<Option<_>>()?;
    let is_flat = |thing: &&Map<String, Value>| !thing.values().any(is_long) && !thing.contains_key("$blob");
    if things.len() < 2 || !things.iter().all(is_flat) {
        return None;
    }
    let mut names: Vec<&String> = Vec::new();
    for name in things.iter().flat_map(|thing| thing.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let cell = |thing: &Map<String, Value>, name: &str| match thing.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(value) => measured(name, value, thing).unwrap_or_else(|| plain(value)),
    };
    Some(Table {
        columns: names.iter().map(|name| words(name)).collect(),
        rows: things.iter().map(|thing| names.iter().map(|name| cell(thing, name)).collect()).collect(),
    })
}

/// Short values first, since a letter's text would hide who wrote it; the source of a page, ids and flags, which tell a person least,
/// last.
fn rank(name: &str, value: &Value) -> u8 {
    match value {
        Value::String(text) if is_page(text) => 2,
        _ if name == "id" || name.ends_with("_id") => 3,
        Value::Bool(_) => 3,
        value => u8::from(is_long(value)),
    }
}

fn is_long(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n') || text.chars().count() > LINE,
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        _ => false,
    }
}

fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<') && text.contains("</")
}

fn string(text: &str) -> Shown {
    match text.parse::<Timestamp>() {
        Err(_) if is_page(text) => Shown::Source(text.to_owned()),
        Ok(instant) => Shown::Time(When(instant)),
        Err(_) if text.contains('\n') || text.chars().count() > LINE => Shown::Text(text.to_owned()),
        Err(_) => Shown::Line(text.to_owned()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What each value changed against the one before it, newest first. Of the first there is nothing to compare.
fn versions_of(source: SourceId, versions: &[VersionView]) -> Vec<Version> {
    let version = |(index, version): (usize, &VersionView)| {
        let older = versions.get(index + 1).and_then(|older| older.data.as_ref());
        Version {
            at: When(version.seen_at),
            run_url: format!("/sources/{source}/runs/{}", version.run),
            is_deletion: version.data.is_none(),
            changes: older.zip(version.data.as_ref()).map(|(before, after)| changes(before, after)).unwrap_or_default(),
        }
    };
    versions.iter().enumerate().map(version).collect()
}

fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let empty = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let text = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(cut);
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Change { label: words(name), before: text(before.get(name)), after: text(after.get(name)) })
        .collect()
}

/// A value's beginning, for the list of changes.
fn cut(value: &Value) -> String {
    let text = plain(value);
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_say_what_of_and_things_of_a_kind_are_a_table() {
        let order = json!({"currency": "EUR", "total": "49.90", "tax_total": 3, "total_cents": 4990, "size_bytes": 2000, "name": "total"});
        let of = |name: &str| measured(name, &order[name], order.as_object().expect("an object"));
        assert_eq!((of("total").as_deref(), of("tax_total").as_deref()), (Some("49.90 EUR"), Some("3 EUR")));
        assert_eq!((of("size_bytes").as_deref(), of("total_cents"), of("name")), (Some("2.0 kB"), None, None));
        let items = [json!({"name": "Tea", "price": "4.10", "currency": "EUR"}), json!({"name": "Cup", "n": 2})];
        let table = table(&items).expect("a table");
        assert_eq!(table.columns, ["Currency", "Name", "Price", "N"]);
        assert_eq!(table.rows, [["EUR", "Tea", "4.10 EUR", ""], ["", "Cup", "", "2"]]);
        assert!(super::table(&items[..1]).is_none() && super::table(&[json!(1), json!({})]).is_none());
    }

    #[test]
    fn a_change_names_the_field_and_both_values() {
        let found = changes(&json!({"a": 1, "b": "x", "gone": true}), &json!({"a": 1, "b": "y", "new": "z"}));
        let told: Vec<_> = found.iter().map(|c| (c.label.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
        assert_eq!(told, [("B", Some("x"), Some("y")), ("Gone", Some("true"), None), ("New", None, Some("z"))]);
    }
}
