//! A run, as its connector sees it.

use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;

use freehold_protocol::bindings::BROWSER_AUTOMATION;
use freehold_protocol::blob::BlobRef;
use freehold_protocol::framing::{Limits, LineReader};
use freehold_protocol::message::{
    CollectionMode, CollectionScope, CollectionStream, CredentialUpdateResponse, Done, DoneStatus, Interaction,
    InteractionKind, InteractionResponse, Operation, Progress, RecordKey, ResponseStatus, RuntimeMessage, SealStatus,
    SkipResult, Start,
};
use freehold_protocol::{Clock, SecretBytes, SecretFields, SecretKind, SystemClock, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::blob::BlobFolder;
use crate::{Browser, Error, RecoveryAction};

/// A run: what is asked for, and the ways to answer.
pub struct Context<'io> {
    input: LineReader<Box<dyn Read + 'io>>,
    output: BufWriter<Box<dyn Write + 'io>>,
    start: Start,
    blobs: BlobFolder,
    records: u64,
    questions: u64,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
enum Message<'a, T: Serialize> {
    Record { stream: &'a str, key: RecordKey<'a>, data: &'a T, emitted_at: Timestamp, op: Operation },
    State { stream: &'a str, cursor: &'a T },
    Interaction(&'a Interaction),
    SkipResult(&'a SkipResult),
    Progress(&'a Progress),
    Identity { key: &'a str, display: &'a str },
    Done(&'a Done),
}

/// A message that carries no data of the connector's own type.
type Plain<'a> = Message<'a, ()>;

impl<'io> Context<'io> {
    /// Reads START.
    pub(crate) fn start(input: Box<dyn Read + 'io>, output: Box<dyn Write + 'io>, tmp: PathBuf) -> Result<Self, Error> {
        let mut input = LineReader::new(input, Limits::default());
        let Some(RuntimeMessage::Start(start)) = read_message(&mut input)? else {
            return Err(Error::new("protocol", "the first line on standard input is not START"));
        };
        let output = BufWriter::with_capacity(64 << 10, output);
        Ok(Self { input, output, start: *start, blobs: BlobFolder::new(tmp), records: 0, questions: 0 })
    }

    /// This run's id.
    pub fn run_id(&self) -> &str {
        &self.start.run_id
    }

    /// Whether to begin from nothing.
    pub fn mode(&self) -> CollectionMode {
        self.start.collection_mode
    }

    /// What is asked for.
    pub fn scope(&self) -> &CollectionScope {
        &self.start.scope
    }

    /// What is asked for of that stream, if it is asked for at all.
    pub fn wants(&self, stream: &str) -> Option<&CollectionStream> {
        self.start.stream(stream)
    }

    /// The descriptor of a binding, if it was given.
    pub fn binding(&self, name: &str) -> Option<&Value> {
        self.start.bindings.get(name)
    }

    /// The run's browser, signed in already. Its manifest declares the binding `browser_automation`.
    pub fn browser(&self) -> Result<Browser, Error> {
        let Some(binding) = self.binding(BROWSER_AUTOMATION) else {
            let message = "the run was given no browser; the manifest has to declare the binding browser_automation";
            return Err(Error::new("no_browser", message).with_hint(RecoveryAction::NotRetriable));
        };
        Ok(Browser::connect(binding)?)
    }

    /// The cursor last committed for that stream; `None` on a first or full run.
    pub fn state<T: DeserializeOwned>(&self, stream: &str) -> Result<Option<T>, Error> {
        if self.start.collection_mode == CollectionMode::FullRefresh {
            return Ok(None);
        }
        let cursor = self.start.state.as_ref().and_then(|state| state.get(stream));
        Ok(cursor.map(|cursor| serde_json::from_str(cursor.get())).transpose()?)
    }

    /// Sends a record. Where the run asked for single records or fields, the others are left out here; a time range is the
    /// connector's own to keep. Says whether the record was sent.
    pub fn emit<'k, T: Serialize>(&mut self, stream: &str, key: impl Into<RecordKey<'k>>, data: &T) -> Result<bool, Error> {
        self.record(stream, key.into(), data, Operation::Upsert)
    }

    /// Says that a record is gone at the provider. Its data need hold no more than its primary key's fields.
    pub fn delete<'k, T: Serialize>(
        &mut self,
        stream: &str,
        key: impl Into<RecordKey<'k>>,
        data: &T,
    ) -> Result<bool, Error> {
        self.record(stream, key.into(), data, Operation::Delete)
    }

    /// Stages a cursor: it is committed with the run's result and comes back as [`Context::state`] in the next run. Send the
    /// records it covers first. It holds no secret.
    pub fn checkpoint<T: Serialize>(&mut self, stream: &str, cursor: &T) -> Result<(), Error> {
        self.send(&Message::State { stream, cursor })?;
        self.flush()
    }

    /// Says which account is signed in: `key` is stable and compared, `display` is what the owner reads. Before any record.
    pub fn identity(&mut self, key: &str, display: &str) -> Result<(), Error> {
        self.send(&Plain::Identity { key, display })?;
        self.flush()
    }

    /// Says how far it is.
    pub fn progress(&mut self, message: impl Into<String>) -> Result<(), Error> {
        self.progress_in(None, message, None, None)
    }

    /// Says how far it is, in a stream and with numbers.
    pub fn progress_in(
        &mut self,
        stream: Option<&str>,
        message: impl Into<String>,
        count: Option<u64>,
        total: Option<u64>,
    ) -> Result<(), Error> {
        let progress = Progress { stream: stream.map(str::to_owned), message: message.into(), count, total };
        self.send(&Plain::Progress(&progress))?;
        self.flush()
    }

    /// Says that something was left out on purpose, with the reason as a word and for a person.
    pub fn skip(&mut self, stream: &str, reason: &str, message: impl Into<String>) -> Result<(), Error> {
        self.left_out(stream, reason, message.into(), None)
    }

    /// Says that something could not be read because the provider's pages are not as this connector knows them.
    pub fn skip_unreadable(&mut self, stream: &str, message: impl Into<String>) -> Result<(), Error> {
        self.left_out(stream, "unreadable", message.into(), Some(RecoveryAction::UpdateSelector))
    }

    fn left_out(&mut self, stream: &str, reason: &str, message: String, hint: Option<RecoveryAction>) -> Result<(), Error> {
        let skip = SkipResult {
            stream: Some(stream.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(message),
            recovery_hint: hint.map(Into::into),
            continuation: None,
        };
        self.send(&Plain::SkipResult(&skip))?;
        self.flush()
    }

    /// Says that this stream failed and the others did not; end with [`Error::stream_failed`].
    pub fn stream_failed(&mut self, stream: &str, message: impl Into<String>) -> Result<(), Error> {
        self.skip(stream, "stream_collection_failed", message)
    }

    /// Asks for this source's sign-in details, by the names its manifest's form gives them. Ask once a run: Freehold takes a
    /// second question to mean that they were refused.
    pub fn credentials(&mut self, message: &str, fields: &[&str]) -> Result<SecretFields, Error> {
        let properties: serde_json::Map<_, _> =
            fields.iter().map(|field| ((*field).to_owned(), json!({ "type": "string" }))).collect();
        let schema = json!({ "type": "object", "properties": properties, "required": fields });
        let answer = self.ask(InteractionKind::Credentials, message, Some(schema))?;
        match fields.iter().find(|field| answer.get(field).is_none()) {
            Some(missing) => Err(Error::new("incomplete_answer", format!("the answer has no {missing}"))),
            None => Ok(answer),
        }
    }

    /// Asks for a code.
    pub fn otp(&mut self, message: &str) -> Result<SecretBytes, Error> {
        let schema = json!({ "type": "object", "properties": { "code": { "type": "string" } }, "required": ["code"] });
        let mut answer = self.ask(InteractionKind::Otp, message, Some(schema))?;
        answer.take("code").ok_or_else(|| Error::new("incomplete_answer", "the answer has no code"))
    }

    /// Asks the owner to do something elsewhere, and waits until it is done.
    pub fn manual_action(&mut self, message: &str) -> Result<(), Error> {
        self.ask(InteractionKind::ManualAction, message, None).map(drop)
    }

    /// Hands over a renewed secret, and returns once it is sealed. Use the new one only after that.
    pub fn update_credential(&mut self, kind: SecretKind, fields: SecretFields) -> Result<(), Error> {
        let request_id = self.next_request_id();
        let line = freehold_protocol::message::credential_update_line(&request_id, kind, &fields);
        #[expect(clippy::disallowed_methods, reason = "the renewed secret goes to Freehold, to be sealed")]
        self.output.write_all(line.expose())?;
        self.flush()?;
        match read_message(&mut self.input)? {
            Some(RuntimeMessage::CredentialUpdateResponse(CredentialUpdateResponse { request_id: id, status }))
                if id == request_id =>
            {
                match status {
                    SealStatus::Sealed => Ok(()),
                    SealStatus::Refused => {
                        Err(Error::new("update_refused", "the renewed sign-in details could not be kept").retryable())
                    }
                }
            }
            other => Err(unexpected(other.is_some())),
        }
    }

    /// Hands over content too large for a record: put the reference into the record's data with [`BlobRef::to_value`].
    pub fn blob(&mut self, content: &[u8], filename: Option<&str>, media_type: Option<&str>) -> Result<BlobRef, Error> {
        self.blob_from(content, filename, media_type)
    }

    /// The same, from a reader.
    pub fn blob_from(
        &mut self,
        content: impl Read,
        filename: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<BlobRef, Error> {
        Ok(self.blobs.write(content, filename, media_type)?)
    }

    /// How many records were sent.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Sends DONE and waits until the runtime closes the input.
    pub(crate) fn finish(&mut self, result: &Result<(), Error>) -> Result<(), Error> {
        let (status, error) = match result {
            Ok(()) => (DoneStatus::Succeeded, None),
            Err(error) => (error.status(), Some(error.to_done())),
        };
        let done = Done { status, records_emitted: self.records, error };
        self.send(&Plain::Done(&done))?;
        self.flush()?;
        while let Ok(Some(_)) = self.input.next_line() {}
        Ok(())
    }

    fn record<T: Serialize>(&mut self, stream: &str, key: RecordKey<'_>, data: &T, op: Operation) -> Result<bool, Error> {
        let Some(target) = self.start.stream(stream) else {
            return Err(Error::new("out_of_scope", format!("the run did not ask for the stream {stream:?}")));
        };
        if target.resources.as_ref().is_some_and(|keys| !keys.iter().any(|wanted| *wanted == *key.canonical())) {
            return Ok(false);
        }
        let emitted_at = SystemClock.now();
        match &target.fields {
            None => self.send(&Message::Record { stream, key, data, emitted_at, op })?,
            Some(fields) => {
                let mut data = serde_json::to_value(data)?;
                if let Some(all) = data.as_object_mut() {
                    all.retain(|name, _| fields.contains(name));
                }
                self.send(&Message::Record { stream, key, data: &data, emitted_at, op })?;
            }
        }
        self.records += 1;
        Ok(true)
    }

    fn ask(&mut self, kind: InteractionKind, message: &str, schema: Option<Value>) -> Result<SecretFields, Error> {
        let request_id = self.next_request_id();
        let question =
            Interaction { request_id: request_id.clone(), kind, message: message.to_owned(), schema, timeout_seconds: None };
        self.send(&Plain::Interaction(&question))?;
        self.flush()?;
        match read_message(&mut self.input)? {
            Some(RuntimeMessage::InteractionResponse(InteractionResponse { request_id: id, status, data }))
                if id == request_id =>
            {
                match status {
                    ResponseStatus::Success => Ok(data),
                    ResponseStatus::Cancelled => Err(Error::cancelled("the owner declined to answer")),
                    ResponseStatus::Timeout => Err(Error::new("not_answered", "nobody answered in time")
                        .with_hint(RecoveryAction::ManualActionRequired)
                        .retryable()),
                }
            }
            other => Err(unexpected(other.is_some())),
        }
    }

    fn next_request_id(&mut self) -> String {
        self.questions += 1;
        format!("q{}", self.questions)
    }

    fn send<T: Serialize>(&mut self, message: &Message<'_, T>) -> Result<(), Error> {
        serde_json::to_writer(&mut self.output, message)
            .map_err(|error| if error.is_io() { Error::from(io::Error::from(error)) } else { Error::from(error) })?;
        self.output.write_all(b"\n")?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(self.output.flush()?)
    }
}

fn read_message(input: &mut LineReader<Box<dyn Read + '_>>) -> Result<Option<RuntimeMessage>, Error> {
    let line = input.next_line().map_err(|error| Error::new("protocol", error.to_string()))?;
    line.map(RuntimeMessage::parse).transpose().map_err(|error| Error::new("protocol", error.to_string()))
}

fn unexpected(something: bool) -> Error {
    let what = if something { "sent something else" } else { "closed the input" };
    Error::new("protocol", format!("an answer was awaited, and the runtime {what}"))
}
