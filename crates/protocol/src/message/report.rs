//! What a connector reports beside its records: what it left out, how far it is, which details it has.

use std::collections::HashSet;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connector::{MessageError, malformed};
use crate::recovery::{RecoveryHint, present};

/// A stream or resource left out on purpose.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SkipResult {
    /// Which stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Why, as a word: `scope_not_supported`, `stream_collection_failed`, or the connector's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub recovery_hint: Option<RecoveryHint>,
    /// A page is complete and the next is the runtime's to ask for.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub continuation: Option<Continuation>,
}

/// The fact of a completed page (section 3, SKIP_RESULT). It proves that slice and nothing more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Continuation {
    /// What is paged through.
    pub boundary: Value,
    /// Where the page begins.
    pub slice_start: Value,
    /// Where it ends.
    pub slice_end: Value,
    /// How many were looked at.
    pub considered: u64,
    /// How many of them were covered.
    pub covered: u64,
    /// Always true.
    #[serde(deserialize_with = "only_true")]
    pub remaining: bool,
    /// Always `runtime`.
    pub owner: ContinuationOwner,
}

/// Who asks for the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContinuationOwner {
    /// The runtime.
    Runtime,
}

/// How far the connector is, for display.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// In which stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The connector's words.
    pub message: String,
    /// How many so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// A record's key in coverage messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DetailKey {
    /// As text.
    Text(String),
    /// As a number.
    Number(serde_json::Number),
}

/// How completely details were fetched under one checkpoint parent (section 3, DETAIL_COVERAGE).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DetailCoverage {
    /// Always true: this is evidence, not data.
    #[serde(deserialize_with = "only_true")]
    pub reference_only: bool,
    /// The detail stream.
    pub stream: String,
    /// The checkpoint parent.
    pub state_stream: String,
    /// Every key considered.
    pub required_keys: Vec<DetailKey>,
    /// Those that were fetched.
    pub hydrated_keys: Vec<DetailKey>,
    /// Those a DETAIL_GAP was sent for.
    #[serde(default)]
    pub gap_keys: Vec<DetailKey>,
}

impl DetailCoverage {
    pub(super) fn checked(self) -> Result<Self, MessageError> {
        let required: HashSet<&DetailKey> = self.required_keys.iter().collect();
        for (name, keys) in [("hydrated_keys", &self.hydrated_keys), ("gap_keys", &self.gap_keys)] {
            if keys.iter().collect::<HashSet<_>>().len() != keys.len() {
                return Err(malformed("DETAIL_COVERAGE", format!("{name} has a key twice")));
            }
            if keys.iter().any(|key| !required.contains(key)) {
                return Err(malformed("DETAIL_COVERAGE", format!("{name} has a key that is not in required_keys")));
            }
        }
        if required.len() != self.required_keys.len() {
            return Err(malformed("DETAIL_COVERAGE", "required_keys has a key twice".into()));
        }
        Ok(self)
    }
}

/// A detail that could not be fetched (section 3, DETAIL_GAP).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DetailGap {
    /// The detail stream.
    pub stream: String,
    /// The checkpoint parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_stream: Option<String>,
    /// The record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_key: Option<DetailKey>,
    /// Why, in the connector's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the connector thinks trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// What the connector needs to try this one again; opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail_locator: Option<serde_json::Map<String, Value>>,
    /// Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_cursor: Option<serde_json::Map<String, Value>>,
    /// Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<serde_json::Map<String, Value>>,
}

fn only_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if bool::deserialize(deserializer)? { Ok(true) } else { Err(de::Error::custom("must be true")) }
}
