//! A runtime in miniature: it starts the connector with nothing but its settings, answers its question, and keeps what it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use freehold_dovecot::{Dovecot, Message, User, demo};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const USER: &str = "maria@example.test";
pub(crate) const PASSWORD: &str = "correct horse \"battery\" \\ käse";

/// A Dovecot in a directory that goes with it.
pub(crate) struct Server {
    pub(crate) dovecot: Dovecot,
    _dir: TempDir,
}

impl Server {
    /// A server with one user and no mail.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let user = User { name: USER.to_owned(), password: PASSWORD.to_owned() };
        Self { dovecot: Dovecot::start(dir.path(), &[user]).unwrap(), _dir: dir }
    }

    /// A server with the demo mailbox.
    pub(crate) fn with_demo_mail() -> Self {
        let server = Self::empty();
        demo::fill(&server.dovecot, USER).unwrap();
        server
    }

    pub(crate) fn deliver(&self, folder: &str, mail: impl Into<Vec<u8>>) {
        // 1 June 2026, after everything in the demo mailbox but its last months.
        self.dovecot.deliver(USER, folder, &Message::new(mail, 1_780_272_000)).unwrap();
    }

    /// The connector's variables for this server, over TLS.
    pub(crate) fn settings(&self) -> Settings {
        Settings::new("localhost", self.dovecot.imaps_port, "tls").with("MAILBOX_CA_PEM", &self.dovecot.ca_pem)
    }
}

/// The connector's variables.
#[derive(Clone)]
pub(crate) struct Settings(Vec<(String, String)>);

impl Settings {
    pub(crate) fn new(host: &str, port: u16, security: &str) -> Self {
        Self(Vec::new())
            .with("MAILBOX_HOST", host)
            .with("MAILBOX_PORT", &port.to_string())
            .with("MAILBOX_SECURITY", security)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn run(&self, start: &Value) -> Run {
        self.run_with_password(start, PASSWORD)
    }

    /// Runs the connector to its end.
    pub(crate) fn run_with_password(&self, start: &Value, password: &str) -> Run {
        let tmp = tempfile::tempdir().unwrap();
        let mut child = command()
            .env_clear()
            .env("TMPDIR", tmp.path())
            .envs(self.0.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).map(|_| log).unwrap()
        });
        writeln!(stdin, "{start}").unwrap();
        let mut stdin = Some(stdin);
        let (mut messages, mut peak_kib) = (Vec::new(), 0);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if message["type"] == "INTERACTION" {
                let data = json!({ "username": USER, "password": password });
                let answer = json!({"type": "INTERACTION_RESPONSE", "request_id": message["request_id"], "status": "success", "data": data});
                writeln!(stdin.as_mut().unwrap(), "{answer}").unwrap();
            } else if message["type"] == "DONE" {
                peak_kib = peak_memory_kib(child.id());
                stdin = None;
            }
            messages.push(message);
        }
        drop(stdin);
        let succeeded = child.wait().unwrap().success();
        Run { messages, succeeded, log: log.join().unwrap(), peak_kib, tmp }
    }
}

/// What a run said.
pub(crate) struct Run {
    pub(crate) messages: Vec<Value>,
    pub(crate) succeeded: bool,
    pub(crate) log: String,
    /// The most memory it had resident, in KiB.
    pub(crate) peak_kib: u64,
    tmp: TempDir,
}

impl Run {
    pub(crate) fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.messages.iter().filter(|message| message["type"] == kind).collect()
    }

    /// The data of a stream's records, in the order they came.
    pub(crate) fn records(&self, stream: &str) -> Vec<&Value> {
        let records = self.messages.iter().filter(|message| message["type"] == "RECORD" && message["stream"] == stream);
        records.map(|record| &record["data"]).collect()
    }

    pub(crate) fn with_subject(&self, subject: &str) -> &Value {
        let mut found = self.records("messages").into_iter().filter(|record| record["subject"] == subject);
        let only = found.next().unwrap_or_else(|| panic!("no message {subject:?}"));
        assert!(found.next().is_none(), "two messages {subject:?}");
        only
    }

    pub(crate) fn done(&self) -> &Value {
        let done = self.messages.last().expect("it said nothing");
        assert_eq!(done["type"], "DONE", "{}", self.log);
        assert_eq!(self.succeeded, done["status"] == "succeeded");
        assert_eq!(done["records_emitted"], self.of_type("RECORD").len());
        done
    }

    /// Asserts success and gives the run back.
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.done()["status"], "succeeded", "{} {}", self.done(), self.log);
        self
    }

    /// The state a runtime hands to the next run.
    pub(crate) fn state(&self) -> Value {
        let last = self.of_type("STATE").pop().expect("no STATE");
        json!({ last["stream"].as_str().unwrap(): last["cursor"] })
    }

    /// The content of an attachment's blob.
    pub(crate) fn blob(&self, attachment: &Value) -> Vec<u8> {
        let path = attachment["content"]["$blob"]["path"].as_str().unwrap();
        std::fs::read(Path::new(self.tmp.path()).join(path)).unwrap()
    }
}

/// A START for all of the named streams.
pub(crate) fn start(streams: &[&str], state: &Value) -> Value {
    start_with(&streams.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(), state)
}

pub(crate) fn start_with(streams: &[Value], state: &Value) -> Value {
    json!({
        "type": "START", "run_id": "run-1", "collection_mode": "incremental", "scope": {"streams": streams}, "state": state,
        "bindings": {"network": {}, "interactive": {}},
    })
}

/// Everything, from the beginning.
pub(crate) fn everything() -> Value {
    start(&["mailboxes", "messages", "attachments"], &Value::Null)
}

fn peak_memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the sandbox has its own tests; these are about what the connector says")]
fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_freehold-connector-imap"))
}
