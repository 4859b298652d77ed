//! A Freehold server that this tool starts, watches and stops: by its own process, never by name.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::command::program;

const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Where one server's files are, and where it listens.
pub(crate) struct Place {
    /// Everything below here is the server's.
    pub(crate) folder: PathBuf,
    /// Where its console is.
    pub(crate) address: SocketAddr,
    /// The program.
    pub(crate) binary: PathBuf,
}

impl Place {
    /// Writes the configuration: data, key and socket apart from each other, as the operator's guide says. The server makes its own
    /// folders, with the permissions it wants. `more` is TOML to follow the settings.
    pub(crate) fn prepare(&self, connectors: Option<&Path>, more: &str) -> anyhow::Result<()> {
        let beside = self.folder.join("config");
        std::fs::create_dir_all(&beside).with_context(|| format!("{} cannot be made", beside.display()))?;
        let quoted = |path: &Path| toml_string(&path.to_string_lossy());
        let mut text = format!(
            "listen = \"{}\"\ndata_dir = {}\nkey_file = {}\nruntime_dir = {}\n",
            self.address,
            quoted(&self.folder.join("data")),
            quoted(&self.folder.join("config/vault.key")),
            quoted(&self.folder.join("run")),
        );
        if let Some(connectors) = connectors {
            text.push_str(&format!("connector_dirs = [{}]\n", quoted(connectors)));
        }
        text.push_str(more);
        std::fs::write(self.config(), text).with_context(|| format!("{} cannot be written", self.config().display()))
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("config/config.toml")
    }

    /// The program with this server's configuration, to be given a subcommand.
    pub(crate) fn freehold(&self) -> Command {
        let mut command = program(&self.binary);
        command.arg("--config").arg(self.config());
        command
    }

    /// Starts the server.
    pub(crate) fn serve(&self, stdout: Stdio, stderr: Stdio) -> anyhow::Result<Server> {
        let mut command = self.freehold();
        // In a process group of its own, the terminal's Ctrl-C reaches it once: through this tool.
        command.arg("serve").stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
        let child = command.spawn().with_context(|| format!("{} did not start", self.binary.display()))?;
        Ok(Server { child, address: self.address })
    }
}

/// A server under way. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) child: Child,
    address: SocketAddr,
}

impl Server {
    /// Waits until `path` is answered with anything but a server error, and returns the whole answer.
    pub(crate) fn wait_for(&mut self, path: &str, limit: Duration) -> anyhow::Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("Freehold ended with {status} before it answered; the lines above say why");
            }
            match get(self.address, path) {
                Ok(answer) if !answer.starts_with("HTTP/1.1 5") => return Ok(answer),
                _ if Instant::now() > deadline => bail!("Freehold does not answer at http://{}{path}", self.address),
                _ => wait_a_little(),
            }
        }
    }

    /// Asks it to stop and waits; after a while it is ended.
    pub(crate) fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)?;
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            wait_a_little();
        }
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// A line of `/proc/PID/status`, in KiB: `VmRSS` for now, `VmHWM` for the most so far.
    pub(crate) fn memory_kib(&self, line: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next());
        value.and_then(|value| value.parse().ok()).with_context(|| format!("{line} is not in /proc/PID/status"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// A loopback address nobody listens on: the wanted port if it is free, else any.
pub(crate) fn free_address(wanted: u16) -> anyhow::Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?)
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The time between two looks at another process.
pub(crate) fn wait_a_little() {
    #[expect(clippy::disallowed_methods, reason = "another process's start and end have no event to wait for here")]
    std::thread::sleep(Duration::from_millis(2));
}

fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
