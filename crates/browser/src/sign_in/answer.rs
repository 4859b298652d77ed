//! What the browser tells beside the page itself: the status a document came with, or why one did not come.

use std::collections::{BTreeMap, BTreeSet};

use freehold_core::Timestamp;
use serde::Deserialize;

use super::look::without_query;
use super::until;
use crate::BrowserError;
use crate::cdp::Event;
use crate::tabs::{Tab, Tabs};

/// By page: what its document was answered with last.
#[derive(Default)]
pub(super) struct Answers {
    documents: BTreeMap<String, Answer>,
    /// The addresses that documents were got from since something was done, redirections included.
    way: Vec<String>,
    is_crashed: bool,
}

/// How a provider answered for a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header `Retry-After`.
    pub(super) retry_after: Option<String>,
    /// Chromium's name for why there was none.
    pub(super) error: Option<String>,
}

impl Answer {
    /// When it may be asked again, where it says so.
    pub(super) fn retry_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.retry_after.as_deref().and_then(|text| until::retry_after(text, now))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    frame_id: Option<String>,
    r#type: Option<String>,
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    frame_id: Option<String>,
    r#type: String,
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    r#type: String,
    error_text: String,
    #[serde(default)]
    canceled: bool,
}

impl Answers {
    /// Takes in what happened since. A page that crashed is an error: what came of what was sent is not seen any more.
    pub(super) fn hear(&mut self, tabs: &Tabs) -> Result<(), BrowserError> {
        for tab in tabs.list()? {
            tab.drain(|event| self.take(&tab, event))?;
        }
        if std::mem::take(&mut self.is_crashed) { Err(BrowserError::Crashed) } else { Ok(()) }
    }

    /// Whether a page went to that address since something was done, whatever its query says beside.
    pub(super) fn went_to(&self, address: &str) -> bool {
        self.way.iter().any(|url| is_at(url, address))
    }

    /// Something is about to be done on that page: what comes is an answer to it.
    pub(super) fn begin_anew(&mut self, tab: &Tab) -> Result<(), BrowserError> {
        tab.drain(|event| self.take(tab, event))?;
        self.way.clear();
        Ok(())
    }

    /// The answer to a page's document.
    pub(super) fn of(&self, tab: &Tab) -> Answer {
        self.documents.get(tab.page().target()).cloned().unwrap_or_default()
    }

    fn take(&mut self, tab: &Tab, event: &Event) {
        let target = tab.page().target().to_owned();
        match event.method.as_str() {
            "Network.requestWillBeSent" => {
                let is_page = |asked: &Asked| {
                    let is_own = asked.frame_id.as_deref() == Some(&target);
                    // What is sent to an address does not show the page there.
                    is_own && asked.r#type.as_deref() == Some("Document") && asked.request.method == "GET"
                };
                self.way.extend(event.params::<Asked>().filter(is_page).map(|asked| asked.request.url));
            }
            "Network.responseReceived" => {
                let received = event.params::<Received>().filter(|received| received.r#type == "Document");
                // A page's own frame has the id of the page.
                if let Some(received) = received.filter(|received| received.frame_id.as_deref() == Some(&target)) {
                    let Response { status, headers } = received.response;
                    let header = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
                    self.documents
                        .insert(target, Answer { status, retry_after: header.map(|(_, value)| value), error: None });
                }
            }
            "Network.loadingFailed" => {
                if let Some(failed) = event.params::<Failed>()
                    && failed.r#type == "Document"
                    && !failed.canceled
                {
                    self.documents.insert(target, Answer { error: Some(failed.error_text), ..Answer::default() });
                }
            }
            "Inspector.targetCrashed" => self.is_crashed = true,
            _ => {}
        }
    }
}

/// Whether an address is that of a page. Many sites have one path for all their pages, and tell them apart in the query.
fn is_at(url: &str, page: &str) -> bool {
    let query = |url: &'_ str| {
        let url = url.split('#').next().unwrap_or_default();
        let parts = url.split_once('?').map_or("", |(_, query)| query).split('&').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    without_query(url) == without_query(page) && query(page).is_subset(&query(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_path_and_what_its_query_says_of_it() {
        for (url, page, expected) in [
            ("http://a/orders", "http://a/orders", true),
            ("http://a/orders?from=sign-in#top", "http://a/orders", true),
            ("http://a/sign-in?to=/orders", "http://a/orders", false),
            ("http://a/index.php?lang=de&title=Orders", "http://a/index.php?title=Orders", true),
            ("http://a/index.php?title=Sign-in&to=Orders", "http://a/index.php?title=Orders", false),
        ] {
            assert_eq!(is_at(url, page), expected, "{url} {page}");
        }
    }
}
