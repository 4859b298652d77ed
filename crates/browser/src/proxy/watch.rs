//! Watching the connector's pages: sessions of our own in each, and in each frame that has a process of its own. No document outside
//! the hosts is begun in a page, and none that could share a process with one of theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::held::{Held, Kind};
use super::hosts::Place;
use super::relay::{Relay, Waiting};
use crate::cdp::Event;

/// What is known of the connector's pages and frames.
pub(super) struct Watch {
    /// Our session with the browser itself, in which new pages are told of before they run.
    pub(super) root: String,
    /// The page it was given.
    pub(super) first: String,
    /// Its pages.
    pub(super) pages: BTreeMap<String, Watched>,
    /// Our sessions in pages and frames, and what they are attached to: the page, and the frame at their root.
    sessions: HashMap<String, (String, String)>,
    /// Where the document is that a frame asked for last, and the one it shows.
    asked: HashMap<String, Place>,
    shown: HashMap<String, Place>,
    /// Pages the connector asked for that are not yet attached to.
    pub(super) creating: usize,
    /// New pages nobody is known to have opened, while it asks for one.
    pub(super) undecided: Vec<Attached>,
    /// The origins of the hosts it has been at.
    pub(super) origins: BTreeSet<String>,
    /// Pages that were closed for what they opened.
    closed: HashSet<String>,
}

/// A page of the connector's.
pub(super) struct Watched {
    /// Our session in it.
    pub(super) session: String,
    /// Its description, as the browser gives it.
    pub(super) info: Value,
    /// Whether it waits to be started.
    pub(super) waits: bool,
}

/// An attachment, as the browser tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attached {
    pub(super) session_id: String,
    pub(super) target_info: Value,
    pub(super) waiting_for_debugger: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paused {
    request_id: String,
    frame_id: String,
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    url: String,
}

impl Watch {
    /// Watches through that session with the browser, the connector's first page being that target.
    pub(super) fn new(root: String, first: String) -> Self {
        let (pages, sessions, asked, shown) = Default::default();
        let (creating, undecided, origins, closed) = Default::default();
        Self { root, first, pages, sessions, asked, shown, creating, undecided, origins, closed }
    }

    /// Whether that page is the connector's, or was until it was closed.
    pub(super) fn is_own(&self, target: &str) -> bool {
        self.pages.contains_key(target) || self.closed.contains(target)
    }

    /// Whether that frame is, or was, in one of the connector's pages.
    pub(super) fn has_frame(&self, frame: &str) -> bool {
        self.is_own(frame) || self.asked.contains_key(frame) || self.shown.contains_key(frame)
    }

    /// Whether the document of that frame is, or is about to be, at the hosts, and the one it still shows is not elsewhere.
    pub(super) fn is_inside(&self, frame: &str) -> bool {
        let shown = self.shown.get(frame).is_none_or(|place| *place == Place::Inside);
        shown && (self.pages.contains_key(frame) || self.asked.get(frame) == Some(&Place::Inside))
    }
}

impl Relay {
    /// Hears an event of the browser's.
    pub(super) fn hear(&mut self, event: &Event) {
        let Some(session) = event.session.as_ref().map(|id| id.0.as_str()) else { return };
        if session == self.watch.root {
            match event.method.as_str() {
                "Target.attachedToTarget" => drop(event.params().map(|attached| self.came(attached))),
                "Target.detachedFromTarget" => drop(event.params().map(|gone: Value| self.went(&gone))),
                "Browser.downloadWillBegin" => self.download_begins(event),
                "Browser.downloadProgress" => self.download_gets_on(event),
                _ => {}
            }
        } else if let Some((page, frame)) = self.watch.sessions.get(session).cloned() {
            match event.method.as_str() {
                "Fetch.requestPaused" => drop(event.params().map(|paused| self.asks(session, &page, &frame, &paused))),
                "Page.frameNavigated" => drop(event.params().map(|at: Value| self.is_at(&page, &frame, &at["frame"]))),
                "Target.attachedToTarget" => drop(event.params().map(|attached| self.frame_came(session, &page, attached))),
                "Target.detachedFromTarget" => drop(event.params().map(|gone: Value| self.went(&gone))),
                _ => {}
            }
        } else if self.held.contains_key(session) {
            self.pass_event(session, event);
        }
    }

    /// A page is there: the connector's if it is its first, or was opened by one of its pages.
    fn came(&mut self, attached: Attached) {
        let id = |key: &str| attached.target_info[key].as_str().unwrap_or_default();
        let opener = id("openerId");
        let (first, opened) = (id("targetId") == self.watch.first, self.watch.pages.contains_key(opener));
        if attached.target_info["type"] != "page" {
            self.let_go(&attached);
        } else if first || opened {
            self.adopt(attached);
        } else if opener.is_empty() && self.watch.creating > 0 {
            self.watch.undecided.push(attached);
        } else {
            // What a page opens just before it is closed goes with it.
            if self.watch.closed.contains(opener) {
                let target = json!({ "targetId": id("targetId") });
                self.ask_root("Target.closeTarget", &target);
            }
            self.let_go(&attached);
        }
    }

    /// Leaves what is not the connector's alone.
    pub(super) fn let_go(&mut self, attached: &Attached) {
        let root = self.watch.root.clone();
        self.let_go_from(&root, attached);
    }

    /// The same of what is below another session.
    pub(super) fn let_go_from(&mut self, parent: &str, attached: &Attached) {
        let leave = Waiting::Leave { parent: parent.to_owned(), session: attached.session_id.clone() };
        self.ask(Some(&attached.session_id), "Runtime.runIfWaitingForDebugger", &json!({}), leave);
    }

    /// Watches a page as the connector's, and tells the connector.
    pub(super) fn adopt(&mut self, attached: Attached) {
        let Attached { session_id: session, target_info: info, waiting_for_debugger: waits } = attached;
        let target = info["targetId"].as_str().unwrap_or_default().to_owned();
        let is_first = target == self.watch.first;
        self.watch.sessions.insert(session.clone(), (target.clone(), target.clone()));
        self.watch_session(&session, if is_first { Waiting::Ready } else { Waiting::Nobody });
        self.watch.pages.insert(target.clone(), Watched { session: session.clone(), info, waits });
        self.list_pages();
        self.announce(&target);
        let somebody_starts_it = self.held.values().any(|held| matches!(held.kind, Kind::Root { auto: Some(true), .. }));
        if waits && !somebody_starts_it {
            self.start(&target);
        }
    }

    /// Lets a page run that waits.
    pub(super) fn start(&mut self, target: &str) {
        if let Some(page) = self.watch.pages.get_mut(target) {
            page.waits = false;
            let session = page.session.clone();
            self.ask(Some(&session), "Runtime.runIfWaitingForDebugger", &json!({}), Waiting::Nobody);
        }
    }

    fn watch_session(&mut self, session: &str, waiting: Waiting) {
        let patterns = json!({ "patterns": [{ "urlPattern": "*", "resourceType": "Document" }] });
        let frames = json!({
            "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": [{ "type": "iframe" }, { "type": "service_worker" }],
        });
        self.ask(Some(session), "Page.enable", &json!({}), Waiting::Nobody);
        self.ask(Some(session), "Target.setAutoAttach", &frames, Waiting::Nobody);
        self.ask(Some(session), "Fetch.enable", &patterns, waiting);
    }

    /// A frame has a process of its own.
    fn frame_came(&mut self, session: &str, page: &str, attached: Attached) {
        if attached.target_info["type"] != "iframe" {
            return self.let_go_from(session, &attached);
        }
        let frame = attached.target_info["targetId"].as_str().unwrap_or_default().to_owned();
        self.watch.sessions.insert(attached.session_id.clone(), (page.to_owned(), frame));
        self.watch_session(&attached.session_id, Waiting::Nobody);
        self.ask(Some(&attached.session_id), "Runtime.runIfWaitingForDebugger", &json!({}), Waiting::Nobody);
    }

    /// A session of ours has ended.
    fn went(&mut self, gone: &Value) {
        let session = gone["sessionId"].as_str().unwrap_or_default();
        let Some((page, frame)) = self.watch.sessions.remove(session) else { return };
        if page == frame && self.watch.pages.remove(&page).is_some() {
            self.tell_discoverers("Target.targetDestroyed", &json!({ "targetId": page }));
            self.list_pages();
        }
    }

    /// A frame asks for a document.
    fn asks(&mut self, session: &str, page: &str, root: &str, asked: &Paused) {
        let url = &asked.request.url;
        let place = self.shared.hosts().place(url);
        let go_on = json!({ "requestId": asked.request_id });
        let refuse = json!({ "requestId": asked.request_id, "errorReason": "BlockedByClient" });
        if place == Place::Inside {
            self.watch.asked.insert(asked.frame_id.clone(), place);
            self.watch.origins.extend(origin(url));
            self.ask(Some(session), "Fetch.continueRequest", &go_on, Waiting::Nobody);
        } else if asked.frame_id == page {
            self.ask(Some(session), "Fetch.failRequest", &refuse, Waiting::Nobody);
            self.close(page, url);
        } else if place == Place::Related {
            self.shared.note(format!("a frame at {} was not opened", host(url)));
            self.ask(Some(session), "Fetch.failRequest", &refuse, Waiting::Nobody);
        } else {
            self.watch.asked.insert(asked.frame_id.clone(), place);
            if asked.frame_id == root {
                self.take_away(|held| held.target == root);
            }
            self.ask(Some(session), "Fetch.continueRequest", &go_on, Waiting::Nobody);
        }
    }

    /// A frame shows a document: what came without being asked for over the network is seen only here.
    fn is_at(&mut self, page: &str, root: &str, at: &Value) {
        let frame = at["id"].as_str().unwrap_or_default();
        let url = at["url"].as_str().unwrap_or_default();
        let place = self.shared.hosts().place(url);
        self.watch.shown.insert(frame.to_owned(), place);
        if frame == root {
            // Another process may use the same numbers again, for contexts that are not the connector's.
            self.held.values_mut().filter(|held| held.target == root).for_each(|held| held.handles.clear());
        }
        let bare = !url.starts_with("http") && frame != page;
        if (frame == page && place != Place::Inside) || (place == Place::Related && !bare) {
            self.close(page, url);
        } else if frame == root && place == Place::Apart {
            self.take_away(|held| held.target == root && held.kind == Kind::Below);
        }
        if frame == page
            && let Some(watched) = self.watch.pages.get_mut(page)
        {
            watched.info["url"] = url.into();
            watched.info["title"] = "".into();
            let info = json!({ "targetInfo": watched.info });
            self.tell_discoverers("Target.targetInfoChanged", &info);
            self.list_pages();
        }
    }

    /// Closes a page for what it opened.
    fn close(&mut self, page: &str, url: &str) {
        self.shared.note(format!("a page was closed: it opened {}", host(url)));
        self.watch.closed.insert(page.to_owned());
        self.take_away(|held: &Held| held.page == page);
        if self.watch.pages.remove(page).is_some() {
            self.tell_discoverers("Target.targetDestroyed", &json!({ "targetId": page }));
        }
        self.list_pages();
        self.ask_root("Target.closeTarget", &json!({ "targetId": page }));
    }

    pub(super) fn ask_root(&mut self, method: &str, params: &Value) {
        let root = self.watch.root.clone();
        self.ask(Some(&root), method, params, Waiting::Nobody);
    }

    fn list_pages(&self) {
        self.shared.set_pages(self.watch.pages.values().map(|page| page.info.clone()).collect());
    }
}

/// What a note says of an address: its scheme and host at most.
fn host(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) if url.starts_with("http") => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            authority.rsplit('@').next().unwrap_or_default().to_owned()
        }
        _ => format!("{}:", url.split(':').next().unwrap_or_default()),
    }
}

fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split(['/', '?', '#']).next()?))
}
