//! A deployment in a temporary directory, and its server.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "quiet-orchard-lantern-seven";

/// A configuration and what belongs to it.
pub(crate) struct Deployment {
    dir: TempDir,
    /// Where a server looks by itself on most machines, but with a name that can be removed.
    _scratch: TempDir,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With further lines of configuration, after the usual ones.
    pub(crate) fn with(lines: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
        let usual = format!(
            "scratch_dir = \"{1}\"\nlisten = \"127.0.0.1:0\"\ndata_dir = \"{0}/data\"\nkey_file = \"{0}/keys/vault.key\"\nruntime_dir = \"{0}/run\"\n",
            dir.path().display(),
            scratch.path().display()
        );
        std::fs::write(dir.path().join("config.toml"), usual + lines).unwrap();
        Self { dir, _scratch: scratch }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that only this user may read.
    pub(crate) fn secret_file(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// The program with this deployment's configuration, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = freehold();
        command.arg("--config").arg(self.path("config.toml")).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap(), self.dir.path())
    }

    /// Makes the owner, without a server and without a terminal.
    pub(crate) fn set_up(&self) {
        let passphrase = self.secret_file("passphrase", PASSPHRASE);
        let key = self.path("recovery-key").display().to_string();
        self.run(&["init", "--passphrase-file", &passphrase, "--recovery-key-file", &key]).succeeded();
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(self.command(&["serve"]))
    }
}

/// The program, with nothing of the tests' own surroundings that decides anything.
#[expect(clippy::disallowed_methods, reason = "a test of the program starts the program")]
pub(crate) fn freehold() -> Command {
    Command::new(env!("CARGO_BIN_EXE_freehold"))
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// With the temporary directory's name replaced, so that texts can be compared.
    pub(crate) fn of(output: Output, dir: &Path) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*dir.to_string_lossy(), "DIR");
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    pub(crate) child: Child,
    /// What it said when it was ready.
    pub(crate) announced: String,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut announced = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !announced.contains("Console") {
            if lines.read_line(&mut announced).unwrap() == 0 {
                let mut log = String::new();
                child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
                panic!("the server ended: {log}");
            }
        }
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, announced }
    }

    /// Sends a request to the console as a browser of that name does, and returns the whole answer.
    pub(crate) fn http(&self, request: &str, user_agent: &str, headers: &[(&str, &str)], body: &str) -> String {
        let (_, address) = self.announced.split_once("http://").unwrap();
        let address = address.split_whitespace().next().unwrap().trim_end_matches('/');
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nUser-Agent: {user_agent}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Signs in to the console as a browser of that name does, and returns its cookie.
    pub(crate) fn sign_in(&self, user_agent: &str) -> String {
        let answer = self.http("POST /sign-in", user_agent, &[], &format!("passphrase={PASSPHRASE}"));
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        cookie.unwrap_or_else(|| panic!("not signed in: {answer}")).to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop as a service manager does, and waits. Returns its exit code and its log.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
