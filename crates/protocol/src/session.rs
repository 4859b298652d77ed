//! The rules of a run as the runtime sees them: a pure state machine, fed with lines and with what became of the process.
//!
//! It stages STATE, counts records, and decides at the end what may be committed. It does no I/O, keeps no record and knows no
//! clock: deadlines, the sandbox and the database are the engine's.

mod checkpoint;
mod ending;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::value::RawValue;

pub use ending::{Ending, Exit, Outcome};

use crate::Manifest;
use crate::framing::FramingError;
use crate::manifest::IdentitySource;
use crate::message::{
    ConnectorMessage, CredentialUpdate, DetailGap, Done, IdentityMessage, Interaction, MessageError, PageResponse, Progress,
    Record, SkipResult, Start, UnknownMessage,
};
use checkpoint::Checkpoints;

/// How often a connector may ask for something in one run.
pub const MAX_INTERACTIONS: u32 = 32;

/// One run's conversation.
pub struct Session {
    scope: HashSet<String>,
    checkpoints: Checkpoints,
    needs_identity: bool,
    identity_seen: bool,
    pending: Option<String>,
    interactions: u32,
    records: u64,
    staged: BTreeMap<String, Box<RawValue>>,
    failed_streams: BTreeSet<String>,
    done: Option<Done>,
    cancelled: bool,
    violation: Option<Violation>,
}

/// What a line means for the engine.
pub enum Event<'a> {
    /// A record to check and keep.
    Record(Record<'a>),
    /// The account that is signed in.
    Identity(IdentityMessage),
    /// A question. The connector waits; call [`Session::answered`] once the answer is on its way.
    Interaction(Interaction),
    /// A renewed secret to seal. The connector waits; call [`Session::answered`] once the acknowledgement is on its way.
    CredentialUpdate(CredentialUpdate),
    /// A request to answer with this line, at once.
    Reply(Vec<u8>),
    /// A checkpoint was staged for this stream.
    StateStaged(Cow<'a, str>),
    /// Something was left out on purpose.
    Skipped(SkipResult),
    /// For display.
    Progress(Progress),
    /// A detail could not be fetched.
    DetailGap(DetailGap),
    /// Evidence for the session's own use.
    DetailCoverage,
    /// A message of an unknown type, recorded and passed over.
    Unknown(UnknownMessage),
    /// The last message. See [`Session::ending`] for what it makes of the run.
    Done(Done),
}

/// A breach of the protocol. It ends the run, and the process is killed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The output could not be split into lines.
    #[error("{0}")]
    Framing(String),
    /// A line is no message.
    #[error("line {line_number}: {problem}")]
    Message {
        /// Which line, from 1.
        line_number: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A message while an answer was awaited.
    #[error("the connector sent {message_type} while it waited for an answer; it must be silent until then")]
    SpokeWhileWaiting {
        /// The message's type.
        message_type: String,
    },
    /// A message after the last one.
    #[error("the connector sent {message_type} after DONE, which is the last message")]
    AfterDone {
        /// The message's type.
        message_type: String,
    },
    /// A wrong count.
    #[error("DONE says {said} records were emitted, and {seen} were")]
    WrongCount {
        /// What it says.
        said: u64,
        /// What was seen.
        seen: u64,
    },
    /// A checkpoint for a stream that is none.
    #[error("STATE names {stream:?}, which is no checkpoint stream of what was asked for")]
    NotACheckpoint {
        /// The stream.
        stream: String,
    },
    /// A checkpoint before the identity.
    #[error("the manifest promises IDENTITY, and STATE came first")]
    StateBeforeIdentity,
    /// Evidence that contradicts the manifest.
    #[error("DETAIL_COVERAGE for {stream:?} under {state_stream:?} contradicts the manifest or the scope")]
    CoverageNotDeclared {
        /// The detail stream.
        stream: String,
        /// The parent it names.
        state_stream: String,
    },
    /// A gap in a stream that was not asked for.
    #[error("DETAIL_GAP names {stream:?}, which was not asked for")]
    GapOutOfScope {
        /// The stream.
        stream: String,
    },
    /// Too many questions.
    #[error("the connector asked for something more than {MAX_INTERACTIONS} times in one run")]
    TooManyInteractions,
    /// An end without a last message.
    #[error("the connector ended with exit code 0 and without DONE")]
    EndedWithoutDone,
    /// An exit code that contradicts the last message.
    #[error("the connector said {said} and then {exit}; it exits with 0 if and only if it succeeded")]
    WrongExit {
        /// The status of DONE.
        said: &'static str,
        /// How it ended.
        exit: String,
    },
}

impl From<&FramingError> for Violation {
    fn from(error: &FramingError) -> Self {
        Self::Framing(error.to_string())
    }
}

impl Session {
    /// The session of a run that begins with this START.
    pub fn new(manifest: &Manifest, start: &Start) -> Self {
        let scope: HashSet<String> = start.scope.streams.iter().map(|stream| stream.name.clone()).collect();
        let source = manifest.identity.as_ref().map(|rule| &rule.source);
        Self {
            checkpoints: Checkpoints::new(manifest, &scope),
            scope,
            needs_identity: source == Some(&IdentitySource::Message),
            identity_seen: false,
            pending: None,
            interactions: 0,
            records: 0,
            staged: BTreeMap::new(),
            failed_streams: BTreeSet::new(),
            done: None,
            cancelled: false,
            violation: None,
        }
    }

    /// Takes one line. After an error every further line is the same error.
    pub fn line<'a>(&mut self, line: &'a [u8], line_number: u64) -> Result<Event<'a>, Violation> {
        let parsed = ConnectorMessage::parse(line);
        parsed
            .map_err(|error: MessageError| Violation::Message { line_number, problem: error.to_string() })
            .and_then(|message| self.take(message))
            .map_err(|violation| self.violated(violation))
    }

    /// Notes a violation that was seen elsewhere, as by the line splitter.
    pub fn violated(&mut self, violation: Violation) -> Violation {
        self.violation.get_or_insert(violation).clone()
    }

    /// Notes that the awaited answer is on its way, so that the connector may speak again. Says whether it was awaited.
    pub fn answered(&mut self, request_id: &str) -> bool {
        let awaited = self.pending.as_deref() == Some(request_id);
        if awaited {
            self.pending = None;
        }
        awaited
    }

    /// Notes that the owner cancelled the run. It wins over a DONE that was not committed yet.
    pub fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// The question the connector waits on.
    pub fn pending(&self) -> Option<&str> {
        self.pending.as_deref()
    }

    /// How many records were seen.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether the last message was seen.
    pub fn is_done(&self) -> bool {
        self.done.is_some()
    }

    fn take<'a>(&mut self, message: ConnectorMessage<'a>) -> Result<Event<'a>, Violation> {
        if let Some(violation) = &self.violation {
            return Err(violation.clone());
        }
        let message_type = || message.type_name().to_owned();
        if self.done.is_some() {
            return Err(Violation::AfterDone { message_type: message_type() });
        }
        if self.pending.is_some() {
            return Err(Violation::SpokeWhileWaiting { message_type: message_type() });
        }
        Ok(match message {
            ConnectorMessage::Record(record) => {
                self.records += 1;
                Event::Record(record)
            }
            ConnectorMessage::State(state) => {
                if self.needs_identity && !self.identity_seen {
                    return Err(Violation::StateBeforeIdentity);
                }
                if !self.checkpoints.is_checkpoint(&state.stream) {
                    return Err(Violation::NotACheckpoint { stream: state.stream.into_owned() });
                }
                self.staged.insert(state.stream.clone().into_owned(), state.cursor.to_owned());
                Event::StateStaged(state.stream)
            }
            ConnectorMessage::Interaction(interaction) => {
                self.wait_for(&interaction.request_id)?;
                Event::Interaction(interaction)
            }
            ConnectorMessage::CredentialUpdate(update) => {
                self.wait_for(&update.request_id)?;
                Event::CredentialUpdate(update)
            }
            ConnectorMessage::SkipResult(skip) => {
                if let (Some(stream), Some("stream_collection_failed")) = (&skip.stream, skip.reason.as_deref())
                    && self.scope.contains(stream)
                {
                    self.failed_streams.insert(stream.clone());
                }
                Event::Skipped(skip)
            }
            ConnectorMessage::Progress(progress) => Event::Progress(progress),
            ConnectorMessage::DetailCoverage(coverage) => {
                self.checkpoints.report(coverage)?;
                Event::DetailCoverage
            }
            ConnectorMessage::DetailGap(gap) => {
                if !self.scope.contains(&gap.stream) {
                    return Err(Violation::GapOutOfScope { stream: gap.stream });
                }
                Event::DetailGap(gap)
            }
            ConnectorMessage::Identity(identity) => {
                self.identity_seen = true;
                Event::Identity(identity)
            }
            ConnectorMessage::Unknown(unknown) => match &unknown.request_id {
                Some(id) if unknown.is_request() => Event::Reply(PageResponse::empty(&unknown.type_name, id).to_line()),
                _ => Event::Unknown(unknown),
            },
            ConnectorMessage::Done(done) => {
                if done.records_emitted != self.records {
                    return Err(Violation::WrongCount { said: done.records_emitted, seen: self.records });
                }
                self.done = Some(done.clone());
                Event::Done(done)
            }
        })
    }

    fn wait_for(&mut self, request_id: &str) -> Result<(), Violation> {
        self.interactions += 1;
        if self.interactions > MAX_INTERACTIONS {
            return Err(Violation::TooManyInteractions);
        }
        self.pending = Some(request_id.to_owned());
        Ok(())
    }
}
