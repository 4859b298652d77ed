//! What a conversation and its process's end make of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::value::RawValue;

use super::{Session, Violation};
use crate::message::{DoneError, DoneStatus};

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It has not yet: it waits for the end of its input.
    Awaited,
    /// With that code.
    Code(i32),
    /// By that signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Awaited => f.write_str("did not exit"),
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
        }
    }
}

/// What became of a run.
#[derive(Debug)]
pub struct Ending {
    /// How it ended.
    pub outcome: Outcome,
    /// How many records were seen.
    pub records: u64,
    /// The cursors to commit with the run's result, by checkpoint stream.
    pub commit: BTreeMap<String, Box<RawValue>>,
    /// Checkpoint streams that were staged and must not be committed.
    pub withheld: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Everything asked for was collected.
    Succeeded,
    /// The connector says it failed.
    Failed {
        /// What it says; a connector may say nothing.
        error: Option<DoneError>,
        /// The streams that failed, where the failure is certified to be theirs alone.
        failed_streams: Vec<String>,
    },
    /// The process ended before its last message.
    Died(Exit),
    /// It was cancelled, by the owner or the connector.
    Cancelled,
    /// It broke the protocol.
    Violated(Violation),
}

impl Session {
    /// What the run has come to. With [`Exit::Awaited`] it is what DONE alone says; ask again with the exit code.
    pub fn ending(&self, exit: Exit) -> Ending {
        let outcome = self.outcome(exit);
        let failed: BTreeSet<String> = match &outcome {
            Outcome::Succeeded => BTreeSet::new(),
            Outcome::Failed { failed_streams, .. } if !failed_streams.is_empty() => failed_streams.iter().cloned().collect(),
            _ => {
                let withheld = self.staged.keys().cloned().collect();
                return Ending { outcome, records: self.records, commit: BTreeMap::new(), withheld };
            }
        };
        let ineligible = self.checkpoints.ineligible(&failed);
        let (withheld, commit): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.staged.clone().into_iter().partition(|(stream, _)| ineligible.contains(stream.as_str()));
        Ending { outcome, records: self.records, commit, withheld: withheld.into_keys().collect() }
    }

    fn outcome(&self, exit: Exit) -> Outcome {
        // Cancellation is looked at before DONE is evaluated at all (section 3, Cancellation precedence).
        if self.cancelled {
            return Outcome::Cancelled;
        }
        if let Some(violation) = &self.violation {
            return Outcome::Violated(violation.clone());
        }
        let Some(done) = &self.done else {
            return match exit {
                Exit::Code(0) => Outcome::Violated(Violation::EndedWithoutDone),
                exit => Outcome::Died(exit),
            };
        };
        let (said, fits) = match done.status {
            DoneStatus::Succeeded => ("succeeded", exit == Exit::Code(0)),
            DoneStatus::Failed => ("failed", matches!(exit, Exit::Code(code) if code != 0)),
            DoneStatus::Cancelled => ("cancelled", matches!(exit, Exit::Code(code) if code != 0)),
        };
        if !fits && exit != Exit::Awaited {
            return Outcome::Violated(Violation::WrongExit { said, exit: exit.to_string() });
        }
        match done.status {
            DoneStatus::Succeeded => Outcome::Succeeded,
            DoneStatus::Cancelled => Outcome::Cancelled,
            DoneStatus::Failed => {
                let code = done.error.as_ref().and_then(|error| error.code.as_deref());
                let certified = code == Some("stream_collection_failed");
                let failed_streams = if certified { self.failed_streams.iter().cloned().collect() } else { Vec::new() };
                Outcome::Failed { error: done.error.clone(), failed_streams }
            }
        }
    }
}
