//! The launcher: what the server's binary does when it is started as `freehold __launch`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::exit;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

use crate::{inside, supervisor};

/// The first argument that makes the binary a launcher.
pub const LAUNCH_COMMAND: &str = "__launch";

/// The stage that outlives the child; after it come the numbers of its control pipe and its channel.
pub(crate) const SUPERVISE: &str = "supervise";

/// The stage that becomes the child; after it comes the number of its channel.
pub(crate) const INSIDE: &str = "inside";

/// The exit code of a launcher stage that could do nothing; what went wrong was said elsewhere.
pub(crate) const LAUNCHER_FAILED: i32 = 125;

/// Runs a launcher stage, and then ends or becomes the child. To be called first of all in `main`, before any thread is started,
/// when the first argument is [`LAUNCH_COMMAND`].
pub fn launcher_main() -> ! {
    let args: Vec<_> = std::env::args().skip(2).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [SUPERVISE, control, channel] => {
            take(control).and_then(|control| Ok(supervisor::run(File::from(control), take(channel)?)))
        }
        [INSIDE, channel] => take(channel).map(|channel| inside::run(UnixStream::from(channel))),
        _ => Err(io::Error::other("freehold starts this command by itself; there is nothing to run it by hand for")),
    };
    let code = outcome.and_then(|code| code).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "launcher: {error}");
        LAUNCHER_FAILED
    });
    exit(code)
}

/// Takes over the inherited descriptor of that number, and keeps it from what is started next.
fn take(number: &str) -> io::Result<OwnedFd> {
    let number: RawFd = number.parse().map_err(io::Error::other)?;
    if number <= 2 {
        return Err(io::Error::other("not a descriptor of the launcher's"));
    }
    // SAFETY: this process was just started, the number is on its command line alone, and is taken once. Should the descriptor not
    // be there after all (the command run by hand), the next line fails and nothing is done with it.
    #[allow(unsafe_code)]
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    if let Err(error) = fcntl_getfd(&fd) {
        std::mem::forget(fd);
        return Err(error.into());
    }
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}
