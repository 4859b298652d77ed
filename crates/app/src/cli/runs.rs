//! `freehold run`, `cancel` and `runs`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use freehold_core::run::Outcome;
use freehold_core::{Problem, ProblemCode, SecretKind, Timestamp};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, Client, segment};
use super::form::Secrets;
use super::picture::{Connector, Moment, RunPicture, Source, shell_word};
use super::secret_input::SecretInput;
use super::source::find;
use super::terminal::{Cell, Terminal, Tone};
use super::{Context, follow, form, time};

/// Exit code when watched: 0 succeeded, 20 it needs you, 21 it failed, 22 it was cancelled, 130 you stopped watching
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Run {
    /// The source's name or id
    source: String,
    /// Ask for sign-in details for this run only, of a source that keeps nothing; else you sign in in the secure browser
    #[arg(long)]
    with_details: bool,
    #[command(flatten)]
    secrets: SecretInput,
    /// Start it and return at once
    #[arg(long)]
    no_wait: bool,
}

/// The body of `POST /sources/{id}/run` with sign-in details.
#[derive(Serialize)]
struct Given {
    credentials: BTreeMap<SecretKind, Secrets>,
}

#[derive(Args, Debug)]
pub(crate) struct Cancel {
    /// The source's name or id
    source: String,
}

#[derive(Args, Debug)]
pub(crate) struct Runs {
    /// A source's name or id for its runs, or a run's id for its timeline
    of: Option<String>,
    /// Show the records this run rejected, and why
    #[arg(long, conflicts_with = "log")]
    rejected: bool,
    /// Show what the connector wrote to its log
    #[arg(long)]
    log: bool,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

impl Run {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        let client = context.client()?;
        let source = find(&client, &self.source)?;
        let body = self.body(&client, &source)?;
        let reply = client.send(Method::POST, &format!("/sources/{}/run", source.id), &body);
        let run = match (reply, source.current_run) {
            (Ok(reply), _) if context.terminal.json => {
                return context.terminal.raw(reply.json()).map(|()| ExitCode::SUCCESS);
            }
            (Ok(reply), _) => reply.read::<RunPicture>()?.id,
            (Err(problem), Some(current)) if problem.code == ProblemCode::SourceBusy && !context.terminal.json => {
                context.terminal.line("A run is under way already.")?;
                current
            }
            (Err(problem), _) => return Err(problem),
        };
        if self.no_wait {
            context
                .terminal
                .line(format!("Run {run} is queued; `freehold run {}` watches it.", shell_word(&source.name)))?;
            return Ok(ExitCode::SUCCESS);
        }
        follow::follow(context, &client, run)
    }

    /// The sign-in details for this run, if any are to be given.
    fn body(&self, client: &Client, source: &Source) -> Result<Body, Problem> {
        if !self.with_details && !self.secrets.is_named() {
            return Ok(Body::empty());
        }
        if !source.keeps_nothing() {
            return Err(Problem::new(
                ProblemCode::Conflict,
                format!(
                    "\"{}\" does not take sign-in details for one run: only a source that keeps nothing does.",
                    source.name
                ),
                format!("Save them with `freehold credential save {}`.", shell_word(&source.name)),
            ));
        }
        let connector: Connector = client.get(&format!("/connectors/{}", source.connector))?.read()?;
        if connector.captures.is_empty() {
            let what = "The connector takes no sign-in details.";
            return Err(Problem::new(ProblemCode::BadInput, what, "Leave --with-details out."));
        }
        let instead = "Give them with --secret-file or --secret-stdin.";
        Body::json(&Given { credentials: form::details_of_all(&connector.captures, &self.secrets, instead)? })
    }
}

impl Cancel {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let source = find(&client, &self.source)?;
        let Some(run) = source.current_run else {
            let what = format!("No run of \"{}\" is under way.", source.name);
            return Err(Problem::new(ProblemCode::Conflict, what, "There is nothing to cancel."));
        };
        let reply = client.send(Method::POST, &format!("/runs/{run}/cancel"), &Body::empty())?;
        if context.terminal.json {
            return context.terminal.raw(reply.json());
        }
        // A run that is at work ends a moment later.
        let done = if reply.read::<RunPicture>()?.outcome.is_some() { "is cancelled" } else { "is being cancelled" };
        context.terminal.line(format!("Run {run} {done}."))
    }
}

impl Runs {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let terminal = context.terminal;
        match &self.of {
            Some(id) if id.starts_with("run_") => self.one(&client, terminal, &segment(id)),
            _ if self.rejected || self.log => Err(Problem::new(
                ProblemCode::BadInput,
                "--rejected and --log are about one run.",
                "Name the run by its id: `freehold runs SOURCE` shows them.",
            )),
            Some(source) => {
                let source = find(&client, source)?;
                let reply = client.get(&format!("/sources/{}/runs?limit={}", source.id, self.limit))?;
                if terminal.json { terminal.raw(reply.json()) } else { list(terminal, &reply.read::<Vec<RunPicture>>()?) }
            }
            None => self.all(&client, terminal),
        }
    }

    fn all(&self, client: &Client, terminal: Terminal) -> Result<(), Problem> {
        let sources: Vec<Source> = client.get("/sources")?.read()?;
        let mut found: Vec<(Timestamp, serde_json::Value)> = Vec::new();
        for source in sources {
            let page: Vec<serde_json::Value> =
                client.get(&format!("/sources/{}/runs?limit={}", source.id, self.limit))?.read()?;
            found.extend(page.into_iter().filter_map(|run| Some((run.get("created_at")?.as_str()?.parse().ok()?, run))));
        }
        found.sort_by_key(|(created_at, _)| std::cmp::Reverse(*created_at));
        found.truncate(self.limit as usize);
        let runs = serde_json::Value::Array(found.into_iter().map(|(_, run)| run).collect());
        if terminal.json {
            return terminal.raw(runs.to_string().as_bytes());
        }
        list(
            terminal,
            &serde_json::from_value::<Vec<RunPicture>>(runs).map_err(|error| {
                Problem::new(
                    ProblemCode::Internal,
                    format!("The server's answer is not what this program expects: {error}."),
                    "Use the same version of Freehold for both.",
                )
            })?,
        )
    }

    fn one(&self, client: &Client, terminal: Terminal, id: &str) -> Result<(), Problem> {
        if self.log {
            let reply = client.get(&format!("/runs/{id}/log"))?;
            return match String::from_utf8_lossy(reply.json()) {
                text if text.trim().is_empty() => terminal.line("The connector wrote nothing."),
                text => terminal.text(&text),
            };
        }
        if self.rejected {
            return rejected(client, terminal, id, self.limit);
        }
        let reply = client.get(&format!("/runs/{id}/timeline"))?;
        if terminal.json {
            return terminal.raw(reply.json());
        }
        let run: RunPicture = client.get(&format!("/runs/{id}"))?.read()?;
        let ended = run.ended_at.map(time::local).unwrap_or_default();
        terminal.fields(&[
            ("Run", Cell::new(run.id.to_string())),
            ("Source", Cell::new(&run.source_name)),
            ("Outcome", run.outcome_cell()),
            ("", Cell::new(&run.sentence)),
            ("Detail", Cell::new(run.detail.as_deref().unwrap_or_default())),
            ("Records", Cell::new(run.counted())),
            ("Asked for", Cell::new(time::local(run.created_at))),
            ("Ended", Cell::new(ended)),
            ("Receipt", Cell::new(run.receipt.map(|receipt| receipt.to_string()).unwrap_or_default())),
        ])?;
        terminal.line("")?;
        let moments: Vec<Moment> = reply.read()?;
        let row =
            |moment: &Moment| vec![Cell::new(time::time_of_day(moment.at)).tone(Tone::Quiet), Cell::new(&moment.sentence)];
        terminal.table(&["Time", "What happened"], moments.iter().map(row).collect())?;
        if run.counts.rejected > 0 {
            terminal.line(format!("`freehold runs {id} --rejected` shows what was rejected and why."))?;
        }
        if matches!(run.outcome, Some(Outcome::Failed { .. })) {
            terminal.line(format!("`freehold runs {id} --log` shows what the connector wrote."))?;
        }
        Ok(())
    }
}

fn list(terminal: Terminal, runs: &[RunPicture]) -> Result<(), Problem> {
    if runs.is_empty() {
        return terminal.line("No runs yet.");
    }
    let row = |run: &RunPicture| {
        vec![
            Cell::new(time::local(run.created_at)),
            Cell::new(&run.source_name),
            run.outcome_cell(),
            Cell::new(run.counted()),
            Cell::new(run.id.to_string()).tone(Tone::Quiet),
        ]
    };
    terminal.table(&["Asked for", "Source", "Outcome", "Records", "Run"], runs.iter().map(row).collect())
}

/// One record that was not stored.
#[derive(Deserialize)]
struct Rejected {
    stream: String,
    key: String,
    detail: String,
}

fn rejected(client: &Client, terminal: Terminal, id: &str, limit: u32) -> Result<(), Problem> {
    let reply = client.get(&format!("/runs/{id}/rejected?limit={limit}"))?;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let rejected: Vec<Rejected> = reply.read()?;
    if rejected.is_empty() {
        return terminal.line("This run rejected nothing.");
    }
    let row = |one: &Rejected| vec![Cell::new(&one.stream), Cell::new(&one.key), Cell::new(&one.detail)];
    terminal.table(&["Stream", "Key", "Why"], rejected.iter().map(row).collect())
}
