//! A small CDP client over a WebSocket, as a connector in any language might have.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

pub(crate) struct Cdp {
    socket: WebSocket<TcpStream>,
    next: u64,
    events: VecDeque<Value>,
}

impl Cdp {
    pub(crate) fn connect(url: &str) -> Self {
        let authority = url.split('/').nth(2).unwrap();
        let stream = TcpStream::connect(authority).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        Self { socket, next: 1, events: VecDeque::new() }
    }

    /// A client, and its session in the first page.
    pub(crate) fn on_page(url: &str) -> (Self, String) {
        let mut cdp = Self::connect(url);
        let page = cdp.call(None, "Target.getTargets", json!({})).unwrap()["targetInfos"][0]["targetId"].take();
        let session = cdp.attach(&page);
        (cdp, session)
    }

    pub(crate) fn attach(&mut self, target: &Value) -> String {
        let params = json!({ "targetId": target, "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", params).unwrap();
        assert_eq!(self.event("Target.attachedToTarget", Duration::ZERO).unwrap()["sessionId"], attached["sessionId"]);
        attached["sessionId"].as_str().unwrap().to_owned()
    }

    /// Calls a method; an error is its message.
    pub(crate) fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Result<Value, String> {
        let id = self.send(session, method, params)?;
        self.answer(id)
    }

    /// Calls it and leaves the answer for later; returns the call's number.
    pub(crate) fn send(&mut self, session: Option<&str>, method: &str, params: Value) -> Result<u64, String> {
        let id = self.next;
        self.next += 1;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.socket.send(Message::Text(message.to_string().into())).map_err(|error| format!("closed: {error}"))?;
        Ok(id)
    }

    pub(crate) fn answer(&mut self, id: u64) -> Result<Value, String> {
        loop {
            let mut message = self.read()?;
            if message["id"] != id {
                self.events.push_back(message);
            } else if let Some(error) = message.get("error") {
                return Err(error["message"].as_str().unwrap_or_default().to_owned());
            } else {
                return Ok(message["result"].take());
            }
        }
    }

    /// Evaluates an expression in the page, a promise included.
    pub(crate) fn evaluate(&mut self, session: &str, expression: &str) -> Result<Value, String> {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true });
        Ok(self.call(Some(session), "Runtime.evaluate", params)?["result"]["value"].take())
    }

    /// The parameters of the next such event, those before it forgotten; `None` if the time is up.
    pub(crate) fn event(&mut self, method: &str, patience: Duration) -> Option<Value> {
        let until = Instant::now() + patience;
        loop {
            while let Some(mut event) = self.events.pop_front() {
                if event["method"] == method {
                    return Some(event["params"].take());
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.get_ref().set_read_timeout(Some(left)).unwrap();
            let read = self.read();
            self.socket.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            self.events.push_back(read.ok()?);
        }
    }

    /// Everything heard so far, as text.
    pub(crate) fn heard(&self) -> String {
        self.events.iter().map(Value::to_string).collect()
    }

    fn read(&mut self) -> Result<Value, String> {
        loop {
            match self.socket.read().map_err(|error| format!("closed: {error}"))? {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return Err("closed".to_owned()),
                _ => {}
            }
        }
    }
}

/// A plain HTTP request; its status line and body.
pub(crate) fn get(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}
