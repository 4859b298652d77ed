//! `freehold connector test`: the contract's black-box suite, with the connector in the sandbox it will have in a run.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use freehold_core::{Problem, ProblemCode};
use freehold_protocol::contract::{self, CheckResult, Control, Fixture, Patience, Process, Spawn};
use freehold_protocol::session::Exit;
use freehold_protocol::template::Values;
use freehold_protocol::{Manifest, SecretFields};
use freehold_sandbox::{Child, ChildSpec, Host, Kind, Limits, Strength};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Context;
use super::terminal::{Cell, Tone};
use crate::config::Sandbox;

/// Runs the suite, prints a line for each rule, and exits with 1 if one is broken.
pub(crate) fn test(context: &Context, folder: &Path) -> Result<ExitCode, Problem> {
    let invalid = |what: String| {
        Problem::new(
            ProblemCode::ConnectorInvalid,
            what,
            "`freehold connector check` says all that is wrong with its manifest.",
        )
        .at(folder.display().to_string())
    };
    let manifest = Manifest::load(folder).map_err(|errors| invalid(errors.to_string()))?;
    let fixture = Fixture::load(folder).map_err(|error| invalid(format!("{error}.")))?;
    let scratch = crate::serve::scratch(&context.config)?.join(format!("contract-{}", std::process::id()));
    let mut starter = Starter {
        host: Host::probe("/proc/self/exe".into()).with_search_path(context.config.search_path.clone()),
        manifest: manifest.clone(),
        folder: folder.to_owned(),
        strength: if context.config.sandbox == Sandbox::Reduced { Strength::Reduced } else { Strength::Full },
        scratch: scratch.clone(),
        started: 0,
    };
    let checks = contract::run(&manifest, &fixture, Patience::default(), &mut starter);
    // Every child was waited for, so nothing uses it any more.
    let _ = std::fs::remove_dir_all(scratch);

    let broken = checks.iter().filter(|check| matches!(check.result, CheckResult::Failed(_))).count();
    if context.terminal.json {
        let words = |result: &CheckResult| match result {
            CheckResult::Passed => ("passed", None),
            CheckResult::Failed(why) => ("failed", Some(why.clone())),
            CheckResult::Skipped(why) => ("skipped", Some(why.clone())),
        };
        let rows: Vec<_> = checks
            .iter()
            .map(|check| {
                let (result, detail) = words(&check.result);
                serde_json::json!({ "check": check.name, "result": result, "detail": detail })
            })
            .collect();
        context.terminal.raw(serde_json::json!({ "kept": broken == 0, "checks": rows }).to_string().as_bytes())?;
    } else {
        for check in &checks {
            let (word, tone, why) = match &check.result {
                CheckResult::Passed => ("ok  ", Tone::Good, None),
                CheckResult::Failed(why) => ("FAIL", Tone::Bad, Some(why)),
                CheckResult::Skipped(why) => ("skip", Tone::Quiet, Some(why)),
            };
            context.terminal.pieces(&[Cell::new(word).tone(tone), Cell::new(check.name)])?;
            for line in why.iter().flat_map(|why| why.lines()) {
                context.terminal.line(format!("     {line}"))?;
            }
        }
        context.terminal.line(match broken {
            0 => "The contract is kept.".to_owned(),
            1 => "One rule of the contract is broken.".to_owned(),
            count => format!("{count} rules of the contract are broken."),
        })?;
    }
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Starter {
    host: Host,
    manifest: Manifest,
    folder: PathBuf,
    strength: Strength,
    scratch: PathBuf,
    started: u32,
}

impl Spawn for Starter {
    fn spawn(&mut self, settings: &BTreeMap<String, String>, secrets: &SecretFields) -> io::Result<Process> {
        self.started += 1;
        let scratch = self.scratch.join(self.started.to_string());
        std::fs::create_dir_all(&scratch)?;
        let values = Values {
            run_id: "run_contract".to_owned(),
            source_id: "src_contract".to_owned(),
            tmp: scratch.join("tmp").display().to_string(),
            settings: settings.clone(),
            ..Values::default()
        };
        let spec = ChildSpec {
            program: self.manifest.program.command.clone().into(),
            args: self.manifest.arguments(&values).map_err(io::Error::other)?.into_iter().map(Into::into).collect(),
            folder: self.folder.clone(),
            env: self.manifest.plain_variables(&values).map_err(io::Error::other)?.into_iter().collect(),
            secret_env: self.manifest.secret_variables(&values, secrets).map_err(io::Error::other)?.into_iter().collect(),
            scratch,
            limits: Limits::default(),
            network: true,
            strength: self.strength,
            kind: Kind::Program,
            receives_secret: self.manifest.credential_delivery.is_some(),
        };
        let mut child = freehold_sandbox::spawn(&self.host, spec).map_err(io::Error::other)?;
        // Nobody reads its log here, and a full pipe would stop it.
        let log = child.stderr.take();
        std::thread::spawn(move || log.map(|mut log| io::copy(&mut log, &mut io::sink())));
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the child has no standard input or output"));
        };
        Ok(Process { input: Box::new(input), output: Box::new(output), control: Box::new(Started(child)) })
    }
}

struct Started(Child);

impl Control for Started {
    fn terminate(&mut self) -> io::Result<()> {
        self.0.terminate().map_err(io::Error::other)
    }

    fn kill(&mut self) -> io::Result<()> {
        self.0.kill_tree().map_err(io::Error::other)
    }

    fn wait(&mut self, limit: Duration) -> io::Result<Option<Exit>> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit))?;
        let status = self.0.try_wait().map_err(io::Error::other)?;
        // The supervisor tells a signal as shells do.
        Ok(status
            .and_then(|status| status.code())
            .map(|code| if code > 128 { Exit::Signal(code - 128) } else { Exit::Code(code) }))
    }
}
