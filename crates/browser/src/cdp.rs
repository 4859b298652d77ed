//! The Chrome DevTools Protocol over Chromium's debugging pipe: JSON messages, each ended by a zero byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::BrowserError;

/// How long a call may take where its caller does not say.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection to a browser. Cheap to clone; every clone is the same connection.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    pipe: Mutex<Box<dyn Write + Send>>,
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: HashMap<u64, SyncSender<Answer>>,
    listeners: Vec<Listener>,
    gone: bool,
}

struct Listener {
    about: About,
    to: Sender<Arc<Event>>,
}

/// What a listener wants to hear.
enum About {
    /// One session, or the browser itself.
    One(Option<SessionId>),
    /// All of it.
    Everything,
}

type Answer = Result<Box<RawValue>, String>;

/// The id of a session: one attachment to one target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
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
pub struct Events(Receiver<Arc<Event>>);

/// A session of a client: what calls about one target go through.
#[derive(Clone)]
pub struct Session {
    client: Client,
    id: SessionId,
}

/// A call on its way.
pub struct Pending {
    method: String,
    answer: Receiver<Answer>,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    id: Option<u64>,
    method: Option<String>,
    #[serde(rename = "sessionId")]
    session: Option<SessionId>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Client {
    /// Speaks over these two ends of Chromium's pipe; a thread reads until the pipe ends.
    pub fn over(to: impl Write + Send + 'static, from: impl Read + Send + 'static) -> std::io::Result<Self> {
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { pipe: Mutex::new(Box::new(to)), next: AtomicU64::new(1), state });
        let reader = Arc::clone(&shared);
        std::thread::Builder::new().name("browser pipe".to_owned()).spawn(move || reader.read(from))?;
        Ok(Self(shared))
    }

    /// A session by its id.
    pub fn session(&self, id: SessionId) -> Session {
        Session { client: self.clone(), id }
    }

    /// Calls a method of the browser itself and waits for its result.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.send(None, method, &params)?.wait(PATIENCE)
    }

    /// Sends a call without waiting. Dropping what it returns forgets the answer.
    pub fn send(&self, session: Option<&SessionId>, method: &str, params: &Value) -> Result<Pending, BrowserError> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (to, answer) = sync_channel(1);
        {
            let mut state = self.0.state();
            if state.gone {
                return Err(BrowserError::Gone);
            }
            state.calls.insert(id, to);
        }
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(SessionId(session)) = session {
            message["sessionId"] = session.as_str().into();
        }
        let mut line = message.to_string().into_bytes();
        line.push(0);
        let mut pipe = self.0.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if pipe.write_all(&line).and_then(|()| pipe.flush()).is_err() {
            self.0.state().calls.remove(&id);
            return Err(BrowserError::Gone);
        }
        Ok(Pending { method: method.to_owned(), answer })
    }

    /// The events of that session, or of the browser itself, from now on.
    pub fn events(&self, session: Option<&SessionId>) -> Events {
        self.listen(About::One(session.cloned()))
    }

    /// The events of every session and of the browser itself, in their order, from now on.
    pub fn all_events(&self) -> Events {
        self.listen(About::Everything)
    }

    fn listen(&self, about: About) -> Events {
        let (to, from) = channel();
        let mut state = self.0.state();
        if !state.gone {
            state.listeners.push(Listener { about, to });
        }
        Events(from)
    }

    /// Whether the browser has ended.
    pub fn is_gone(&self) -> bool {
        self.0.state().gone
    }
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
    pub fn send(&self, method: &str, params: Value) -> Result<Pending, BrowserError> {
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
        let method = self.method;
        match self.answer.recv_timeout(patience) {
            Ok(Ok(result)) => serde_json::from_str(result.get())
                .map_err(|error| BrowserError::Unexpected { method, detail: error.to_string() }),
            Ok(Err(message)) => Err(BrowserError::Refused { method, message }),
            Err(RecvTimeoutError::Timeout) => Err(BrowserError::Silent { method }),
            Err(RecvTimeoutError::Disconnected) => Err(BrowserError::Gone),
        }
    }
}

impl Events {
    /// The next event, or `Ok(None)` when the time is up.
    pub fn next(&self, patience: Duration) -> Result<Option<Arc<Event>>, BrowserError> {
        match self.0.recv_timeout(patience) {
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

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, from: impl Read) {
        let mut from = BufReader::with_capacity(1 << 16, from);
        let mut message = Vec::new();
        while from.read_until(0, &mut message).is_ok_and(|read| read > 0) {
            message.pop();
            match serde_json::from_slice(&message) {
                Ok(incoming) => self.take(incoming),
                Err(error) => tracing::warn!(%error, "a message of Chromium's could not be read"),
            }
            message.clear();
            // A screenshot or a frame is large; what follows is not.
            message.shrink_to(1 << 20);
        }
        let mut state = self.state();
        state.gone = true;
        // Their receivers see the end.
        state.calls.clear();
        state.listeners.clear();
    }

    fn take(&self, incoming: Incoming<'_>) {
        if let Some(id) = incoming.id {
            let Some(call) = self.state().calls.remove(&id) else { return };
            let answer = match (incoming.error, incoming.result) {
                (Some(refusal), _) => Err(refusal.message),
                (None, Some(result)) => Ok(result.to_owned()),
                (None, None) => Ok(RawValue::NULL.to_owned()),
            };
            // Whoever called may no longer wait.
            let _ = call.try_send(answer);
        } else if let Some(method) = incoming.method {
            let params = incoming.params.unwrap_or(RawValue::NULL).to_owned();
            let event = Arc::new(Event { session: incoming.session, method, params });
            let hears = |listener: &Listener| match &listener.about {
                About::One(session) => *session == event.session,
                About::Everything => true,
            };
            self.state().listeners.retain(|listener| !hears(listener) || listener.to.send(Arc::clone(&event)).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, pipe};

    use super::*;

    /// A client, and the browser's ends of its pipes.
    fn connected() -> (Client, PipeReader, PipeWriter) {
        let (commands, to) = pipe().unwrap();
        let (from, answers) = pipe().unwrap();
        (Client::over(to, from).unwrap(), commands, answers)
    }

    fn sent(commands: &mut BufReader<PipeReader>) -> Value {
        let mut message = Vec::new();
        commands.read_until(0, &mut message).unwrap();
        message.pop();
        serde_json::from_slice(&message).unwrap()
    }

    #[test]
    fn answers_find_their_calls_in_any_order() {
        let (client, commands, mut answers) = connected();
        let mut commands = BufReader::new(commands);
        let first = client.send(None, "A.first", &json!({})).unwrap();
        let second = client.send(Some(&SessionId("S".into())), "A.second", &json!({ "x": 1 })).unwrap();
        let (one, two) = (sent(&mut commands), sent(&mut commands));
        assert_eq!((one["method"].as_str(), one.get("sessionId")), (Some("A.first"), None));
        assert_eq!(two["sessionId"], "S");
        write!(answers, "{{\"id\":{},\"result\":{{\"n\":2}}}}\0", two["id"]).unwrap();
        write!(answers, "{{\"id\":{},\"error\":{{\"code\":-1,\"message\":\"no\"}}}}\0", one["id"]).unwrap();
        assert_eq!(second.wait(PATIENCE).unwrap()["n"], 2);
        assert!(matches!(first.wait(PATIENCE), Err(BrowserError::Refused { message, .. }) if message == "no"));
    }

    #[test]
    fn events_go_to_the_sessions_they_are_about() {
        let (client, _commands, mut answers) = connected();
        let mine = client.events(Some(&SessionId("mine".into())));
        let browser = client.events(None);
        let all = client.all_events();
        answers.write_all(b"{\"method\":\"X.other\",\"sessionId\":\"theirs\",\"params\":{}}\0").unwrap();
        answers.write_all(b"{\"method\":\"X.mine\",\"sessionId\":\"mine\",\"params\":{\"a\":1}}\0").unwrap();
        answers.write_all(b"{\"method\":\"X.browser\"}\0").unwrap();
        let seen = mine.next(PATIENCE).unwrap().unwrap();
        assert_eq!((seen.method.as_str(), seen.params::<Value>().unwrap()["a"].as_u64()), ("X.mine", Some(1)));
        assert_eq!(browser.next(PATIENCE).unwrap().unwrap().method, "X.browser");
        let all: Vec<_> = (0..3).map(|_| all.next(PATIENCE).unwrap().unwrap().method.clone()).collect();
        assert_eq!(all, ["X.other", "X.mine", "X.browser"]);
    }

    #[test]
    fn the_end_of_the_pipe_ends_every_wait() {
        let (client, _commands, answers) = connected();
        let events = client.events(None);
        let call = client.send(None, "A.call", &json!({})).unwrap();
        drop(answers);
        assert!(matches!(call.wait(PATIENCE), Err(BrowserError::Gone)));
        assert!(matches!(events.next(PATIENCE), Err(BrowserError::Gone)));
        assert!(client.is_gone());
        assert!(matches!(client.call("A.more", json!({})), Err(BrowserError::Gone)));
    }
}
