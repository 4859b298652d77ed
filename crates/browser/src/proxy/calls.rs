//! What is looked at in a connector's calls before the browser gets them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::files;
use super::held::{Held, Kind};
use super::policy::{Checked, Filtered};
use super::relay::{Caller, NOT_FROM_HOSTS, Relay, Waiting};
use crate::cdp::Answer;

const NOT_HOSTS: &str = "its address is not at the connector's hosts";

/// Puts files into a field as if they had been chosen.
const FILL: &str = "function (files) {
    const chosen = new DataTransfer();
    for (const { name, bytes } of files) {
        chosen.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name));
    }
    this.files = chosen.files;
    this.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
}";

impl Relay {
    /// Passes on what was evaluated. A client that is told of no contexts knows them by the handles it gets.
    pub(super) fn evaluated(&mut self, caller: &Caller, answer: Answer) {
        if let Some(held) = self.held.get_mut(&caller.held)
            && let Ok(result) = &answer
        {
            held.handles.extend(context_of(result.get()));
        }
        self.reply(caller, answer);
    }

    /// Looks at a call, and passes it on, changed or not, or refuses it.
    pub(super) fn checked(&mut self, caller: Caller, check: Checked, method: &str, mut params: Value) {
        let Some(held) = self.held.get_mut(&caller.held) else { return };
        let hosts = self.shared.hosts();
        let text = |key: &str| params[key].as_str();
        match check {
            Checked::Address => match text("url") {
                Some(url) if url == "about:blank" || hosts.has(url) => self.pass(caller, method, &params),
                _ => self.deny(&caller, method, NOT_HOSTS),
            },
            Checked::Context => {
                let asked = ["contextId", "executionContextId"].iter().filter_map(|key| params.get(*key));
                if !asked.into_iter().all(|id| is_known(held, id)) {
                    self.refuse(&caller, -32000, "Cannot find context with specified id");
                } else if method == "Runtime.evaluate" && params["returnByValue"] != true {
                    let session = caller.held.clone();
                    self.ask(Some(&session), method, &params, Waiting::Handle(caller));
                } else {
                    self.pass(caller, method, &params);
                }
            }
            Checked::World => {
                // The method's own spelling.
                params["grantUniveralAccess"] = false.into();
                let session = caller.held.clone();
                self.ask(Some(&session), method, &params, Waiting::Filtered(caller, Filtered::Context));
            }
            Checked::Cookie => {
                let all = params["cookies"].as_array();
                let of_hosts = |cookie: &Value| {
                    let (domain, url) =
                        (cookie["domain"].as_str().filter(|domain| !domain.is_empty()), cookie["url"].as_str());
                    // A domain that is named is for everything below it.
                    let domain = domain.map(|domain| hosts.has_cookie(&format!(".{}", domain.trim_start_matches('.'))));
                    let url = url.map(|url| hosts.has(url));
                    (domain.is_some() || url.is_some()) && domain.unwrap_or(true) && url.unwrap_or(true)
                };
                if all.map_or_else(|| of_hosts(&params), |all| all.iter().all(of_hosts)) {
                    params.as_object_mut().map(|params| params.remove("browserContextId"));
                    self.pass(caller, method, &params);
                } else {
                    self.deny(&caller, method, "the cookie is not of the connector's hosts");
                }
            }
            Checked::Downloads => self.set_downloads(caller, &params),
            Checked::Files => self.files(caller, method, &params),
            Checked::Drag => match params["data"]["files"].as_array() {
                Some(files) if !files.is_empty() => {
                    self.deny(&caller, method, "files are put into a field by DOM.setFileInputFiles")
                }
                _ => self.pass(caller, method, &params),
            },
            Checked::Response => match text("requestId").map(str::to_owned) {
                Some(request) if held.readable.contains(&request) => {
                    let session = caller.held.clone();
                    self.ask(Some(&session), method, &params, Waiting::Body(caller, request));
                }
                _ => self.refuse(&caller, -32000, NOT_FROM_HOSTS),
            },
            Checked::Paused => {
                let request = text("requestId").unwrap_or_default();
                if !held.paused.contains(request) {
                    self.refuse(&caller, -32602, "Invalid InterceptionId.");
                } else if text("url").is_some_and(|url| !hosts.has(url)) {
                    self.deny(&caller, method, NOT_HOSTS);
                } else {
                    if method != "Fetch.getResponseBody" {
                        held.paused.remove(request);
                    }
                    self.pass(caller, method, &params);
                }
            }
            Checked::Stream => {
                let handle = text("handle").unwrap_or_default();
                let connection = self.connections.get(&caller.connection);
                if connection.is_some_and(|connection| connection.streams.contains(handle)) {
                    self.pass(caller, method, &params);
                } else {
                    self.deny(&caller, method, "the stream is not the connector's");
                }
            }
            Checked::AutoAttach => self.auto_attach(caller, params),
            Checked::Start => {
                let page = (held.kind == Kind::Page).then(|| held.target.clone());
                self.pass(caller, method, &params);
                page.iter().for_each(|page| self.start(page));
            }
        }
    }

    /// Reads the files ourselves, and puts their bytes into the field: the browser opens none, so that none can be another by then.
    fn files(&mut self, caller: Caller, method: &str, params: &Value) {
        let paths = params["files"].as_array().map(|files| files.iter().filter_map(Value::as_str).collect::<Vec<_>>());
        let files = match files::read(&self.shared.directories().connector, &paths.unwrap_or_default()) {
            Ok(files) => files,
            Err(why) => return self.deny(&caller, method, why),
        };
        let session = caller.held.clone();
        if let Some(object) = params["objectId"].as_str() {
            return self.put(caller, object, &files);
        }
        let node = json!({ "nodeId": params["nodeId"], "backendNodeId": params["backendNodeId"] });
        let node: Value = node
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, id)| !id.is_null())
            .map(|(key, id)| (key.clone(), id.clone()))
            .collect();
        self.ask(Some(&session), "DOM.resolveNode", &node, Waiting::Field(caller, files));
    }

    pub(super) fn fill(&mut self, caller: Caller, answer: Answer, files: Value) {
        let result = match answer.map(|result| serde_json::from_str::<Value>(result.get()).unwrap_or_default()) {
            Ok(result) => result,
            Err(message) => return self.refuse(&caller, -32000, &message),
        };
        let object = result["object"]["objectId"].as_str().unwrap_or_default();
        self.put(caller, object, &files);
    }

    fn put(&mut self, caller: Caller, object: &str, files: &Value) {
        let session = caller.held.clone();
        let call = json!({ "objectId": object, "functionDeclaration": FILL, "arguments": [{ "value": files }] });
        self.ask(Some(&session), "Runtime.callFunctionOn", &call, Waiting::Filled(caller));
    }

    pub(super) fn filled(&self, caller: &Caller, answer: Answer) {
        match answer.map(|result| result.get().contains("\"exceptionDetails\"")) {
            Ok(false) => self.result(caller, &json!({})),
            Ok(true) => self.refuse(caller, -32000, "Node is not a file input element"),
            Err(message) => self.refuse(caller, -32000, &message),
        }
    }
}

/// The context of the handle in a result. V8 writes a handle as isolate, context and number.
fn context_of(result: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Evaluated {
        result: Handle,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Handle {
        object_id: Option<String>,
    }
    let handle = serde_json::from_str::<Evaluated>(result).ok()?.result.object_id?;
    handle.split('.').nth(1)?.parse().ok()
}

fn is_known(held: &Held, context: &Value) -> bool {
    context.is_null() || context.as_i64().is_some_and(|id| held.contexts.contains(&id) || held.handles.contains(&id))
}
