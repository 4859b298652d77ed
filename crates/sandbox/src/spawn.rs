//! Starting a child, as the server sees it.

use std::fs::{self, DirBuilder};
use std::io::{self, IoSliceMut, PipeReader, PipeWriter, Read, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown, lchown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use rustix::fs::{Gid, Uid, fchown};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::child::Supervisor;
use crate::display::{STEP as DISPLAY_STEP, VARIABLE};
use crate::host::Bubblewrap;
use crate::launcher::{LAUNCH_COMMAND, SUPERVISE};
use crate::program::Program;
use crate::visible::SEARCH_PATH;
use crate::wire::{self, Plan, Progress};
use crate::{Child, ChildSpec, Host, Kind, Layers, SandboxError, Strength};

/// A record stream needs far fewer switches between processes with a pipe of this size than with the usual 64 KiB.
const PIPE_BYTES: usize = 1 << 20;

/// Far beyond the tens of milliseconds a start takes, so that only a stuck one meets it.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// As much of what bubblewrap says as an error message can use.
const COMPLAINT_BYTES: u64 = 2000;

/// Starts a child, confined by what the host has. Returns when every layer is in force and the program has been started; takes
/// some tens of milliseconds, and blocks meanwhile.
pub fn spawn(host: &Host, spec: ChildSpec) -> Result<Child, SandboxError> {
    let layers = host.layers(&spec.kind);
    if spec.has_secret() && spec.strength == Strength::Full && !layers.suffice_for_secret() {
        return Err(SandboxError::TooWeak { layers });
    }
    let plan = plan(host, &spec, layers)?;
    let (mut launched, mut channel) = launch(host, &plan).map_err(|source| SandboxError::Start { source })?;
    let entered = enter(&mut channel, &spec);
    // On every failure dropping the supervisor kills what there is.
    match entered {
        Ok(Entry::Started(process)) => {
            let Launched { stdin, stdout, stderr, supervisor } = launched;
            Ok(Child {
                stdin: Some(stdin),
                stdout: Some(stdout),
                stderr: Some(stderr),
                layers: plan.layers,
                process,
                supervisor,
            })
        }
        Ok(Entry::Failed { step, detail }) => Err(SandboxError::Step { step, detail }),
        Ok(Entry::Gone) => Err(SandboxError::NotStarted { detail: launched.complaint() }),
        Err(error) => Err(SandboxError::NotStarted { detail: format!("the launcher fell silent ({error})") }),
    }
}

/// Checks what can be checked beforehand, prepares the scratch directory, and decides everything.
fn plan(host: &Host, spec: &ChildSpec, layers: Layers) -> Result<Plan, SandboxError> {
    let folder = spec.folder.canonicalize().map_err(|source| SandboxError::Folder { path: spec.folder.clone(), source })?;
    let program = Program::find(&spec.program, &folder, &host.search_path)?;
    let scratch_error = |source| SandboxError::Scratch { path: spec.scratch.clone(), source };
    let scratch = spec.scratch.canonicalize().map_err(scratch_error)?;
    for (name, value) in &spec.env {
        check_variable(name, value.as_bytes())?;
    }
    for (name, value) in &spec.secret_env {
        // R12: looked at only for the one byte that would cut the value short without a word.
        #[allow(clippy::disallowed_methods)]
        check_variable(name, value.expose())?;
    }
    if let Some(uid) = layers.own_uid {
        let shared =
            [folder.as_path(), program.path.as_path()].into_iter().chain(program.visible.iter().map(PathBuf::as_path));
        shared.clone().try_for_each(|path| reachable(path, path, 0o5))?;
        if !layers.bubblewrap {
            shared
                .chain([scratch.as_path()])
                .try_for_each(|path| path.ancestors().skip(1).try_for_each(|at| reachable(path, at, 0o1)))?;
        }
        prepare_scratch(&scratch, Some(uid)).map_err(scratch_error)?;
    } else {
        prepare_scratch(&scratch, None).map_err(scratch_error)?;
    }
    let in_scratch = |name: &str| scratch.join(name).to_string_lossy().into_owned();
    let fixed = [
        ("PATH", SEARCH_PATH.join(":")),
        ("HOME", in_scratch("home")),
        ("TMPDIR", in_scratch("tmp")),
        ("LANG", "C.UTF-8".into()),
    ];
    let (policies, display) = match &spec.kind {
        Kind::Program => (None, None),
        Kind::Browser { policies, display } => (Some(policies.clone()), display.clone()),
    };
    if display.is_some() && !layers.bubblewrap {
        let detail = "its socket would be open to the whole machine without bubblewrap".to_owned();
        return Err(SandboxError::Step { step: DISPLAY_STEP.to_owned(), detail });
    }
    let fixed = fixed.into_iter().chain(display.as_ref().map(|_| (VARIABLE.0, VARIABLE.1.to_owned())));
    let env = fixed.map(|(name, value)| (name.to_owned(), value)).chain(spec.env.iter().cloned()).collect();
    let bubblewrap = match &host.bubblewrap {
        Bubblewrap::Works(path) => Some(path.clone()),
        Bubblewrap::Fails(_) | Bubblewrap::Absent => None,
    };
    Ok(Plan {
        program: program.path,
        args: spec.args.clone(),
        folder,
        scratch,
        visible: program.visible,
        env,
        limits: spec.limits,
        network: spec.network,
        browser_policies: policies,
        display,
        bubblewrap,
        root: host.root,
        layers,
    })
}

/// The manifest's validation refuses these names too; here they would undo the confinement whoever asks.
fn check_variable(name: &str, value: &[u8]) -> Result<(), SandboxError> {
    let reason = if name.is_empty() || name.contains(['=', '\0']) {
        "it is not a variable's name"
    } else if matches!(name, "PATH" | "HOME" | "TMPDIR") {
        "the sandbox sets it"
    } else if name.starts_with("LD_") {
        "it changes what code every program loads"
    } else if value.contains(&0) {
        "its value has a zero byte in it"
    } else {
        return Ok(());
    };
    Err(SandboxError::Environment { name: name.to_owned(), reason })
}

/// Whether users other than its owner and group have these rights at `at`, a step on the way to `path`. A child's uid is in no group.
fn reachable(path: &Path, at: &Path, rights: u32) -> Result<(), SandboxError> {
    let mode = fs::metadata(at).map_err(|source| SandboxError::Folder { path: at.to_owned(), source })?.permissions().mode();
    if mode & rights == rights {
        Ok(())
    } else {
        Err(SandboxError::Unreachable { path: path.to_owned(), at: at.to_owned() })
    }
}

fn prepare_scratch(scratch: &Path, uid: Option<u32>) -> io::Result<()> {
    fs::set_permissions(scratch, fs::Permissions::from_mode(0o700))?;
    for directory in ["home", "tmp"].map(|name| scratch.join(name)) {
        DirBuilder::new().mode(0o700).create(&directory)?;
        chown(&directory, uid, uid)?;
    }
    let profile = scratch.join("profile");
    if profile.is_dir() {
        give_away(&profile, uid)?;
    }
    chown(scratch, uid, uid)
}

/// Gives a directory to that uid with all it contains; links themselves, never what they point to.
fn give_away(directory: &Path, uid: Option<u32>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            give_away(&entry.path(), uid)?;
        } else {
            lchown(entry.path(), uid, uid)?;
        }
    }
    chown(directory, uid, uid)
}

/// The server's ends of a run that has been launched.
struct Launched {
    stdin: PipeWriter,
    stdout: PipeReader,
    stderr: PipeReader,
    supervisor: Supervisor,
}

/// Starts the supervisor and gives both stages the plan.
fn launch(host: &Host, plan: &Plan) -> io::Result<(Launched, UnixStream)> {
    let (child_stdin, stdin) = pipe()?;
    let (stdout, child_stdout) = pipe()?;
    let (stderr, child_stderr) = pipe()?;
    let (control_end, mut control) = pipe()?;
    let (mut channel, channel_end) = UnixStream::pair()?;
    for end in [child_stdin.as_fd(), child_stdout.as_fd(), child_stderr.as_fd()] {
        if let Some(uid) = plan.layers.own_uid {
            // So that the child may open /dev/stdin and its like.
            fchown(end, Some(Uid::from_raw(uid)), Some(Gid::from_raw(uid)))?;
        }
    }
    for end in [child_stdin.as_fd(), child_stdout.as_fd()] {
        // The kernel may refuse when the user has many; the usual size then does.
        let _ = fcntl_setpipe_size(end, PIPE_BYTES);
    }
    // R3 is kept here: this is the crate that starts processes.
    #[allow(clippy::disallowed_methods)]
    let mut command = Command::new(&host.launcher);
    command.args([LAUNCH_COMMAND, SUPERVISE, &control_end.as_raw_fd().to_string(), &channel_end.as_raw_fd().to_string()]);
    command.env_clear().current_dir("/").stdin(child_stdin).stdout(child_stdout).stderr(child_stderr);
    let inherited = [OwnedFd::from(control_end), OwnedFd::from(channel_end)];
    // SAFETY: between fork and exec only fcntl(2) is called, which is async-signal-safe. The descriptors are marked there and not
    // here, so that no other process the server starts meanwhile inherits them.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || inherited.iter().try_for_each(|fd| Ok(fcntl_setfd(fd, FdFlags::empty())?)));
    }
    let process = command.spawn()?;
    let handle = pidfd_open(Pid::from_child(&process), PidfdFlags::empty())?;
    // Closes our copies of the child's ends.
    drop(command);
    wire::send(&mut control, plan)?;
    wire::send(&mut channel, plan)?;
    channel.set_read_timeout(Some(START_DEADLINE))?;
    let supervisor = Supervisor { process: Mutex::new(process), handle, control: Mutex::new(Some(control)) };
    Ok((Launched { stdin, stdout, stderr, supervisor }, channel))
}

impl Launched {
    /// What a launcher that gave up said of it, on the child's standard error.
    fn complaint(&mut self) -> String {
        let mut complaint = Vec::new();
        // With the run dead the pipe has an end.
        let _ = self.supervisor.kill().and_then(|()| self.stderr.by_ref().take(COMPLAINT_BYTES).read_to_end(&mut complaint));
        match String::from_utf8_lossy(&complaint).trim() {
            "" => "the launcher ended without a word".to_owned(),
            complaint => complaint.to_owned(),
        }
    }
}

/// How the inside stage got on.
enum Entry {
    Started(OwnedFd),
    Failed { step: String, detail: String },
    Gone,
}

/// Follows the inside stage until it has become the program, and sends the secrets in between.
fn enter(channel: &mut UnixStream, spec: &ChildSpec) -> io::Result<Entry> {
    let Some(process) = receive_handle(channel.as_fd())? else { return Ok(Entry::Gone) };
    match wire::receive(channel)? {
        Some(Progress::Confined) => {}
        Some(Progress::Failed { step, detail }) => return Ok(Entry::Failed { step, detail }),
        None => return Ok(Entry::Gone),
    }
    // R12: the launcher is one of the places where the bytes must leave.
    #[allow(clippy::disallowed_methods)]
    let secrets = wire::pack(spec.secret_env.iter().map(|(name, value)| (name.as_str(), value.expose())));
    wire::send_frame(channel, &secrets)?;
    // Becoming the program closes the channel.
    Ok(match wire::receive(channel)? {
        None => Entry::Started(process),
        Some(Progress::Failed { step, detail }) => Entry::Failed { step, detail },
        Some(Progress::Confined) => return Err(io::ErrorKind::InvalidData.into()),
    })
}

/// The handle of the child's process; `None` when the launcher ended before sending it.
fn receive_handle(channel: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(channel, &mut [IoSliceMut::new(&mut [0])], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut handles = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(handles) => Some(handles),
        _ => None,
    });
    Ok(handles.next().and_then(|mut handles| handles.next()))
}
