//! Everything that can end a collection, and what the owner or the runtime should do about it.

use std::io;

use freehold_sdk::{Error, RecoveryAction};

/// Why a collection ended early. A message never holds a credential or a line of the owner's mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A setting is missing or unreadable.
    #[error("the setting {name} {problem}")]
    Setting { name: &'static str, problem: String },
    /// No connection could be made.
    #[error("{host}:{port} cannot be reached: {source}")]
    Unreachable { host: String, port: u16, source: io::Error },
    /// The encrypted connection could not be made or trusted.
    #[error("no trusted encrypted connection to {host}: {detail}")]
    Tls { host: String, detail: String },
    /// The connection ended or stalled.
    #[error("the connection to the mail server broke while {doing}: {source}")]
    Broken { doing: &'static str, source: io::Error },
    /// The server ended the session with BYE, or answered that it cannot serve now.
    #[error("the mail server is not available now: {text}")]
    Unavailable { text: String },
    /// The server did not accept the username and password.
    #[error("the mail server did not accept this username and password: {text}")]
    Rejected { text: String },
    /// The server knows the account but does not let it in this way; another password would not help.
    #[error("the mail server does not let this account in: {text}")]
    NotAllowed { text: String },
    /// The server refused or answered something this connector cannot work with.
    #[error("the mail server answered unexpectedly to {command}: {text}")]
    Unexpected { command: &'static str, text: String },
    /// The runtime ended the exchange, or a record could not be handed over.
    #[error(transparent)]
    Run(#[from] Error),
}

impl From<Failure> for Error {
    /// Only a refused sign-in asks for other credentials; whatever time may mend is left to the runtime to try again.
    fn from(failure: Failure) -> Self {
        let message = failure.to_string();
        let later = |code| Error::new(code, message.clone()).with_hint(RecoveryAction::RetryByRuntime).retryable();
        let instead = |code, hint| Error::new(code, message.clone()).with_hint(hint);
        match failure {
            Failure::Setting { .. } => instead("setting", RecoveryAction::NotRetriable),
            Failure::Unreachable { .. } => later("unreachable"),
            Failure::Tls { .. } => later("encryption_failed"),
            Failure::Broken { .. } => later("connection_broken"),
            Failure::Unavailable { .. } => later("server_unavailable"),
            Failure::Rejected { .. } => instead("authentication_failed", RecoveryAction::RefreshCredentials),
            Failure::NotAllowed { .. } => instead("not_allowed", RecoveryAction::ManualActionRequired),
            Failure::Unexpected { .. } => instead("unexpected_answer", RecoveryAction::RetryOnConnectorUpgrade),
            Failure::Run(error) => error,
        }
    }
}
