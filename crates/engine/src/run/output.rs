//! Reading a connector's output: split, checked against the contract and the scope, on a thread of its own.

use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use freehold_protocol::framing::{Limits, LineReader};
use freehold_protocol::message::{CredentialUpdate, IdentityMessage, Interaction, Operation, Progress, Record, SkipResult};
use freehold_protocol::scope::Verdict;
use freehold_protocol::session::{Event, Violation};
use freehold_protocol::{RecordChecker, Session};
use freehold_store::{NewRecord, RejectedRow};
use serde_json::Value;

use super::Mail;
use crate::server::lock;

/// One message of a connector that the run's thread has to act on.
pub(crate) enum Item {
    Record(NewRecord),
    Rejected(RejectedRow),
    Identity(IdentityMessage),
    Interaction(Interaction),
    CredentialUpdate(CredentialUpdate),
    /// A line to send back at once.
    Reply(Vec<u8>),
    Progress(Progress),
    Skipped(SkipResult),
    /// Something for the timeline, by its kind.
    Note(&'static str, Value),
    Done,
}

/// Batches on their way to the run's thread at any time; more, and the connector waits.
const IN_FLIGHT: usize = 8;
const BATCH_ITEMS: usize = 2_000;
const BATCH_BYTES: usize = 1 << 20;
/// As much of a rejected record as its list keeps.
const REJECTED_BYTES: usize = 64 << 10;

/// The run's thread's end of the leave to read on, one batch at a time.
pub(super) struct Permits(SyncSender<()>);

impl Permits {
    pub(super) fn return_one(&self) {
        // The reader may be gone already.
        let _ = self.0.try_send(());
    }
}

/// Makes the permits the run's thread hands back and the reader takes.
pub(super) fn permits() -> (Permits, Receiver<()>) {
    let (sender, receiver) = sync_channel(IN_FLIGHT);
    let permits = Permits(sender);
    for _ in 0..IN_FLIGHT {
        permits.return_one();
    }
    (permits, receiver)
}

/// A connector's output and what it is checked with.
pub(super) struct Output<R> {
    pub(super) stdout: R,
    pub(super) checker: RecordChecker,
    pub(super) session: Arc<Mutex<Session>>,
    pub(super) mailbox: Sender<Mail>,
    pub(super) permits: Receiver<()>,
}

impl<R: Read> Output<R> {
    /// Reads to the end, or to the first line that breaks the contract; the session remembers which.
    pub(super) fn read(self) {
        let Self { stdout, checker, session, mailbox, permits } = self;
        let mut lines = LineReader::new(stdout, Limits::default());
        let mut streams = StreamNames::default();
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            let number = lines.line_number() + 1;
            let item = match lines.next_line() {
                Ok(Some(line)) => {
                    bytes += line.len();
                    let event = lock(&session).line(line, number);
                    event.map(|event| item(event, &checker, &mut streams))
                }
                Ok(None) => break,
                Err(error) => Err(lock(&session).violated(Violation::from(&error))),
            };
            match item {
                Ok(Some(item)) => batch.push(item),
                Ok(None) => {}
                Err(_violation) => break,
            }
            if batch.len() >= BATCH_ITEMS || bytes >= BATCH_BYTES || !lines.has_line() {
                bytes = 0;
                // An error either way means that the run's thread no longer listens.
                if permits.recv().is_err() || mailbox.send(Mail::Output(std::mem::take(&mut batch))).is_err() {
                    return;
                }
            }
        }
        // What came before a bad line was good, and is kept or dropped by the same rules as anything else.
        if !batch.is_empty() && permits.recv().is_ok() {
            let _ = mailbox.send(Mail::Output(batch));
        }
        let _ = mailbox.send(Mail::OutputEnded);
    }
}

fn item(event: Event<'_>, checker: &RecordChecker, streams: &mut StreamNames) -> Option<Item> {
    Some(match event {
        Event::Record(record) => match checker.check(&record) {
            Verdict::Accepted { at } => Item::Record(NewRecord {
                stream: streams.shared(&record.stream),
                key: record.key.canonical().into_owned(),
                data: record.data.get().into(),
                // The time the owner knows it by, rather than when it was fetched.
                emitted_at: at.unwrap_or(record.emitted_at),
                delete: record.op == Operation::Delete,
            }),
            Verdict::Rejected(rejection) => rejected(&record, rejection.code.as_str(), rejection.detail),
        },
        Event::Identity(identity) => Item::Identity(identity),
        Event::Interaction(interaction) => Item::Interaction(interaction),
        Event::CredentialUpdate(update) => Item::CredentialUpdate(update),
        Event::Reply(line) => Item::Reply(line),
        Event::Progress(progress) => Item::Progress(progress),
        Event::Skipped(skip) => Item::Skipped(skip),
        Event::DetailGap(gap) => Item::Note("detail_gap", serde_json::to_value(gap).unwrap_or_default()),
        Event::Unknown(unknown) => Item::Note("unknown_message", serde_json::json!({ "type": unknown.type_name })),
        Event::Done(_) => Item::Done,
        // The session keeps both; they count when the run ends.
        Event::StateStaged(_) | Event::DetailCoverage => return None,
    })
}

fn rejected(record: &Record<'_>, reason: &str, detail: String) -> Item {
    let data = record.data.get();
    let end = (0..=REJECTED_BYTES.min(data.len())).rev().find(|at| data.is_char_boundary(*at)).unwrap_or(0);
    Item::Rejected(RejectedRow {
        stream: record.stream.chars().take(200).collect(),
        key: record.key.canonical().chars().take(500).collect(),
        reason: reason.to_owned(),
        detail,
        data: data[..end].to_owned(),
    })
}

/// Stream names, shared by the records of a stream; there are few, and they repeat in runs.
#[derive(Default)]
struct StreamNames(Vec<Arc<str>>);

impl StreamNames {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().rev().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.push(Arc::clone(&name));
        name
    }
}
