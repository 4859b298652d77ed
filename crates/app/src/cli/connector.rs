//! `freehold connector`: what can be collected, and tools for those who write connectors.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use freehold_core::{ConnectorName, Problem, ProblemCode};
use freehold_protocol::{Manifest, scaffold};

use super::picture::Connector;
use super::prove::Prove;
use super::sign_in_trace::SignInTrace;
use super::terminal::{Cell, Tone};
use super::{Context, contract};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// The connectors of this server, and why some cannot be used
    List,
    /// Say everything that is wrong with a connector's manifest, and where
    Check(Folder),
    /// Begin a connector: a manifest, a small program and a fixture that pass the tests
    New(New),
    /// Run the contract's tests against a connector, in the sandbox
    Test(Folder),
    /// Prove that runs which are to keep nothing leave nothing behind, on this machine and with a stand-in for the provider
    ProveEphemeral(Prove),
    /// Show which screens a source's last sign-in recognised, and what was done on each; never what was typed
    SignInTrace(SignInTrace),
}

#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// The connector's folder
    dir: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct New {
    /// Its name: a lower-case letter, then lower-case letters, digits, - or _
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Where its folder is made
    dir: PathBuf,
    /// Its name as people read it
    #[arg(long)]
    display_name: Option<String>,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        match self {
            Command::List => list(context).map(|()| ExitCode::SUCCESS),
            Command::Check(folder) => check(context, &folder),
            Command::New(new) => new.run(context).map(|()| ExitCode::SUCCESS),
            Command::ProveEphemeral(prove) => prove.run(context),
            Command::SignInTrace(trace) => trace.run(context).map(|()| ExitCode::SUCCESS),
            Command::Test(folder) => contract::test(context, &std::path::absolute(&folder.dir).unwrap_or(folder.dir)),
        }
    }
}

impl New {
    fn run(self, context: &Context) -> Result<(), Problem> {
        let folder = self.dir.join(self.name.as_str());
        let failed = |path: &Path, error: std::io::Error| {
            Problem::new(
                ProblemCode::BadInput,
                format!("The connector's folder cannot be made: {error}."),
                "Name a directory where it does not exist yet.",
            )
            .at(path.display().to_string())
        };
        std::fs::create_dir_all(&self.dir).map_err(|error| failed(&self.dir, error))?;
        // Fails if it exists: nobody's work is written over.
        std::fs::create_dir(&folder).map_err(|error| failed(&folder, error))?;
        let display_name = self.display_name.unwrap_or_else(|| self.name.as_str().to_owned());
        for file in scaffold::files(&self.name, &display_name) {
            let path = folder.join(file.path);
            let write = || {
                std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                std::fs::write(&path, &file.content)?;
                std::fs::set_permissions(&path, PermissionsExt::from_mode(file.mode))
            };
            write().map_err(|error| failed(&path, error))?;
        }
        let shown = folder.display();
        if context.terminal.json {
            return context.terminal.raw(serde_json::json!({ "folder": shown.to_string() }).to_string().as_bytes());
        }
        context.terminal.line(format!("{shown} is made. Change its manifest and program, then:"))?;
        context.terminal.line(format!("  freehold connector check {shown}"))?;
        context.terminal.line(format!("  freehold connector test {shown}"))?;
        context.terminal.line(format!("To use it, add \"{}\" to connector_dirs.", self.dir.display()))
    }
}

fn list(context: &Context) -> Result<(), Problem> {
    let reply = context.client()?.get("/connectors")?;
    if context.terminal.json {
        return context.terminal.raw(reply.json());
    }
    let connectors: Vec<Connector> = reply.read()?;
    let row = |connector: &Connector| {
        let origin = if connector.bundled { "with Freehold" } else { "added" };
        let about = match &connector.unavailable {
            Some(reason) => Cell::new(format!("Cannot be used: {reason}")).tone(Tone::Attention),
            None => Cell::new(&connector.description),
        };
        vec![
            Cell::new(connector.name.as_str()),
            Cell::new(&connector.display_name),
            Cell::new(&connector.version),
            Cell::new(origin).tone(Tone::Quiet),
            about,
        ]
    };
    context.terminal.table(&["Connector", "Name", "Version", "From", "About"], connectors.iter().map(row).collect())
}

/// Exits with 1 if the manifest cannot be used; warnings alone do not.
fn check(context: &Context, folder: &Folder) -> Result<ExitCode, Problem> {
    let dir = std::path::absolute(&folder.dir).unwrap_or_else(|_| folder.dir.clone());
    let report = Manifest::report(&dir);
    let is_usable = report.problems.is_empty();
    if context.terminal.json {
        let json = serde_json::json!({ "usable": is_usable, "problems": report.problems, "warnings": report.warnings });
        context.terminal.raw(json.to_string().as_bytes())?;
    } else {
        let problems = report.problems.iter().map(|problem| ("problem", Tone::Bad, problem));
        let warnings = report.warnings.iter().map(|warning| ("warning", Tone::Attention, warning));
        for (word, tone, problem) in problems.chain(warnings) {
            let place = if problem.pointer.is_empty() { "manifest.json" } else { &problem.pointer };
            context.terminal.pieces(&[Cell::new(word).tone(tone), Cell::new(place)])?;
            context.terminal.line(format!("  {}", problem.problem))?;
            context.terminal.line(format!("  {}", problem.fix))?;
        }
        let name = dir.display();
        context.terminal.line(match report.problems.len() {
            0 => format!("{name} can be used."),
            1 => format!("{name} has one problem and cannot be used."),
            count => format!("{name} has {count} problems and cannot be used."),
        })?;
    }
    Ok(if is_usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
