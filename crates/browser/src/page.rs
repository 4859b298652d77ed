//! A page: a tab or a pop-up, with its frames.

mod frame;

pub use frame::Frame;
pub(crate) use frame::WORLD;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use crate::BrowserError;
use crate::cdp::{Client, Events, Session, SessionId};

/// A page that is attached to. Dropping it does not close it.
pub struct Page {
    target: String,
    session: Session,
    /// Frames of other sites have processes and sessions of their own.
    children: Mutex<Children>,
    events: Events,
}

struct Children {
    /// The page's own session and each child's, and where the attachments of what is below it are told.
    watched: BTreeMap<String, (Session, Events)>,
}

impl Page {
    /// Attaches to the page of that target id.
    pub fn attach(client: &Client, target: &str) -> Result<Self, BrowserError> {
        let attached = client.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }))?;
        let session = client.session(SessionId(attached["sessionId"].as_str().unwrap_or_default().to_owned()));
        let events = session.events();
        let mut watched = BTreeMap::new();
        watch(&mut watched, session.clone())?;
        session.call("Page.enable", json!({}))?;
        Ok(Self { target: target.to_owned(), session, children: Mutex::new(Children { watched }), events })
    }

    /// Its target's id.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The session calls about it go through.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Opens an address, and waits until it is loaded or the time is up; a page that goes on loading is no error. One that cannot be
    /// reached at all is `Unreachable`.
    pub fn goto(&self, url: &str, patience: Duration) -> Result<(), BrowserError> {
        let until = Instant::now() + patience;
        self.forget_events();
        let answer = self.session.call_within("Page.navigate", json!({ "url": url }), patience)?;
        // What becomes a download, or is overtaken by the page's own navigation, is not a failure to reach it.
        match answer["errorText"].as_str() {
            Some(reason) if !reason.is_empty() && reason != "net::ERR_ABORTED" => {
                return Err(BrowserError::Unreachable { url: without_query(url), reason: reason.to_owned() });
            }
            _ => {}
        }
        if answer["loaderId"].is_null() {
            // Within the same document: nothing loads.
            return Ok(());
        }
        self.wait_for_load(until)
    }

    /// Waits until the page has loaded something or the time is up.
    pub fn wait_for_load(&self, until: Instant) -> Result<(), BrowserError> {
        while let Some(event) = self.events.next(until.saturating_duration_since(Instant::now()))? {
            if event.method == "Page.loadEventFired" {
                break;
            }
        }
        Ok(())
    }

    /// Waits for anything to happen on the page, at most that long. What happened before counts, once.
    pub fn wait_for_change(&self, at_most: Duration) -> Result<(), BrowserError> {
        self.events.next(at_most)?;
        self.forget_events();
        Ok(())
    }

    fn forget_events(&self) {
        while matches!(self.events.next(Duration::ZERO), Ok(Some(_))) {}
    }

    /// Its frames, the page's own first, then those within it whatever their site.
    pub fn frames(&self) -> Result<Vec<Frame>, BrowserError> {
        let mut frames = Vec::new();
        for session in self.sessions()? {
            let tree = match session.call("Page.getFrameTree", json!({})) {
                Ok(mut answer) => answer["frameTree"].take(),
                // A frame of another site that has just gone.
                Err(error) if error.is_navigation() && session.id() != self.session.id() => continue,
                Err(error) => return Err(error),
            };
            let tree: Tree = serde_json::from_value(tree).map_err(|error| BrowserError::Unexpected {
                method: "Page.getFrameTree".to_owned(),
                detail: error.to_string(),
            })?;
            tree.into_frames(&session, &mut frames);
        }
        Ok(frames)
    }

    /// Its own frame.
    pub fn main_frame(&self) -> Result<Frame, BrowserError> {
        self.frames()?.into_iter().next().ok_or(BrowserError::Gone)
    }

    /// The page's session and those of frames of other sites, as they are now.
    fn sessions(&self) -> Result<Vec<Session>, BrowserError> {
        let mut children = self.children();
        loop {
            let mut came = Vec::new();
            let mut went = Vec::new();
            for (_, events) in children.watched.values() {
                while let Some(event) = events.next(Duration::ZERO)? {
                    match event.method.as_str() {
                        "Target.attachedToTarget" => came.extend(event.params::<Attached>()),
                        "Target.detachedFromTarget" => went.extend(event.params::<Detached>()),
                        _ => {}
                    }
                }
            }
            if came.is_empty() && went.is_empty() {
                break;
            }
            for attached in came.into_iter().filter(|attached| attached.target_info.r#type == "iframe") {
                match watch(&mut children.watched, self.session.client().session(attached.session_id)) {
                    Err(error) if !error.is_navigation() => return Err(error),
                    _ => {}
                }
            }
            for Detached { session_id: SessionId(id) } in went {
                children.watched.remove(&id);
            }
        }
        let own = |session: &&Session| session.id() == self.session.id();
        let all = || children.watched.values().map(|(session, _)| session);
        Ok(all().filter(own).chain(all().filter(|session| !own(session))).cloned().collect())
    }

    fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes it.
    pub fn close(&self) -> Result<(), BrowserError> {
        self.session.client().call("Target.closeTarget", json!({ "targetId": self.target })).map(drop)
    }
}

/// Watches a session for the frames of other sites below it.
fn watch(watched: &mut BTreeMap<String, (Session, Events)>, session: Session) -> Result<(), BrowserError> {
    let events = session.events();
    let follow = json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
    session.call("Target.setAutoAttach", follow)?;
    let SessionId(id) = session.id().clone();
    watched.insert(id, (session, events));
    Ok(())
}

fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    session_id: SessionId,
    target_info: TargetInfo,
}

#[derive(Deserialize)]
struct TargetInfo {
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detached {
    session_id: SessionId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tree {
    frame: TreeFrame,
    #[serde(default)]
    child_frames: Vec<Tree>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TreeFrame {
    id: String,
    parent_id: Option<String>,
    url: String,
}

impl Tree {
    fn into_frames(self, session: &Session, frames: &mut Vec<Frame>) {
        frames.push(Frame::new(session.clone(), self.frame.id, self.frame.parent_id, self.frame.url));
        for child in self.child_frames {
            child.into_frames(session, frames);
        }
    }
}
