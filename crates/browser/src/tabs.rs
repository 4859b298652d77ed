//! The pages of one browser, pop-ups included, as they come and go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::cdp::{Client, Events};
use crate::chromium::page_targets;
use crate::{BrowserError, Chromium, Page};

/// A browser's pages, watched for as long as this lives. A page that opens is attached to when they are listed next; one that closed is
/// no longer listed.
pub struct Tabs {
    client: Client,
    pages: Mutex<BTreeMap<String, Arc<Tab>>>,
}

/// One of them.
pub struct Tab {
    page: Page,
    /// Apart from the page's own, which waiting for a change uses up.
    events: Events,
}

impl Tabs {
    /// The pages of that browser.
    pub fn of(chromium: &Chromium) -> Self {
        Self { client: chromium.client().clone(), pages: Mutex::default() }
    }

    /// All that are open now, the newest first: a pop-up comes before what opened it.
    pub fn list(&self) -> Result<Vec<Arc<Tab>>, BrowserError> {
        let open = page_targets(&self.client)?;
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|target, _| open.contains(target));
        let mut listed = Vec::new();
        for target in open.into_iter().rev() {
            let tab = match pages.get(&target) {
                Some(tab) => Arc::clone(tab),
                None => match Tab::attach(&self.client, &target) {
                    Ok(tab) => Arc::clone(pages.entry(target).or_insert(Arc::new(tab))),
                    // It closed again.
                    Err(BrowserError::Refused { .. }) => continue,
                    Err(error) => return Err(error),
                },
            };
            listed.push(tab);
        }
        Ok(listed)
    }

    /// The oldest of them, or a new one where there is none.
    pub fn first(&self) -> Result<Arc<Tab>, BrowserError> {
        if let Some(oldest) = self.list()?.pop() {
            return Ok(oldest);
        }
        self.client.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        self.list()?.pop().ok_or(BrowserError::Gone)
    }

    /// The connection to their browser.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        // It may be gone already; nobody waits for the answer.
        let session = self.page.session();
        let _ = session.client().send(None, "Target.detachFromTarget", &json!({ "sessionId": session.id().0 }));
    }
}

impl Tab {
    fn attach(client: &Client, target: &str) -> Result<Self, BrowserError> {
        let page = Page::attach(client, target)?;
        let events = page.session().events();
        // What each document was answered with is told by this domain alone; no body is kept for it.
        let quiet = json!({ "maxTotalBufferSize": 0, "maxResourceBufferSize": 0 });
        page.session().call("Network.enable", quiet)?;
        Ok(Self { page, events })
    }

    /// The page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// What happened on it since this was asked last, each event to `told`.
    pub(crate) fn drain(&self, mut told: impl FnMut(&crate::cdp::Event)) -> Result<(), BrowserError> {
        while let Some(event) = self.events.next(Duration::ZERO)? {
            told(&event);
        }
        Ok(())
    }
}
