//! The black-box contract suite: `freehold connector test DIR` against any connector, in any language.
//!
//! It starts no process itself; the caller gives it a [`Spawn`]. Settings and answers come from `fixtures/contract.json`.

mod conversation;
mod fixture;

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::manifest::{Delivery, Manifest};
use crate::message::{CollectionMode, CollectionScope, CollectionStream, DoneStatus};
use crate::secret_text::SecretFields;
use crate::session::Exit;
use conversation::{Answers, Conversation, Ending, converse};
pub use fixture::{Expectation, FIXTURE_PATH, Fixture, FixtureError};

/// Starts a connector's program with these settings and, under delivery `env`, these secrets.
pub trait Spawn {
    /// Starts it. Its temporary directory, environment and confinement are the caller's.
    fn spawn(
        &mut self,
        settings: &std::collections::BTreeMap<String, String>,
        secrets: &SecretFields,
    ) -> io::Result<Process>;
}

/// A started connector.
pub struct Process {
    /// Its standard input; dropping it closes it.
    pub input: Box<dyn Write + Send>,
    /// Its standard output.
    pub output: Box<dyn Read + Send>,
    /// The process itself.
    pub control: Box<dyn Control>,
}

/// Ends a process and tells how it ended.
pub trait Control {
    /// Asks it to end (SIGTERM).
    fn terminate(&mut self) -> io::Result<()>;
    /// Ends it and everything it started.
    fn kill(&mut self) -> io::Result<()>;
    /// Waits that long for its end; `None` if it still runs.
    fn wait(&mut self, limit: Duration) -> io::Result<Option<Exit>>;
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From one line to the next.
    pub line: Duration,
    /// How long silence is watched, where silence is the rule.
    pub silence: Duration,
    /// From the closed input, or SIGTERM, to the end.
    pub exit: Duration,
}

impl Default for Patience {
    /// 30 seconds, 300 milliseconds, 10 seconds.
    fn default() -> Self {
        Self { line: Duration::from_secs(30), silence: Duration::from_millis(300), exit: Duration::from_secs(10) }
    }
}

/// One rule of the contract, and whether the connector keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// What came of it.
    pub result: CheckResult,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The rule is kept.
    Passed,
    /// It is not: what was seen.
    Failed(String),
    /// It could not be looked at, and why.
    Skipped(String),
}

/// Runs the whole suite. Every check starts the connector anew; where a whole run breaks a rule, what builds on it is skipped.
pub fn run(manifest: &Manifest, fixture: &Fixture, patience: Patience, spawn: &mut dyn Spawn) -> Vec<Check> {
    let mut suite = Suite { manifest, fixture, patience, spawn, checks: Vec::new() };
    let base = suite.conversation();
    suite.look("says nothing before START", &Conversation { without_start: true, ..base.clone() }, |_, _| Ok(()));
    let whole = suite.look("says only valid messages, DONE last, with the right count", &base, |_, _| Ok(()));
    suite.look("ends when its input is closed", &Conversation { close_input: true, ..base.clone() }, |_, _| Ok(()));
    suite.look("ends on SIGTERM", &Conversation { terminate: true, ..base.clone() }, |_, _| Ok(()));
    let Some(whole) = whole else {
        suite.add("everything else", CheckResult::Skipped("a whole run breaks a rule already".to_owned()));
        return suite.checks;
    };
    suite.add("ends as its fixture expects", suite.expected(&whole).into());
    suite.add("sends only records of the scope and the schema", no_rejections(&whole).into());
    for stream in &manifest.streams {
        let scope = CollectionScope { streams: vec![CollectionStream::all_of(&stream.name)] };
        let alone = Conversation { scope, ..base.clone() };
        suite.look("keeps to the one stream it is asked for", &alone, |_, ending| no_rejections(ending));
    }
    let again = Conversation { mode: CollectionMode::Incremental, state: Some(whole.commit), ..base.clone() };
    suite.look("takes its own state back", &again, Suite::expected);
    let unknown = Conversation { unknown_binding: true, ..base.clone() };
    suite.look("passes over an unknown binding", &unknown, Suite::expected);
    let declined = "does not succeed when its question is declined";
    if whole.asked > 0 {
        let answers = Answers::Declined;
        suite.look(declined, &Conversation { answers, ..base }, |_, ending| unsuccessful(ending));
    } else {
        suite.add(declined, CheckResult::Skipped("it asked for nothing".to_owned()));
    }
    suite.checks
}

impl From<Result<(), String>> for CheckResult {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

struct Suite<'s> {
    manifest: &'s Manifest,
    fixture: &'s Fixture,
    patience: Patience,
    spawn: &'s mut dyn Spawn,
    checks: Vec<Check>,
}

impl Suite<'_> {
    fn add(&mut self, name: &'static str, result: CheckResult) {
        self.checks.push(Check { name, result });
    }

    /// Holds a conversation and judges how it went; returns that where no rule was broken on the way.
    fn look(
        &mut self,
        name: &'static str,
        conversation: &Conversation,
        judge: impl FnOnce(&Self, &Ending) -> Result<(), String>,
    ) -> Option<Ending> {
        let ending = self.hold(conversation);
        let result = ending.as_ref().map_err(Clone::clone).and_then(|ending| judge(self, ending));
        self.add(name, result.into());
        ending.ok()
    }

    /// A full run of every stream with the fixture's answers.
    fn conversation(&self) -> Conversation {
        let streams = self.manifest.streams.iter().map(|stream| CollectionStream::all_of(&stream.name)).collect();
        Conversation {
            scope: CollectionScope { streams },
            mode: CollectionMode::FullRefresh,
            state: None,
            answers: Answers::Fixture,
            unknown_binding: false,
            without_start: false,
            close_input: false,
            terminate: false,
        }
    }

    fn hold(&mut self, conversation: &Conversation) -> Result<Ending, String> {
        let in_env = self.manifest.credential_delivery == Some(Delivery::Env);
        let secrets = if in_env { self.fixture.answer("credentials") } else { SecretFields::new() };
        let settings = self.fixture.settings(self.manifest);
        let process = self.spawn.spawn(&settings, &secrets).map_err(|e| format!("it could not be started: {e}"))?;
        converse(self.manifest, self.fixture, self.patience, conversation, process)
    }

    fn expected(&self, ending: &Ending) -> Result<(), String> {
        let status = ending.done.as_ref().map(|done| done.status);
        let fits = match self.fixture.expect {
            Expectation::Any => true,
            Expectation::Succeeded => status == Some(DoneStatus::Succeeded),
            Expectation::Failed => status == Some(DoneStatus::Failed),
        };
        if fits {
            return Ok(());
        }
        let said = ending.done.as_ref().and_then(|done| done.error.as_ref()).map_or("no error", |error| &error.message);
        Err(format!("the fixture expects {:?}, and DONE says {status:?} ({said})", self.fixture.expect))
    }
}

fn no_rejections(ending: &Ending) -> Result<(), String> {
    ending.rejected.first().map_or(Ok(()), |(key, why)| Err(format!("record {key:?}: {why}")))
}

fn unsuccessful(ending: &Ending) -> Result<(), String> {
    match ending.done.as_ref().map(|done| done.status) {
        Some(DoneStatus::Succeeded) => Err("it reported success".to_owned()),
        _ => Ok(()),
    }
}
