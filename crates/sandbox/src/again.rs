//! Starting a program of Freehold's own once more beside this one, for a Freehold that is only rehearsed.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Starts it with these arguments, an empty environment and pipes. It dies with the thread that starts it, and is not confined: it
/// confines what it starts itself.
pub fn start_beside(program: &Path, args: &[&str]) -> io::Result<Child> {
    // R3 is kept here: this is the crate that starts processes.
    #[allow(clippy::disallowed_methods)]
    let mut command = Command::new(program);
    command.args(args.iter().map(OsStr::new)).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Safety: between fork and exec this makes one system call, and allocates nothing.
    #[expect(unsafe_code, reason = "there is no safe way to set what happens when the parent dies")]
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).map_err(io::Error::from)
        });
    }
    command.spawn()
}
