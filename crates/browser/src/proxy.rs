//! The connector's browser: a CDP endpoint in front of Chromium's pipe, for one run, behind one secret address.
//!
//! A connector is trusted with its own source's session on its hosts, and with nothing else: `policy` is the table of what passes,
//! `watch` keeps its pages at its hosts. It gets sessions of its own, and what it sets in them ends with them.

mod calls;
mod door;
mod events;
mod files;
mod filter;
mod hosts;
mod policy;
mod relay;
mod shared;
mod targets;
mod watch;

pub use hosts::Hosts;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cdp::{Client, Session, SessionId};
use crate::{BrowserError, Page};
use relay::{Input, Relay};
use shared::Shared;
use watch::Watch;

/// How long the page may take to load anew.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to become blank at the end.
const CLEAN_LIMIT: Duration = Duration::from_secs(5);

/// A connector's browser. Dropping it detaches the connector, closes its connections and the pages it opened, and leaves the page it
/// was given blank, without a script of the connector's.
pub struct ConnectorBrowser {
    client: Client,
    root: Session,
    shared: Arc<Shared>,
    to: Sender<Input>,
    stop: Arc<AtomicBool>,
    port: u16,
    relay: Option<JoinHandle<Watch>>,
    ws_url: String,
    http_url: String,
}

impl ConnectorBrowser {
    /// Opens it on a page that is signed in, which becomes the connector's first page.
    ///
    /// The page is loaded anew, with nothing behind it in its history: what was typed into the document there was, or posted to get it,
    /// is out of reach. Downloads go into `tmp`, where the browser has to be able to write, and files put into pages come from there.
    /// `token` is at least 32 letters and digits at random; whoever knows it is the connector.
    pub fn open(client: &Client, page: &Page, hosts: Hosts, tmp: PathBuf, token: &str) -> Result<Self, BrowserError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(BrowserError::Door)?;
        let port = listener.local_addr().map_err(BrowserError::Door)?.port();
        let version = client.call("Browser.getVersion", json!({}))?;
        let root = client.call("Target.attachToBrowserTarget", json!({}))?["sessionId"].take();
        let root = client.session(SessionId(root.as_str().unwrap_or_default().to_owned()));
        let shared = Arc::new(Shared::new(token, port, version, hosts, tmp));
        let (to, inputs) = channel();
        let (ready, is_ready) = sync_channel(1);
        let heard = to.clone();
        let relay = Relay {
            tap: client.tap(Arc::new(move |what| drop(heard.send(Input::Browser(what))))),
            shared: Arc::clone(&shared),
            watch: Watch::new(root.id().0.clone(), page.target().to_owned()),
            connections: BTreeMap::new(),
            held: HashMap::new(),
            waiting: HashMap::new(),
            ready: Some(ready),
        };
        let relay = std::thread::Builder::new()
            .name("connector browser relay".to_owned())
            .spawn(move || relay.run(&inputs))
            .map_err(BrowserError::Door)?;
        let browser = Self {
            client: client.clone(),
            root,
            ws_url: shared.url("ws"),
            http_url: shared.url("http"),
            shared,
            to,
            stop: Arc::default(),
            port,
            relay: Some(relay),
        };
        let pages = json!({
            "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": [{ "type": "page" }],
        });
        browser.root.call("Target.setAutoAttach", pages)?;
        is_ready.recv_timeout(LOAD_LIMIT).map_err(|_| BrowserError::Silent { method: "Fetch.enable".to_owned() })?;
        browser.load_anew(page)?;
        let (shared, to, stop) = (Arc::clone(&browser.shared), browser.to.clone(), Arc::clone(&browser.stop));
        door::open(listener, shared, to, stop).map_err(BrowserError::Door)?;
        Ok(browser)
    }

    /// Where a connector speaks CDP: `ws://127.0.0.1:PORT/TOKEN`.
    pub fn ws_url(&self) -> &str {
        &self.ws_url
    }

    /// The same for programs that ask over HTTP first: `/json/version` and `/json/list` are below it.
    pub fn http_url(&self) -> &str {
        &self.http_url
    }

    /// What was refused so far, for the run's timeline: names of methods and of hosts, each once.
    pub fn violations(&self) -> Vec<String> {
        self.shared.notes()
    }

    fn load_anew(&self, page: &Page) -> Result<(), BrowserError> {
        let history = page.session().call("Page.getNavigationHistory", json!({}))?;
        let current = history["currentIndex"].as_u64().unwrap_or_default() as usize;
        let url = history["entries"][current]["url"].as_str().unwrap_or_default();
        page.goto("about:blank", LOAD_LIMIT)?;
        page.session().call("Page.resetNavigationHistory", json!({}))?;
        if self.shared.hosts().has(url) {
            match page.goto(url, LOAD_LIMIT) {
                // The connector sees what has become of it.
                Err(BrowserError::Unreachable { .. }) => {}
                loaded => loaded?,
            }
        }
        Ok(())
    }

    /// Undoes what a connector may have left.
    fn clean_up(&self, watch: &Watch) -> Result<(), BrowserError> {
        for target in watch.pages.keys().filter(|target| **target != watch.first) {
            self.root.call("Target.closeTarget", json!({ "targetId": target }))?;
        }
        if let Some(first) = watch.pages.get(&watch.first) {
            make_blank(&self.client.session(SessionId(first.session.clone())))?;
        }
        for origin in &watch.origins {
            // A worker it registered would outlive every page, and hear the next sign-in.
            let scripts = json!({ "origin": origin, "storageTypes": "service_workers,cache_storage" });
            self.root.call("Storage.clearDataForOrigin", scripts)?;
        }
        self.client.call("Target.detachFromTarget", json!({ "sessionId": self.root.id().0 })).map(drop)
    }
}

/// Replaces a page's document, whatever its scripts say to that.
fn make_blank(session: &Session) -> Result<(), BrowserError> {
    let events = session.events();
    let accept = || session.send("Page.handleJavaScriptDialog", json!({ "accept": true })).map(drop);
    accept()?;
    let _answer = session.send("Page.navigate", json!({ "url": "about:blank" }))?;
    let until = Instant::now() + CLEAN_LIMIT;
    while let Some(event) = events.next(until.saturating_duration_since(Instant::now()))? {
        match event.method.as_str() {
            "Page.javascriptDialogOpening" => accept()?,
            "Page.frameNavigated" => {
                let frame = event.params::<Value>().unwrap_or_default()["frame"].take();
                if frame["parentId"].is_null() && frame["url"] == "about:blank" {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Err(BrowserError::Silent { method: "Page.navigate".to_owned() })
}

impl Drop for ConnectorBrowser {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The door looks up when somebody comes.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        let _ = self.to.send(Input::Stop);
        let Some(Ok(watch)) = self.relay.take().map(JoinHandle::join) else { return };
        if let Err(error) = self.clean_up(&watch) {
            tracing::warn!(%error, "a connector's browser was not cleaned up");
        }
    }
}
