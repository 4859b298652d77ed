//! A real Dovecot in a directory of its own, on loopback ports the system picks: the mailbox that the `imap` connector's tests
//! read, and the demo mailbox of `cargo xtask run`.
//!
//! It needs Debian's `dovecot-imapd` (which brings `openssl`) and runs as root or as an ordinary user. Nothing outside the given
//! directory is touched, and the server ends when the [`Dovecot`] is dropped.

mod certificate;
mod config;
pub mod demo;
mod mailbox;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fs, io};

pub use mailbox::Message;

/// Debian puts the server where an ordinary user's PATH does not look.
const PROGRAM: &str = "/usr/sbin/dovecot";
const START_LIMIT: Duration = Duration::from_secs(20);

/// Why the mail server could not be started or changed.
#[derive(Debug, thiserror::Error)]
pub enum DovecotError {
    /// The package is not installed.
    #[error("Dovecot is not at {PROGRAM}: install Debian's package dovecot-imapd")]
    NotInstalled,
    /// A file of its directory could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A helper program (`openssl`, `doveadm`, `id`) could not do its part.
    #[error("{program} failed: {detail}")]
    Program {
        /// The program's name.
        program: String,
        /// What it printed, or why it did not start.
        detail: String,
    },
    /// The server ended, or said nothing, before it was ready.
    #[error("Dovecot did not start; its log says:\n{log}")]
    NotReady {
        /// The log up to that moment.
        log: String,
    },
}

/// One login of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The login name, an address such as `maria@example.test`.
    pub name: String,
    /// Its password. Only test and demo mailboxes have one that can be printed.
    pub password: String,
}

/// A running mail server. Dropping it stops the server; its directory stays and can be started again.
#[derive(Debug)]
pub struct Dovecot {
    /// Plain IMAP with STARTTLS, on 127.0.0.1.
    pub imap_port: u16,
    /// IMAP over TLS, on 127.0.0.1 with a certificate for `localhost` and `127.0.0.1`.
    pub imaps_port: u16,
    /// The certificate authority, made for this directory alone, that signed the server's certificate (PEM).
    pub ca_pem: String,
    /// Who can sign in.
    pub users: Vec<User>,
    dir: PathBuf,
    owner: config::MailOwner,
    child: Option<Child>,
    log: Option<JoinHandle<()>>,
}

impl Dovecot {
    /// Starts a server in `dir` (made if absent, and made traversable for the unprivileged user that reads mail when this runs
    /// as root) and returns when it accepts connections. Mail, certificates and, where still free, ports of the last start are kept.
    ///
    /// # Errors
    /// [`DovecotError`] names the missing package, the file, or the server's own complaint.
    pub fn start(dir: &Path, users: &[User]) -> Result<Self, DovecotError> {
        if !Path::new(PROGRAM).exists() {
            return Err(DovecotError::NotInstalled);
        }
        let owner = config::MailOwner::for_this_process()?;
        config::make_directories(dir, &owner)?;
        let ca_pem = certificate::ensure(dir)?;
        config::write_users(dir, users)?;
        let mut started = None;
        // Whoever was told the last ports finds the same server again. Another process may take a port between its discovery and its
        // use, so a failed start tries other ones.
        for ports in [config::last_ports(dir).filter(are_free), None, None] {
            let (imap_port, imaps_port) = ports.map_or_else(free_ports, Ok).map_err(at(dir))?;
            config::write(dir, &owner, imap_port, imaps_port)?;
            match launch(dir, imap_port) {
                Ok((child, log)) => {
                    started = Some(Ok((imap_port, imaps_port, child, log)));
                    break;
                }
                Err(error) => started = Some(Err(error)),
            }
        }
        let (imap_port, imaps_port, child, log) = started.unwrap_or(Err(DovecotError::NotReady { log: String::new() }))?;
        Ok(Self {
            imap_port,
            imaps_port,
            ca_pem,
            users: users.to_vec(),
            dir: dir.to_owned(),
            owner,
            child: Some(child),
            log: Some(log),
        })
    }

    /// Stops the server and waits until it is gone and its log complete. Stopping twice does nothing.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM);
        let _ = child.wait();
        if let Some(log) = self.log.take() {
            let _ = log.join();
        }
    }

    /// The server's log so far; complete after [`Dovecot::stop`].
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(log_path(&self.dir)).unwrap_or_default()
    }

    /// Changes a password and returns once the server uses the new one.
    ///
    /// # Errors
    /// [`DovecotError`] if the file cannot be written or the server keeps the old password.
    pub fn set_password(&mut self, user: &str, password: &str) -> Result<(), DovecotError> {
        for known in self.users.iter_mut().filter(|known| known.name == user) {
            password.clone_into(&mut known.password);
        }
        config::write_users(&self.dir, &self.users)?;
        // The server's own answer is what tells that it has noticed.
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match self.doveadm(&["auth", "test", user, password]) {
                Err(_) if Instant::now() < deadline => {}
                result => return result,
            }
        }
    }

    /// Puts a message into a folder (`INBOX`, `Archive/2024`), which is made if absent.
    ///
    /// # Errors
    /// [`DovecotError::File`] if the message cannot be written.
    pub fn deliver(&self, user: &str, folder: &str, message: &Message) -> Result<(), DovecotError> {
        mailbox::deliver(&self.mail_home(user), folder, message, &self.owner)
    }

    /// Removes the messages a `doveadm-search-query(7)` finds (`["uid", "3"]`) from a folder.
    ///
    /// # Errors
    /// [`DovecotError::Program`] with what `doveadm` said.
    pub fn expunge(&self, user: &str, folder: &str, query: &[&str]) -> Result<(), DovecotError> {
        self.doveadm(&[&["expunge", "-u", user, "mailbox", folder], query].concat())
    }

    /// Adds a flag (`\Flagged`) to the messages a search query finds in a folder.
    ///
    /// # Errors
    /// [`DovecotError::Program`] with what `doveadm` said.
    pub fn add_flag(&self, user: &str, folder: &str, flag: &str, query: &[&str]) -> Result<(), DovecotError> {
        self.doveadm(&[&["flags", "add", "-u", user, flag, "mailbox", folder], query].concat())
    }

    /// Moves the messages a search query finds from one folder to another.
    ///
    /// # Errors
    /// [`DovecotError::Program`] with what `doveadm` said.
    pub fn move_messages(&self, user: &str, from: &str, to: &str, query: &[&str]) -> Result<(), DovecotError> {
        self.doveadm(&[&["move", "-u", user, to, "mailbox", from], query].concat())
    }

    /// Gives a folder the next UIDVALIDITY, as a rebuilt mail server would: every UID a client knows becomes meaningless.
    ///
    /// # Errors
    /// [`DovecotError::Program`] with what `doveadm` said.
    pub fn bump_uidvalidity(&self, user: &str, folder: &str) -> Result<(), DovecotError> {
        let now = self.doveadm_output(&["-f", "flow", "mailbox", "status", "-u", user, "uidvalidity", folder])?;
        let next = now.rsplit('=').next().and_then(|value| value.trim().parse::<u32>().ok()).map(|value| value + 1);
        let next = next.ok_or(DovecotError::Program { program: "doveadm mailbox status".to_owned(), detail: now })?;
        self.doveadm(&["mailbox", "update", "-u", user, "--uid-validity", &next.to_string(), folder])
    }

    /// Whether the user has any mail here yet.
    #[must_use]
    pub fn has_mail(&self, user: &str) -> bool {
        self.mail_home(user).exists()
    }

    fn mail_home(&self, user: &str) -> PathBuf {
        self.dir.join("mail").join(user)
    }

    fn doveadm(&self, arguments: &[&str]) -> Result<(), DovecotError> {
        self.doveadm_output(arguments).map(drop)
    }

    fn doveadm_output(&self, arguments: &[&str]) -> Result<String, DovecotError> {
        let config = config::path(&self.dir);
        run("/usr/bin/doveadm", &[&["-c", &config.to_string_lossy()], arguments].concat())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(dir: &Path, imap_port: u16) -> Result<(Child, JoinHandle<()>), DovecotError> {
    let mut child = command(PROGRAM)
        .arg("-F")
        .arg("-c")
        .arg(config::path(dir))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(at(Path::new(PROGRAM)))?;
    let Some(stderr) = child.stderr.take() else {
        return Err(DovecotError::NotReady { log: "no standard error".to_owned() });
    };
    let path = log_path(dir);
    let mut file = fs::File::create(&path).map_err(at(&path))?;
    let (ready, is_ready) = mpsc::channel();
    let log = std::thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let _ = file.write_all(&line).and_then(|()| file.write_all(b"\n"));
            if line.windows(11).any(|part| part == b"starting up") {
                let _ = ready.send(());
            }
        }
    });
    if is_ready.recv_timeout(START_LIMIT).is_err() || greeting(imap_port).is_err() {
        let _ = child.kill();
        let _ = child.wait();
        let _ = log.join();
        return Err(DovecotError::NotReady { log: fs::read_to_string(&path).unwrap_or_default() });
    }
    Ok((child, log))
}

/// Waits for the first line a client gets: the helper processes are up by then, and a server stopped before that takes seconds.
fn greeting(port: u16) -> io::Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(START_LIMIT))?;
    match BufReader::new(stream).read_line(&mut String::new())? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("dovecot.log")
}

fn free_ports() -> io::Result<(u16, u16)> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let second = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok((first.local_addr()?.port(), second.local_addr()?.port()))
}

fn are_free((first, second): &(u16, u16)) -> bool {
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    is_free(*first) && is_free(*second)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DovecotError {
    let path = path.to_owned();
    move |source| DovecotError::File { path, source }
}

fn run(program: &str, arguments: &[&str]) -> Result<String, DovecotError> {
    let failed = |detail| DovecotError::Program { program: program.to_owned(), detail };
    let output = command(program).args(arguments).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this fixture's whole purpose is to run a mail server; no product code depends on it"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maria() -> User {
        User { name: "maria@example.test".to_owned(), password: "first".to_owned() }
    }

    fn accepts(dovecot: &Dovecot, password: &str) -> bool {
        dovecot.doveadm(&["auth", "test", "maria@example.test", password]).is_ok()
    }

    #[test]
    fn a_changed_password_replaces_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut dovecot = Dovecot::start(dir.path(), &[maria()]).unwrap();
        assert!(accepts(&dovecot, "first"));
        assert!(!accepts(&dovecot, "other"));
        dovecot.set_password("maria@example.test", "other").unwrap();
        assert!(accepts(&dovecot, "other"));
        assert!(!accepts(&dovecot, "first"));
    }

    #[test]
    fn the_demo_mailbox_is_complete_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut dovecot = Dovecot::start(dir.path(), &[maria()]).unwrap();
        demo::fill(&dovecot, "maria@example.test").unwrap();
        dovecot.stop();
        let (ca, ports) = (dovecot.ca_pem.clone(), (dovecot.imap_port, dovecot.imaps_port));
        let dovecot = Dovecot::start(dir.path(), &[maria()]).unwrap();
        assert_eq!(dovecot.ca_pem, ca);
        assert_eq!((dovecot.imap_port, dovecot.imaps_port), ports);
        let status = dovecot
            .doveadm_output(&["-f", "flow", "mailbox", "status", "-t", "-u", "maria@example.test", "messages", "*"])
            .unwrap();
        assert_eq!(status.trim(), format!("messages={}", demo::messages("maria@example.test").len()));
    }

    #[test]
    fn a_stopped_server_accepts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut dovecot = Dovecot::start(dir.path(), &[maria()]).unwrap();
        dovecot.stop();
        assert!(std::net::TcpStream::connect(("127.0.0.1", dovecot.imap_port)).is_err());
    }
}
