//! `freehold connector prove-ephemeral`: whether runs of a connector in the ephemeral mode leave nothing behind, on this machine.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use freehold_core::{ConnectorName, Problem};
use hyper::Method;
use serde::Deserialize;

use super::client::{Body, Client, segment};
use super::{Context, time};

/// Between two looks at how it goes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The exit code of a proof that found something, or could not be made.
const NOT_PROVEN: u8 = 21;

#[derive(Args, Debug)]
pub(crate) struct Prove {
    /// The connector's name
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
}

#[derive(Deserialize)]
struct Picture {
    proof: Option<Proof>,
    proven: bool,
    proving: Option<Proving>,
}

#[derive(Deserialize)]
struct Proof {
    browser_major: u32,
    at: freehold_core::Timestamp,
    runs: Vec<String>,
    planted: Vec<String>,
    searched: Vec<String>,
    leaks: Vec<String>,
}

#[derive(Deserialize)]
struct Proving {
    step: Option<String>,
    failed: Option<String>,
}

impl Prove {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        let client = context.client()?;
        let path = format!("/connectors/{}/proof", segment(self.name.as_str()));
        client.send(Method::POST, &path, &Body::empty())?;
        let (reply, picture) = self.wait(context, &client, &path)?;
        let failed = picture.proving.and_then(|proving| proving.failed);
        if context.terminal.json {
            context.terminal.raw(&reply)?;
        } else if let Some(why) = &failed {
            context.terminal.line(format!("Not proven: {why}"))?;
        } else if let Some(proof) = picture.proof {
            proof.print(context, &self.name, picture.proven)?;
        }
        Ok(if picture.proven && failed.is_none() { ExitCode::SUCCESS } else { ExitCode::from(NOT_PROVEN) })
    }

    fn wait(&self, context: &Context, client: &Client, path: &str) -> Result<(Vec<u8>, Picture), Problem> {
        let mut shown = None;
        loop {
            let reply = client.get(path)?;
            let picture: Picture = reply.read()?;
            let step = picture.proving.as_ref().and_then(|proving| proving.step.clone());
            if step.is_none() {
                return Ok((reply.json().to_vec(), picture));
            }
            if step != shown && !context.terminal.json {
                context.terminal.line(step.as_deref().unwrap_or_default())?;
            }
            shown = step;
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }
}

impl Proof {
    fn print(&self, context: &Context, name: &ConnectorName, proven: bool) -> Result<(), Problem> {
        let terminal = context.terminal;
        let list = |title: &str, lines: &[String]| -> Result<(), Problem> {
            terminal.line("")?;
            terminal.line(title)?;
            lines.iter().try_for_each(|line| terminal.line(format!("  {line}")))
        };
        list("Runs that were made, and how each ended:", &self.runs)?;
        list("Planted in each:", &self.planted)?;
        list("Searched afterwards:", &self.searched)?;
        if !self.leaks.is_empty() {
            list("Found, and it should not have been:", &self.leaks)?;
        }
        terminal.line("")?;
        let when = time::local(self.at);
        terminal.line(if proven {
            format!(
                "Proven for {name} with Chromium {} ({when}). The ephemeral mode is offered for it from now on.",
                self.browser_major
            )
        } else {
            format!("Not proven for {name} ({when}). The ephemeral mode is not offered for it.")
        })
    }
}
