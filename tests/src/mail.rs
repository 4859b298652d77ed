//! A real SMTP server that signs in over a plain line, as one on this machine may: Debian's python3-aiosmtpd.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::Value;

use crate::source::root;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server, for Maria with the password `right-canary`.
pub struct Smtp {
    child: Child,
    port: u64,
    lines: Receiver<Value>,
}

impl Smtp {
    /// Starts it.
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test starts the servers it sends to")]
        let mut python = Command::new("/usr/bin/python3");
        python.arg(root().join("crates/notify/tests/notify/smtp.py")).arg("plain");
        let mut child = python.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 runs");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (say, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = say.send(serde_json::from_str(&line).expect("a line of JSON"));
            }
        });
        let first: Value = lines.recv_timeout(PATIENCE).expect("its port: is Debian's python3-aiosmtpd installed?");
        Self { child, port: first["port"].as_u64().expect("a port"), lines }
    }

    /// The settings of a channel that leads here, one a line, as `freehold notify add email` takes them.
    pub fn settings(&self) -> String {
        format!(
            "to=maria@example.org\nfrom=freehold@example.org\nhost=127.0.0.1\nport={}\nsecurity=none\nusername=maria\n\
             password=right-canary\n",
            self.port
        )
    }

    /// The next message it took over.
    pub fn taken(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("a message")
    }

    /// Whether it took none over that was not asked for yet.
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
