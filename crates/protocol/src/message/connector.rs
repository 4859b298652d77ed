//! Connector → Freehold.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::account::{CredentialUpdate, IdentityMessage, Interaction};
use super::done::Done;
use super::record::{Record, StateMessage};
use super::report::{DetailCoverage, DetailGap, Progress, SkipResult};

/// One line of a connector, borrowed from that line where it is large.
pub enum ConnectorMessage<'a> {
    /// A record.
    Record(Record<'a>),
    /// A checkpoint.
    State(StateMessage<'a>),
    /// A question; the connector is silent until it is answered.
    Interaction(Interaction),
    /// Something was left out on purpose.
    SkipResult(SkipResult),
    /// How far it is.
    Progress(Progress),
    /// How completely details were fetched.
    DetailCoverage(DetailCoverage),
    /// A detail that could not be fetched.
    DetailGap(DetailGap),
    /// The end.
    Done(Done),
    /// Which account is signed in. Freehold's own.
    Identity(IdentityMessage),
    /// A renewed secret, to be sealed before it is used. Freehold's own.
    CredentialUpdate(CredentialUpdate),
    /// A type this version does not know.
    Unknown(UnknownMessage),
}

/// Why a line is no message. Whatever a line quotes stays out of it where it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Not JSON.
    #[error(
        "the line is not JSON (column {column}): write one JSON object a line to standard output, and logs to standard error"
    )]
    NotJson {
        /// Where in the line, from 1.
        column: usize,
    },
    /// JSON, but no object with a `type`.
    #[error("the line is not an object with a \"type\"")]
    NoType,
    /// A known type with a wrong shape.
    #[error("the {message_type} message is malformed: {detail}")]
    Malformed {
        /// Its type.
        message_type: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

impl<'a> ConnectorMessage<'a> {
    /// Reads one line, without its line feed.
    pub fn parse(line: &'a [u8]) -> Result<Self, MessageError> {
        #[derive(Deserialize)]
        struct Tag<'a> {
            #[serde(borrow)]
            r#type: Cow<'a, str>,
            #[serde(borrow, default)]
            request_id: Option<&'a RawValue>,
        }
        let tag: Tag<'a> = serde_json::from_slice(line).map_err(|e| match e.classify() {
            serde_json::error::Category::Data => MessageError::NoType,
            _ => MessageError::NotJson { column: e.column() },
        })?;
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(MessageError::NoType);
        }
        match &*tag.r#type {
            "RECORD" => read("RECORD", line).and_then(Record::checked).map(Self::Record),
            "STATE" => read("STATE", line).and_then(StateMessage::checked).map(Self::State),
            "INTERACTION" => read("INTERACTION", line).map(Self::Interaction),
            "SKIP_RESULT" => read("SKIP_RESULT", line).map(Self::SkipResult),
            "PROGRESS" => read("PROGRESS", line).map(Self::Progress),
            "DETAIL_COVERAGE" => read("DETAIL_COVERAGE", line).and_then(DetailCoverage::checked).map(Self::DetailCoverage),
            "DETAIL_GAP" => read("DETAIL_GAP", line).map(Self::DetailGap),
            "DONE" => read("DONE", line).and_then(Done::checked).map(Self::Done),
            "IDENTITY" => read("IDENTITY", line).and_then(IdentityMessage::checked).map(Self::Identity),
            "CREDENTIAL_UPDATE" => serde_json::from_slice(line).map(Self::CredentialUpdate).map_err(|e| {
                // serde's own text may quote a value, and here any value may be the secret.
                malformed(
                    "CREDENTIAL_UPDATE",
                    format!("it needs request_id, kind and fields of text (column {})", e.column()),
                )
            }),
            other => {
                let request_id = tag.request_id.and_then(|raw| serde_json::from_str(raw.get()).ok());
                Ok(Self::Unknown(UnknownMessage { type_name: other.chars().take(64).collect(), request_id }))
            }
        }
    }

    /// The message's type on the wire.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Record(_) => "RECORD",
            Self::State(_) => "STATE",
            Self::Interaction(_) => "INTERACTION",
            Self::SkipResult(_) => "SKIP_RESULT",
            Self::Progress(_) => "PROGRESS",
            Self::DetailCoverage(_) => "DETAIL_COVERAGE",
            Self::DetailGap(_) => "DETAIL_GAP",
            Self::Done(_) => "DONE",
            Self::Identity(_) => "IDENTITY",
            Self::CredentialUpdate(_) => "CREDENTIAL_UPDATE",
            Self::Unknown(unknown) => &unknown.type_name,
        }
    }
}

/// A message of a type this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMessage {
    /// Its type, shortened to 64 characters.
    pub type_name: String,
    /// Its `request_id`, where it has one.
    pub request_id: Option<String>,
}

impl UnknownMessage {
    /// Whether the connector waits for an answer.
    pub fn is_request(&self) -> bool {
        self.type_name.ends_with("_REQUEST")
    }
}

fn read<'a, T: Deserialize<'a>>(message_type: &'static str, line: &'a [u8]) -> Result<T, MessageError> {
    serde_json::from_slice(line).map_err(|e| malformed(message_type, shortened(&e.to_string())))
}

pub(super) fn malformed(message_type: &'static str, detail: String) -> MessageError {
    MessageError::Malformed { message_type, detail }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Operation;

    fn error_of(line: &str) -> String {
        ConnectorMessage::parse(line.as_bytes()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_record_is_borrowed_from_its_line() {
        let line =
            br#"{"type":"RECORD","stream":"a","key":"1","data":{"id":"1", "n":1.0},"emitted_at":"2026-04-06T15:01:00Z"}"#;
        let Ok(ConnectorMessage::Record(record)) = ConnectorMessage::parse(line) else { panic!("no record") };
        assert!(matches!(record.stream, Cow::Borrowed("a")));
        assert_eq!(record.data.get(), r#"{"id":"1", "n":1.0}"#);
        assert!(line.as_ptr_range().contains(&record.data.get().as_ptr()));
        assert_eq!(record.op, Operation::Upsert);
    }

    #[test]
    fn a_compound_key_has_one_canonical_form() {
        let line =
            br#"{"type":"RECORD","stream":"a","key":[ "u\"1", "2026-04-01" ],"data":{},"emitted_at":"2026-04-06T15:01:00"}"#;
        let Ok(ConnectorMessage::Record(record)) = ConnectorMessage::parse(line) else { panic!("no record") };
        assert_eq!(record.key.canonical(), r#"["u\"1","2026-04-01"]"#);
    }

    #[test]
    fn malformed_known_messages_are_refused_each_with_its_type() {
        for (line, word) in [
            (r#"{"type":"RECORD","stream":"a","key":1,"data":{},"emitted_at":"2026-04-06T15:01:00Z"}"#, "RECORD"),
            (r#"{"type":"RECORD","stream":"a","key":[],"data":{},"emitted_at":"2026-04-06T15:01:00Z"}"#, "RECORD"),
            (r#"{"type":"RECORD","stream":"a","key":"1","data":[],"emitted_at":"2026-04-06T15:01:00Z"}"#, "RECORD"),
            (r#"{"type":"RECORD","stream":"a","key":"1","data":{},"emitted_at":"yesterday"}"#, "RECORD"),
            (
                r#"{"type":"RECORD","stream":"a","key":"1","data":{},"emitted_at":"2026-04-06T15:01:00Z","op":"merge"}"#,
                "RECORD",
            ),
            (r#"{"type":"STATE","stream":"a","cursor":"7"}"#, "STATE"),
            (r#"{"type":"INTERACTION","request_id":"1","kind":"telepathy","message":"?"}"#, "INTERACTION"),
            (r#"{"type":"SKIP_RESULT","recovery_hint":{}}"#, "SKIP_RESULT"),
            (r#"{"type":"SKIP_RESULT","recovery_hint":null}"#, "SKIP_RESULT"),
            (r#"{"type":"SKIP_RESULT","continuation":{"boundary":"a"}}"#, "SKIP_RESULT"),
            (
                r#"{"type":"DETAIL_COVERAGE","reference_only":false,"stream":"a","state_stream":"b","required_keys":[],"hydrated_keys":[]}"#,
                "DETAIL_COVERAGE",
            ),
            (
                r#"{"type":"DETAIL_COVERAGE","reference_only":true,"stream":"a","state_stream":"b","required_keys":[1],"hydrated_keys":["1"]}"#,
                "DETAIL_COVERAGE",
            ),
            (
                r#"{"type":"DETAIL_COVERAGE","reference_only":true,"stream":"a","state_stream":"b","required_keys":[1,1],"hydrated_keys":[]}"#,
                "DETAIL_COVERAGE",
            ),
            (r#"{"type":"DONE","status":"succeeded"}"#, "DONE"),
            (r#"{"type":"DONE","status":"failed","records_emitted":0,"error":{"message":"x"}}"#, "DONE"),
            (
                r#"{"type":"DONE","status":"failed","records_emitted":0,"error":{"code":"Bad Code","message":"x","retryable":true}}"#,
                "DONE",
            ),
            (r#"{"type":"DONE","status":"failed","records_emitted":-1}"#, "DONE"),
            (r#"{"type":"IDENTITY","key":" ","display":"x"}"#, "IDENTITY"),
        ] {
            assert!(error_of(line).starts_with(&format!("the {word} message is malformed")), "{line}: {}", error_of(line));
        }
    }

    #[test]
    fn what_is_no_object_with_a_type_is_refused() {
        assert!(error_of("hello").contains("not JSON"));
        assert!(error_of("").contains("not JSON"));
        assert!(error_of(r#"{"type":"DONE"} {"type":"DONE"}"#).contains("not JSON"));
        for line in ["3", "[]", r#"["RECORD"]"#, r#"["RECORD",null]"#, "{}", r#"{"type":7}"#, r#"{"type":"A","type":"B"}"#] {
            assert!(error_of(line).contains("not an object"), "{line}: {}", error_of(line));
        }
    }

    #[test]
    fn unknown_types_are_kept_by_name_and_requests_by_their_id() {
        let parse = |line: &'static str| match ConnectorMessage::parse(line.as_bytes()) {
            Ok(ConnectorMessage::Unknown(unknown)) => unknown,
            _ => panic!("not unknown"),
        };
        assert!(!parse(r#"{"type":"ASSISTANCE","message":"x"}"#).is_request());
        let request = parse(r#"{"type":"DETAIL_GAPS_PAGE_REQUEST","request_id":"g1"}"#);
        assert!(request.is_request());
        assert_eq!(request.request_id.as_deref(), Some("g1"));
    }

    #[test]
    fn a_broken_credential_update_is_not_quoted() {
        let error = error_of(r#"{"type":"CREDENTIAL_UPDATE","request_id":"1","kind":"hunter2","fields":{}}"#);
        assert!(error.contains("CREDENTIAL_UPDATE") && !error.contains("hunter2"));
    }
}
