//! What a process does to itself: the server's hardening, and its one re-execution.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{DumpableBehavior, Resource, set_dumpable_behavior};

use crate::limits::lower;

/// Makes this process's memory, environment and descriptors unreadable to other processes of the same user, and forbids core
/// dumps. To be called at the start of `main`, after [`reexec`]; a new program image is readable again.
pub fn harden_self() -> io::Result<()> {
    lower(Resource::Core, 0)?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Replaces this process by the same program, with the same arguments and exactly this environment (R1). Returns only if it failed.
pub fn reexec(env: &[(OsString, OsString)]) -> io::Error {
    let mut args = std::env::args_os();
    // R3 is kept here: this is the crate that starts processes.
    #[allow(clippy::disallowed_methods)]
    let mut command = Command::new(own_program());
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    command.args(args).env_clear().envs(env.iter().map(|(name, value)| (name, value))).exec()
}

/// This program's path, as long as the same file is still there: then process lists show its name. Otherwise (the file was
/// replaced while it ran) the link that always leads to it.
fn own_program() -> PathBuf {
    let link = Path::new("/proc/self/exe");
    let same = |path: &Path| {
        let (named, running) = (path.metadata()?, link.metadata()?);
        io::Result::Ok((named.dev(), named.ino()) == (running.dev(), running.ino()))
    };
    link.read_link().ok().filter(|path| same(path).unwrap_or(false)).unwrap_or_else(|| link.to_owned())
}
