//! A connector's browser set aside while somebody signs in, or answers the site, in a page of their own beside it.

use std::collections::BTreeSet;
use std::sync::mpsc::{SyncSender, sync_channel};

use serde_json::json;

use super::relay::{Input, Relay, Waiting};
use super::{ANSWER_LIMIT, ConnectorBrowser, forget_scripts, make_blank};
use crate::{BrowserError, Page};

/// The most a connector may say meanwhile, in bytes.
const LIMIT: usize = 4 << 20;

/// What a connector said while its browser was set aside, by connection and in order.
#[derive(Default)]
pub(super) struct Aside {
    said: Vec<(u64, String)>,
    bytes: usize,
}

/// What there is of the connector's to be made harmless.
pub(super) struct Own {
    /// Its pages: their targets and where they are.
    pages: Vec<(String, String)>,
    /// The origins it has been at.
    origins: BTreeSet<String>,
}

impl ConnectorBrowser {
    /// From now on nothing the connector says reaches the browser, its pages are blank, and the workers its pages registered are gone:
    /// what is typed into another page is out of its reach. Connections stay, and what it says meanwhile is kept for later.
    pub fn set_aside(&mut self) -> Result<(), BrowserError> {
        let (own, told) = sync_channel(1);
        if self.to.send(Input::SetAside(own)).is_err() {
            return Err(BrowserError::Gone);
        }
        let own = told.recv().map_err(|_| BrowserError::Gone)?;
        self.aside = Vec::new();
        for (target, url) in own.pages {
            let page = Page::attach(&self.client, &target)?;
            make_blank(page.session())?;
            self.aside.push((page, url));
        }
        if let Some((page, _)) = self.aside.first() {
            forget_scripts(page.session(), &own.origins)?;
        }
        Ok(())
    }

    /// Where its first page was when it was set aside.
    pub fn set_aside_at(&self) -> Option<&str> {
        self.aside.iter().map(|(_, url)| url.as_str()).find(|url| self.shared.hosts().has(url))
    }

    /// Its pages go back to where they were, and what it said meanwhile is passed on.
    pub fn take_up(&mut self) -> Result<(), BrowserError> {
        for (page, url) in self.aside.drain(..) {
            if self.shared.hosts().has(&url) {
                // All the way: a client takes a page that is still going elsewhere for one that interrupts its own way there.
                match page.goto(&url, ANSWER_LIMIT) {
                    // The connector sees that by itself.
                    Err(BrowserError::Unreachable { .. }) => {}
                    went => went?,
                }
            }
            self.client.call("Target.detachFromTarget", json!({ "sessionId": page.session().id().0 }))?;
        }
        self.to.send(Input::TakeUp).map_err(|_| BrowserError::Gone)
    }
}

impl Relay {
    pub(super) fn set_aside(&mut self, own: &SyncSender<Own>) {
        self.aside.get_or_insert_default();
        let url = |info: &serde_json::Value| info["url"].as_str().unwrap_or_default().to_owned();
        let pages = self.watch.pages.iter().map(|(target, page)| (target.clone(), url(&page.info))).collect();
        // Whoever asked may be gone.
        let _ = own.send(Own { pages, origins: self.watch.origins.clone() });
    }

    pub(super) fn take_up(&mut self) {
        // The owner's view of the other page has had downloads its own way.
        self.ask_for_downloads(Waiting::Nobody);
        let aside = self.aside.take().unwrap_or_default();
        aside.said.into_iter().for_each(|(number, text)| self.said(number, text));
    }

    /// Keeps what a connector says, if its browser is set aside. Too much of it, and it is hung up on.
    pub(super) fn keep_for_later(&mut self, number: u64, text: String) -> Option<String> {
        let Some(aside) = &mut self.aside else { return Some(text) };
        aside.bytes += text.len();
        if aside.bytes > LIMIT {
            self.closed(number);
        } else {
            aside.said.push((number, text));
        }
        None
    }
}
