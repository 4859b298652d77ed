//! The supervisor: outside the sandbox, the parent of all that a run starts. It never sees a secret.
//!
//! Its life is the run's. While it lives every orphan of the run becomes its child, so that "no children left" means that nothing of
//! the run is left; when it ends, however that happens, what it started is killed by the kernel.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group, set_child_subreaper, setsid, wait,
};

use crate::launcher::{INSIDE, LAUNCH_COMMAND, LAUNCHER_FAILED};
use crate::wire::{self, Plan};
use crate::{bubblewrap, process};

/// Starts the inside stage and stays until nothing of the run is left. Returns the exit code to end with: the child's own, or 128
/// and the number of the signal that ended it.
///
/// `control` brings the plan, and its end is the order to kill everything: the server closes it, or dies. `channel` is for the
/// inside stage.
pub(crate) fn run(mut control: File, channel: OwnedFd) -> io::Result<i32> {
    process::harden_self()?;
    // Away from the server's terminal: neither its interrupt key nor its input is for us.
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    let plan: Plan = wire::receive(&mut control)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let child = start(&plan, &channel)?;
    // Whoever reads or writes the child's pipes must see their end when the child closes them, not when we do.
    drop(channel);
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;

    let killing = Arc::new(AtomicBool::new(false));
    let order = Arc::clone(&killing);
    std::thread::spawn(move || {
        let _ = control.read(&mut [0]);
        order.store(true, Ordering::SeqCst);
        kill_children(child);
    });
    reap(child, &killing)
}

/// Starts the inside stage, by way of bubblewrap where the plan says so.
fn start(plan: &Plan, channel: &OwnedFd) -> io::Result<Pid> {
    // By descriptor, so that the launcher needs no place of its own among the sandbox's mounts.
    let launcher = File::open("/proc/self/exe")?;
    let launcher_path = format!("/proc/self/fd/{}", launcher.as_raw_fd());
    let mut inherited = vec![channel.try_clone()?, launcher.into()];
    let channel = inherited[0].as_raw_fd().to_string();

    // R3 is kept here: this is the crate that starts processes.
    #[allow(clippy::disallowed_methods)]
    let mut command = match &plan.bubblewrap {
        Some(path) => {
            let uid = plan.layers.own_uid.unwrap_or(rustix::process::getuid().as_raw());
            let gid = plan.layers.own_uid.unwrap_or(rustix::process::getgid().as_raw());
            let home = plan.scratch.join("home");
            let passwd = memory_file(&format!("connector:x:{uid}:{gid}::{}:/usr/sbin/nologin\n", home.display()))?;
            let group = memory_file(&format!("connector:x:{gid}:\n"))?;
            let mut command = Command::new(path);
            command.args(bubblewrap::arguments(plan, passwd.as_raw_fd(), group.as_raw_fd())).arg("--").arg(launcher_path);
            inherited.extend([passwd, group]);
            command
        }
        None => Command::new(launcher_path),
    };
    command.args([LAUNCH_COMMAND, INSIDE, &channel]).env_clear().process_group(0);
    for fd in &inherited {
        fcntl_setfd(fd, FdFlags::empty())?;
    }
    let child = command.spawn()?;
    Ok(Pid::from_child(&child))
}

/// A file of that content with no place on any disk, to be read from its start.
fn memory_file(content: &str) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("account", MemfdFlags::CLOEXEC)?);
    file.write_all(content.as_bytes())?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file.into())
}

/// Reaps children until there are none, and says how the run's own child ended. What the child leaves behind is killed.
fn reap(child: Pid, killing: &AtomicBool) -> io::Result<i32> {
    let mut code = LAUNCHER_FAILED;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) => {
                if ended == child {
                    code = exit_code(status);
                    killing.store(true, Ordering::SeqCst);
                }
                // What ended may have left us its own children.
                if killing.load(Ordering::SeqCst) {
                    kill_children(child);
                }
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(code),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills the child's process group in one stroke, which no fork can slip through, and every child of ours outside it.
fn kill_children(child: Pid) {
    let _ = kill_process_group(child, Signal::KILL);
    let own = getpid().as_raw_nonzero();
    let children = std::fs::read_to_string(format!("/proc/self/task/{own}/children")).unwrap_or_default();
    for pid in children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn exit_code(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(LAUNCHER_FAILED)
}
