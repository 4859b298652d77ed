//! Whether a child starts, and what is said when it does not.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use freehold_core::SecretBytes;
use freehold_sandbox::{LayerMask, SandboxError, Strength, spawn};

use crate::support::{Place, finish, host, refused, stacks};

#[test]
fn every_stack_reports_what_is_in_force() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let child = spawn(&host(mask), place.spec("echo", &[])).unwrap();
        let layers = child.layers().clone();
        assert_eq!(layers.bubblewrap, mask.bubblewrap, "{name}");
        assert_eq!(layers.own_uid.is_some(), mask.own_uid && rustix::process::geteuid().is_root(), "{name}");
        assert_eq!(layers.seccomp, mask.seccomp, "{name}");
        assert_eq!(layers.landlock.is_some(), mask.landlock > 0, "{name}");
        assert_eq!(finish(child), "ok", "{name}");
    }
}

#[test]
fn no_two_runs_share_a_uid() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let host = host(LayerMask::ALL);
    let uid = || spawn(&host, place.spec("echo", &[])).unwrap().layers().own_uid.unwrap();
    assert_ne!(uid(), uid());
}

#[test]
fn a_child_with_a_secret_needs_a_layer_that_is_enough() {
    let place = Place::new();
    let weak = [
        LayerMask::NONE,
        LayerMask { landlock: u8::MAX, ..LayerMask::NONE },
        LayerMask { seccomp: true, ..LayerMask::NONE },
    ];
    for mask in weak {
        let mut spec = place.spec("echo", &[]);
        spec.receives_secret = true;
        assert!(matches!(refused(spawn(&host(mask), spec)), SandboxError::TooWeak { .. }), "{mask:?}");
        let mut spec = place.spec("echo", &[]);
        spec.secret_env = vec![("TOKEN".to_owned(), SecretBytes::new(b"x".to_vec()))];
        assert!(matches!(refused(spawn(&host(mask), spec)), SandboxError::TooWeak { .. }), "{mask:?}");
        let mut spec = place.spec("echo", &[]);
        (spec.receives_secret, spec.strength) = (true, Strength::Reduced);
        assert_eq!(finish(spawn(&host(mask), spec).unwrap()), "ok", "{mask:?}");
        assert_eq!(finish(spawn(&host(mask), place.spec("echo", &[])).unwrap()), "ok", "{mask:?}");
    }
    for (name, mask) in stacks() {
        let mut spec = place.spec("echo", &[]);
        spec.receives_secret = true;
        assert_eq!(finish(spawn(&host(mask), spec).unwrap()), "ok", "{name}");
    }
}

#[test]
fn a_program_that_cannot_become_the_child_is_an_error_not_a_run() {
    let place = Place::new();
    let broken = place.path("folder/broken");
    fs::write(&broken, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&broken, Permissions::from_mode(0o755)).unwrap();
    for (name, mask) in stacks() {
        let mut spec = place.spec("echo", &[]);
        spec.program = "./broken".into();
        let error = refused(spawn(&host(mask), spec));
        assert!(matches!(&error, SandboxError::Step { step, .. } if step == "start the program"), "{name}: {error}");
    }
}

#[test]
fn a_relative_program_and_its_folder_are_where_the_child_is() {
    let place = Place::new();
    let script = place.path("folder/program.sh");
    fs::write(&script, "#!/bin/sh\npwd\ncat data\necho \"$1\"\n").unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    fs::write(place.path("folder/data"), "data\n").unwrap();
    for (name, mask) in stacks() {
        let mut spec = place.spec("echo", &[]);
        (spec.program, spec.args) = ("./program.sh".into(), vec![OsString::from("an argument")]);
        let said = finish(spawn(&host(mask), spec).unwrap());
        assert_eq!(said, format!("{}\ndata\nan argument", place.path("folder").display()), "{name}");
    }
}

#[test]
fn a_folder_the_childs_uid_cannot_read_is_said() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    fs::set_permissions(place.path("folder"), Permissions::from_mode(0o700)).unwrap();
    let error = refused(spawn(&host(LayerMask::ALL), place.spec("echo", &[])));
    assert!(matches!(error, SandboxError::Unreachable { .. }), "{error}");
}

#[test]
fn a_scratch_directory_is_used_once() {
    let place = Place::new();
    let spec = place.spec("echo", &[]);
    let (again, scratch) = (place.spec("echo", &[]), spec.scratch.clone());
    finish(spawn(&host(LayerMask::ALL), spec).unwrap());
    let error = refused(spawn(&host(LayerMask::ALL), freehold_sandbox::ChildSpec { scratch, ..again }));
    assert!(matches!(error, SandboxError::Scratch { .. }), "{error}");
}

#[test]
fn doctor_has_a_finding_for_every_layer_with_what_follows() {
    for finding in host(LayerMask::NONE).report() {
        assert!(!finding.holds && !finding.detail.is_empty() && !finding.consequence.is_empty(), "{finding:?}");
    }
    for finding in host(LayerMask::ALL).report() {
        assert!(finding.holds == finding.consequence.is_empty(), "{finding:?}");
    }
}
