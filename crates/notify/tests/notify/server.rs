//! The servers: made for one test, on a port of this machine, gone with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use freehold_notify::Message;
use serde_json::Value;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What every test sends.
pub fn message() -> Message {
    Message {
        id: "msg_01hzzz00000000000000000001".to_owned(),
        title: "Letterbox".to_owned(),
        body: "The provider asks for a code.".to_owned(),
        link: "https://freehold.example.org/interactions/int_1".to_owned(),
        urgent: true,
    }
}

/// An authority and a certificate of its for `localhost`, in a directory of their own.
pub struct Certificate {
    dir: tempfile::TempDir,
}

impl Certificate {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=test authority' \
             -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem && \
             openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
             -CA ca.pem -CAkey ca.key -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
             -keyout server.key -out server.pem";
        let made = command("sh").args(["-c", script]).current_dir(dir.path()).output().expect("sh runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { dir }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn authority(&self) -> String {
        std::fs::read_to_string(self.path("ca.pem")).expect("the authority's certificate")
    }
}

/// The SMTP server, in one of its moods.
pub struct Smtp {
    child: Child,
    pub port: u16,
    lines: Receiver<Value>,
}

impl Smtp {
    pub fn start(mood: &str, certificate: &Certificate) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notify/smtp.py");
        let mut child = command("/usr/bin/python3")
            .arg(script)
            .arg(mood)
            .args([certificate.path("server.pem"), certificate.path("server.key")])
            .stdout(Stdio::piped())
            // What it thinks of the clients it is made for.
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 runs");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (say, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = say.send(serde_json::from_str(&line).expect("a line of JSON"));
            }
        });
        let first: Value = lines.recv_timeout(PATIENCE).expect("its port: is Debian's python3-aiosmtpd installed?");
        let port = first["port"].as_u64().expect("a port").try_into().expect("a port");
        Self { child, port, lines }
    }

    /// The message it took over.
    pub fn taken(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("a message")
    }

    /// Whether it took none over.
    pub fn took_none(&self) -> bool {
        self.lines.try_recv().is_err()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that answers one request with these bytes, and hands over what it was sent. With nothing to answer it stays silent.
pub fn answering(answer: &'static [u8]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (say, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let request = read_request(&mut stream);
        stream.write_all(answer).expect("answered");
        // The test may be over.
        let _ = say.send(request);
        if answer.is_empty() {
            let _ = stream.read(&mut [0]);
        }
    });
    (port, heard)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).expect("a request");
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            length.is_some_and(|length| length.parse() == Ok(body.len()))
        });
        if whole || read == 0 {
            return text;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test starts the servers it sends to")]
fn command(program: &str) -> Command {
    Command::new(program)
}
