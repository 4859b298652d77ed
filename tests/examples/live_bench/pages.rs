//! The pages that are watched, served to every browser of the bench alike.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One of them.
#[derive(Clone, Copy)]
pub(crate) enum Page {
    /// Black or white, the other one after each press.
    Turns,
    /// Moves, or stands still after the next press.
    Moves,
    /// A text field that has the focus.
    Field,
}

/// A site of which every address shows the same page.
pub(crate) struct Pages {
    /// Where it listens.
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    page: Page,
    asked: usize,
    typed: String,
}

impl Pages {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State { page: Page::Turns, asked: 0, typed: String::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // A connection that breaks is the browser's end.
                std::thread::spawn(move || answer(stream, &shared).ok());
            }
        });
        Self { port, state }
    }

    /// Shows this page from now on, to whoever asks.
    pub(crate) fn show(&self, page: Page) {
        let mut state = lock(&self.state);
        state.page = page;
        state.typed.clear();
    }

    /// How often a page was asked for.
    pub(crate) fn asked(&self) -> usize {
        lock(&self.state).asked
    }

    /// What was in the page's field when it was last told.
    pub(crate) fn typed(&self) -> String {
        lock(&self.state).typed.clone()
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut is_post, mut length) = (String::new(), false, 0);
    while reader.read_line(&mut line)? > 2 {
        is_post |= line.starts_with("POST");
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut state = lock(state);
    if is_post {
        state.typed = String::from_utf8_lossy(&body).into_owned();
    } else {
        state.asked += 1;
    }
    let page = match state.page {
        Page::Turns => include_str!("pages/turns.html"),
        Page::Moves => include_str!("pages/moves.html"),
        Page::Field => include_str!("pages/field.html"),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len())
}
