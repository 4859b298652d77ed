//! A Chromium that listens for its debugger on loopback, and small sites for it to look at: what a connector that uses a browser is
//! tested with, apart from the runtime.
//!
//! The runtime's own Chromium has no such port; this one stands in for the address the runtime hands to a connector. It needs
//! Debian's `chromium`, keeps everything in a directory that goes with it, and ends when the [`Chromium`] is dropped. As root it runs
//! as an unprivileged user, so that Chromium's own sandbox is on.

mod connector;
mod site;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

pub use connector::{Connector, Run};
pub use site::{Answer, Site};

/// Debian's program itself. The wrapper at /usr/bin reads the environment and files of the machine.
const PROGRAM: &str = "/usr/lib/chromium/chromium";
/// A user id no account has.
const UNPRIVILEGED: u32 = 70_001;
const START_LIMIT: Duration = Duration::from_secs(30);

/// Hosts that are played by a site of this machine, and how their certificate is known.
#[derive(Debug, Clone, Default)]
pub struct StandIns {
    /// Each host with the address that plays it, whatever the port asked for.
    pub hosts: Vec<(String, SocketAddr)>,
    /// The SHA-256 of the public key of their certificate, in base64; trusted by that alone.
    pub spki: Option<String>,
}

/// A running Chromium.
pub struct Chromium {
    /// The address of its debugger: `ws://127.0.0.1:PORT/devtools/browser/ID`.
    pub ws_url: String,
    child: Child,
    _folder: TempDir,
}

impl Chromium {
    /// Starts one with an empty page, and waits until it listens.
    ///
    /// # Errors
    /// If it is not installed or does not start; the error holds what it wrote.
    pub fn start(stand_ins: &StandIns) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = command(folder.path())?;
        if !stand_ins.hosts.is_empty() {
            let rules: Vec<_> = stand_ins.hosts.iter().map(|(host, address)| format!("MAP {host} {address}")).collect();
            command.arg(format!("--host-resolver-rules={}", rules.join(", ")));
        }
        if let Some(spki) = &stand_ins.spki {
            command.arg(format!("--ignore-certificate-errors-spki-list={spki}"));
        }
        let mut child = command
            .arg("about:blank")
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // One group, so that nothing of it outlives it.
            .process_group(0)
            .spawn()?;
        let written = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut chromium = Self { ws_url: String::new(), child, _folder: folder };
        chromium.ws_url = address(written)?;
        Ok(chromium)
    }

    /// Closes every page, as the runtime does to one that leaves the connector's hosts.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn close_pages(&self) -> io::Result<()> {
        let list = self.get("/json/list")?;
        let ids = list.split("\"id\": \"").skip(1).filter_map(|rest| rest.split('"').next());
        ids.map(|id| self.get(&format!("/json/close/{id}"))).try_for_each(|closed| closed.map(drop))
    }

    fn get(&self, path: &str) -> io::Result<String> {
        let host = self.ws_url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(START_LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut stream = BufReader::new(stream);
        let mut length = 0;
        for line in stream.by_ref().lines() {
            let line = line?.to_ascii_lowercase();
            if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse().map_err(io::Error::other)?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut answer = String::new();
        stream.take(length).read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.kill();
    }
}

#[expect(clippy::disallowed_methods, reason = "a stand-in for the runtime's browser; the sandbox has its own tests")]
fn command(folder: &Path) -> io::Result<Command> {
    let is_root = std::fs::metadata("/proc/self").map(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)?;
    let mut command = Command::new(PROGRAM);
    if is_root {
        chown(folder, Some(UNPRIVILEGED), Some(UNPRIVILEGED))?;
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    command.args([
        "--headless=new",
        "--remote-debugging-port=0",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--lang=en-US",
    ]);
    command.arg(format!("--remote-debugging-address={}", Ipv4Addr::LOCALHOST));
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    Ok(command)
}

/// The debugger's address, which it writes once it listens. What it writes after that is read and let go.
fn address(written: ChildStderr) -> io::Result<String> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        for line in BufReader::new(written).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                let _ = said.send(Ok(address.trim().to_owned()));
            }
            text.push_str(&line);
            text.push('\n');
            // Enough for an error to be read by; it writes for as long as it runs.
            if text.len() > 64 << 10 {
                text.clear();
            }
        }
        let _ = said.send(Err(io::Error::other(format!("Chromium ended before it listened: {text}"))));
    });
    heard.recv_timeout(START_LIMIT).unwrap_or_else(|_| Err(io::Error::other("Chromium did not listen in time")))
}
