//! The door: a loopback port that answers only below one secret path, over HTTP and as a WebSocket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::relay::Input;
use super::shared::Shared;

/// How long a visitor may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request.
const HEAD_LIMIT: usize = 16 << 10;
/// The longest message from a connector: a script or a fulfilled response.
const MESSAGE_LIMIT: usize = 64 << 20;
/// How much may wait for a connector that does not read.
const BACKLOG_LIMIT: usize = 256 << 20;
/// How many connections there may be at once. A program has one; one that starts again may not have closed its last.
const CONNECTIONS: usize = 4;

/// The way to one connector's socket.
pub(super) struct Outbox {
    to: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    stream: TcpStream,
}

impl Outbox {
    /// Sends it. A connector that does not read loses its connection rather than the server its memory.
    pub(super) fn send(&self, text: String) {
        if self.waiting.fetch_add(text.len(), Ordering::Relaxed) > BACKLOG_LIMIT {
            self.close();
            return;
        }
        // Its writer ends with its reader, which says so.
        let _ = self.to.send(Message::Text(text.into()));
    }

    /// Ends the connection at once.
    pub(super) fn close(&self) {
        // It may be closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Lets visitors in until told to stop, which it sees when the next one comes.
pub(super) fn open(
    listener: TcpListener,
    shared: Arc<Shared>,
    to: Sender<Input>,
    stop: Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    let next = Arc::new(AtomicU64::new(1));
    let inside = Arc::new(AtomicUsize::new(0));
    std::thread::Builder::new().name("connector browser door".to_owned()).spawn(move || {
        for stream in listener.incoming() {
            if stop.load(Ordering::Acquire) {
                break;
            }
            let Ok(stream) = stream else { continue };
            let (shared, to, next, inside) = (Arc::clone(&shared), to.clone(), Arc::clone(&next), Arc::clone(&inside));
            let visit = move || {
                if inside.fetch_add(1, Ordering::AcqRel) < 4 * CONNECTIONS {
                    // A visitor that goes away, or says nothing sensible, gets no more than that.
                    let _ = welcome(stream, &shared, &to, next.fetch_add(1, Ordering::Relaxed));
                }
                inside.fetch_sub(1, Ordering::AcqRel);
            };
            if let Err(error) = std::thread::Builder::new().name("connector browser".to_owned()).spawn(visit) {
                tracing::warn!(%error, "no thread for a connector's connection");
            }
        }
    })
}

fn welcome(mut stream: TcpStream, shared: &Shared, to: &Sender<Input>, number: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (head, rest) = read_head(&mut stream)?;
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let Some(below) = below_token(path, shared.token()) else { return not_found(&mut stream) };
    let header = |name: &str| {
        lines.clone().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
    };
    if let Some((_, key)) = header("sec-websocket-key") {
        if !matches!(below, "" | "/") || !shared.come_in(CONNECTIONS) {
            return not_found(&mut stream);
        }
        let accept = derive_accept_key(key.trim().as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes())?;
        stream.set_read_timeout(None)?;
        let ended = converse(stream, rest, to, number);
        shared.go_out();
        return ended;
    }
    match (method, below.trim_end_matches('/')) {
        ("GET", "/json/version") => json_answer(&mut stream, &shared.version()),
        ("GET", "/json" | "/json/list") => json_answer(&mut stream, &shared.listing()),
        _ => not_found(&mut stream),
    }
}

/// Passes on what a connector says until it goes, while another thread tells it what it hears.
fn converse(stream: TcpStream, rest: Vec<u8>, to: &Sender<Input>, number: u64) -> io::Result<()> {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
    let (out, outgoing) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let outbox = Outbox { to: out.clone(), waiting: Arc::clone(&waiting), stream: stream.try_clone()? };
    let writing = stream.try_clone()?;
    std::thread::Builder::new().name("connector browser out".to_owned()).spawn(move || {
        write(WebSocket::from_raw_socket(writing, Role::Server, None), &outgoing, &waiting);
    })?;
    if to.send(Input::Opened(number, outbox)).is_err() {
        // The relay has ended: nobody is there to speak to.
        return stream.shutdown(Shutdown::Both);
    }
    let mut socket = WebSocket::from_partially_read(Reading(stream), rest, Role::Server, Some(config));
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                if to.send(Input::Said(number, text.as_str().to_owned())).is_err() {
                    break;
                }
            }
            Ok(Message::Ping(payload)) => drop(out.send(Message::Pong(payload))),
            Ok(Message::Close(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let _ = out.send(Message::Close(None));
    let _ = to.send(Input::Closed(number));
    Ok(())
}

fn write(mut socket: WebSocket<TcpStream>, outgoing: &Receiver<Message>, waiting: &AtomicUsize) {
    for message in outgoing {
        let (size, last) = (if message.is_text() { message.len() } else { 0 }, message.is_close());
        if socket.send(message).is_err() || last {
            break;
        }
        waiting.fetch_sub(size, Ordering::Relaxed);
    }
    let _ = socket.get_ref().shutdown(Shutdown::Both);
}

/// The reading end: what the reader would write, the answers to pings, the writer writes.
struct Reading(TcpStream);

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Reading {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The request up to its empty line, and what came after it.
fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8(bytes).map_err(io::Error::other)?, rest));
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if bytes.len() > HEAD_LIMIT => return Err(io::ErrorKind::InvalidData.into()),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// What of a path is below the token, which is compared in the same time wherever it differs.
fn below_token<'a>(path: &'a str, token: &str) -> Option<&'a str> {
    let path = path.split('?').next()?.strip_prefix('/')?;
    let (given, below) = path.split_at_checked(token.len())?;
    let differs = given.bytes().zip(token.bytes()).fold(0, |differs, (one, other)| differs | (one ^ other));
    (differs == 0 && (below.is_empty() || below.starts_with('/'))).then_some(below)
}

fn json_answer(stream: &mut TcpStream, body: &Value) -> io::Result<()> {
    answer(stream, "200 OK", &body.to_string())
}

fn not_found(stream: &mut TcpStream) -> io::Result<()> {
    answer(stream, "404 Not Found", &json!({}).to_string())
}

fn answer(stream: &mut TcpStream, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = "Content-Type: application/json; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close";
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}")
}
