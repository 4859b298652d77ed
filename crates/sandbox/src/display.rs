//! A display of a browser's own: an X server beside it, in its namespaces and under its uid, for nobody else to reach.
//!
//! Its one socket is below the browser's `/tmp`, which is the `tmp` of its scratch directory; it has no TCP port and no abstract socket,
//! which namespaces of mounts would not keep apart. Whoever gets to the socket has the browser's uid, so there is no cookie to ask for.

use std::fs::DirBuilder;
use std::io::{self, Read, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};

/// Where an X server makes its sockets, and looks for other servers.
pub(crate) const TEMPORARY: &str = "/tmp";

/// What starting it is called where it fails.
pub(crate) const STEP: &str = "start a private display";

/// What the browser finds it by.
pub(crate) const VARIABLE: (&str, &str) = ("DISPLAY", ":0");

/// A display to start with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// The X server that needs no screen, `Xvfb`.
    pub server: PathBuf,
    /// Its width and height in pixels.
    pub size: (u32, u32),
}

impl Display {
    /// Starts it, and returns when it takes connections: some tens of milliseconds. It ends with the run.
    pub(crate) fn start(&self) -> io::Result<()> {
        // It would make the directory itself if it were root.
        DirBuilder::new().mode(0o700).create(format!("{TEMPORARY}/.X11-unix"))?;
        let (mut ready, end) = pipe()?;
        let (width, height) = self.size;
        // R3 is kept here: this is the crate that starts processes.
        #[allow(clippy::disallowed_methods)]
        let mut command = Command::new(&self.server);
        command.arg(VARIABLE.1).args(["-screen", "0", &format!("{width}x{height}x24")]);
        command.args(["-nolisten", "tcp", "-nolisten", "local", "-noreset"]);
        // The browser draws by itself. Without it the server is ready sooner and takes 50 MiB less.
        command.args(["-extension", "GLX"]);
        command.args(["-displayfd", &end.as_raw_fd().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).env_clear();
        command.env("PATH", crate::visible::SEARCH_PATH.join(":"));
        fcntl_setfd(&end, FdFlags::empty())?;
        command.spawn()?;
        drop(end);
        let mut number = String::new();
        ready.read_to_string(&mut number)?;
        if number.trim().is_empty() {
            return Err(io::Error::other("the X server ended before it was ready"));
        }
        Ok(())
    }
}
