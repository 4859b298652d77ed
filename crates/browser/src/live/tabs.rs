//! The pages of one browser as tabs, and the sessions a view has on them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::message::Tab;
use crate::BrowserError;
use crate::cdp::{Client, Session, SessionId};

/// The world of the scripts below. It is this view's alone: sessions do not share theirs.
pub(super) const WORLD: &str = "freehold live";
/// What they tell with.
pub(super) const BINDING: &str = "freeholdTells";
const WATCH: &str = include_str!("watch.js");

/// The pages, in the order they were opened.
#[derive(Default)]
pub(super) struct Tabs {
    all: Vec<Open>,
    opened: u32,
    /// Every session of the view, and whose it is.
    sessions: HashMap<String, Place>,
}

/// One page.
pub(super) struct Open {
    pub(super) tab: Tab,
    target: String,
    pub(super) session: Session,
}

/// Whose a session is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) tab: u32,
    /// For a frame of another site: the session of what it is in, and its frame's id there.
    pub(super) within: Option<(SessionId, String)>,
}

impl Tabs {
    /// Attaches to a page. `None` if it is attached to already.
    pub(super) fn attach(&mut self, client: &Client, target: &str) -> Result<Option<u32>, BrowserError> {
        if self.has(target) {
            return Ok(None);
        }
        let attached = client.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }))?;
        let id = SessionId(attached["sessionId"].as_str().unwrap_or_default().to_owned());
        self.opened += 1;
        let tab = Tab { id: self.opened, title: String::new(), address: String::new() };
        self.sessions.insert(id.0.clone(), Place { tab: self.opened, within: None });
        let session = client.session(id);
        prepare(&session)?;
        // Its page has the focus whether or not the browser's window has.
        send(&session, "Emulation.setFocusEmulationEnabled", json!({ "enabled": true }))?;
        self.all.push(Open { tab, target: target.to_owned(), session });
        Ok(Some(self.opened))
    }

    /// Whether the page of that target is one of them.
    pub(super) fn has(&self, target: &str) -> bool {
        self.all.iter().any(|open| open.target == target)
    }

    /// The session on the page of that target.
    pub(super) fn session(&self, target: &str) -> Option<Session> {
        self.all.iter().find(|open| open.target == target).map(|open| open.session.clone())
    }

    /// A frame of another site came into a page of ours.
    pub(super) fn attach_frame(&mut self, within: &SessionId, session: &Session, frame: String) -> Result<(), BrowserError> {
        let Some(tab) = self.place(within).map(|place| place.tab) else { return Ok(()) };
        self.sessions.insert(session.id().0.clone(), Place { tab, within: Some((within.clone(), frame)) });
        prepare(session)
    }

    /// A session ended.
    pub(super) fn forget_session(&mut self, session: &SessionId) {
        self.sessions.remove(&session.0);
    }

    /// A page is gone. Returns its number.
    pub(super) fn remove(&mut self, target: &str) -> Option<u32> {
        let index = self.all.iter().position(|open| open.target == target)?;
        let tab = self.all.remove(index).tab.id;
        self.sessions.retain(|_, place| place.tab != tab);
        Some(tab)
    }

    /// A page has another title or address now. Returns whether that is so.
    pub(super) fn rename(&mut self, target: &str, title: String, address: &str) -> bool {
        let address = address.split(['?', '#']).next().unwrap_or_default().to_owned();
        let Some(open) = self.all.iter_mut().find(|open| open.target == target) else { return false };
        let tab = Tab { id: open.tab.id, title, address };
        let changed = tab != open.tab;
        open.tab = tab;
        changed
    }

    /// Whose a session is; `None` if it is not one of the view's.
    pub(super) fn place(&self, session: &SessionId) -> Option<&Place> {
        self.sessions.get(&session.0)
    }

    /// The page of that number.
    pub(super) fn get(&self, tab: u32) -> Option<&Open> {
        self.all.iter().find(|open| open.tab.id == tab)
    }

    /// The page that was opened last.
    pub(super) fn newest(&self) -> Option<u32> {
        self.all.last().map(|open| open.tab.id)
    }

    /// As they are shown.
    pub(super) fn list(&self) -> Vec<Tab> {
        self.all.iter().map(|open| open.tab.clone()).collect()
    }

    /// Closes a page, unless it is the only one.
    pub(super) fn close(&self, client: &Client, tab: u32) -> Result<(), BrowserError> {
        match self.get(tab) {
            Some(open) if self.all.len() > 1 => {
                client.send(None, "Target.closeTarget", &json!({ "targetId": open.target })).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Lets go of every page: what was emulated or intercepted ends with the session.
    pub(super) fn detach(&mut self, client: &Client) {
        for open in self.all.drain(..) {
            // The browser may be gone, and the session with it.
            let _ = client.send(None, "Target.detachFromTarget", &json!({ "sessionId": open.session.id().0 }));
        }
        self.sessions.clear();
    }
}

/// What every session of a view needs, page or frame. Nothing is waited for: a page that hangs must not hold up the others.
fn prepare(session: &Session) -> Result<(), BrowserError> {
    send(session, "Page.enable", json!({}))?;
    let follow = json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
    send(session, "Target.setAutoAttach", follow)?;
    let watch = json!({ "source": WATCH, "worldName": WORLD, "runImmediately": true });
    send(session, "Page.addScriptToEvaluateOnNewDocument", watch)?;
    send(session, "Page.setInterceptFileChooserDialog", json!({ "enabled": true }))?;
    bind(session)
}

/// Gives the watching scripts of a session their voice. Without `Runtime.enable`, which pages can notice, it has to be given to each
/// new document.
pub(super) fn bind(session: &Session) -> Result<(), BrowserError> {
    send(session, "Runtime.addBinding", json!({ "name": BINDING, "executionContextName": WORLD }))
}

/// Sends a call whose answer nobody needs.
pub(super) fn send(session: &Session, method: &str, params: Value) -> Result<(), BrowserError> {
    session.send(method, params).map(drop)
}
