//! `freehold connector sign-in-trace`: which of a manifest's screens a run recognised, for whoever writes one.

use clap::Args;
use freehold_core::{Problem, ProblemCode, RunId};
use serde::Deserialize;

use super::picture::{Source, shell_word};
use super::terminal::{Cell, Tone};
use super::{Context, source};

#[derive(Args, Debug)]
pub(crate) struct SignInTrace {
    /// The source's name or id
    source: String,
    /// Another run than its last
    #[arg(long, value_parser = RunId::parse)]
    run: Option<RunId>,
}

/// An entry of the timeline, as far as the trace is in it.
#[derive(Deserialize)]
struct Entry {
    event: String,
    #[serde(default)]
    note: serde_json::Value,
}

/// One look at a page.
#[derive(Deserialize)]
struct Look {
    screen: Option<String>,
    address: String,
    did: String,
}

impl SignInTrace {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let source: Source = source::find(&client, &self.source)?;
        let Some(run) = self.run.or(source.last_run) else { return Err(nothing(&source, "It has not run to an end yet.")) };
        let timeline: Vec<Entry> = client.get(&format!("/runs/{run}/timeline"))?.read()?;
        let Some(entry) = timeline.into_iter().find(|entry| entry.event == "screens") else {
            return Err(nothing(&source, "That run looked at no page."));
        };
        if context.terminal.json {
            return context.terminal.raw(entry.note.to_string().as_bytes());
        }
        let looks: Vec<Look> = serde_json::from_value(entry.note).unwrap_or_default();
        let row = |look: Look| {
            let screen = match look.screen {
                Some(screen) => Cell::new(screen),
                None => Cell::new("none of them").tone(Tone::Attention),
            };
            vec![screen, Cell::new(look.did), Cell::new(look.address).tone(Tone::Quiet)]
        };
        context.terminal.table(&["Screen", "What was done", "Address"], looks.into_iter().map(row).collect())
    }
}

fn nothing(source: &Source, why: &str) -> Problem {
    let what = format!("There is no sign-in of \"{}\" to show. {why}", source.name);
    Problem::new(ProblemCode::NotFound, what, format!("Run it: `freehold run {}`.", shell_word(&source.name)))
}
