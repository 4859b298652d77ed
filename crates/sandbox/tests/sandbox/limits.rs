//! What a child may use up.

use std::os::unix::process::ExitStatusExt;

use freehold_sandbox::{LayerMask, Limits, spawn};

use crate::support::{Place, finish, host, line, processes, stacks};

#[test]
fn memory_is_limited() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let try_it = |mebibytes: &str| {
            let mut spec = place.spec("allocate", &[mebibytes]);
            spec.limits = Limits { memory_bytes: 128 << 20, ..Limits::default() };
            finish(spawn(&host(mask), spec).unwrap())
        };
        assert_eq!(try_it("64"), "ok 16384", "{name}");
        assert_eq!(try_it("192"), "out of memory", "{name}");
    }
}

#[test]
fn file_size_is_limited() {
    let place = Place::new();
    let mut spec = place.spec("fill", &[]);
    let file = spec.scratch.join("tmp/file");
    spec.args.extend([file.into(), "3".into()]);
    spec.limits = Limits { file_bytes: 2 << 20, ..Limits::default() };
    assert!(finish(spawn(&host(LayerMask::ALL), spec).unwrap()).ends_with("(os error 27)"));
}

#[test]
fn processor_time_is_limited() {
    let place = Place::new();
    let mut spec = place.spec("spin", &[]);
    spec.limits = Limits { cpu_seconds: 1, ..Limits::default() };
    let child = spawn(&host(LayerMask::ALL), spec).unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal().is_none());
    assert!([Some(128 + libc::SIGXCPU), Some(128 + libc::SIGKILL)].contains(&status.code()), "{status}");
}

#[test]
fn core_dumps_are_off_and_the_rest_is_as_asked() {
    let place = Place::new();
    let mut spec = place.spec("limits", &[]);
    spec.limits = Limits { memory_bytes: 512 << 20, processes: 17, open_files: 33, file_bytes: 4096, cpu_seconds: 7 };
    let said = finish(spawn(&host(LayerMask::ALL), spec).unwrap());
    for (limit, value) in [
        ("Max core file size", "0"),
        ("Max data size", "536870912"),
        ("Max processes", "17"),
        ("Max open files", "33"),
        ("Max file size", "4096"),
        ("Max cpu time", "7"),
    ] {
        let values =
            said.lines().find_map(|line| line.strip_prefix(limit).or_else(|| line.strip_prefix(&format!("ok {limit}"))));
        let values: Vec<_> = values.unwrap().split_whitespace().take(2).collect();
        assert_eq!(values, [value, value], "{limit}");
    }
}

#[test]
fn a_fork_bomb_is_bounded_and_dies_whole() {
    let place = Place::new();
    let root = rustix::process::geteuid().is_root();
    // The kernel does not count root's processes, and so the bomb needs a uid of its own there.
    for (index, (name, mask)) in stacks().filter(|(_, mask)| !root || mask.own_uid).enumerate() {
        // Where nothing separates the run, other processes of the user that end leave room for more of it.
        let slack = if root || mask.bubblewrap { 0 } else { 200 };
        let marker = place.path(&format!("bomb-{index}")).display().to_string();
        let mut spec = place.spec("fork-bomb", &[&marker]);
        spec.limits = Limits { processes: 40, ..Limits::default() };
        let mut child = spawn(&host(mask), spec).unwrap();
        assert!(line(&mut child).starts_with("ok "), "{name}");
        assert!((2..=40 + slack).contains(&processes(&marker).len()), "{name}: {}", processes(&marker).len());
        child.kill_tree().unwrap();
        assert_eq!(processes(&marker), [0; 0], "{name}");
    }
}
