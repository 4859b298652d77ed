//! What removed sources left behind, for `freehold source` and `freehold records`.

use freehold_core::{Problem, ProblemCode};
use hyper::Method;
use serde::Serialize;

use super::client::{Body, Client};
use super::picture::Collected;
use super::prompt::Prompt;
use super::terminal::{Cell, Terminal, Tone};

/// Lists them.
pub(crate) fn list(client: &Client, terminal: Terminal) -> Result<(), Problem> {
    let reply = client.get("/removed-sources")?;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let removed: Vec<Collected> = reply.read()?;
    if removed.is_empty() {
        return terminal.line("No records of removed sources are kept.");
    }
    let row = |source: &Collected| {
        vec![
            Cell::new(&source.name),
            Cell::new(source.id.to_string()).tone(Tone::Quiet),
            Cell::new(&source.connector_display_name),
            Cell::new(source.account.as_deref().unwrap_or_default()),
            Cell::new(source.records().to_string()),
        ]
    };
    terminal.table(&["Removed source", "Id", "Connector", "Account", "Records"], removed.iter().map(row).collect())?;
    terminal.line("`freehold records` reads them; `freehold source remove --delete-records` deletes them for good.")
}

/// The removed source of that id or that name; none if there is none.
pub(crate) fn find(client: &Client, text: &str) -> Result<Option<Collected>, Problem> {
    let removed: Vec<Collected> = client.get("/removed-sources")?.read()?;
    let is_it = |source: &Collected| source.name == text || source.id.to_string() == text;
    let mut named = removed.into_iter().filter(is_it);
    match (named.next(), named.next()) {
        (Some(one), Some(other)) => Err(Problem::new(
            ProblemCode::BadInput,
            format!("More than one removed source is named \"{text}\"."),
            format!("Use an id: {} or {}.", one.id, other.id),
        )),
        (found, _) => Ok(found),
    }
}

/// Deletes for good what one left behind. `confirmed` is its name, where it was given already.
pub(crate) fn delete(
    client: &Client,
    terminal: Terminal,
    removed: &Collected,
    delete_records: bool,
    confirmed: Option<String>,
) -> Result<(), Problem> {
    if !delete_records {
        return Err(Problem::new(
            ProblemCode::Conflict,
            format!("\"{}\" was removed already; its records stayed.", removed.name),
            "Add --delete-records to delete them for good.",
        ));
    }
    let confirm_name = match confirmed {
        Some(name) => name,
        None => {
            let prompt = Prompt::open("Confirm with --confirm NAME.")?;
            prompt.say(&format!("It was removed before; its {} records are deleted for good.", removed.records()))?;
            prompt.line(&format!("Type \"{}\" to delete them", removed.name))?
        }
    };
    #[derive(Serialize)]
    struct Deletion {
        confirm_name: String,
    }
    let body = Body::json(&Deletion { confirm_name })?;
    client.send(Method::DELETE, &format!("/removed-sources/{}", removed.id), &body)?;
    terminal.done(format!("The records of \"{}\" are deleted.", removed.name))
}
