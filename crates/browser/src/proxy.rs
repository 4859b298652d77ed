//! The connector's browser: a CDP endpoint in front of Chromium's pipe, for one run, behind one secret address.
//!
//! A connector is trusted with its own source's session on its hosts, and with nothing else: `policy` is the table of what passes,
//! `watch` keeps its pages at its hosts. It gets sessions of its own, and what it sets in them ends with them. It sees what its page
//! shows: a picture of that holds frames of other sites as well.

mod aside;
mod calls;
mod door;
mod downloads;
mod events;
mod files;
mod filter;
mod held;
mod hosts;
mod policy;
mod relay;
mod shared;
mod targets;
mod watch;

pub use downloads::Directories;
pub use hosts::Hosts;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cdp::{Client, Session, SessionId};
use crate::{BrowserError, Page};
use downloads::Downloads;
use relay::{Input, Relay};
use shared::Shared;
use watch::Watch;

/// How long the page may take to be answered when it is loaded anew.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long it is waited for after that: some pages never finish.
const LOAD_LIMIT: Duration = Duration::from_secs(5);
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
    door: Option<JoinHandle<()>>,
    relay: Option<JoinHandle<Watch>>,
    ws_url: String,
    http_url: String,
    /// Its pages while it is set aside, and where they go back to.
    aside: Vec<(Page, String)>,
}

impl ConnectorBrowser {
    /// Opens it on a page that is signed in, which becomes the connector's first page.
    ///
    /// The page is loaded anew, with nothing behind it in its history: what was typed into the document there was, or posted to get it,
    /// is out of reach. `token` is at least 32 letters and digits at random; whoever knows it is the connector.
    pub fn open(
        client: &Client,
        page: &Page,
        hosts: Hosts,
        directories: Directories,
        token: &str,
    ) -> Result<Self, BrowserError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(BrowserError::Door)?;
        let port = listener.local_addr().map_err(BrowserError::Door)?.port();
        let version = client.call("Browser.getVersion", json!({}))?;
        let root = client.call("Target.attachToBrowserTarget", json!({}))?["sessionId"].take();
        let root = client.session(SessionId(root.as_str().unwrap_or_default().to_owned()));
        let shared = Arc::new(Shared::new(token, port, version, hosts, directories));
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
            downloads: Downloads::default(),
            ready: Some(ready),
            aside: None,
        };
        let relay = std::thread::Builder::new()
            .name("connector browser relay".to_owned())
            .spawn(move || relay.run(&inputs))
            .map_err(BrowserError::Door)?;
        let mut browser = Self {
            client: client.clone(),
            root,
            ws_url: shared.url("ws"),
            http_url: shared.url("http"),
            shared,
            to,
            stop: Arc::default(),
            port,
            door: None,
            relay: Some(relay),
            aside: Vec::new(),
        };
        // Workers of a site wait as well, and have to be told of to be let go.
        let filter = json!([{ "type": "page" }, { "type": "service_worker" }, { "type": "shared_worker" }]);
        let pages = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": filter });
        browser.root.call("Target.setAutoAttach", pages)?;
        is_ready.recv_timeout(ANSWER_LIMIT).map_err(|_| BrowserError::Silent { method: "Fetch.enable".to_owned() })?;
        // Until the connector asks for downloads.
        browser.root.call("Browser.setDownloadBehavior", json!({ "behavior": "deny", "eventsEnabled": true }))?;
        browser.load_anew(page)?;
        let (shared, to, stop) = (Arc::clone(&browser.shared), browser.to.clone(), Arc::clone(&browser.stop));
        browser.door = Some(door::open(listener, shared, to, stop).map_err(BrowserError::Door)?);
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
        let target = json!({ "targetId": page.target() });
        let info = self.client.call("Target.getTargetInfo", target)?["targetInfo"].take();
        let url = info["url"].as_str().unwrap_or_default();
        page.goto("about:blank", ANSWER_LIMIT)?;
        let until = Instant::now() + LOAD_LIMIT;
        loop {
            match page.session().call("Page.resetNavigationHistory", json!({})) {
                // It is changing processes.
                Err(error) if error.is_navigation() && Instant::now() < until => {
                    page.wait_for_change(Duration::from_millis(20))?;
                }
                reset => break drop(reset?),
            }
        }
        if self.shared.hosts().has(url) {
            // Whether it could be reached the connector sees by itself.
            page.session().call_within("Page.navigate", json!({ "url": url }), ANSWER_LIMIT)?;
            page.wait_for_load(Instant::now() + LOAD_LIMIT)?;
        }
        Ok(())
    }

    /// Undoes what a connector may have left. One step that fails keeps none of the others from being taken.
    fn clean_up(&self, watch: &Watch) -> Result<(), BrowserError> {
        let first = watch.pages.get(&watch.first).map(|page| self.client.session(SessionId(page.session.clone())));
        let blank = first.as_ref().map_or(Ok(()), make_blank);
        let closed = self.close_opened(watch);
        let root = json!({ "sessionId": self.root.id().0 });
        let steps = match first {
            Some(session) => {
                let scripts = forget_scripts(&session, &watch.origins);
                [blank, closed, scripts, self.client.call("Target.detachFromTarget", root).map(drop)]
            }
            None => {
                // A new page waits to be started for as long as we watch.
                let detached = self.client.call("Target.detachFromTarget", root).map(drop);
                [blank, closed, detached, self.forget_scripts_in_a_new_page(watch)]
            }
        };
        steps.into_iter().collect()
    }

    /// Closes the pages the connector and its pages opened.
    fn close_opened(&self, watch: &Watch) -> Result<(), BrowserError> {
        let all = self.root.call("Target.getTargets", json!({}))?["targetInfos"].take();
        for info in all.as_array().into_iter().flatten().filter(|info| info["type"] == "page") {
            let id = |key: &str| info[key].as_str().unwrap_or_default();
            if id("targetId") != watch.first && (watch.is_own(id("targetId")) || watch.is_own(id("openerId"))) {
                self.root.call("Target.closeTarget", json!({ "targetId": id("targetId") }))?;
            }
        }
        Ok(())
    }

    fn forget_scripts_in_a_new_page(&self, watch: &Watch) -> Result<(), BrowserError> {
        let made = self.client.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let page = Page::attach(&self.client, made["targetId"].as_str().unwrap_or_default())?;
        forget_scripts(page.session(), &watch.origins)?;
        page.close()
    }
}

/// A worker that a connector's page registered would outlive every page, and hear the next sign-in.
fn forget_scripts(session: &Session, origins: &BTreeSet<String>) -> Result<(), BrowserError> {
    for origin in origins {
        let scripts = json!({ "origin": origin, "storageTypes": "service_workers,cache_storage" });
        session.call("Storage.clearDataForOrigin", scripts)?;
    }
    Ok(())
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
        let rung = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        if let Some(door) = self.door.take().filter(|_| rung) {
            // A door that failed is closed as well.
            let _ = door.join();
        }
        let _ = self.to.send(Input::Stop);
        let Some(Ok(watch)) = self.relay.take().map(JoinHandle::join) else { return };
        if let Err(error) = self.clean_up(&watch) {
            tracing::warn!(%error, "a connector's browser was not cleaned up");
        }
    }
}
