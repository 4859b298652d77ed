//! What can go wrong with a browser.

use std::io;

use freehold_core::Problem;
use freehold_sandbox::SandboxError;

/// What can go wrong with a browser. No variant holds anything that was typed.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is no Chromium here.
    #[error("Chromium is not installed. Install it: apt install chromium")]
    NotInstalled,
    /// It was not started.
    #[error("Chromium was not started: {0}")]
    NotStarted(#[from] SandboxError),
    /// It ended before it answered.
    #[error("Chromium ended as soon as it was started: {said}")]
    Ended {
        /// The last line it wrote.
        said: String,
    },
    /// It ended, or its pipe broke.
    #[error("Chromium has ended")]
    Gone,
    /// It did not answer in time.
    #[error("Chromium did not answer {method} in time")]
    Silent {
        /// The method called.
        method: String,
    },
    /// It refused a call.
    #[error("Chromium refused {method}: {message}")]
    Refused {
        /// The method called.
        method: String,
        /// What it said.
        message: String,
    },
    /// It answered something that does not fit.
    #[error("Chromium's answer to {method} does not fit: {detail}")]
    Unexpected {
        /// The method called.
        method: String,
        /// What does not fit.
        detail: String,
    },
    /// A page could not be opened.
    #[error("{url} could not be opened: {reason}")]
    Unreachable {
        /// Its address, without query.
        url: String,
        /// Chromium's name for the reason.
        reason: String,
    },
    /// The program behind a page ended.
    #[error("a page of the browser crashed")]
    Crashed,
    /// A connector's screen names something by a selector that is none.
    #[error("the screen {screen:?} has a selector that is not valid CSS")]
    Selector {
        /// The screen's name.
        screen: String,
    },
    /// The secrets of a source could not be used because a part of Freehold failed.
    #[error("{0}")]
    Secrets(Problem),
    /// A connector's browser could not be opened.
    #[error("the connector's browser could not listen: {0}")]
    Door(io::Error),
    /// The browser's own directory could not be prepared.
    #[error("the browser's directory could not be prepared: {0}")]
    Directory(#[from] io::Error),
}

impl BrowserError {
    /// Whether the page or frame went away meanwhile: a navigation, mostly, after which a second look finds the next one.
    pub fn is_navigation(&self) -> bool {
        const GONE: [&str; 7] = [
            "Not attached to an active page",
            "Cannot find context",
            "Execution context was destroyed",
            "No frame for given id",
            "No frame with given id",
            "Session with given id not found",
            "Inspected target navigated",
        ];
        matches!(self, Self::Refused { message, .. } if GONE.iter().any(|gone| message.contains(gone)))
    }
}
