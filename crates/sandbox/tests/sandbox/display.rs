//! The display of a browser's own. A child that holds stands in for the browser.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use freehold_sandbox::{ChildSpec, Display, Kind, LayerMask, SandboxError, spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::support::{Place, host, processes, refused};

/// Debian's package xvfb, which the test command installs.
const SERVER: &str = "/usr/bin/Xvfb";

#[test]
fn a_display_is_its_browsers_alone_and_dies_with_it() {
    let place = Place::new();
    let before = traces();
    let spec = spec(&place, SERVER, "browser");
    let socket = spec.scratch.join("tmp/.X11-unix/X0");
    let child = spawn(&host(LayerMask::ALL), spec).unwrap();
    let browser = processes(&place.path("browser").display().to_string());
    let [browser] = browser.iter().filter(|pid| is_program(**pid)).collect::<Vec<_>>()[..] else { panic!("{browser:?}") };
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).unwrap();
    let server: Vec<_> = processes(SERVER).into_iter().filter(|pid| namespace(*pid) == namespace(*browser)).collect();
    assert_eq!(server.len(), 1, "in the browser's own namespace of processes");
    let uid = |pid: i32| fs::metadata(format!("/proc/{pid}")).map(|of| std::os::unix::fs::MetadataExt::uid(&of)).unwrap();
    assert_eq!(uid(server[0]), uid(*browser));

    let display = fs::read_to_string(format!("/proc/{browser}/environ")).unwrap();
    assert!(display.split('\0').any(|variable| variable == "DISPLAY=:0"), "{display}");
    assert!(UnixStream::connect(&socket).is_ok(), "it takes connections once the browser has been started");
    let mode = socket.ancestors().nth(2).unwrap().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else gets to its socket");
    assert_eq!(traces(), before, "no socket without a directory, and nothing in the machine's /tmp");

    let server = pidfd_open(Pid::from_raw(server[0]).unwrap(), PidfdFlags::empty()).unwrap();
    // The supervisor, as when the server is killed with all it started.
    pidfd_send_signal(child.as_fd(), Signal::KILL).unwrap();
    let deadline = Timespec::try_from(Duration::from_secs(20)).unwrap();
    assert_eq!(poll(&mut [PollFd::new(&server, PollFlags::IN)], Some(&deadline)), Ok(1), "it lives on");
}

#[test]
fn without_a_display_of_its_own_nothing_is_started() {
    let place = Place::new();
    for (mask, server) in [
        (LayerMask { bubblewrap: false, ..LayerMask::ALL }, SERVER),
        (LayerMask::ALL, "/bin/true"),
        (LayerMask::ALL, "/no/such/server"),
    ] {
        let error = refused(spawn(&host(mask), spec(&place, server, "none")));
        let SandboxError::Step { step, .. } = &error else { panic!("{server}: {error}") };
        assert_eq!(step, "start a private display");
        assert_eq!(processes(&place.path("none").display().to_string()), [0; 0], "{server}");
    }
}

/// A browser's stand-in that holds, with that name in its command line.
fn spec(place: &Place, server: &str, name: &str) -> ChildSpec {
    let policies = place.path("other");
    let display = Display { server: PathBuf::from(server), size: (640, 480) };
    let marker = place.path(name).display().to_string();
    ChildSpec { kind: Kind::Browser { policies, display: Some(display) }, ..place.spec("hold", &[&marker]) }
}

/// Whether it is the program itself, and not what supervises it.
fn is_program(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.split('\0').nth(1) == Some("hold"))
}

/// What a display may leave where all can see it: abstract sockets, and files in `/tmp`.
fn traces() -> (Vec<String>, Vec<PathBuf>) {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let sockets = sockets.lines().filter_map(|line| line.split_once('@')).map(|(_, name)| name.to_owned());
    let mut sockets: Vec<_> = sockets.filter(|name| name.contains("X11")).collect();
    let own = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".X"));
    let mut files: Vec<_> = fs::read_dir("/tmp").unwrap().flatten().map(|entry| entry.path()).filter(|at| own(at)).collect();
    sockets.sort();
    files.sort();
    (sockets, files)
}
