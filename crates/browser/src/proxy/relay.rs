//! The relay: one thread that hears the browser and every connector's connection, in order, and decides what passes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::aside::{Aside, Own};
use super::door::Outbox;
use super::downloads::Downloads;
use super::held::{Held, Kind};
use super::policy::Filtered;
use super::shared::Shared;
use super::watch::Watch;
use super::{filter, policy};
use crate::cdp::{Answer, Heard, SessionId, Tap};

/// What the relay is told.
pub(super) enum Input {
    /// By the browser.
    Browser(Heard),
    /// A connection was made.
    Opened(u64, Outbox),
    /// A connector says something.
    Said(u64, String),
    /// A connection has ended.
    Closed(u64),
    /// Somebody signs in in another page; what the connector has is to be told.
    SetAside(SyncSender<Own>),
    /// It may go on.
    TakeUp,
    /// The run has ended.
    Stop,
}

/// The relay of one connector's browser.
pub(super) struct Relay {
    pub(super) tap: Tap,
    pub(super) shared: Arc<Shared>,
    pub(super) watch: Watch,
    pub(super) connections: BTreeMap<u64, Connection>,
    /// The sessions the connectors have, by the browser's ids, which are long and random.
    pub(super) held: HashMap<String, Held>,
    pub(super) waiting: HashMap<u64, Waiting>,
    pub(super) downloads: Downloads,
    /// Told once the first page is watched.
    pub(super) ready: Option<SyncSender<()>>,
    /// While it is set aside.
    pub(super) aside: Option<Aside>,
}

/// One WebSocket of a connector's.
pub(super) struct Connection {
    out: Outbox,
    /// Its session with the browser itself, once there is one; a connector names it by naming none.
    main: Option<String>,
    /// What it said before that.
    early: Vec<String>,
    /// The streams it may read.
    pub(super) streams: HashSet<String>,
}

/// Who asked: a connection, under its own number, in a session as it names it.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) connection: u64,
    pub(super) id: u64,
    pub(super) session: Option<String>,
    /// The browser's session it was in.
    pub(super) held: String,
}

/// What an answer of the browser's is for.
pub(super) enum Waiting {
    /// Nobody.
    Nobody,
    /// The first page is watched.
    Ready,
    /// Nobody, and the session it was in is to end: not sooner, or a worker that is not yet there would wait for ever.
    Leave {
        /// Where it was made.
        parent: String,
        session: String,
    },
    /// A connection's main session.
    Main(u64),
    /// One more session with the browser.
    Root(Caller),
    /// The connector, as it is.
    Plain(Caller),
    /// The connector, which may get a handle.
    Handle(Caller),
    /// The connector, filtered.
    Filtered(Caller, Filtered),
    /// The connector, if it may still read that request's body.
    Body(Caller, String),
    /// The connector, whatever the answer says: what it asked for was done before.
    Done(Caller, Value),
    /// A page the connector opens, and its address.
    Created(Caller, String),
    /// The field files are put into.
    Field(Caller, Value),
    /// Files are in their field.
    Filled(Caller),
}

/// What a connector says.
#[derive(Deserialize)]
struct Said {
    id: u64,
    method: String,
    #[serde(default)]
    params: Value,
    #[serde(rename = "sessionId")]
    session: Option<String>,
}

impl Relay {
    /// Works until it is stopped or the browser ends; returns what is to be cleaned up.
    pub(super) fn run(mut self, inputs: &Receiver<Input>) -> Watch {
        for input in inputs {
            match input {
                Input::Browser(Heard::Event(event)) => self.hear(&event),
                Input::Browser(Heard::Answer(call, answer)) => self.answered(call, answer),
                Input::Browser(Heard::Gone) | Input::Stop => break,
                Input::Opened(number, out) => self.opened(number, out),
                Input::Said(number, text) => self.said(number, text),
                Input::Closed(number) => self.closed(number),
                Input::SetAside(own) => self.set_aside(&own),
                Input::TakeUp => self.take_up(),
            }
        }
        let numbers: Vec<_> = self.connections.keys().copied().collect();
        for number in numbers {
            self.closed(number);
        }
        self.watch
    }

    fn opened(&mut self, number: u64, out: Outbox) {
        self.connections.insert(number, Connection { out, main: None, early: Vec::new(), streams: HashSet::new() });
        self.ask(None, "Target.attachToBrowserTarget", &json!({}), Waiting::Main(number));
    }

    /// Ends a connection: with its sessions goes everything it set in them.
    pub(super) fn closed(&mut self, number: u64) {
        let Some(connection) = self.connections.remove(&number) else { return };
        connection.out.close();
        let is_root = |held: &Held| held.connection == number && matches!(held.kind, Kind::Root { .. });
        let roots: Vec<_> = self.held.iter().filter(|(_, held)| is_root(held)).map(|(id, _)| id.clone()).collect();
        for root in roots {
            self.ask(None, "Target.detachFromTarget", &json!({ "sessionId": root }), Waiting::Nobody);
        }
        self.held.retain(|_, held| held.connection != number);
    }

    pub(super) fn said(&mut self, number: u64, text: String) {
        let Some(text) = self.keep_for_later(number, text) else { return };
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let Some(main) = connection.main.clone() else {
            connection.early.push(text);
            return;
        };
        let Ok(Said { id, method, params, session }) = serde_json::from_str(&text) else {
            connection.out.close();
            return;
        };
        let held = session.clone().unwrap_or(main);
        let caller = Caller { connection: number, id, session, held };
        if self.held.get(&caller.held).is_none_or(|held| held.connection != number) {
            self.refuse(&caller, -32001, "Session with given id not found.");
            return;
        }
        let params = if params.is_object() { params } else { json!({}) };
        match policy::method(&method) {
            policy::Method::Allow => self.pass(caller, &method, &params),
            policy::Method::Check(check) => self.checked(caller, check, &method, params),
            policy::Method::Filter(filter) => {
                let session = caller.held.clone();
                self.ask(Some(&session), &method, &params, Waiting::Filtered(caller, filter));
            }
            policy::Method::Target(what) => self.about_targets(caller, what, &params),
            policy::Method::Deny(why) => self.deny(&caller, &method, why),
        }
    }

    /// Passes a call on as it is.
    pub(super) fn pass(&mut self, caller: Caller, method: &str, params: &Value) {
        let session = caller.held.clone();
        self.ask(Some(&session), method, params, Waiting::Plain(caller));
    }

    /// Asks the browser.
    pub(super) fn ask(&mut self, session: Option<&str>, method: &str, params: &Value, waiting: Waiting) {
        let session = session.map(|id| SessionId(id.to_owned()));
        // A browser that has ended says so by itself.
        if let Ok(call) = self.tap.send(session.as_ref(), method, params) {
            self.waiting.insert(call, waiting);
        }
    }

    fn answered(&mut self, call: u64, answer: Answer) {
        let Some(waiting) = self.waiting.remove(&call) else { return };
        match waiting {
            Waiting::Nobody => {}
            Waiting::Leave { parent, session } => {
                let session = json!({ "sessionId": session });
                self.ask(Some(&parent), "Target.detachFromTarget", &session, Waiting::Nobody);
            }
            Waiting::Ready => drop(self.ready.take().map(|ready| ready.send(()))),
            Waiting::Main(number) => self.main_session(number, &answer),
            Waiting::Root(caller) => self.further_root(&caller, answer),
            Waiting::Plain(caller) | Waiting::Filled(caller) if answer.is_err() => self.reply(&caller, answer),
            Waiting::Plain(caller) => self.reply(&caller, answer),
            Waiting::Handle(caller) => self.evaluated(&caller, answer),
            Waiting::Filtered(caller, what) => self.filtered(&caller, what, answer),
            Waiting::Body(caller, request) => {
                // What was seen of it since it was asked for counts.
                let readable = self.held.get(&caller.held).is_some_and(|held| held.readable.contains(&request));
                if readable { self.reply(&caller, answer) } else { self.refuse(&caller, -32000, NOT_FROM_HOSTS) }
            }
            Waiting::Done(caller, result) => self.result(&caller, &result),
            Waiting::Created(caller, url) => self.created(&caller, &url, answer),
            Waiting::Field(caller, files) => self.fill(caller, answer, files),
            Waiting::Filled(caller) => self.filled(&caller, answer),
        }
    }

    fn main_session(&mut self, number: u64, answer: &Answer) {
        let session = answer.as_ref().ok().and_then(|result| session_in(result));
        let Some(connection) = self.connections.get_mut(&number) else {
            // It went meanwhile.
            if let Some(session) = session {
                self.ask(None, "Target.detachFromTarget", &json!({ "sessionId": session }), Waiting::Nobody);
            }
            return;
        };
        let Some(session) = session else {
            connection.out.close();
            return;
        };
        connection.main = Some(session.clone());
        let early = std::mem::take(&mut connection.early);
        self.hold_root(number, session);
        early.into_iter().for_each(|text| self.said(number, text));
    }

    fn filtered(&mut self, caller: &Caller, what: Filtered, answer: Answer) {
        let mut result = match answer.map(|result| serde_json::from_str::<Value>(result.get())) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Value::Null,
            Err(message) => return self.refuse(caller, -32000, &message),
        };
        match what {
            Filtered::Cookies => filter::cookies(&mut result, self.shared.hosts()),
            Filtered::History => filter::history(&mut result, self.shared.hosts()),
            Filtered::Stream => {
                let stream = result["stream"].as_str().map(str::to_owned);
                if let Some(connection) = self.connections.get_mut(&caller.connection) {
                    connection.streams.extend(stream);
                }
            }
            Filtered::Context => {
                if let Some(held) = self.held.get_mut(&caller.held) {
                    held.contexts.extend(result["executionContextId"].as_i64());
                }
            }
        }
        self.result(caller, &result);
    }

    /// Answers a connector.
    pub(super) fn reply(&self, caller: &Caller, answer: Answer) {
        match answer {
            Ok(result) => self.send(caller, "result", result.get()),
            Err(message) => self.refuse(caller, -32000, &message),
        }
    }

    /// Answers it with a result of ours.
    pub(super) fn result(&self, caller: &Caller, result: &Value) {
        self.send(caller, "result", &result.to_string());
    }

    /// Answers it that this is not to be.
    pub(super) fn refuse(&self, caller: &Caller, code: i32, message: &str) {
        self.send(caller, "error", &json!({ "code": code, "message": message }).to_string());
    }

    /// The same, noted for the run's timeline.
    pub(super) fn deny(&self, caller: &Caller, method: &str, why: &str) {
        // A method's name is the connector's own words until it looks like one.
        let known = method.len() <= 64 && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let method = if known { method } else { "a method" };
        self.shared.note(format!("{method} was denied"));
        self.refuse(caller, -32000, &format!("{method} is denied to connectors: {why}"));
    }

    fn send(&self, caller: &Caller, part: &str, value: &str) {
        let Some(connection) = self.connections.get(&caller.connection) else { return };
        let session = caller.session.as_deref().map(|id| format!(",\"sessionId\":{}", json!(id))).unwrap_or_default();
        connection.out.send(format!("{{\"id\":{}{session},\"{part}\":{value}}}", caller.id));
    }

    /// Tells the connector that has this session of something in it.
    pub(super) fn tell(&self, session: &str, method: &str, params: &str) {
        let Some(connection) = self.held.get(session).and_then(|held| self.connections.get(&held.connection)) else {
            return;
        };
        let main = connection.main.as_deref() == Some(session);
        let named = if main { String::new() } else { format!(",\"sessionId\":\"{session}\"") };
        connection.out.send(format!("{{\"method\":\"{method}\",\"params\":{params}{named}}}"));
    }
}

/// Why a body is not handed over.
pub(super) const NOT_FROM_HOSTS: &str = "the response is not from the connector's hosts";

/// The session in an answer.
pub(super) fn session_in(result: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Attached {
        #[serde(rename = "sessionId")]
        session: String,
    }
    serde_json::from_str::<Attached>(result.get()).ok().map(|attached| attached.session)
}
