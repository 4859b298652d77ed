//! The inside stage: confines itself, and becomes the child.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::Mode;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{
    DumpableBehavior, PidfdFlags, Signal, getpid, pidfd_open, set_dumpable_behavior, set_parent_process_death_signal, umask,
};
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

use crate::launcher::LAUNCHER_FAILED;
use crate::wire::{self, Plan, Progress};
use crate::{display, file_access, syscalls};

/// Descriptors from here on are in nobody's way when 0 to 4 are laid out for a browser.
const ABOVE_HANDED_OVER: i32 = 10;

/// A step that failed, and what the system said.
struct Failure {
    step: &'static str,
    detail: String,
}

/// Confines this process and becomes the child; returns the exit code only when that failed, which the server has then been told.
pub(crate) fn run(channel: UnixStream) -> io::Result<i32> {
    // Out of the way of the two descriptors a browser is handed.
    let mut channel = UnixStream::from(fcntl_dupfd_cloexec(channel, ABOVE_HANDED_OVER)?);
    send_handle(&channel)?;
    let plan: Plan = wire::receive(&mut channel)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let Err(Failure { step, detail }) = confine(&plan).and_then(|()| become_child(&plan, &mut channel));
    wire::send(&mut channel, &Progress::Failed { step: step.to_owned(), detail })?;
    Ok(LAUNCHER_FAILED)
}

/// Sends the server a handle of this very process, valid across process namespaces.
fn send_handle(channel: &UnixStream) -> io::Result<()> {
    let handle = pidfd_open(getpid(), PidfdFlags::empty())?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let handles = [handle.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&handles));
    sendmsg(channel, &[IoSlice::new(&[1])], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// Takes on every layer of the plan; the order is that each step still may do what it needs.
fn confine(plan: &Plan) -> Result<(), Failure> {
    umask(Mode::RWXG | Mode::RWXO);
    close_on_exec().map_err(at("close descriptors"))?;
    // Counted before the uid changes, as another user's processes.
    let already = if plan.layers.own_uid.is_some() || plan.bubblewrap.is_some() { 0 } else { own_processes() };
    if let Some(uid) = plan.layers.own_uid {
        take_uid(uid).map_err(at("take on a uid of its own"))?;
    }
    set_no_new_privs(true).map_err(at("give up privileges"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(at("shut its memory"))?;
    // After the uid, which clears it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("tie its life to its parent's"))?;
    std::env::set_current_dir(&plan.folder).map_err(at("enter the connector's folder"))?;
    plan.limits.apply(already).map_err(at("set limits"))?;
    if let Some(abi) = plan.layers.landlock {
        file_access::restrict(plan, abi).map_err(at("apply Landlock"))?;
    }
    if plan.layers.seccomp {
        syscalls::restrict(plan.network, plan.bubblewrap.is_some()).map_err(at("filter system calls"))?;
    }
    Ok(())
}

/// Tells the server what is in force, is sent the secrets, and becomes the program.
fn become_child(plan: &Plan, channel: &mut UnixStream) -> Result<std::convert::Infallible, Failure> {
    wire::send(channel, &Progress::Confined).map_err(at("report to the server"))?;
    let secrets = wire::receive_frame(channel).map_err(at("receive secrets"))?;
    let secrets = secrets.ok_or("the server closed the channel").map_err(at("receive secrets"))?;
    let secrets = wire::unpack(&secrets).ok_or("the message is cut off").map_err(at("receive secrets"))?;
    if let Some(display) = &plan.display {
        display.start().map_err(at(display::STEP))?;
    }
    if plan.browser_policies.is_some() {
        hand_over_pipes().map_err(at("hand over the debugging pipes"))?;
    }
    // R3 is kept here: this is the crate that starts processes.
    #[allow(clippy::disallowed_methods)]
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).env_clear().envs(plan.env.iter().map(|(name, value)| (name, value)));
    command.envs(secrets.into_iter().map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value))));
    Err(command.exec()).map_err(at("start the program"))
}

/// Sees to it that the child has its standard descriptors and no other.
fn close_on_exec() -> io::Result<()> {
    // SAFETY: the flag only marks descriptors; none is closed under anybody in this process (close_range(2)).
    #[allow(unsafe_code)]
    let answer = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Moves the standard input and output to descriptors 3 and 4, and puts nothing in their place.
fn hand_over_pipes() -> io::Result<()> {
    // The one that was opened is closed at once: its number may be 3 or 4.
    let null = fcntl_dupfd_cloexec(std::fs::File::options().read(true).write(true).open("/dev/null")?, ABOVE_HANDED_OVER)?;
    for (from, to) in [(0, 3), (1, 4), (null.as_raw_fd(), 0), (null.as_raw_fd(), 1)] {
        // SAFETY: 0 to 4 belong to no value of this process: the channel and the null device were moved above them, and what else
        // was inherited there is on its way out at exec.
        #[allow(unsafe_code)]
        let answer = unsafe { libc::dup2(from, to) };
        if answer == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Gives up root for good. The calls are the thread's own; there is no other thread here.
fn take_uid(uid: u32) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(uid));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    // Of no use without a program file that asks for them, but there is no reason to leave any.
    let none = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

/// How many processes and threads this user has: the kernel counts them all against the limit, where nothing separates the run.
fn own_processes() -> u64 {
    let own = format!("Uid:\t{}\t", rustix::process::getuid().as_raw());
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let statuses = processes.flatten().filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok());
    let threads = |status: &str| status.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse::<u64>().ok());
    statuses.filter(|status| status.contains(&own)).filter_map(|status| threads(&status)).sum()
}

fn at<E: Display>(step: &'static str) -> impl FnOnce(E) -> Failure {
    move |error| Failure { step, detail: error.to_string() }
}
