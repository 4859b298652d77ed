//! A runtime in miniature for a connector that uses a browser: it starts the program with nothing but its settings, hands it a
//! browser, and keeps what it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::Chromium;

/// A connector's program and its variables.
#[derive(Debug, Clone)]
pub struct Connector {
    program: String,
    variables: Vec<(String, String)>,
}

/// What a run said.
#[derive(Debug)]
pub struct Run {
    /// Every line, in order.
    pub messages: Vec<Value>,
    /// Whether it exited with 0.
    pub succeeded: bool,
    /// What it wrote to standard error.
    pub log: String,
}

impl Connector {
    /// The program at that path.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self { program: program.to_owned(), variables: Vec::new() }
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it to its end with a START of these streams, each a name or a whole scope, and the state of the run before.
    #[must_use]
    pub fn run(&self, chromium: &Chromium, streams: &[Value], state: &Value) -> Run {
        self.run_watched(chromium, streams, state, |_| ())
    }

    /// The same, and shows each message to `watch` as it comes.
    ///
    /// # Panics
    /// If the program cannot be started, or says what is no JSON.
    #[must_use]
    pub fn run_watched(&self, chromium: &Chromium, streams: &[Value], state: &Value, mut watch: impl FnMut(&Value)) -> Run {
        let streams: Vec<_> = streams
            .iter()
            .map(|stream| if stream.is_string() { json!({ "name": stream }) } else { stream.clone() })
            .collect();
        let start = json!({
            "type": "START", "run_id": "run-1", "collection_mode": "incremental",
            "scope": {"streams": streams}, "state": state,
            "bindings": {"browser_automation": {"interface": "cdp", "ws_url": chromium.ws_url}},
        });
        let tmp = tempfile::tempdir().expect("a directory of its own");
        let mut child = command(&self.program)
            .env_clear()
            .env("TMPDIR", tmp.path())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the connector starts");
        let mut stdin = child.stdin.take();
        let mut stderr = child.stderr.take().expect("its standard error");
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            let _ = stderr.read_to_string(&mut log);
            log
        });
        if let Some(stdin) = &mut stdin {
            writeln!(stdin, "{start}").expect("it reads START");
        }
        let mut messages = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("its standard output")).lines() {
            let message: Value = serde_json::from_str(&line.expect("text")).expect("a message");
            if message["type"] == "DONE" {
                drop(stdin.take());
            }
            watch(&message);
            messages.push(message);
        }
        let succeeded = child.wait().expect("its exit").success();
        Run { messages, succeeded, log: log.join().unwrap_or_default() }
    }
}

impl Run {
    /// The messages of a type.
    #[must_use]
    pub fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.messages.iter().filter(|message| message["type"] == kind).collect()
    }

    /// The data of a stream's records, in the order they came.
    #[must_use]
    pub fn records(&self, stream: &str) -> Vec<&Value> {
        self.of_type("RECORD")
            .into_iter()
            .filter(|record| record["stream"] == stream)
            .map(|record| &record["data"])
            .collect()
    }

    /// The last message, which has to be DONE and true.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub fn done(&self) -> &Value {
        let done = self.messages.last().unwrap_or_else(|| panic!("it said nothing: {}", self.log));
        assert_eq!(done["type"], "DONE", "{}", self.log);
        assert_eq!(self.succeeded, done["status"] == "succeeded");
        assert_eq!(done["records_emitted"], self.of_type("RECORD").len());
        done
    }

    /// Asserts success and gives the run back.
    ///
    /// # Panics
    /// If it failed.
    #[must_use]
    pub fn expect_success(self) -> Self {
        assert_eq!(self.done()["status"], "succeeded", "{} {}", self.done(), self.log);
        self
    }

    /// Asserts a failure of that code and hint.
    ///
    /// # Panics
    /// If it succeeded, or failed otherwise.
    pub fn assert_failed(&self, code: &str, hint: &str) {
        let done = self.done();
        assert_eq!(done["status"], "failed", "{done} {}", self.log);
        let found = (done["error"]["code"].as_str(), done["error"]["recovery_hint"]["action"].as_str());
        assert_eq!(found, (Some(code), Some(hint)), "{done}");
    }

    /// The state a runtime hands to the next run: what was committed before, and what this run said last of each stream.
    #[must_use]
    pub fn state(&self) -> Value {
        let mut state = json!({});
        for message in self.of_type("STATE") {
            state[message["stream"].as_str().unwrap_or_default()] = message["cursor"].clone();
        }
        state
    }
}

#[expect(clippy::disallowed_methods, reason = "the sandbox has its own tests; these are about what the connector says")]
fn command(program: &str) -> Command {
    Command::new(program)
}
