//! The end of a conversation (section 3, DONE).

use serde::{Deserialize, Serialize};

use super::connector::{MessageError, malformed};
use crate::recovery::{RecoveryHint, present};

/// The last message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// How it ended.
    pub status: DoneStatus,
    /// How many RECORD messages were sent.
    pub records_emitted: u64,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<DoneError>,
}

impl Done {
    pub(super) fn checked(self) -> Result<Self, MessageError> {
        if let Some(code) = self.error.as_ref().and_then(|error| error.code.as_deref())
            && !is_error_code(code)
        {
            return Err(malformed(
                "DONE",
                "error.code is a lower-case letter followed by up to 63 lower-case letters, digits or underscores".into(),
            ));
        }
        Ok(self)
    }
}

/// How a run ended, by its connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoneStatus {
    /// Everything asked for was collected.
    Succeeded,
    /// It was not.
    Failed,
    /// It was told to stop.
    Cancelled,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DoneError {
    /// The cause's stable name, never read as an instruction.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The connector's words, never read for meaning.
    pub message: String,
    /// What to do about it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub recovery_hint: Option<RecoveryHint>,
    /// Whether trying again makes sense.
    pub retryable: bool,
    /// How long the provider asked to be left alone, in seconds (its `Retry-After`). Freehold's own, optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

fn is_error_code(code: &str) -> bool {
    code.len() <= 64
        && code.starts_with(|c: char| c.is_ascii_lowercase())
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
