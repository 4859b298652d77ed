//! A child that was started.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use crate::{Layers, SandboxError};

/// How long the kernel may take to bury a killed run; beyond that a process is stuck in it.
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// A running child and everything it starts. All methods may be called from several threads. Dropping it kills the run.
///
/// As a descriptor ([`AsFd`]) it becomes readable when the run has ended, for an event loop to watch.
pub struct Child {
    /// Its standard input. Take it, and drop it to close.
    pub stdin: Option<PipeWriter>,
    /// Its standard output. At its end nothing of the run holds it any more.
    pub stdout: Option<PipeReader>,
    /// Its standard error.
    pub stderr: Option<PipeReader>,
    pub(crate) layers: Layers,
    /// The child's own process.
    pub(crate) process: OwnedFd,
    pub(crate) supervisor: Supervisor,
}

/// The supervising process, as its parent sees it.
pub(crate) struct Supervisor {
    pub(crate) process: Mutex<std::process::Child>,
    pub(crate) handle: OwnedFd,
    /// Open as long as the run may live.
    pub(crate) control: Mutex<Option<PipeWriter>>,
}

impl Child {
    /// The layers in force around it.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Asks the child, and it alone, to end (`SIGTERM`). Not an error if it has ended.
    pub fn terminate(&self) -> Result<(), SandboxError> {
        match pidfd_send_signal(&self.process, Signal::TERM) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(SandboxError::Control { action: "asked to end", source: error.into() }),
        }
    }

    /// Kills the child and all it ever started, and returns when none of it is left.
    pub fn kill_tree(&self) -> Result<(), SandboxError> {
        self.supervisor.kill().map_err(|source| SandboxError::Control { action: "killed", source })
    }

    /// Waits until the child has ended and nothing of the run is left. The code is the child's, or 128 and the number of the signal
    /// that ended it (137 when killed).
    pub fn wait(&self) -> Result<ExitStatus, SandboxError> {
        let status = self.supervisor.wait(None).transpose().unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
        status.map_err(|source| SandboxError::Control { action: "waited for", source })
    }

    /// Its exit status if it has ended, as [`Child::wait`] gives it.
    pub fn try_wait(&self) -> Result<Option<ExitStatus>, SandboxError> {
        self.supervisor.wait(Some(Duration::ZERO)).map_err(|source| SandboxError::Control { action: "waited for", source })
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.supervisor.handle.as_fd()
    }
}

impl Supervisor {
    pub(crate) fn kill(&self) -> io::Result<()> {
        drop(self.control.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.wait(Some(KILL_DEADLINE))?
            .map(drop)
            .ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "a process is stuck in the kernel"))
    }

    /// The exit status, or `None` when the time is up.
    fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<ExitStatus>> {
        let timeout = timeout.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        // Waited for without the lock, so that others can ask and kill meanwhile.
        loop {
            match poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], timeout.as_ref()) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.process.lock().unwrap_or_else(PoisonError::into_inner).wait().map(Some)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Nothing to tell anybody; should it be stuck, the supervisor goes on by itself.
        let _ = self.kill();
    }
}
