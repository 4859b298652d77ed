//! How a run ends: nothing of it is left, whoever ends it.

use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::Duration;

use freehold_sandbox::spawn;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::support::{LAUNCHER, Place, finish, host, line, processes, stacks};

#[test]
fn killing_leaves_nothing_of_a_double_fork() {
    let place = Place::new();
    for (index, (name, mask)) in stacks().enumerate() {
        let file = place.path(&format!("killed-{index}")).display().to_string();
        let mut child = spawn(&host(mask), double_fork(&place, &file, "hold")).unwrap();
        assert_eq!([line(&mut child), line(&mut child)], ["holding", "holding"], "{name}");
        assert!(processes(&file).len() >= 2, "{name}");
        assert!(child.try_wait().unwrap().is_none(), "{name}");
        child.kill_tree().unwrap();
        assert_eq!(processes(&file), [0; 0], "{name}");
        assert_eq!(child.wait().unwrap().code(), Some(137), "{name}");
        child.kill_tree().unwrap();
    }
}

#[test]
fn what_a_child_leaves_behind_ends_with_it() {
    let place = Place::new();
    for (index, (name, mask)) in stacks().enumerate() {
        let file = place.path(&format!("left-{index}")).display().to_string();
        let child = spawn(&host(mask), double_fork(&place, &file, "end")).unwrap();
        // The pipes come to their end although the grandchild holds them, for it is killed.
        assert!(finish(child).contains("ok ended"), "{name}");
        assert_eq!(processes(&file), [0; 0], "{name}");
    }
}

#[test]
fn dropping_the_child_kills_it() {
    let place = Place::new();
    for (index, (name, mask)) in stacks().enumerate() {
        let marker = place.path(&format!("dropped-{index}")).display().to_string();
        let mut child = spawn(&host(mask), place.spec("hold", &[&marker])).unwrap();
        assert_eq!(line(&mut child), "holding", "{name}");
        drop(child);
        assert_eq!(processes(&marker), [0; 0], "{name}");
    }
}

#[test]
fn asking_to_end_reaches_the_child_itself() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let mut spec = place.spec("hold", &[]);
        spec.program = "sh".into();
        spec.args = ["-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do read line; done"].map(Into::into).to_vec();
        let mut child = spawn(&host(mask), spec).unwrap();
        assert_eq!(line(&mut child), "ready", "{name}");
        child.terminate().unwrap();
        assert_eq!(line(&mut child), "bye", "{name}");
        assert_eq!(child.wait().unwrap().code(), Some(3), "{name}");
        child.terminate().unwrap();
    }
}

#[test]
fn the_child_dies_with_its_supervisor() {
    let place = Place::new();
    for (index, (name, mask)) in stacks().enumerate() {
        let marker = place.path(&format!("orphan-{index}")).display().to_string();
        let mut child = spawn(&host(mask), place.spec("hold", &[&marker])).unwrap();
        assert_eq!(line(&mut child), "holding", "{name}");
        let handles = handles(&marker);
        assert_eq!(handles.len(), 1, "{name}");
        pidfd_send_signal(child.as_fd(), Signal::KILL).unwrap();
        assert_all_end(&handles, name);
    }
}

#[test]
fn everything_dies_with_the_server() {
    let place = Place::new();
    for (index, (name, mask)) in stacks().enumerate() {
        let file = place.path(&format!("server-{index}")).display().to_string();
        let spec = place.spec("", &[]);
        // A server of its own, which starts the same double fork and then holds.
        #[allow(clippy::disallowed_methods)]
        let mut server = Command::new(LAUNCHER)
            .args(["serve", &format!("{}{}", u8::from(mask.own_uid), u8::from(mask.bubblewrap)), &mask.landlock.to_string()])
            .args([
                &u8::from(mask.seccomp).to_string(),
                &spec.folder.display().to_string(),
                &spec.scratch.display().to_string(),
                &file,
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "started", "{name}");
        // The server's own command line has the marker too.
        let handles = handles(&file);
        assert!(handles.len() >= 3, "{name}");
        server.kill().unwrap();
        server.wait().unwrap();
        assert_all_end(&handles, name);
        assert_eq!(processes(&file), [0; 0], "{name}");
    }
}

fn double_fork(place: &Place, file: &str, then: &str) -> freehold_sandbox::ChildSpec {
    place.spec("double-fork", &[file, then])
}

fn handles(marker: &str) -> Vec<OwnedFd> {
    let pids = processes(marker).into_iter().filter_map(Pid::from_raw);
    pids.map(|pid| pidfd_open(pid, PidfdFlags::empty()).unwrap()).collect()
}

fn assert_all_end(handles: &[OwnedFd], name: &str) {
    let deadline = Timespec::try_from(Duration::from_secs(20)).unwrap();
    for handle in handles {
        assert_eq!(poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&deadline)), Ok(1), "{name}: a process lives on");
    }
}
