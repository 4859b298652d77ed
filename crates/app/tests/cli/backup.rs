//! A backup of one machine, restored on another, with the program itself.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::harness::{Deployment, PASSPHRASE, Ran};

/// A server with a token in it, which a backup has to hold.
fn furnished() -> (Deployment, crate::harness::Server, String) {
    let deployment = Deployment::new();
    deployment.set_up();
    let server = deployment.serve();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    deployment.run(&["token", "create", "dashboard", "--scope", "read", "--passphrase-file", &passphrase]).succeeded();
    (deployment, server, passphrase)
}

fn recovery_key(deployment: &Deployment) -> String {
    deployment.path("recovery-key").display().to_string()
}

fn restore(on: &Deployment, file: &str, key: &str) -> Ran {
    on.run(&["restore", file, "--recovery-key-file", key])
}

#[test]
fn a_backup_is_restored_on_an_empty_machine() {
    let (old, _server, passphrase) = furnished();
    let file = old.path("all.backup").display().to_string();
    let made = old.run(&["backup", "now", "--to", &file, "--passphrase-file", &passphrase]).succeeded();
    assert_eq!(made.out.trim(), "DIR/all.backup");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = recovery_key(&old);
    let checked = old.run(&["backup", "check", &file, "--recovery-key-file", &key]).succeeded();
    assert!(checked.out.contains("It is whole"), "{checked:#?}");
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(9).any(|part| part == b"dashboard"), "it is sealed");

    let new = Deployment::new();
    let wrong = new.secret_file("wrong", "00000-00000");
    assert_eq!(restore(&new, &file, &wrong).code, 2);
    assert!(!new.path("data/vault.db").exists());
    let restored = restore(&new, &file, &key).succeeded();
    assert!(restored.out.contains("A new key file was made"), "{restored:#?}");
    assert_eq!(restore(&new, &file, &key).code, 5, "not over what is there");
    assert_eq!(std::fs::metadata(new.path("data")).unwrap().permissions().mode() & 0o777, 0o700);

    let _there = new.serve();
    assert!(new.run(&["vault", "status"]).succeeded().out.contains("unlocked"));
    assert!(new.run(&["token", "list"]).succeeded().out.contains("dashboard"));
    assert_eq!(new.run(&["audit", "verify"]).succeeded().code, 0);
    let own = new.secret_file("passphrase", PASSPHRASE);
    new.run(&["backup", "now", "--passphrase-file", &own]).succeeded();
    assert!(new.run(&["backup", "list"]).succeeded().out.contains("made"));
}

#[test]
fn a_plan_is_made_and_ended() {
    let (deployment, _server, passphrase) = furnished();
    let folder = deployment.path("backups").display().to_string();
    let plan = ["backup", "plan", "--folder", &folder, "--weekly", "--zone", "UTC", "--passphrase-file", &passphrase];
    deployment.run(&plan).succeeded();
    let listed = deployment.run(&["backup", "list"]).succeeded();
    assert!(listed.out.contains("every Monday at 3 (UTC), into DIR/backups, 7 kept"), "{listed:#?}");
    deployment.run(&["backup", "end-plan", "--passphrase-file", &passphrase]).succeeded();
    assert!(deployment.run(&["backup", "list"]).succeeded().out.contains("none is made by the clock"));
    let nowhere = ["backup", "plan", "--folder", "/proc/nowhere", "--passphrase-file", &passphrase];
    assert_ne!(deployment.run(&nowhere).code, 0);
}

#[test]
fn what_is_no_backup_is_told_so() {
    let deployment = Deployment::new();
    let file = deployment.secret_file("notes.txt", "not a backup at all, whatever it is called");
    let key = deployment.secret_file("key", "00000-00000");
    let ran = restore(&deployment, &file, &key);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(ran.err.contains("not a backup of Freehold"), "{ran:#?}");
}

/// Killed at several moments: what is found afterwards is nothing, or whole, and both can be gone on from.
#[test]
fn a_restore_killed_at_any_moment_is_begun_again() {
    let (old, _server, passphrase) = furnished();
    let file = old.path("all.backup").display().to_string();
    old.run(&["backup", "now", "--to", &file, "--passphrase-file", &passphrase]).succeeded();
    let key = recovery_key(&old);
    for moment in [0, 2, 5, 10, 20, 40] {
        let new = Deployment::new();
        let mut child = new.command(&["restore", &file, "--recovery-key-file", &key]).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while !new.path("data/restore.part").exists() && child.try_wait().unwrap().is_none() && Instant::now() < until {
            std::hint::spin_loop();
        }
        std::thread::park_timeout(Duration::from_millis(moment));
        let _ = child.kill();
        child.wait().unwrap();
        if new.path("data/restore.part").exists() {
            let refused = new.run(&["audit", "verify"]);
            assert!(refused.err.contains("freehold restore"), "{refused:#?}");
            restore(&new, &file, &key).succeeded();
        } else if !new.path("data/vault.db").exists() {
            restore(&new, &file, &key).succeeded();
        }
        assert!(!new.path("data/restore.part").exists());
        let _there = new.serve();
        assert!(new.run(&["token", "list"]).succeeded().out.contains("dashboard"), "killed after {moment} ms");
    }
}
