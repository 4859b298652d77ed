//! What a connector hears of the browser.

use serde::Deserialize;
use serde_json::{Value, json};

use super::held::{Held, Kind};
use super::relay::{Relay, Waiting};
use super::watch::Attached;
use super::{filter, policy};
use crate::cdp::Event;
use crate::page::WORLD;

impl Relay {
    /// Passes an event of a connector's session on, as the table says.
    pub(super) fn pass_event(&mut self, session: &str, event: &Event) {
        let Some(rule) = policy::event(&event.method) else { return };
        let (method, params) = (event.method.as_str(), event.params.get());
        match rule {
            policy::Event::Allow => self.tell(session, method, params),
            policy::Event::Request => self.request(session, method, params),
            policy::Event::SentHeaders | policy::Event::ReceivedHeaders => {
                let Some(mut told) = event.params::<Value>() else { return };
                match rule {
                    policy::Event::SentHeaders => filter::sent_headers(&mut told, self.shared.hosts()),
                    _ => filter::received_headers(&mut told, self.shared.hosts()),
                }
                self.tell(session, method, &told.to_string());
            }
            policy::Event::Paused => self.paused(session, method, params),
            policy::Event::Context => self.context(session, method, params),
            policy::Event::Attached => drop(event.params().map(|attached| self.attached(session, attached))),
            policy::Event::Detached => drop(event.params().map(|gone: Value| self.detached(session, &gone))),
        }
    }

    fn request(&mut self, session: &str, method: &str, params: &str) {
        let Some(seen) = filter::request(params, self.shared.hosts()) else { return };
        if let Some(held) = self.held.get_mut(session) {
            if seen.inside {
                // The browser keeps the bodies of fewer.
                if held.readable.len() > 50_000 {
                    held.readable.clear();
                }
                held.readable.insert(seen.id);
            } else {
                held.readable.remove(&seen.id);
            }
        }
        match seen.changed {
            Some(changed) => self.tell(session, method, &changed.to_string()),
            None => self.tell(session, method, params),
        }
    }

    fn paused(&mut self, session: &str, method: &str, params: &str) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Paused {
            request_id: String,
            request: Request,
        }
        #[derive(Deserialize)]
        struct Request {
            url: String,
        }
        let Ok(paused) = serde_json::from_str::<Paused>(params) else { return };
        if self.shared.hosts().has(&paused.request.url) {
            if let Some(held) = self.held.get_mut(session) {
                held.paused.insert(paused.request_id);
            }
            self.tell(session, method, params);
        } else if method == "Fetch.authRequired" {
            let leave = json!({ "requestId": paused.request_id, "authChallengeResponse": { "response": "Default" } });
            self.ask(Some(session), "Fetch.continueWithAuth", &leave, Waiting::Nobody);
        } else {
            let leave = json!({ "requestId": paused.request_id });
            self.ask(Some(session), "Fetch.continueRequest", &leave, Waiting::Nobody);
        }
    }

    fn context(&mut self, session: &str, method: &str, params: &str) {
        let told: Value = serde_json::from_str(params).unwrap_or_default();
        let Some(held) = self.held.get_mut(session) else { return };
        let known = match method {
            "Runtime.executionContextCreated" => {
                let context = &told["context"];
                let ours = context["name"] == WORLD;
                if !ours {
                    held.contexts.extend(context["id"].as_i64());
                }
                !ours
            }
            "Runtime.executionContextDestroyed" => {
                told["executionContextId"].as_i64().is_some_and(|id| held.contexts.remove(&id))
            }
            _ => {
                held.contexts.clear();
                true
            }
        };
        if known {
            self.tell(session, method, params);
        }
    }

    /// A session a connector asked for, or one below its page.
    fn attached(&mut self, parent: &str, attached: Attached) {
        let Some(above) = self.held.get(parent) else { return };
        let connection = above.connection;
        let target = attached.target_info["targetId"].as_str().unwrap_or_default().to_owned();
        let kind = match (above.kind, attached.target_info["type"].as_str()) {
            (Kind::Root { .. }, _) if self.watch.pages.contains_key(&target) => Some(Kind::Page),
            (Kind::Root { .. }, _) => None,
            (_, Some("iframe")) if self.is_handed_over(&target, &attached) => Some(Kind::Below),
            (_, Some("worker")) => Some(Kind::Below),
            _ => None,
        };
        let Some(kind) = kind else {
            return self.let_go_from(parent, &attached);
        };
        let page = if kind == Kind::Page { target.clone() } else { above.page.clone() };
        let held = Held::new(connection, kind, target.clone(), page, Some(parent.to_owned()));
        self.held.insert(attached.session_id.clone(), held);
        let (info, waits) = match self.watch.pages.get(&target) {
            Some(watched) => (self.described(&target), watched.waits),
            None => (attached.target_info, attached.waiting_for_debugger),
        };
        let told = json!({ "sessionId": attached.session_id, "targetInfo": info, "waitingForDebugger": waits });
        self.tell(parent, "Target.attachedToTarget", &told.to_string());
    }

    /// Whether a frame with a process of its own is one of the hosts'. A session in one that waits is in what it shows until then; one
    /// that runs shows what its description says, whatever it has asked for since.
    fn is_handed_over(&self, frame: &str, attached: &Attached) -> bool {
        let url = attached.target_info["url"].as_str().unwrap_or_default();
        self.watch.is_inside(frame) && (url.is_empty() || self.shared.hosts().has(url))
    }

    fn detached(&mut self, parent: &str, gone: &Value) {
        let session = gone["sessionId"].as_str().unwrap_or_default();
        if self.held.contains_key(session) {
            self.forget(session);
            self.tell(parent, "Target.detachedFromTarget", &gone.to_string());
        }
    }
}
