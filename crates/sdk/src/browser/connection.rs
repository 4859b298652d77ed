//! The Chrome DevTools Protocol over a WebSocket on loopback: one call at a time, and what the browser tells in between.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::BrowserError;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The largest message that is taken, in bytes: the text of a page that is very large.
const LARGEST: usize = 128 << 20;

/// A connection to a browser.
pub(super) struct Connection {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    /// Told while the answer to a call was awaited.
    events: VecDeque<Event>,
}

/// Something the browser tells by itself.
pub(super) struct Event {
    /// The session it is about; `None` for the browser itself.
    pub(super) session: Option<String>,
    pub(super) method: String,
    pub(super) params: Value,
}

/// Why a call has no result.
pub(super) enum CallError {
    /// The browser answered with this error.
    Refused(String),
    /// The time is up.
    TimedOut,
    /// The connection ended, or what came cannot be read.
    Broken(BrowserError),
}

#[derive(Deserialize)]
struct Incoming {
    id: Option<u64>,
    method: Option<String>,
    #[serde(rename = "sessionId")]
    session: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Connection {
    /// Connects to `ws://ADDRESS/…`, where the address is one of loopback. The rest of it lets the bearer in, so no error quotes it.
    pub(super) fn open(ws_url: &str) -> Result<Self, BrowserError> {
        let unusable = || BrowserError::Unexpected { what: "the browser's address is not ws:// on loopback".to_owned() };
        let host = ws_url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).ok_or_else(unusable)?;
        let address: SocketAddr = host.replace("localhost", "127.0.0.1").parse().map_err(|_| unusable())?;
        if !address.ip().is_loopback() {
            return Err(unusable());
        }
        let connect = || -> io::Result<TcpStream> {
            let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(CONNECT_LIMIT))?;
            stream.set_write_timeout(Some(CONNECT_LIMIT))?;
            Ok(stream)
        };
        let stream = connect().map_err(|_| BrowserError::Gone)?;
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        let (socket, _) = tungstenite::client::client_with_config(ws_url, stream, Some(config))
            .map_err(|_| BrowserError::Unexpected { what: "the browser did not let the connector in".to_owned() })?;
        Ok(Self { socket, last_id: 0, events: VecDeque::new() })
    }

    /// Calls a method of a session, or of the browser itself, and waits for its result until the deadline.
    pub(super) fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &Value,
        until: Instant,
    ) -> Result<Value, CallError> {
        let id = self.send(session, method, params).map_err(CallError::Broken)?;
        loop {
            let incoming = self.receive(until).map_err(CallError::Broken)?.ok_or(CallError::TimedOut)?;
            match incoming {
                Incoming { id: Some(answered), error: Some(refusal), .. } if answered == id => {
                    return Err(CallError::Refused(refusal.message));
                }
                Incoming { id: Some(answered), result, .. } if answered == id => return Ok(result),
                // An answer nobody waits for any more, or an event.
                other => self.events.extend(other.into_event()),
            }
        }
    }

    /// Sends a call whose result does not matter.
    pub(super) fn send(&mut self, session: Option<&str>, method: &str, params: &Value) -> Result<u64, BrowserError> {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.socket.send(Message::text(message.to_string())).map_err(|_| BrowserError::Gone)?;
        Ok(self.last_id)
    }

    /// What was told since the last look, without waiting.
    pub(super) fn told(&mut self) -> impl Iterator<Item = Event> {
        std::mem::take(&mut self.events).into_iter()
    }

    /// Waits until the browser tells something; `false` if the time is up first.
    pub(super) fn wait(&mut self, until: Instant) -> Result<bool, BrowserError> {
        while self.events.is_empty() {
            let Some(incoming) = self.receive(until)? else { return Ok(false) };
            self.events.extend(incoming.into_event());
        }
        Ok(true)
    }

    fn receive(&mut self, until: Instant) -> Result<Option<Incoming>, BrowserError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.get_ref().set_read_timeout(Some(left)).map_err(|_| BrowserError::Gone)?;
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let read = serde_json::from_str(&text).map_err(|error| BrowserError::Unexpected {
                        what: format!("a message that cannot be read (column {})", error.column()),
                    });
                    return read.map(Some);
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if is_time_out(&error) => {}
                Err(tungstenite::Error::Capacity(_)) => {
                    return Err(BrowserError::Unexpected { what: format!("more than {} MiB at once", LARGEST >> 20) });
                }
                Err(_) => return Err(BrowserError::Gone),
            }
        }
    }
}

impl Incoming {
    fn into_event(self) -> Option<Event> {
        let Self { method, session, params, .. } = self;
        method.map(|method| Event { session, method, params })
    }
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_on_loopback_is_connected_to_and_none_is_quoted() {
        for address in ["ws://192.0.2.1:9222/s3cret", "wss://127.0.0.1:1/s3cret", "ws://example.test:80/s3cret", "s3cret"] {
            let Err(error) = Connection::open(address) else { panic!("{address}") };
            assert!(matches!(error, BrowserError::Unexpected { .. }), "{address}: {error:?}");
            assert!(!format!("{error:?} {error}").contains("s3cret"));
        }
        assert!(matches!(Connection::open("ws://127.0.0.1:1/s3cret"), Err(BrowserError::Gone)));
    }
}
