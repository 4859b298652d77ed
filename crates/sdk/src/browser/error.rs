//! What can go wrong with a browser, and what to do about each.

use std::time::Duration;

use crate::{Error, RecoveryAction};

/// What can go wrong with a connector's browser. No message holds an address's query, which may be a secret of the owner's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    /// The browser cannot be reached, or has ended.
    #[error("the browser is not there any more")]
    Gone,
    /// The browser has no page.
    #[error("the browser has no page")]
    NoPage,
    /// The page was closed, as happens to one that leaves the hosts of the manifest.
    #[error("the page was closed; Freehold closes one that leaves the hosts of the connector's manifest")]
    Closed,
    /// The page's process crashed.
    #[error("the page crashed")]
    Crashed,
    /// An address could not be opened.
    #[error("{url} could not be opened: {reason}")]
    NotOpened {
        /// The address, without its query.
        url: String,
        /// The browser's name for the reason, as in `net::ERR_CONNECTION_REFUSED`.
        reason: String,
    },
    /// The provider answered that it cannot serve now: 429, or 500 and above. What it sent is on the page.
    #[error("{url} answered {status}")]
    Unavailable {
        /// The address, without its query.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long the provider asks to be left alone, where it says so.
        retry_after: Option<Duration>,
    },
    /// Something took longer than it may.
    #[error("{what} took too long")]
    TimedOut {
        /// What was waited for.
        what: String,
    },
    /// What was waited for is not on the page.
    #[error("{url} has no {selector:?}")]
    Missing {
        /// The address, without its query.
        url: String,
        /// The selector.
        selector: String,
    },
    /// The page went on to another one while it was read.
    #[error("the page went on to another one while it was read")]
    Navigated,
    /// A script failed on the page.
    #[error("a script failed on the page: {message}")]
    Script {
        /// What the page's engine said.
        message: String,
    },
    /// The browser refused something the client needs.
    #[error("the browser refused {method}: {message}")]
    Refused {
        /// The method.
        method: String,
        /// What it said.
        message: String,
    },
    /// Something came that does not fit.
    #[error("the browser answered something else: {what}")]
    Unexpected {
        /// What does not fit.
        what: String,
    },
}

impl From<BrowserError> for Error {
    /// Whatever time may mend is left to the runtime to try again; a page that reads otherwise than expected needs a newer connector.
    fn from(error: BrowserError) -> Self {
        let instead = |code, hint| Self::new(code, error.to_string()).with_hint(hint);
        let later = |code| instead(code, RecoveryAction::RetryByRuntime).retryable();
        match &error {
            BrowserError::Gone | BrowserError::Crashed => later("browser_ended"),
            BrowserError::NotOpened { .. } | BrowserError::TimedOut { .. } | BrowserError::Navigated => {
                later("provider_down")
            }
            BrowserError::Unavailable { retry_after, .. } => {
                let later = later("provider_down");
                retry_after.map_or(later, |wait| Self::provider_down(error.to_string()).retry_after(wait))
            }
            BrowserError::Missing { .. } | BrowserError::Script { .. } => {
                instead("page_changed", RecoveryAction::UpdateSelector)
            }
            BrowserError::Closed => instead("page_closed", RecoveryAction::RetryOnConnectorUpgrade),
            BrowserError::NoPage | BrowserError::Refused { .. } | BrowserError::Unexpected { .. } => {
                instead("browser_unusable", RecoveryAction::RetryOnConnectorUpgrade)
            }
        }
    }
}
