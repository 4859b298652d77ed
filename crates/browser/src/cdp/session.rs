//! One session with one target: what calls about it go through, and what it tells.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Answer, Client, PATIENCE};
use crate::BrowserError;

/// The id of a session: one attachment to one target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionId(pub String);

/// Something the browser tells by itself.
pub struct Event {
    /// The session it is about; `None` for the browser itself.
    pub session: Option<SessionId>,
    /// As in `Page.frameNavigated`.
    pub method: String,
    /// Its parameters, not parsed yet.
    pub params: Box<RawValue>,
}

/// The events of one session, or of the browser, from the moment of subscribing on.
pub struct Events(pub(super) Mutex<Receiver<Arc<Event>>>);

/// A session of a client: what calls about one target go through.
#[derive(Clone)]
pub struct Session {
    pub(super) client: Client,
    pub(super) id: SessionId,
}

/// A call on its way.
pub struct Pending {
    pub(super) method: String,
    pub(super) answer: Receiver<Answer>,
}

impl Session {
    /// Its id.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The connection it is on.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Calls a method of the target and waits for its result.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.call_within(method, params, PATIENCE)
    }

    /// The same, within a time of the caller's.
    pub fn call_within(&self, method: &str, params: Value, patience: Duration) -> Result<Value, BrowserError> {
        self.send(method, params)?.wait(patience)
    }

    /// Sends a call without waiting.
    pub fn send(&self, method: &str, params: impl Serialize) -> Result<Pending, BrowserError> {
        self.client.send(Some(&self.id), method, &params)
    }

    /// The target's events from now on.
    pub fn events(&self) -> Events {
        self.client.events(Some(&self.id))
    }
}

impl Pending {
    /// Waits for the answer.
    pub fn wait(self, patience: Duration) -> Result<Value, BrowserError> {
        self.poll(patience)?.ok_or(BrowserError::Silent { method: self.method })
    }

    /// Waits that long for the answer, which may be asked for again while it is `None`.
    pub fn poll(&self, patience: Duration) -> Result<Option<Value>, BrowserError> {
        let method = || self.method.clone();
        match self.answer.recv_timeout(patience) {
            Ok(Ok(result)) => serde_json::from_str(result.get())
                .map(Some)
                .map_err(|error| BrowserError::Unexpected { method: method(), detail: error.to_string() }),
            Ok(Err(message)) => Err(BrowserError::Refused { method: method(), message }),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(BrowserError::Gone),
        }
    }
}

impl Events {
    /// The next event, or `Ok(None)` when the time is up.
    pub fn next(&self, patience: Duration) -> Result<Option<Arc<Event>>, BrowserError> {
        let from = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match from.recv_timeout(patience) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(BrowserError::Gone),
        }
    }
}

impl Event {
    /// Its parameters as a type of the caller's; `None` where they do not fit.
    pub fn params<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.params.get()).ok()
    }
}
