//! Freehold → connector.

use std::collections::BTreeMap;

use freehold_core::SecretBytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::secret_text::SecretFields;

/// The first line a connector reads, and the only one of its kind (section 3, START).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename = "START")]
pub struct Start {
    /// This run.
    pub run_id: String,
    /// Whether to begin from nothing.
    pub collection_mode: CollectionMode,
    /// What to collect; never empty.
    pub scope: CollectionScope,
    /// The cursor of each checkpoint stream as it was last committed; `None` on a first run.
    #[serde(default)]
    pub state: Option<BTreeMap<String, Box<RawValue>>>,
    /// What the connector may use, by binding name.
    #[serde(default)]
    pub bindings: BTreeMap<String, serde_json::Value>,
}

impl Start {
    /// The message with its line feed. It holds no secret.
    pub fn to_line(&self) -> Vec<u8> {
        json_line(self)
    }

    /// The target for that stream, if it is in scope.
    pub fn stream(&self, name: &str) -> Option<&CollectionStream> {
        self.scope.streams.iter().find(|stream| stream.name == name)
    }
}

/// Whether a run begins from nothing or from the committed cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionMode {
    /// From nothing.
    FullRefresh,
    /// From the committed cursors.
    Incremental,
}

/// What a run is to collect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionScope {
    /// One entry a stream; never empty, never a wildcard.
    pub streams: Vec<CollectionStream>,
}

/// What a run is to collect of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionStream {
    /// The stream.
    pub name: String,
    /// Only these records, by canonical key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Only records of this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_range: Option<TimeRange>,
    /// Only these top-level fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

impl CollectionStream {
    /// All of a stream.
    pub fn all_of(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A time window, as RFC 3339 or a plain date (midnight, UTC).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    /// From here on, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Up to here, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// The answer to an INTERACTION. Its data may be a password, so it has neither `Debug` nor `Serialize`.
#[derive(Deserialize)]
pub struct InteractionResponse {
    /// The question it answers.
    pub request_id: String,
    /// Whether there is an answer.
    pub status: ResponseStatus,
    /// The answer, by the names the question's schema gave; empty unless `success`.
    #[serde(default)]
    pub data: SecretFields,
}

/// Whether a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// It was.
    Success,
    /// The owner declined.
    Cancelled,
    /// Nobody answered in time.
    Timeout,
}

impl InteractionResponse {
    /// An answer.
    pub fn success(request_id: impl Into<String>, data: SecretFields) -> Self {
        Self { request_id: request_id.into(), status: ResponseStatus::Success, data }
    }

    /// The owner declined.
    pub fn cancelled(request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), status: ResponseStatus::Cancelled, data: SecretFields::new() }
    }

    /// Nobody answered within the question's `timeout_seconds`.
    pub fn timeout(request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), status: ResponseStatus::Timeout, data: SecretFields::new() }
    }

    /// The message with its line feed, in one allocation that is wiped when dropped.
    pub fn to_line(&self) -> SecretBytes {
        #[derive(Serialize)]
        struct Head<'a> {
            r#type: &'static str,
            request_id: &'a str,
            status: ResponseStatus,
        }
        let head = Head { r#type: "INTERACTION_RESPONSE", request_id: &self.request_id, status: self.status };
        let head = serde_json::to_vec(&head).expect("strings always serialise");
        let mut line = Vec::with_capacity(head.len() + self.data.json_capacity() + 16);
        line.extend_from_slice(&head);
        if self.status == ResponseStatus::Success {
            line.pop();
            line.extend_from_slice(b",\"data\":");
            self.data.write_json(&mut line);
            line.push(b'}');
        }
        line.push(b'\n');
        SecretBytes::new(line)
    }
}

/// What became of a CREDENTIAL_UPDATE. The connector uses the renewed secret only after `sealed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "CREDENTIAL_UPDATE_RESPONSE")]
pub struct CredentialUpdateResponse {
    /// The update it answers.
    pub request_id: String,
    /// What became of it.
    pub status: SealStatus,
}

/// Whether a renewed secret is safe to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealStatus {
    /// It is sealed and durable.
    Sealed,
    /// It was not kept: the source stores no such kind, or the vault is locked. The connector ends the run.
    Refused,
}

impl CredentialUpdateResponse {
    /// The message with its line feed.
    pub fn to_line(&self) -> Vec<u8> {
        json_line(self)
    }
}

/// The empty page that answers any `…_REQUEST` Freehold does not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageResponse {
    r#type: String,
    request_id: String,
    reference_only: bool,
    detail_gaps: [(); 0],
}

impl PageResponse {
    /// Answers the request of that type, `DETAIL_GAPS_PAGE_REQUEST` with `DETAIL_GAPS_PAGE_RESPONSE` and so on.
    pub fn empty(request_type: &str, request_id: impl Into<String>) -> Self {
        let stem = request_type.strip_suffix("_REQUEST").unwrap_or(request_type);
        Self { r#type: format!("{stem}_RESPONSE"), request_id: request_id.into(), reference_only: true, detail_gaps: [] }
    }

    /// The message with its line feed.
    pub fn to_line(&self) -> Vec<u8> {
        json_line(self)
    }
}

/// A line as a connector reads it.
pub enum RuntimeMessage {
    /// START.
    Start(Box<Start>),
    /// INTERACTION_RESPONSE.
    InteractionResponse(InteractionResponse),
    /// CREDENTIAL_UPDATE_RESPONSE.
    CredentialUpdateResponse(CredentialUpdateResponse),
}

/// A line that a connector cannot read as a message of the runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeMessageError {
    /// Not JSON, or not of the shape its type has. The line is not quoted: it may hold a secret.
    #[error("the runtime sent a line that is no message of the Collection Profile ({category:?} error at column {column})")]
    Malformed {
        /// What kind of error the JSON reader met.
        category: serde_json::error::Category,
        /// Where in the line, from 1.
        column: usize,
    },
    /// A type this profile does not know.
    #[error("the runtime sent a message of the unknown type {0:?}")]
    UnknownType(String),
}

impl RuntimeMessage {
    /// Reads one line, without its line feed.
    pub fn parse(line: &[u8]) -> Result<Self, RuntimeMessageError> {
        #[derive(Deserialize)]
        struct Tag {
            r#type: String,
        }
        fn read<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, RuntimeMessageError> {
            serde_json::from_slice(line)
                .map_err(|e| RuntimeMessageError::Malformed { category: e.classify(), column: e.column() })
        }
        match read::<Tag>(line)?.r#type.as_str() {
            "START" => Ok(Self::Start(Box::new(read::<Start>(line)?))),
            "INTERACTION_RESPONSE" => read(line).map(Self::InteractionResponse),
            "CREDENTIAL_UPDATE_RESPONSE" => read(line).map(Self::CredentialUpdateResponse),
            other => Err(RuntimeMessageError::UnknownType(other.to_owned())),
        }
    }
}

fn json_line<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("a message of strings and raw JSON always serialises");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_is_written_as_the_profile_has_it_and_read_back() {
        let start = Start {
            run_id: "run_1".into(),
            collection_mode: CollectionMode::Incremental,
            scope: CollectionScope { streams: vec![CollectionStream::all_of("messages")] },
            state: Some(BTreeMap::from([("messages".to_owned(), RawValue::from_string(r#"{"uid":7}"#.into()).unwrap())])),
            bindings: BTreeMap::from([("network".to_owned(), serde_json::json!({}))]),
        };
        let line = start.to_line();
        insta::assert_snapshot!(String::from_utf8(line.clone()).unwrap().trim_end(), @r#"{"type":"START","run_id":"run_1","collection_mode":"incremental","scope":{"streams":[{"name":"messages"}]},"state":{"messages":{"uid":7}},"bindings":{"network":{}}}"#);
        let RuntimeMessage::Start(back) = RuntimeMessage::parse(line.trim_ascii_end()).unwrap() else { panic!("no START") };
        assert_eq!(back.to_line(), line);
    }

    #[test]
    fn a_first_run_has_a_null_state() {
        let start = r#"{"type":"START","run_id":"r","collection_mode":"full_refresh","scope":{"streams":[{"name":"a"}]},"state":null,"bindings":{}}"#;
        let RuntimeMessage::Start(start) = RuntimeMessage::parse(start.as_bytes()).unwrap() else { panic!("no START") };
        assert!(start.state.is_none());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks at the line a connector would get")]
    fn an_answer_carries_its_data_only_when_there_is_one() {
        let mut data = SecretFields::new();
        data.insert("password", SecretBytes::from("a\"b\\c\u{1}ü\n".to_owned())).unwrap();
        let line = InteractionResponse::success("q1", data).to_line();
        insta::assert_snapshot!(std::str::from_utf8(line.expose()).unwrap().trim_end(), @r#"{"type":"INTERACTION_RESPONSE","request_id":"q1","status":"success","data":{"password":"a\"b\\c\u0001ü\n"}}"#);
        let line = InteractionResponse::timeout("q1").to_line();
        insta::assert_snapshot!(std::str::from_utf8(line.expose()).unwrap().trim_end(), @r#"{"type":"INTERACTION_RESPONSE","request_id":"q1","status":"timeout"}"#);
    }

    #[test]
    fn a_broken_line_is_not_quoted() {
        let error = RuntimeMessage::parse(br#"{"type":"INTERACTION_RESPONSE","status":"hunter2"}"#).err().unwrap();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_request_for_a_page_is_answered_with_an_empty_one() {
        let line = PageResponse::empty("DETAIL_GAPS_PAGE_REQUEST", "g1").to_line();
        insta::assert_snapshot!(String::from_utf8(line).unwrap().trim_end(), @r#"{"type":"DETAIL_GAPS_PAGE_RESPONSE","request_id":"g1","reference_only":true,"detail_gaps":[]}"#);
    }
}
