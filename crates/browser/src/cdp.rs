//! The Chrome DevTools Protocol over Chromium's debugging pipe: JSON messages, each ended by a zero byte.

mod session;

pub use session::{Event, Events, Pending, Session, SessionId};

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::BrowserError;

/// How long a call may take where its caller does not say.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

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
    calls: HashMap<u64, Call>,
    listeners: Vec<Listener>,
    taps: Vec<Ear>,
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

/// A call that is not answered yet.
struct Call {
    session: Option<SessionId>,
    caller: Caller,
}

/// Who is told of an answer.
enum Caller {
    Waits(SyncSender<Answer>),
    Listens(Ear),
}

/// What a call came to: its result, not parsed yet, or what the browser said against it.
pub type Answer = Result<Box<RawValue>, String>;

/// What a tap hears.
pub enum Heard {
    /// An event of any session, or of the browser itself.
    Event(Arc<Event>),
    /// The answer to a call of the tap's own, by its number.
    Answer(u64, Answer),
    /// The browser has ended.
    Gone,
}

/// Where a tap is told what it hears. Called by the thread that reads the pipe, so it must not block.
pub type Ear = Arc<dyn Fn(Heard) + Send + Sync>;

/// Every event, and the answers to its own calls, in the order the browser sent them: what passing a browser on to somebody else
/// needs, where an answer that overtakes an event is a mistake. Dropping it ends the listening.
pub struct Tap {
    client: Client,
    ear: Ear,
}

/// The room a line is given at first, in bytes.
const LINE: usize = 16 << 10;

#[derive(Serialize)]
struct Outgoing<'a, P: ?Sized> {
    id: u64,
    method: &'a str,
    params: &'a P,
    #[serde(rename = "sessionId", skip_serializing_if = "Option::is_none")]
    session: Option<&'a SessionId>,
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
    pub fn send(
        &self,
        session: Option<&SessionId>,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<Pending, BrowserError> {
        let (to, answer) = sync_channel(1);
        self.write(Caller::Waits(to), session, method, params)?;
        Ok(Pending { method: method.to_owned(), answer })
    }

    fn write(
        &self,
        caller: Caller,
        session: Option<&SessionId>,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<u64, BrowserError> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let message = Outgoing { id, method, params, session };
        // Wiped once it is written: it may hold what is typed. As large as such a call gets, so that it is not moved while it grows.
        let mut line = Zeroizing::new(Vec::with_capacity(LINE));
        serde_json::to_writer(&mut *line, &message)
            .map_err(|error| BrowserError::Unexpected { method: method.to_owned(), detail: error.to_string() })?;
        line.push(0);
        {
            let mut state = self.0.state();
            if state.gone {
                return Err(BrowserError::Gone);
            }
            state.calls.insert(id, Call { session: session.cloned(), caller });
        }
        let mut pipe = self.0.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if pipe.write_all(&line).and_then(|()| pipe.flush()).is_err() {
            self.0.state().calls.remove(&id);
            return Err(BrowserError::Gone);
        }
        Ok(id)
    }

    /// The events of that session, or of the browser itself, from now on.
    pub fn events(&self, session: Option<&SessionId>) -> Events {
        self.listen(About::One(session.cloned()))
    }

    /// The events of every session and of the browser itself, in their order, from now on.
    pub fn all_events(&self) -> Events {
        self.listen(About::Everything)
    }

    /// Tells `ear` every event and the answers to the tap's own calls, until the tap is dropped.
    pub fn tap(&self, ear: Ear) -> Tap {
        let mut state = self.0.state();
        if state.gone {
            ear(Heard::Gone);
        } else {
            state.taps.push(Arc::clone(&ear));
        }
        Tap { client: self.clone(), ear }
    }

    fn listen(&self, about: About) -> Events {
        let (to, from) = channel();
        let mut state = self.0.state();
        if !state.gone {
            state.listeners.push(Listener { about, to });
        }
        Events(Mutex::new(from))
    }

    /// Whether the browser has ended.
    pub fn is_gone(&self) -> bool {
        self.0.state().gone
    }
}

impl Tap {
    /// Sends a call, and returns the number its answer will be heard under.
    pub fn send(&self, session: Option<&SessionId>, method: &str, params: &Value) -> Result<u64, BrowserError> {
        self.client.write(Caller::Listens(Arc::clone(&self.ear)), session, method, params)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.client.0.state().taps.retain(|ear| !Arc::ptr_eq(ear, &self.ear));
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
        let taps = std::mem::take(&mut state.taps);
        drop(state);
        taps.iter().for_each(|ear| ear(Heard::Gone));
    }

    fn take(&self, incoming: Incoming<'_>) {
        if let Some(id) = incoming.id {
            let Some(call) = self.state().calls.remove(&id) else { return };
            let answer = match (incoming.error, incoming.result) {
                (Some(refusal), _) => Err(refusal.message),
                (None, Some(result)) => Ok(result.to_owned()),
                (None, None) => Ok(RawValue::NULL.to_owned()),
            };
            call.caller.tell(id, answer);
        } else if let Some(method) = incoming.method {
            let params = incoming.params.unwrap_or(RawValue::NULL).to_owned();
            let event = Arc::new(Event { session: incoming.session, method, params });
            let hears = |listener: &Listener| match &listener.about {
                About::One(session) => *session == event.session,
                About::Everything => true,
            };
            let mut state = self.state();
            state.listeners.retain(|listener| !hears(listener) || listener.to.send(Arc::clone(&event)).is_ok());
            state.taps.iter().for_each(|ear| ear(Heard::Event(Arc::clone(&event))));
            // Chromium does not answer what was on its way to a target that is gone.
            let ended = match event.method.as_str() {
                "Target.detachedFromTarget" => event.params::<Detached>().map(|detached| detached.session_id),
                "Inspector.targetCrashed" => event.session.clone(),
                _ => None,
            };
            if ended.is_some() {
                let lost: Vec<_> = state.calls.extract_if(|_, call| call.session == ended).collect();
                drop(state);
                for (id, call) in lost {
                    call.caller.tell(id, Err("Session with given id not found.".to_owned()));
                }
            }
        }
    }
}

impl Caller {
    fn tell(self, id: u64, answer: Answer) {
        match self {
            // Whoever called may no longer wait.
            Self::Waits(call) => drop(call.try_send(answer)),
            Self::Listens(ear) => ear(Heard::Answer(id, answer)),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detached {
    session_id: SessionId,
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, pipe};

    use serde_json::json;

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
    fn a_tap_hears_events_and_its_own_answers_in_the_browsers_order_until_it_is_dropped() {
        let (client, commands, mut answers) = connected();
        let mut commands = BufReader::new(commands);
        let (to, heard) = channel();
        let tap = client.tap(Arc::new(move |heard| drop(to.send(heard))));
        let number = tap.send(None, "A.call", &json!({})).unwrap();
        assert_eq!(sent(&mut commands)["id"], number);
        write!(answers, "{{\"method\":\"X.before\"}}\0{{\"id\":{number},\"result\":{{}}}}\0{{\"method\":\"X.after\"}}\0")
            .unwrap();
        let next = || heard.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(next(), Heard::Event(event) if event.method == "X.before"));
        assert!(matches!(next(), Heard::Answer(answered, Ok(_)) if answered == number));
        assert!(matches!(next(), Heard::Event(event) if event.method == "X.after"));
        drop(tap);
        drop(answers);
        assert!(heard.recv_timeout(PATIENCE).is_err(), "nothing is heard after it was dropped");
    }

    #[test]
    fn a_call_to_a_target_that_goes_away_ends_as_one_to_a_session_that_is_not_there() {
        let (client, _commands, mut answers) = connected();
        let to = |session: &str| client.send(Some(&SessionId(session.into())), "A.call", &json!({})).unwrap();
        let (closed, crashed, other) = (to("closed"), to("crashed"), to("other"));
        answers.write_all(b"{\"method\":\"Target.detachedFromTarget\",\"params\":{\"sessionId\":\"closed\"}}\0").unwrap();
        answers.write_all(b"{\"method\":\"Inspector.targetCrashed\",\"sessionId\":\"crashed\",\"params\":{}}\0").unwrap();
        assert!(closed.wait(PATIENCE).unwrap_err().is_navigation());
        assert!(crashed.wait(PATIENCE).unwrap_err().is_navigation());
        assert!(other.poll(Duration::ZERO).unwrap().is_none());
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
