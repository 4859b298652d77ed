//! What the door and the relay both know of one connector's browser.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Directories, Hosts};

/// How many different notes are kept: a connector that tries everything does not fill the timeline.
const NOTES: usize = 100;

/// What the door and the relay both know.
pub(super) struct Shared {
    token: String,
    port: u16,
    version: Value,
    hosts: Hosts,
    directories: Directories,
    connections: AtomicUsize,
    pages: Mutex<Vec<Value>>,
    notes: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(token: &str, port: u16, version: Value, hosts: Hosts, directories: Directories) -> Self {
        let (connections, pages, notes) = Default::default();
        Self { token: token.to_owned(), port, version, hosts, directories, connections, pages, notes }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Where the browser and the connector have files.
    pub(super) fn directories(&self) -> &Directories {
        &self.directories
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/{}", self.port, self.token)
    }

    /// The answer to `/json/version`.
    pub(super) fn version(&self) -> Value {
        json!({
            "Browser": self.version["product"],
            "Protocol-Version": self.version["protocolVersion"],
            "User-Agent": self.version["userAgent"],
            "V8-Version": self.version["jsVersion"],
            "webSocketDebuggerUrl": self.url("ws"),
        })
    }

    /// The answer to `/json/list`.
    pub(super) fn listing(&self) -> Value {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = pages.iter().map(|info| {
            json!({
                "id": info["targetId"],
                "type": "page",
                "title": info["title"],
                "url": info["url"],
                "webSocketDebuggerUrl": self.url("ws"),
            })
        });
        listed.collect()
    }

    /// The connector's pages, as they are now.
    pub(super) fn set_pages(&self, pages: Vec<Value>) {
        *self.pages.lock().unwrap_or_else(PoisonError::into_inner) = pages;
    }

    /// Notes what was refused, once.
    pub(super) fn note(&self, what: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < NOTES && !notes.contains(&what) {
            tracing::info!(what, "connector's browser");
            notes.push(what);
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a connection in, unless there are as many as may be.
    pub(super) fn come_in(&self, limit: usize) -> bool {
        let more = |now: usize| (now < limit).then_some(now + 1);
        self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    pub(super) fn go_out(&self) {
        self.connections.fetch_sub(1, Ordering::AcqRel);
    }
}
