//! The `Target` domain as a connector sees it: its own pages, and nothing else of the browser.

use serde_json::{Value, json};

use super::held::Kind;
use super::policy::Targets;
use super::relay::{Caller, Relay, Waiting, session_in};
use crate::cdp::Answer;

const NO_TARGET: &str = "No target with given id found";

impl Relay {
    /// Answers what is asked about targets.
    pub(super) fn about_targets(&mut self, caller: Caller, what: Targets, params: &Value) {
        let target = params["targetId"].as_str();
        let own = target.is_some_and(|target| self.watch.pages.contains_key(target));
        match what {
            Targets::List => {
                let pages: Vec<_> = self.watch.pages.keys().map(|page| self.described(page)).collect();
                self.result(&caller, &json!({ "targetInfos": pages }));
            }
            // The browser itself, or the session's own target.
            Targets::Info if target.is_none() => self.pass(caller, "Target.getTargetInfo", &json!({})),
            Targets::Info if own => {
                let info = self.described(target.unwrap_or_default());
                self.result(&caller, &json!({ "targetInfo": info }));
            }
            Targets::Close if own => self.pass_to_root(caller, "Target.closeTarget", target),
            Targets::Activate if own => self.pass_to_root(caller, "Target.activateTarget", target),
            Targets::Attach if own && self.is_root(&caller) => {
                self.pass(caller, "Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
            }
            Targets::Attach if own => self.refuse(&caller, -32000, "Attach from a session with the browser"),
            Targets::Info | Targets::Close | Targets::Activate | Targets::Attach => {
                self.shared.note("another target was asked for".to_owned());
                self.refuse(&caller, -32602, NO_TARGET);
            }
            Targets::AttachToBrowser => self.ask(None, "Target.attachToBrowserTarget", &json!({}), Waiting::Root(caller)),
            Targets::Contexts => self.result(&caller, &json!({ "browserContextIds": [] })),
            Targets::Detach => self.detach(caller, params),
            Targets::Discover => self.discover(&caller, params),
            Targets::Create => self.create(caller, params),
        }
    }

    fn is_root(&self, caller: &Caller) -> bool {
        self.held.get(&caller.held).is_some_and(|held| matches!(held.kind, Kind::Root { .. }))
    }

    fn pass_to_root(&mut self, caller: Caller, method: &str, target: Option<&str>) {
        let root = self.watch.root.clone();
        self.ask(Some(&root), method, &json!({ "targetId": target }), Waiting::Plain(caller));
    }

    pub(super) fn further_root(&mut self, caller: &Caller, answer: Answer) {
        if let Some(session) = answer.as_ref().ok().and_then(|result| session_in(result)) {
            self.hold_root(caller.connection, session);
        }
        self.reply(caller, answer);
    }

    fn detach(&mut self, caller: Caller, params: &Value) {
        let session = params["sessionId"].as_str().unwrap_or_default().to_owned();
        match self.held.get(&session) {
            Some(held) if held.connection == caller.connection => {
                let (parent, params) = (held.parent.clone(), json!({ "sessionId": session }));
                if parent.is_none() {
                    // Nobody is told of the end of a session with the browser.
                    self.forget(&session);
                }
                self.ask(parent.as_deref(), "Target.detachFromTarget", &params, Waiting::Plain(caller));
            }
            _ => self.refuse(&caller, -32602, "No session with given id"),
        }
    }

    fn discover(&mut self, caller: &Caller, params: &Value) {
        let on = params["discover"].as_bool().unwrap_or_default();
        if let Some(held) = self.held.get_mut(&caller.held)
            && let Kind::Root { discovers, .. } = &mut held.kind
        {
            *discovers = on;
        }
        for page in self.watch.pages.keys().filter(|_| on) {
            let info = json!({ "targetInfo": self.described(page) });
            self.tell(&caller.held, "Target.targetCreated", &info.to_string());
        }
        self.result(caller, &json!({}));
    }

    /// Attaches to all pages, and to new ones as they come, if it is a session with the browser.
    pub(super) fn auto_attach(&mut self, caller: Caller, mut params: Value) {
        let on = params["autoAttach"].as_bool().unwrap_or_default();
        let waits = params["waitForDebuggerOnStart"].as_bool().unwrap_or_default();
        let session = caller.held.clone();
        let Some(held) = self.held.get_mut(&session) else { return };
        let Kind::Root { auto, .. } = &mut held.kind else {
            params["flatten"] = true.into();
            params["filter"] = json!([{ "type": "iframe" }, { "type": "worker" }, { "type": "service_worker" }]);
            return self.pass(caller, "Target.setAutoAttach", &params);
        };
        *auto = on.then_some(waits);
        let attached: Vec<_> = self
            .held
            .values()
            .filter(|held| held.parent.as_deref() == Some(session.as_str()))
            .map(|held| held.target.clone())
            .collect();
        let pages: Vec<_> = self.watch.pages.keys().filter(|page| on && !attached.contains(page)).cloned().collect();
        for page in pages {
            self.attach(&session, &page);
        }
        self.answer_after(caller, json!({}));
    }

    fn attach(&mut self, session: &str, page: &str) {
        let params = json!({ "targetId": page, "flatten": true });
        self.ask(Some(session), "Target.attachToTarget", &params, Waiting::Nobody);
    }

    /// Answers once the browser has done everything asked of it in that session before.
    fn answer_after(&mut self, caller: Caller, result: Value) {
        let session = caller.held.clone();
        self.ask(Some(&session), "Target.getTargetInfo", &json!({}), Waiting::Done(caller, result));
    }

    /// Opens a page for the connector: blank until it is watched, then at its address.
    fn create(&mut self, caller: Caller, params: &Value) {
        let url = params["url"].as_str().unwrap_or_default();
        let blank = matches!(url, "" | "about:blank");
        let first = self.watch.pages.get(&self.watch.first).map(|page| page.info["browserContextId"].clone());
        let context = &params["browserContextId"];
        if !(blank || self.shared.hosts().has(url)) {
            self.deny(&caller, "Target.createTarget", "its address is not at the connector's hosts");
        } else if !context.is_null() && first.as_ref() != Some(context) {
            self.deny(&caller, "Target.createTarget", "there is one context");
        } else {
            self.watch.creating += 1;
            let root = self.watch.root.clone();
            let url = if blank { String::new() } else { url.to_owned() };
            let params = json!({ "url": "about:blank" });
            self.ask(Some(&root), "Target.createTarget", &params, Waiting::Created(caller, url));
        }
    }

    /// The page is there, and was attached to in our own session before this answer came.
    pub(super) fn created(&mut self, caller: &Caller, url: &str, answer: Answer) {
        self.watch.creating -= 1;
        let result = answer.as_ref().ok().and_then(|result| serde_json::from_str::<Value>(result.get()).ok());
        let target = result.as_ref().and_then(|result| result["targetId"].as_str()).unwrap_or_default().to_owned();
        let mut adopted = false;
        for attached in std::mem::take(&mut self.watch.undecided) {
            if attached.target_info["targetId"] == target.as_str() {
                adopted = true;
                self.adopt(attached);
            } else if self.watch.creating > 0 {
                self.watch.undecided.push(attached);
            } else {
                self.let_go(&attached);
            }
        }
        if !adopted {
            return self.reply(caller, answer.and_then(|_| Err("The page was not opened".to_owned())));
        }
        if !url.is_empty()
            && let Some(page) = self.watch.pages.get(&target)
        {
            let session = page.session.clone();
            self.ask(Some(&session), "Page.navigate", &json!({ "url": url }), Waiting::Nobody);
        }
        self.answer_after(caller.clone(), json!({ "targetId": target }));
    }

    /// Tells of a new page, and attaches to it where that was asked for.
    pub(super) fn announce(&mut self, page: &str) {
        let info = json!({ "targetInfo": self.described(page) });
        self.tell_discoverers("Target.targetCreated", &info);
        let auto = |kind: &Kind| matches!(kind, Kind::Root { auto: Some(_), .. });
        let sessions: Vec<_> = self.held.iter().filter(|(_, held)| auto(&held.kind)).map(|(id, _)| id.clone()).collect();
        sessions.iter().for_each(|session| self.attach(session, page));
    }

    /// Tells those who discover pages.
    pub(super) fn tell_discoverers(&self, method: &str, params: &Value) {
        for (session, held) in &self.held {
            if matches!(held.kind, Kind::Root { discovers: true, .. }) {
                self.tell(session, method, &params.to_string());
            }
        }
    }

    /// A page's description, with what happened to it since it was made.
    pub(super) fn described(&self, page: &str) -> Value {
        let mut info = self.watch.pages.get(page).map(|page| page.info.clone()).unwrap_or_default();
        info["attached"] = self.held.values().any(|held| held.target == page).into();
        info
    }
}
