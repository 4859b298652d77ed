//! `freehold backup`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use freehold_core::{BackupId, Problem, ProblemCode, Timestamp};
use freehold_engine::{BackupOutcome, BackupPlan, BackupView, Every};
use hyper::Method;
use serde::Deserialize;

use super::client::{Body, Client};
use super::restore::{Key, described};
use super::terminal::{Cell, Tone};
use super::{Context, time};

/// Between two looks at how far one is.
const LOOK: Duration = Duration::from_millis(300);

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make one now, and wait until it is made and read back
    Now(Now),
    /// Those that were made or failed, and when the next one is
    List,
    /// Make them by the clock
    Plan(Plan),
    /// Make no more by the clock; those that were made stay
    EndPlan,
    /// Read a whole backup with one of its keys, and write nothing
    Check(Check),
}

#[derive(Args, Debug)]
pub(crate) struct Now {
    /// Copy it to this new file when it is made
    #[arg(long, value_name = "PATH")]
    to: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// The folder they are written to
    #[arg(long, value_name = "PATH")]
    folder: PathBuf,
    /// Every Monday instead of every day
    #[arg(long)]
    weekly: bool,
    /// From this full hour on, 0 to 23
    #[arg(long, default_value_t = 3)]
    hour: i8,
    /// Whose hour, as in Europe/Berlin; this machine's if left out
    #[arg(long)]
    zone: Option<String>,
    /// How many are kept
    #[arg(long, default_value_t = 7)]
    keep: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    key: Key,
}

#[derive(Deserialize)]
struct Begun {
    id: BackupId,
}

#[derive(Deserialize)]
struct Backups {
    plan: Option<BackupPlan>,
    next_due_at: Option<Timestamp>,
    under_way: Option<Progress>,
    backups: Vec<BackupView>,
    zone: String,
}

#[derive(Deserialize)]
struct Progress {
    stage: String,
    done: u64,
    all: u64,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        match self {
            Command::Check(check) => check.run(context),
            Command::Now(now) => now.run(context, &context.client()?),
            Command::List => list(context, &context.client()?),
            Command::Plan(plan) => plan.run(context, &context.client()?),
            Command::EndPlan => {
                context.client()?.send(Method::DELETE, "/backups/plan", &Body::empty())?;
                context.terminal.done("No more are made by the clock.")
            }
        }
    }
}

impl Now {
    fn run(&self, context: &Context, client: &Client) -> Result<(), Problem> {
        if let Some(to) = self.to.as_deref().filter(|to| to.exists()) {
            return Err(bad_copy(to, "there is a file of that name already"));
        }
        let begun: Begun = client.send(Method::POST, "/backups", &Body::empty())?.read()?;
        loop {
            let backups: Backups = client.get("/backups")?.read()?;
            if let Some(backup) = backups.backups.into_iter().find(|backup| backup.id == begun.id) {
                context.terminal.transient("")?;
                return self.ended(context, backup);
            }
            if let Some(now) = backups.under_way {
                let hundredths = now.done.saturating_mul(100) / now.all.max(1);
                context.terminal.transient(&format!("{}: {hundredths} %", now.stage))?;
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn ended(&self, context: &Context, backup: BackupView) -> Result<(), Problem> {
        let (path, damaged) = match &backup.outcome {
            BackupOutcome::Failed { problem } => return Err(problem.clone()),
            BackupOutcome::Made { path, damaged, .. } => (path, *damaged),
        };
        let path = match &self.to {
            Some(to) => copy(path, to).map(|()| to)?,
            None => path,
        };
        if context.terminal.json {
            return context.terminal.raw(&serde_json::to_vec(&backup).unwrap_or_default());
        }
        context.terminal.line(path.display().to_string())?;
        if damaged > 0 {
            super::note(&format!(
                "note: {damaged} files of records are damaged on the server's disk, and not whole in it.\n"
            ));
        }
        Ok(())
    }
}

/// Whole under its name, or not there.
fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = to.with_file_name(name);
    let copied = std::fs::copy(from, &part)
        .and_then(|_| std::fs::File::open(&part)?.sync_all())
        .and_then(|()| std::fs::rename(&part, to));
    copied.map_err(|error| {
        // Half of one would be in the way.
        let _ = std::fs::remove_file(&part);
        bad_copy(to, &error.to_string())
    })
}

fn bad_copy(to: &Path, why: &str) -> Problem {
    Problem::new(
        ProblemCode::BadInput,
        format!("The backup cannot be copied there: {why}."),
        "Name a new file in a directory you may write to.",
    )
    .at(to.display().to_string())
}

impl Plan {
    fn run(self, context: &Context, client: &Client) -> Result<(), Problem> {
        let zone = match self.zone {
            Some(zone) => zone,
            None => client.get("/backups")?.read::<Backups>()?.zone,
        };
        let folder = std::path::absolute(&self.folder).unwrap_or(self.folder);
        let every = if self.weekly { Every::Week } else { Every::Day };
        let plan = BackupPlan { folder, every, hour: self.hour, zone, keep: self.keep };
        let reply = client.send(Method::PUT, "/backups/plan", &Body::json(&plan)?)?;
        if context.terminal.json {
            return context.terminal.raw(reply.json());
        }
        let next = reply.read::<Backups>()?.next_due_at;
        context.terminal.done(format!("The next one is made {}.", time::local_or_never(next)))
    }
}

fn list(context: &Context, client: &Client) -> Result<(), Problem> {
    let reply = client.get("/backups")?;
    if context.terminal.json {
        return context.terminal.raw(reply.json());
    }
    let found: Backups = reply.read()?;
    let plan = found.plan.as_ref().map_or_else(
        || "none is made by the clock".to_owned(),
        |plan| {
            let every = if plan.every == Every::Day { "every day" } else { "every Monday" };
            format!("{every} at {} ({}), into {}, {} kept", plan.hour, plan.zone, plan.folder.display(), plan.keep)
        },
    );
    context.terminal.fields(&[("Plan", Cell::new(plan)), ("Next", Cell::new(time::local_or_never(found.next_due_at)))])?;
    if found.backups.is_empty() {
        return context.terminal.line("There is none yet.");
    }
    context.terminal.line("")?;
    let row = |backup: &BackupView| {
        let (state, what) = match &backup.outcome {
            BackupOutcome::Failed { problem } => (Cell::new("failed").tone(Tone::Bad), problem.to_string()),
            BackupOutcome::Made { path, .. } if !backup.is_there => {
                (Cell::new("not there").tone(Tone::Attention), path.display().to_string())
            }
            BackupOutcome::Made { path, damaged: 0, .. } => (Cell::new("made").tone(Tone::Good), path.display().to_string()),
            BackupOutcome::Made { path, damaged, .. } => {
                (Cell::new(format!("made, {damaged} files damaged")).tone(Tone::Attention), path.display().to_string())
            }
        };
        vec![Cell::new(time::local(backup.made_at)), state, Cell::new(what)]
    };
    context.terminal.table(&["Of", "State", "File"], found.backups.iter().map(row).collect())
}

impl Check {
    fn run(self, context: &Context) -> Result<(), Problem> {
        let key = self.key.read(&self.file)?;
        let found = freehold_engine::check_backup(&self.file, &key, &mut |done, all| {
            // What cannot be shown is no reason to stop.
            let _ = context.terminal.transient(&format!("Reading: {} %", done.saturating_mul(100) / all.max(1)));
        })?;
        context.terminal.transient("")?;
        if context.terminal.json {
            return context.terminal.raw(&described(&found));
        }
        let damaged = match found.damaged {
            0 => String::new(),
            damaged => format!(", {damaged} of them damaged when it was made"),
        };
        context.terminal.line(format!(
            "It is whole: of {}, by Freehold {}, with {} files of records{damaged}.",
            time::local(found.made_at),
            found.freehold,
            found.files
        ))
    }
}
