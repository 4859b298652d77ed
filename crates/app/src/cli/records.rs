//! `freehold records`.

use clap::Args;
use freehold_core::{Problem, ProblemCode, RunId, SourceId, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, segment};
use super::picture::{Source, Stream, shell_word};
use super::source::find;
use super::terminal::{Cell, Terminal, Tone};
use super::{Context, removed, time};

#[derive(Args, Debug)]
pub(crate) struct Records {
    /// A source's name or id, also of one that was removed; without it, everything there is
    source: Option<String>,
    /// One of its streams; without it, the streams
    stream: Option<String>,
    /// One record's key; without it, the newest records
    key: Option<String>,
    /// Only records that contain these words
    #[arg(long, requires = "stream", conflicts_with = "key")]
    text: Option<String>,
    /// Only records from this day on, like 2026-03-01: by their own time, or where they have none, by when they were collected
    #[arg(long, requires = "stream", conflicts_with = "key", value_name = "DAY")]
    from: Option<String>,
    /// Only records up to this day, which counts too
    #[arg(long, requires = "stream", conflicts_with = "key", value_name = "DAY")]
    to: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500), conflicts_with = "key")]
    limit: u32,
    /// Continue after a page, from the line it ended with
    #[arg(long, requires = "stream", conflicts_with = "key", value_name = "POINT")]
    before: Option<String>,
    /// Write all of them to standard output, or those that --text, --from and --to leave
    #[arg(long, requires = "stream", conflicts_with_all = ["key", "before"], value_name = "csv|jsonl")]
    export: Option<String>,
    /// What the record was before
    #[arg(long, requires = "key")]
    versions: bool,
}

/// The source whose records are read, and where the API has it.
pub(crate) struct Origin {
    pub(crate) id: SourceId,
    pub(crate) name: String,
    streams: Vec<Stream>,
    is_removed: bool,
}

/// A record.
#[derive(Deserialize)]
struct Record {
    key: String,
    title: String,
    emitted_at: Timestamp,
    changed_at: Timestamp,
    versions: u32,
    data: Value,
}

/// A page of records.
#[derive(Deserialize)]
struct Page {
    records: Vec<Record>,
    next: Option<String>,
    total: u64,
}

/// A value a record had.
#[derive(Deserialize)]
struct Version {
    seen_at: Timestamp,
    run: RunId,
    data: Option<Value>,
}

impl Records {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let terminal = context.terminal;
        let source = self.source.as_deref().map(|source| origin(&client, source)).transpose()?;
        match (source, &self.stream, &self.key) {
            (None, ..) => {
                let reply = client.get("/sources")?;
                if terminal.json {
                    return terminal.raw(reply.json());
                }
                let all: Vec<Origin> = reply.read::<Vec<Source>>()?.into_iter().map(Origin::from).collect();
                streams(terminal, &all)
            }
            (Some(source), None, _) if terminal.json && !source.is_removed => {
                terminal.raw(client.get(&format!("/sources/{}", source.id))?.json())
            }
            (Some(source), None, _) if terminal.json => {
                let all: Vec<Value> = client.get("/removed-sources")?.read()?;
                let own = all.iter().find(|removed| removed["id"] == source.id.to_string());
                terminal.raw(own.unwrap_or(&Value::Null).to_string().as_bytes())
            }
            (Some(source), None, _) => streams(terminal, &[source]),
            (Some(source), Some(stream), None) if self.export.is_some() => self.export(&client, &source, stream),
            (Some(source), Some(stream), None) => self.page(&client, terminal, &source, stream),
            (Some(source), Some(stream), Some(key)) => {
                let path = format!("/sources/{}/streams/{}/records/{}", source.id, segment(stream), segment(key));
                if self.versions { versions(&client, terminal, &path) } else { one(&client, terminal, &path) }
            }
        }
    }

    fn export(&self, client: &Client, source: &Origin, stream: &str) -> Result<(), Problem> {
        let format = self.export.as_deref().unwrap_or_default();
        let stream = segment(stream);
        let path = format!("/sources/{}/streams/{stream}/export?format={}{}", source.id, segment(format), self.narrowed());
        client.copy(&path, &mut std::io::stdout().lock())
    }

    /// What the list is narrowed to, as the end of a query. The days are those of whoever asks.
    fn narrowed(&self) -> String {
        let zone = self.from.as_ref().or(self.to.as_ref()).and_then(|_| time::zone());
        let asked = [("text", &self.text), ("from", &self.from), ("to", &self.to), ("zone", &zone)];
        let given = asked.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        given.map(|(name, value)| format!("&{name}={}", segment(value))).collect()
    }

    fn page(&self, client: &Client, terminal: Terminal, source: &Origin, stream: &str) -> Result<(), Problem> {
        let before = self.before.as_deref().map(|before| format!("&before={}", segment(before))).unwrap_or_default();
        let (stream, narrowed) = (segment(stream), self.narrowed());
        let path = format!("/sources/{}/streams/{stream}/records?limit={}{narrowed}{before}", source.id, self.limit);
        let reply = client.get(&path)?;
        if terminal.json {
            return terminal.raw(reply.json());
        }
        let page: Page = reply.read()?;
        if page.records.is_empty() {
            let narrowed = !self.narrowed().is_empty();
            return terminal.line(if narrowed { "There are no such records." } else { "No records yet." });
        }
        let row = |record: &Record| {
            vec![
                Cell::new(time::local(record.emitted_at)),
                Cell::new(&record.key).tone(Tone::Quiet),
                Cell::new(&record.title),
            ]
        };
        terminal.table(&["Time", "Key", "Title"], page.records.iter().map(row).collect())?;
        terminal.line(format!("{} of {}.", page.records.len(), page.total))?;
        match &page.next {
            Some(next) => terminal.line(format!("More: add --before {}", shell_word(next))),
            None => Ok(()),
        }
    }
}

impl From<Source> for Origin {
    fn from(source: Source) -> Self {
        Self { id: source.id, name: source.name, streams: source.streams, is_removed: false }
    }
}

/// The source of that id or name, or the removed one whose records stayed.
pub(crate) fn origin(client: &Client, text: &str) -> Result<Origin, Problem> {
    match find(client, text) {
        Err(problem) if problem.code == ProblemCode::NotFound => match removed::find(client, text)? {
            Some(removed) => Ok(Origin { id: removed.id, name: removed.name, streams: removed.streams, is_removed: true }),
            None => Err(problem),
        },
        found => found.map(Origin::from),
    }
}

fn streams(terminal: Terminal, sources: &[Origin]) -> Result<(), Problem> {
    let rows: Vec<Vec<Cell>> = sources
        .iter()
        .flat_map(|source| source.streams.iter().map(move |stream| (source, stream)))
        .map(|(source, stream)| {
            vec![
                Cell::new(&source.name),
                Cell::new(&stream.name),
                Cell::new(stream.count.to_string()),
                Cell::new(stream.bytes.to_string()),
                Cell::new(stream.newest.map(time::local).unwrap_or_default()),
                Cell::new(&stream.label),
            ]
        })
        .collect();
    if rows.is_empty() {
        return terminal.line("No records yet.");
    }
    terminal.table(&["Source", "Stream", "Records", "Bytes", "Newest", "What"], rows)
}

fn one(client: &Client, terminal: Terminal, path: &str) -> Result<(), Problem> {
    let reply = client.get(path)?;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let record: Record = reply.read()?;
    terminal.fields(&[
        ("Key", Cell::new(&record.key)),
        ("Title", Cell::new(&record.title)),
        ("Time", Cell::new(time::local(record.emitted_at))),
        ("Last changed", Cell::new(time::local(record.changed_at))),
        ("Values it had", Cell::new(record.versions.to_string())),
    ])?;
    terminal.line("")?;
    data(terminal, &record.data)
}

/// A record's data: short values aligned, long texts in blocks of their own.
fn data(terminal: Terminal, data: &Value) -> Result<(), Problem> {
    let Some(members) = data.as_object() else { return terminal.line(data.to_string()) };
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let (long, short): (Vec<_>, Vec<_>) = members
        .iter()
        .map(|(name, value)| (name.as_str(), words(value)))
        .partition(|(_, text)| text.contains('\n') || text.len() > 200);
    let short: Vec<(&str, Cell)> = short.iter().map(|(name, text)| (*name, Cell::new(text))).collect();
    terminal.fields(&short)?;
    for (name, text) in long {
        terminal.line("")?;
        terminal.line(format!("{name}:"))?;
        terminal.text(&text)?;
    }
    Ok(())
}

fn versions(client: &Client, terminal: Terminal, path: &str) -> Result<(), Problem> {
    let reply = client.get(&format!("{path}/versions"))?;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    for version in reply.read::<Vec<Version>>()? {
        terminal.line(format!("Seen {} by {}", time::local(version.seen_at), version.run))?;
        match &version.data {
            Some(value) => data(terminal, value)?,
            None => terminal.line("deleted")?,
        }
        terminal.line("")?;
    }
    Ok(())
}
