//! `freehold receipts` and `receipt`: what was wiped, forgotten or removed, and what was looked at afterwards.

use clap::Args;
use freehold_core::receipt::{Looked, Receipt as Body, ReceiptKind};
use freehold_core::{Problem, ProblemCode, ReceiptId, SecretKind, SourceId};
use serde::Deserialize;

use super::client::{Client, Reply, segment};
use super::picture::shell_word;
use super::source::find;
use super::terminal::{Cell, Terminal, Tone};
use super::{Context, removed, time};

#[derive(Args, Debug)]
pub(crate) struct Receipts {
    /// Those of this source alone: its name or id, also of one that was removed
    source: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Receipt {
    /// The receipt's id, or a source's name or id for its newest
    of: String,
}

/// A receipt as the API gives it.
#[derive(Deserialize)]
struct Picture {
    #[serde(flatten)]
    receipt: Body,
    verified: bool,
    sentence: String,
    session: String,
    superseded: Option<ReceiptId>,
}

impl Receipts {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let reply = match &self.source {
            Some(source) => of_source(&client, source_id(&client, source)?, self.limit)?,
            None => client.get(&format!("/receipts?limit={}", self.limit))?,
        };
        if context.terminal.json {
            return context.terminal.raw(reply.json());
        }
        let receipts: Vec<Picture> = reply.read()?;
        if receipts.is_empty() {
            return context.terminal.line("No receipts yet.");
        }
        let row = |one: &Picture| {
            vec![
                Cell::new(time::local(one.receipt.at)),
                Cell::new(&one.receipt.source_name),
                Cell::new(what(one.receipt.kind)),
                one.result(),
                Cell::new(one.receipt.id.to_string()).tone(Tone::Quiet),
            ]
        };
        context.terminal.table(&["Time", "Source", "What", "Result", "Receipt"], receipts.iter().map(row).collect())
    }
}

impl Receipt {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let id = if self.of.starts_with("rcp_") {
            segment(&self.of)
        } else {
            let newest = newest(&client, source_id(&client, &self.of)?)?;
            newest.ok_or_else(|| nothing_there(&self.of))?.to_string()
        };
        show(context.terminal, &client.get(&format!("/receipts/{id}"))?)
    }
}

/// Writes one receipt.
pub(crate) fn show(terminal: Terminal, reply: &Reply) -> Result<(), Problem> {
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let view: Picture = reply.read()?;
    let Picture { receipt, sentence, session, superseded, .. } = &view;
    terminal.line(sentence)?;
    if !receipt.left.is_empty() {
        terminal.line("")?;
        terminal.line(if superseded.is_some() { "Left then:" } else { "Left:" })?;
        receipt.left.iter().try_for_each(|left| terminal.pieces(&[Cell::new(" "), Cell::new(left).tone(Tone::Bad)]))?;
    }
    terminal.line("")?;
    let found = &receipt.found;
    let secrets: Vec<String> = found.secrets.iter().map(|kind| secret_words(kind)).collect();
    let secrets = if secrets.is_empty() { "no secrets".to_owned() } else { secrets.join(", ") };
    let processes = if receipt.run.is_some() { format!("; {} programs at work", found.processes) } else { String::new() };
    let there_was = format!("{} files, {} bytes{processes}; {secrets}", found.files, found.bytes);
    terminal.fields(&[
        ("Receipt", Cell::new(receipt.id.to_string())),
        ("Result", view.result()),
        ("What", Cell::new(what(receipt.kind))),
        ("Source", Cell::new(&receipt.source_name)),
        ("Connector", Cell::new(receipt.connector.as_str())),
        ("Folder", Cell::new(receipt.connector_digest.as_deref().unwrap_or_default())),
        ("Run", Cell::new(receipt.run.map(|run| run.to_string()).unwrap_or_default())),
        ("Time", Cell::new(time::local(receipt.at))),
        ("There was", Cell::new(there_was)),
        ("At the provider", Cell::new(session)),
        ("Audit hash", Cell::new(&receipt.audit)),
    ])?;
    terminal.line("")?;
    let row = |looked: &Looked| {
        let unreadable = if looked.unreadable > 0 { looked.unreadable.to_string() } else { String::new() };
        vec![Cell::new(looked.surface.replace('_', " ")), Cell::new(looked.items.to_string()), Cell::new(unreadable)]
    };
    terminal.table(&["Looked at", "Items", "Unreadable"], receipt.looked_at.iter().map(row).collect())?;
    if !receipt.cannot_show.is_empty() {
        terminal.line("")?;
        terminal.line("What this cannot show:")?;
        receipt.cannot_show.iter().try_for_each(|words| terminal.line(format!("  {words}")))?;
    }
    match superseded {
        Some(newer) => terminal.line(format!("It was looked at again since: `freehold receipt {newer}`.")),
        None if !view.verified && receipt.kind == ReceiptKind::Wipe => {
            let name = shell_word(&receipt.source_name);
            terminal.line(format!("Close what holds it, then `freehold source wipe {name}` removes it and looks again."))
        }
        None => Ok(()),
    }
}

/// The newest receipt of a source, which may be removed.
pub(crate) fn newest(client: &Client, source: SourceId) -> Result<Option<ReceiptId>, Problem> {
    let receipts: Vec<Picture> = of_source(client, source, 1)?.read()?;
    Ok(receipts.into_iter().next().map(|one| one.receipt.id))
}

/// Names the receipt that something left, if it is not the one that was the newest `before`.
pub(crate) fn tell_new(
    client: &Client,
    terminal: Terminal,
    source: SourceId,
    before: Option<ReceiptId>,
) -> Result<(), Problem> {
    match newest(client, source)?.filter(|id| Some(*id) != before) {
        Some(id) if !terminal.json => terminal.line(format!("It left a receipt: `freehold receipt {id}`.")),
        _ => Ok(()),
    }
}

impl Picture {
    fn result(&self) -> Cell {
        match (self.verified, self.superseded) {
            (true, _) => Cell::new("verified").tone(Tone::Good),
            (false, Some(_)) => Cell::new("looked at again later").tone(Tone::Quiet),
            (false, None) => Cell::new("something is left").tone(Tone::Bad),
        }
    }
}

fn of_source(client: &Client, source: SourceId, limit: u32) -> Result<Reply, Problem> {
    client.get(&format!("/sources/{source}/receipts?limit={limit}"))
}

/// A source of that name or id, or one that was removed.
fn source_id(client: &Client, text: &str) -> Result<SourceId, Problem> {
    if let Ok(id) = SourceId::parse(text) {
        return Ok(id);
    }
    match find(client, text) {
        Err(problem) if problem.code == ProblemCode::NotFound => {
            removed::find(client, text)?.map(|source| source.id).ok_or(problem)
        }
        found => found.map(|source| source.id),
    }
}

fn nothing_there(source: &str) -> Problem {
    Problem::new(
        ProblemCode::NotFound,
        format!("\"{source}\" has no receipt yet."),
        "A run that keeps nothing leaves one, and so do signing out, forgetting, another way to sign in, and removing.",
    )
}

fn what(kind: ReceiptKind) -> &'static str {
    match kind {
        ReceiptKind::Wipe => "wipe of a run",
        ReceiptKind::SignOut => "sign-out",
        ReceiptKind::Forget => "sign-in details forgotten",
        ReceiptKind::ChangeMode => "another way to sign in",
        ReceiptKind::Remove => "source removed",
    }
}

fn secret_words(kind: &str) -> String {
    SecretKind::parse(kind).map_or_else(|| kind.replace('_', " "), |known| known.label().to_owned())
}
