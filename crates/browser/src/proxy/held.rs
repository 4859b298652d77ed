//! The sessions connectors have, and taking them away.

use std::collections::HashSet;

use serde_json::json;

use super::relay::{Relay, Waiting};

/// A session a connector has.
pub(super) struct Held {
    pub(super) connection: u64,
    pub(super) kind: Kind,
    /// The target it is attached to, and the page that is or belongs to.
    pub(super) target: String,
    pub(super) page: String,
    /// The session it was made in.
    pub(super) parent: Option<String>,
    /// The contexts it was told of.
    pub(super) contexts: HashSet<i64>,
    /// The contexts of handles it got in the document that is there.
    pub(super) handles: HashSet<i64>,
    /// The requests that wait for it.
    pub(super) paused: HashSet<String>,
    /// The requests whose bodies it may read.
    pub(super) readable: HashSet<String>,
}

/// What a session is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The browser itself, as far as a connector sees it.
    Root {
        /// Pages are attached to by themselves; and whether new ones wait until they are started.
        auto: Option<bool>,
        /// Pages are told of.
        discovers: bool,
        /// Downloads are told of.
        hears_downloads: bool,
    },
    Page,
    /// A frame of another site, or a worker.
    Below,
}

impl Held {
    pub(super) fn new(connection: u64, kind: Kind, target: String, page: String, parent: Option<String>) -> Self {
        let (contexts, handles, paused, readable) = Default::default();
        Self { connection, kind, target, page, parent, contexts, handles, paused, readable }
    }
}

impl Relay {
    /// Remembers a session with the browser itself.
    pub(super) fn hold_root(&mut self, connection: u64, session: String) {
        let kind = Kind::Root { auto: None, discovers: false, hears_downloads: false };
        self.held.insert(session, Held::new(connection, kind, String::new(), String::new(), None));
    }

    /// Forgets a session and those made in it.
    pub(super) fn forget(&mut self, session: &str) {
        self.held.remove(session);
        let below = |held: &Held| held.parent.as_deref() == Some(session);
        let below: Vec<_> = self.held.iter().filter(|(_, held)| below(held)).map(|(id, _)| id.clone()).collect();
        below.iter().for_each(|id| self.forget(id));
    }

    /// Takes a target's sessions away from connectors, and tells them.
    pub(super) fn take_away(&mut self, of: impl Fn(&Held) -> bool) {
        let gone: Vec<_> = self.held.iter().filter(|(_, held)| of(held)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            // Those below another of them went with it.
            let Some(held) = self.held.get(&id) else { continue };
            let (parent, target) = (held.parent.clone(), held.target.clone());
            self.forget(&id);
            let params = json!({ "sessionId": id, "targetId": target });
            if let Some(parent) = parent {
                self.tell(&parent, "Target.detachedFromTarget", &params.to_string());
                self.ask(Some(&parent), "Target.detachFromTarget", &json!({ "sessionId": id }), Waiting::Nobody);
            }
        }
    }
}
