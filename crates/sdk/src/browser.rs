//! The browser of a connector that reads web pages: one page, already signed in, over the Chrome DevTools Protocol.
//!
//! ```no_run
//! # use freehold_sdk::{Context, Error};
//! # use std::time::Duration;
//! fn collect(context: &mut Context<'_>) -> Result<(), Error> {
//!     let mut page = context.browser()?.page()?;
//!     page.goto("https://library.example/loans")?;
//!     page.wait_for("#loans, #sign-in", Duration::from_secs(10))?;
//!     if page.url()?.contains("/sign-in") {
//!         return Err(Error::signed_out("the library signed this browser out"));
//!     }
//!     let read = "() => [...document.querySelectorAll('#loans li')].map((loan) => loan.textContent.trim())";
//!     for title in page.evaluate::<Vec<String>>(read, ())? {
//!         context.emit("loans", title.as_str(), &serde_json::json!({ "title": title }))?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Freehold has signed in before the connector is attached, and keeps the browser to the hosts of the connector's manifest: a page
//! that leaves them is closed. Every error becomes an [`crate::Error`] that tells the owner or the runtime what to do about it, so `?`
//! is enough where a connector has nothing better to say.

mod connection;
mod error;
mod page;

use serde_json::Value;

use connection::Connection;

pub use error::BrowserError;
pub use page::{Navigation, Page};

/// The browser of one run.
pub struct Browser {
    connection: Connection,
}

impl Browser {
    /// Connects to the browser of a START's `browser_automation`: `{"interface": "cdp", "ws_url": "ws://127.0.0.1:PORT/…"}`.
    pub(crate) fn connect(binding: &Value) -> Result<Self, BrowserError> {
        let address = match (binding["interface"].as_str(), binding["ws_url"].as_str()) {
            (Some("cdp"), Some(address)) => address,
            _ => return Err(BrowserError::Unexpected { what: "the binding is no address for CDP".to_owned() }),
        };
        Self::at(address)
    }

    /// Connects to a browser at an address that did not come with START: of a variable the manifest fills with `{browser.ws_url}`,
    /// or of a test's own browser.
    pub fn at(ws_url: &str) -> Result<Self, BrowserError> {
        Ok(Self { connection: Connection::open(ws_url)? })
    }

    /// Its first page, the one that is signed in.
    pub fn page(self) -> Result<Page, BrowserError> {
        Page::attach(self.connection)
    }
}
