//! Starting a run's connector, and the threads that read it, write to it and wait for it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use freehold_core::reason::FailureReason;
use freehold_core::{RunId, SecretBytes};
use freehold_protocol::manifest::Delivery;
use freehold_protocol::secret_text::SecretFields;
use freehold_protocol::session::Exit;
use freehold_protocol::template::Values;
use freehold_protocol::{RecordChecker, Session};
use freehold_sandbox::{Child, ChildSpec, Kind, Limits, SandboxError, Strength, spawn};
use freehold_store::SourceRow;
use serde_json::Value;

use super::Mail;
use super::output::{Output, Permits, permits};
use super::verdict::{Step, Verdict};
use crate::catalog::Connector;
use crate::redact::Redactor;
use crate::server::Inner;

/// A connector at work.
pub(super) struct Launched {
    child: Arc<Child>,
    /// Lines on their way to the connector; dropping it ends the connector's input.
    input: Option<Sender<SecretBytes>>,
    pub(super) session: Arc<Mutex<Session>>,
    pub(super) permits: Permits,
    pub(super) redactor: Arc<Redactor>,
    pub(super) scratch: PathBuf,
}

/// What a launch takes from the run.
pub(super) struct Launch<'a> {
    pub(super) run: RunId,
    pub(super) source: &'a SourceRow,
    pub(super) connector: &'a Connector,
    pub(super) secrets: &'a SecretFields,
    /// The addresses of its browser, over WebSocket and over http.
    pub(super) browser: Option<(String, String)>,
    pub(super) session: Session,
    pub(super) checker: RecordChecker,
    pub(super) mailbox: &'a Sender<Mail>,
}

/// Starts it. Nothing was sent to it yet.
pub(super) fn launch(inner: &Arc<Inner>, launch: Launch<'_>) -> Step<Launched> {
    let Launch { run, source, connector, secrets, browser, session, checker, mailbox } = launch;
    let scratch = inner.connector_directory(run);
    inner.make_in_run_directory(&scratch)?;
    let spec = spec(inner, run, source, connector, secrets, browser, scratch.clone())?;
    let mut child = spawn(&inner.host, spec).map_err(refused)?;
    let layers = serde_json::to_value(child.layers()).unwrap_or(Value::Null);
    if let Err(error) = inner.data.note(run, "sandbox", layers) {
        tracing::warn!(%run, %error, "the sandbox's layers could not be noted");
    }

    let session = Arc::new(Mutex::new(session));
    let redactor = Arc::new(Redactor::default());
    let (permits, leave) = permits();
    let (input, lines) = channel::<SecretBytes>();
    if let Some(stdout) = child.stdout.take() {
        let output = Output { stdout, checker, session: Arc::clone(&session), mailbox: mailbox.clone(), permits: leave };
        inner.spawn("connector output", move || output.read());
    }
    if let Some(mut stdin) = child.stdin.take() {
        #[expect(clippy::disallowed_methods, reason = "this is where an answer leaves for the one connector it is for")]
        inner.spawn("connector input", move || {
            // A connector that stopped reading is noticed by its silence or its end.
            while let Ok(line) = lines.recv() {
                if stdin.write_all(line.expose()).is_err() {
                    return;
                }
            }
        });
    }
    if let Some(stderr) = child.stderr.take() {
        let (log, redactor) = (Arc::clone(inner), Arc::clone(&redactor));
        inner.spawn("connector log", move || keep_log(&log, run, BufReader::new(stderr), &redactor));
    }
    let child = Arc::new(child);
    let (waited, told) = (Arc::clone(&child), mailbox.clone());
    inner.spawn("connector exit", move || {
        let exit = waited.wait().map_or(Exit::Signal(9), exit_of);
        // The run's thread may have ended; then nobody needs to know.
        let _ = told.send(Mail::Exited(exit));
    });
    Ok(Launched { child, input: Some(input), session, permits, redactor, scratch })
}

impl Launched {
    /// Sends a line to the connector.
    pub(super) fn send(&self, line: SecretBytes) {
        if let Some(input) = &self.input {
            // Its writer may be gone with the connector, whose end is on its way as mail.
            let _ = input.send(line);
        }
    }

    /// Ends the connector's input: everything it sent is durable.
    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// Asks it to stop.
    pub(super) fn terminate(&self) {
        if let Err(error) = self.child.terminate() {
            tracing::debug!(%error, "a connector could not be asked to stop");
        }
    }

    /// Ends it and everything it started.
    pub(super) fn kill(&self) {
        if let Err(error) = self.child.kill_tree() {
            tracing::warn!(%error, "a connector's processes could not be killed");
        }
    }
}

fn spec(
    inner: &Inner,
    run: RunId,
    source: &SourceRow,
    connector: &Connector,
    secrets: &SecretFields,
    browser: Option<(String, String)>,
    scratch: PathBuf,
) -> Step<ChildSpec> {
    let unusable = |error: &dyn std::fmt::Display| -> Box<Verdict> {
        Box::new(Verdict::failed(
            FailureReason::ConnectorFailed,
            format!("The connector's program cannot be started: {error}."),
        ))
    };
    let manifest = &connector.manifest;
    let values = Values {
        run_id: run.to_string(),
        source_id: source.id.to_string(),
        tmp: scratch.join("tmp").display().to_string(),
        settings: connector.setting_texts(&source.settings),
        browser_ws_url: browser.as_ref().map(|(ws_url, _)| ws_url.clone()),
        browser_http_url: browser.map(|(_, http_url)| http_url),
    };
    let (program, mut args) = match &connector.bundled {
        Some((program, args)) => (program.clone(), args.clone()),
        None => (PathBuf::from(&manifest.program.command), Vec::new()),
    };
    args.extend(manifest.arguments(&values).map_err(|error| unusable(&error))?);
    let env = manifest.plain_variables(&values).map_err(|error| unusable(&error))?;
    let secret_env = manifest.secret_variables(&values, secrets).map_err(|error| unusable(&error))?;
    Ok(ChildSpec {
        program,
        args: args.into_iter().map(Into::into).collect(),
        folder: connector.folder.clone(),
        env: env.into_iter().collect(),
        secret_env: secret_env.into_iter().collect(),
        scratch,
        limits: Limits::default(),
        network: connector.has_network(),
        strength: if inner.config.reduced_sandbox { Strength::Reduced } else { Strength::Full },
        kind: Kind::Program,
        receives_secret: manifest.credential_delivery == Some(Delivery::Answered),
    })
}

fn refused(error: SandboxError) -> Box<Verdict> {
    let reason = match error {
        SandboxError::TooWeak { .. } => FailureReason::SandboxTooWeak,
        _ => FailureReason::ConnectorFailed,
    };
    Box::new(Verdict::failed(reason, format!("{error}.")))
}

/// Keeps what the connector writes to standard error, without the secrets it was given. The store caps it.
fn keep_log(inner: &Inner, run: RunId, mut stderr: impl BufRead, redactor: &Redactor) {
    const LINE: usize = 4 << 10;
    loop {
        let mut line = Vec::new();
        match std::io::Read::take(&mut stderr, LINE as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = redactor.redact(&String::from_utf8_lossy(&line));
                if let Err(error) = inner.data.append_stderr(run, &text) {
                    tracing::debug!(%run, %error, "a connector's log line was not kept");
                }
            }
        }
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(9)),
    }
}
