//! `freehold audit`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use freehold_core::{Problem, Timestamp};
use freehold_engine::Caller;
use hyper::Method;
use serde::Deserialize;

use super::client::Body;
use super::door::Door;
use super::terminal::{Cell, Tone};
use super::{Context, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Its entries, oldest first
    Show(Show),
    /// Check that no entry was changed, removed or put in between
    Verify,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Continue after this entry
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    after: u64,
    /// At most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Deserialize)]
struct Entry {
    seq: u64,
    at: Timestamp,
    who: String,
    sentence: String,
    about: String,
}

#[derive(Deserialize)]
struct Check {
    intact: bool,
    sentence: String,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        match self {
            Command::Show(show) => show.run(context).map(|()| ExitCode::SUCCESS),
            Command::Verify => verify(context),
        }
    }
}

impl Show {
    fn run(self, context: &Context) -> Result<(), Problem> {
        let reply = context.client()?.get(&format!("/audit?after={}&limit={}", self.after, self.limit))?;
        if context.terminal.json {
            return context.terminal.raw(reply.json());
        }
        let entries: Vec<Entry> = reply.read()?;
        let row = |entry: &Entry| {
            vec![
                Cell::new(entry.seq.to_string()).tone(Tone::Quiet),
                Cell::new(time::local(entry.at)),
                Cell::new(&entry.who),
                Cell::new(&entry.sentence),
                Cell::new(&entry.about),
            ]
        };
        context.terminal.table(&["Number", "Time", "Who", "What", "Of what"], entries.iter().map(row).collect())?;
        match entries.last() {
            Some(last) if entries.len() == self.limit as usize => {
                context.terminal.line(format!("More: add --after {}", last.seq))
            }
            _ => Ok(()),
        }
    }
}

/// Exits with 1 if the chain is broken.
fn verify(context: &Context) -> Result<ExitCode, Problem> {
    let json = match Door::open(context)? {
        Door::Server(client) => client.send(Method::POST, "/audit/verify", &Body::empty())?.json().to_vec(),
        // Whoever can read the data directory needs nobody's leave to check it.
        Door::Data(engine) => {
            serde_json::to_vec(&engine.verify_audit(&Caller::Cli { reauthenticated: true })?).unwrap_or_default()
        }
    };
    let check: Check = serde_json::from_slice(&json).map_err(|error| {
        Problem::new(
            freehold_core::ProblemCode::Internal,
            format!("The check's result is unreadable: {error}."),
            "Use the same version of Freehold for both.",
        )
    })?;
    if context.terminal.json {
        context.terminal.raw(&json)?;
    } else {
        context.terminal.line(check.sentence)?;
    }
    Ok(if check.intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
