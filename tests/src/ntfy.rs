//! A stand-in for an ntfy server: it takes messages over, and may leave whoever sends one without an answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server, on a port of its own.
pub struct Ntfy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    heard: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<Taken>,
    is_silent: bool,
}

/// A message it took over.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its title and its text, as they are shown.
    pub text: String,
    /// What it was sent with: `Bearer …`, or nothing.
    pub authorization: String,
}

impl Ntfy {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared: Arc<Shared> = Arc::default();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { port, shared }
    }

    /// The settings of a channel that leads here, one a line, as `freehold notify add ntfy` takes them.
    pub fn settings(&self, token: &str) -> String {
        let token = if token.is_empty() { String::new() } else { format!("token={token}\n") };
        format!("server=http://127.0.0.1:{}\ntopic=freehold-x\n{token}", self.port)
    }

    /// From now on it takes messages over as ever, and says nothing to it; or it speaks again.
    pub fn be_silent(&self, is_silent: bool) {
        self.shared.state().is_silent = is_silent;
    }

    /// What it took over.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.state().messages.clone()
    }

    /// Waits until it has taken over so many, and returns them.
    pub fn wait_for(&self, number: usize) -> Vec<Taken> {
        let until = Instant::now() + PATIENCE;
        let mut state = self.shared.state();
        while state.messages.len() < number {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{number} messages were expected: {:?}", state.messages);
            (state, _) = self.shared.heard.wait_timeout(state, left).expect("no panic in between");
        }
        state.messages.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic in between")
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(taken) = read(&mut stream) else { return };
        let mut state = self.state();
        state.messages.push(taken);
        let is_silent = state.is_silent;
        drop(state);
        self.heard.notify_all();
        if is_silent {
            // Until whoever asked is gone.
            let _ = stream.read(&mut [0]);
        } else {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"id\":\"abc\"}");
        }
    }
}

/// One whole message; nothing if whoever sent it was gone before it was whole.
fn read(stream: &mut TcpStream) -> Option<Taken> {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let Ok(body) = serde_json::from_str::<Value>(body) else { continue };
        let named = |line: &str| {
            Some(line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))?.1.trim().to_owned())
        };
        let authorization = head.lines().find_map(named).unwrap_or_default();
        let part = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        return Some(Taken { text: format!("{}: {}", part("title"), part("message")), authorization });
    }
}
