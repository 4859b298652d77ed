//! A viewer at the end of the live view's socket, as the console's page is one.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::freehold::Freehold;
use crate::screen::{CORNER, Cast, PRESSED, Picture, SIZE, Screen};

/// One who watches and drives.
pub(crate) struct Viewer {
    socket: WebSocket<TcpStream>,
    number: u64,
    frame: u64,
    /// Bytes of everything that came, but for signs of life.
    pub(crate) bytes: usize,
}

impl Viewer {
    /// Goes in by that port of this machine, which leads to the server.
    pub(crate) fn join(freehold: &Freehold, port: u16) -> Self {
        let address = format!("{}/api/v1/live", freehold.origin().replace("http", "ws"));
        let mut request = address.into_client_request().expect("an address");
        for (name, value) in [("Cookie", &freehold.cookie), ("Origin", &freehold.origin())] {
            request.headers_mut().insert(name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server");
        stream.set_nodelay(true).expect("an open socket");
        let (socket, _) = tungstenite::client(request, stream).expect("a socket");
        let mut viewer = Self { socket, number: 0, frame: 0, bytes: 0 };
        viewer.say(json!({ "ticket": freehold.ticket() }));
        let (width, height) = SIZE;
        viewer.say(json!({ "kind": "resize", "width": width, "height": height, "scale": 1, "touch": false }));
        viewer
    }

    /// Loads the page again.
    pub(crate) fn reload(&mut self) {
        self.say(json!({ "kind": "go", "way": "reload" }));
    }

    fn say(&mut self, said: Value) {
        self.socket.send(Message::text(said.to_string())).expect("an open socket");
    }

    /// The next message within that time.
    fn hear(&mut self, until: Instant) -> Option<Message> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.socket.get_ref().set_read_timeout(Some(left)).expect("an open socket");
        match self.socket.read() {
            Ok(message) => Some(message),
            Err(tungstenite::Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => panic!("the socket ended: {error}"),
        }
    }
}

impl Screen for Viewer {
    fn name(&self) -> &'static str {
        "Freehold"
    }

    fn press(&mut self, down: bool) {
        self.number += 1;
        let (x, y) = PRESSED;
        self.say(json!({
            "kind": "pointer", "number": self.number, "frame": self.frame, "action": if down { "down" } else { "up" },
            "x": x, "y": y, "button": "left", "buttons": u8::from(down), "clicks": 1, "modifiers": 0,
        }));
    }

    fn is_dark(&mut self, patience: Duration) -> Option<bool> {
        self.picture(patience).map(|jpeg| Picture::decode(&jpeg).is_dark(CORNER))
    }
}

impl Cast for Viewer {
    fn picture(&mut self, patience: Duration) -> Option<Vec<u8>> {
        let until = Instant::now() + patience;
        loop {
            match self.hear(until)? {
                Message::Binary(bytes) => {
                    self.bytes += bytes.len();
                    let number = |at: usize, length: usize| {
                        bytes[at..at + length].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
                    };
                    self.frame = number(8, 8);
                    self.say(json!({ "kind": "drawn", "frame": self.frame }));
                    return Some(bytes[number(4, 4) as usize..].to_vec());
                }
                Message::Text(text) if text.as_str() != r#"{"kind":"alive"}"# => self.bytes += text.len(),
                _ => {}
            }
        }
    }
}
