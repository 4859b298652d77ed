//! One conversation with a started connector, from START to its end.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use super::{Fixture, Patience, Process};
use crate::Manifest;
use crate::bindings::Offered;
use crate::framing::{Limits, LineReader};
use crate::message::{
    CollectionMode, CollectionScope, CredentialUpdateResponse, Done, InteractionKind, InteractionResponse, SealStatus, Start,
};
use crate::scope::{RecordChecker, Verdict};
use crate::session::{Event, Exit, Outcome, Session};

/// How to talk to it.
#[derive(Clone)]
pub(super) struct Conversation {
    pub(super) scope: CollectionScope,
    pub(super) mode: CollectionMode,
    pub(super) state: Option<BTreeMap<String, Box<RawValue>>>,
    pub(super) answers: Answers,
    pub(super) unknown_binding: bool,
    /// Only watch that nothing is said, then close the input.
    pub(super) without_start: bool,
    /// Close the input right after START.
    pub(super) close_input: bool,
    /// SIGTERM right after the first line that follows START.
    pub(super) terminate: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Answers {
    Fixture,
    Declined,
}

/// How it went, where no rule was broken.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) done: Option<Done>,
    pub(super) asked: u32,
    pub(super) rejected: Vec<(String, String)>,
    pub(super) commit: BTreeMap<String, Box<RawValue>>,
}

/// Talks to a connector until it has ended. The error is the first rule it broke.
pub(super) fn converse(
    manifest: &Manifest,
    fixture: &Fixture,
    patience: Patience,
    conversation: &Conversation,
    process: Process,
) -> Result<Ending, String> {
    let Process { input, output, mut control } = process;
    let lines = read_in_background(output);
    let mut talk = Talk { manifest, fixture, patience, conversation, input: Some(input), lines };
    let result = talk.hold(&mut *control);
    if !matches!(control.wait(Duration::ZERO), Ok(Some(_))) {
        // Whatever went wrong above is what is reported; that it had to be killed adds nothing to it.
        let _ = control.kill();
    }
    result
}

type Line = Result<Vec<u8>, String>;

struct Talk<'t> {
    manifest: &'t Manifest,
    fixture: &'t Fixture,
    patience: Patience,
    conversation: &'t Conversation,
    input: Option<Box<dyn Write + Send>>,
    lines: Receiver<Line>,
}

impl Talk<'_> {
    fn hold(&mut self, control: &mut dyn super::Control) -> Result<Ending, String> {
        if self.conversation.without_start {
            self.expect_silence("before START")?;
            self.input = None;
            return self.exit(control).map(|_| Ending::default());
        }
        let start = self.start()?;
        let checker = RecordChecker::new(self.manifest, &start.scope).map_err(|error| error.to_string())?;
        let mut session = Session::new(self.manifest, &start);
        let mut ending = Ending::default();
        self.write(&start.to_line())?;
        if self.conversation.close_input {
            self.input = None;
            while self.lines.recv_timeout(self.patience.line).is_ok() {}
            return self.exit(control).map(|_| ending);
        }
        for number in 1.. {
            let line = match self.lines.recv_timeout(self.patience.line) {
                Ok(line) => line?,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("it said nothing for {} seconds", self.patience.line.as_secs()));
                }
            };
            if self.conversation.terminate {
                control.terminate().map_err(|error| format!("it could not be signalled: {error}"))?;
                return self.exit(control).map(|_| ending);
            }
            match session.line(&line, number).map_err(|violation| violation.to_string())? {
                Event::Record(record) => {
                    if let Verdict::Rejected(rejection) = checker.check(&record) {
                        ending.rejected.push((record.key.canonical().into_owned(), rejection.to_string()));
                    }
                }
                Event::Interaction(interaction) => {
                    ending.asked += 1;
                    self.expect_silence("while it waits for an answer")?;
                    session.answered(&interaction.request_id);
                    self.answer(&interaction.request_id, interaction.kind)?;
                }
                Event::CredentialUpdate(update) => {
                    self.expect_silence("while it waits for an acknowledgement")?;
                    session.answered(&update.request_id);
                    let request_id = update.request_id;
                    self.write(&CredentialUpdateResponse { request_id, status: SealStatus::Sealed }.to_line())?;
                }
                Event::Reply(line) => self.write(&line)?,
                Event::Done(done) => {
                    ending.done = Some(done);
                    self.expect_silence("after DONE, until its input is closed")?;
                    self.input = None;
                }
                _ => {}
            }
        }
        let exit = self.exit(control)?;
        let end = session.ending(exit);
        match end.outcome {
            Outcome::Violated(violation) => Err(violation.to_string()),
            Outcome::Died(exit) => Err(format!("it {exit} before DONE")),
            _ => {
                ending.commit = end.commit;
                Ok(ending)
            }
        }
    }

    fn start(&self) -> Result<Start, String> {
        let mut bindings = Offered::without_browser().matching(self.manifest).map_err(|error| error.to_string())?;
        if self.conversation.unknown_binding {
            bindings.insert("example.com/unknown".to_owned(), json!({ "meaning": "none" }));
        }
        Ok(Start {
            run_id: "run_contract".to_owned(),
            collection_mode: self.conversation.mode,
            scope: self.conversation.scope.clone(),
            state: self.conversation.state.clone(),
            bindings,
        })
    }

    #[expect(clippy::disallowed_methods, reason = "the answer is made up, and goes to the connector under test")]
    fn answer(&mut self, request_id: &str, kind: InteractionKind) -> Result<(), String> {
        let kind = match kind {
            InteractionKind::Credentials => "credentials",
            InteractionKind::Otp => "otp",
            InteractionKind::ManualAction => "manual_action",
        };
        let response = match self.conversation.answers {
            Answers::Fixture => InteractionResponse::success(request_id, self.fixture.answer(kind)),
            Answers::Declined => InteractionResponse::cancelled(request_id),
        };
        self.write(response.to_line().expose())
    }

    fn write(&mut self, line: &[u8]) -> Result<(), String> {
        let Some(input) = &mut self.input else { return Ok(()) };
        input.write_all(line).and_then(|()| input.flush()).map_err(|error| format!("it does not read its input: {error}"))
    }

    /// Watches that it neither speaks nor ends.
    fn expect_silence(&self, when: &str) -> Result<(), String> {
        match self.lines.recv_timeout(self.patience.silence) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(format!("it closed its output {when}")),
            Ok(_) => Err(format!("it spoke {when}")),
        }
    }

    fn exit(&self, control: &mut dyn super::Control) -> Result<Exit, String> {
        let seconds = self.patience.exit.as_secs();
        let exit = control.wait(self.patience.exit).map_err(|error| format!("its end could not be awaited: {error}"))?;
        exit.ok_or_else(|| format!("it did not end within {seconds} seconds"))
    }
}

fn read_in_background(output: Box<dyn Read + Send>) -> Receiver<Line> {
    let (sender, receiver) = sync_channel(256);
    std::thread::spawn(move || {
        let mut reader = LineReader::new(output, Limits::default());
        loop {
            let line = match reader.next_line() {
                Ok(Some(line)) => Ok(line.to_vec()),
                Ok(None) => return,
                Err(error) => Err(error.to_string()),
            };
            let failed = line.is_err();
            if sender.send(line).is_err() || failed {
                return;
            }
        }
    });
    receiver
}
