//! Why a connector could not collect.

use std::io;
use std::time::Duration;

use freehold_protocol::message::{DoneError, DoneStatus};
use freehold_protocol::recovery::RecoveryAction;

/// A failed run: what happened, and what to do about it. The message is shown to the owner, so it holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    status: DoneStatus,
    code: &'static str,
    message: String,
    hint: Option<RecoveryAction>,
    retryable: bool,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure that trying again does not mend. `code` is its stable name: lower-case letters, digits and `_`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status: DoneStatus::Failed, code, message, hint: None, retryable: false, retry_after: None, source: None }
    }

    /// The provider refused the sign-in details. Only that: a provider that is down or slow is [`Error::provider_down`].
    pub fn credentials_rejected(message: impl Into<String>) -> Self {
        Self::new("credentials_rejected", message).with_hint(RecoveryAction::RefreshCredentials)
    }

    /// The provider could not be reached, or asked for less. Freehold tries again by itself.
    pub fn provider_down(message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::new("provider_down", message).with_hint(RecoveryAction::RetryByRuntime) }
    }

    /// The browser's session ended meanwhile: the owner, or the sign-in details saved for it, have to sign in again.
    pub fn signed_out(message: impl Into<String>) -> Self {
        Self::new("signed_out", message).with_hint(RecoveryAction::ManualActionRequired)
    }

    /// The provider's pages are not what this connector can read; a newer one may.
    pub fn page_changed(message: impl Into<String>) -> Self {
        Self::new("page_changed", message).with_hint(RecoveryAction::UpdateSelector)
    }

    /// A stream failed and the others did not. Call [`crate::Context::stream_failed`] for it first; the checkpoints of the others
    /// are then kept.
    pub fn stream_failed(message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::new("stream_collection_failed", message) }
    }

    /// The run was told to stop.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self { status: DoneStatus::Cancelled, ..Self::new("cancelled", message) }
    }

    /// The same, with what the owner can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: RecoveryAction) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The same, saying that trying again makes sense.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same, with how long the provider asks to be left alone.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, with what it came from. The source goes to standard error alone.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Its stable name.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn status(&self) -> DoneStatus {
        self.status
    }

    pub(crate) fn to_done(&self) -> DoneError {
        DoneError {
            code: Some(self.code.to_owned()),
            message: self.message.clone(),
            recovery_hint: self.hint.map(Into::into),
            retryable: self.retryable,
            retry_after_seconds: self.retry_after.map(|wait| wait.as_secs()),
        }
    }
}

impl From<io::Error> for Error {
    /// Taken for trouble on the way to the provider, which is what most I/O of a connector is.
    fn from(error: io::Error) -> Self {
        Self::new("input_output", error.to_string()).retryable().because(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        // Its text may quote what was read, so only its place is told.
        Self::new("unreadable_data", format!("data could not be read as JSON (line {})", error.line()))
    }
}
