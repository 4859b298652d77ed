//! First start on a machine without a screen.

use std::os::unix::fs::PermissionsExt;

use crate::harness::{Deployment, PASSPHRASE};

#[test]
fn init_needs_no_server_and_writes_the_recovery_key_for_its_owner_alone() {
    let deployment = Deployment::new();
    deployment.set_up();
    let key = deployment.path("recovery-key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(deployment.run(&["init"]).code, 5, "there is an owner already");
    let verified = deployment.run(&["audit", "verify"]).succeeded();
    assert!(!verified.out.is_empty());

    let _server = deployment.serve();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let made =
        deployment.run(&["token", "create", "backup", "--scope", "read", "--passphrase-file", &passphrase]).succeeded();
    assert!(made.out.starts_with("freehold_"), "{made:#?}");
    let wrong = deployment.secret_file("wrong", "not-the-passphrase-at-all");
    let refused = deployment.run(&["token", "create", "backup", "--scope", "read", "--passphrase-file", &wrong]);
    assert_eq!(refused.code, 4, "{refused:#?}");
}

#[test]
fn doctor_tells_a_missing_key_from_one_that_is_not_made_yet() {
    let deployment = Deployment::new();
    let says = || deployment.run(&["doctor"]).out;
    assert!(says().contains("is not there yet"), "{}", says());
    deployment.set_up();
    std::fs::rename(deployment.path("keys/vault.key"), deployment.path("keys/away")).unwrap();
    assert!(says().contains("vault.key is missing"), "{}", says());
    let server = deployment.serve();
    assert!(says().contains("vault.key is missing"), "{}", says());
    drop(server);
    assert!(!deployment.path("keys/vault.key").exists(), "no new key beside old data");
}

#[test]
fn a_key_file_that_cannot_be_used_is_not_called_another_vaults() {
    use std::fs::{Permissions, set_permissions};
    let deployment = Deployment::new();
    deployment.set_up();
    let key = deployment.path("keys/vault.key");
    set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let _server = deployment.serve();
    let says = deployment.run(&["vault", "status"]).succeeded().out;
    assert!(says.contains("run `chmod 600` on it"), "{says}");

    set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let unlocked = deployment.run(&["vault", "unlock", "--passphrase-file", &passphrase]).succeeded();
    assert!(unlocked.out.contains("unlocked"), "{unlocked:#?}");
}

#[test]
fn init_never_overwrites_a_recovery_key() {
    let deployment = Deployment::new();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let there = deployment.secret_file("recovery-key", "another vault's");
    let ran = deployment.run(&["init", "--passphrase-file", &passphrase, "--recovery-key-file", &there]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert_eq!(std::fs::read_to_string(there).unwrap(), "another vault's");
}

#[test]
fn init_that_fails_leaves_no_file_in_the_way_of_the_next() {
    let deployment = Deployment::new();
    let key = deployment.path("recovery-key").display().to_string();
    let short = deployment.secret_file("short", "too short");
    let refused = deployment.run(&["init", "--passphrase-file", &short, "--recovery-key-file", &key]);
    assert_eq!(refused.code, 2, "{refused:#?}");
    deployment.set_up();
}

#[test]
fn json_is_json_also_where_there_is_nothing_to_say_or_something_went_wrong() {
    let deployment = Deployment::new();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let key = deployment.path("recovery-key").display().to_string();
    let init = ["--json", "init", "--passphrase-file", &passphrase, "--recovery-key-file", &key];
    assert_eq!(deployment.run(&init).succeeded().json(), serde_json::json!({}));
    let again = deployment.run(&init);
    let problem: serde_json::Value = serde_json::from_str(&again.err).unwrap();
    assert_eq!((again.code, &problem["code"]), (5, &serde_json::json!("already_set_up")), "{again:#?}");
    let reset = ["--json", "owner", "reset", "--recovery-key-file", &key, "--passphrase-file", &passphrase];
    assert_eq!(deployment.run(&reset).succeeded().json(), serde_json::json!({}));
    let made = deployment.path("connectors").display().to_string();
    let new = deployment.run(&["--json", "connector", "new", "notes", &made]).succeeded();
    assert_eq!(new.json()["folder"], "DIR/connectors/notes");
}

#[test]
fn the_recovery_key_sets_a_new_passphrase_with_and_without_a_server() {
    let deployment = Deployment::new();
    deployment.set_up();
    let key = deployment.path("recovery-key").display().to_string();
    let reset = |passphrase: &str| {
        let file = deployment.secret_file("new", passphrase);
        deployment.run(&["owner", "reset", "--recovery-key-file", &key, "--passphrase-file", &file]).succeeded();
        file
    };
    let without = reset("violet-harbour-compass-nine");
    let _server = deployment.serve();
    deployment.run(&["token", "create", "a", "--scope", "read", "--passphrase-file", &without]).succeeded();
    let with = reset("amber-meadow-thimble-four");
    deployment.run(&["token", "create", "b", "--scope", "read", "--passphrase-file", &with]).succeeded();
}

#[test]
fn a_vault_without_a_key_file_starts_locked_and_opens_with_its_passphrase() {
    let deployment = Deployment::new();
    deployment.set_up();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let of_vault = deployment.secret_file("vault-passphrase", "amber-meadow-thimble-four");
    let vault = |arguments: &[&str]| deployment.run(&[&["vault", "--passphrase-file", &passphrase], arguments].concat());
    let server = deployment.serve();
    vault(&["set-passphrase", "--vault-passphrase-file", &of_vault]).succeeded();
    let without = vault(&["remove-key-file"]).succeeded();
    assert!(without.out.contains("passphrase") && !without.out.contains("key file"), "{without:#?}");
    assert!(!deployment.path("keys/vault.key").exists(), "it opens nothing any more");
    server.stop();

    let server = deployment.serve();
    assert!(vault(&["status"]).succeeded().out.contains("locked"));
    let with_file = vault(&["unlock"]);
    assert_eq!(with_file.code, 5, "{with_file:#?}");
    let wrong = vault(&["unlock", "--vault-passphrase-file", &passphrase]);
    assert_eq!(wrong.code, 4, "{wrong:#?}");
    assert!(wrong.err.contains("not the vault's passphrase"), "{wrong:#?}");
    let unlocked = vault(&["unlock", "--vault-passphrase-file", &of_vault]).succeeded();
    assert!(unlocked.out.contains("unlocked"), "{unlocked:#?}");

    // And back again.
    vault(&["add-key-file"]).succeeded();
    vault(&["remove-passphrase"]).succeeded();
    server.stop();
    let _server = deployment.serve();
    assert!(vault(&["status"]).succeeded().out.contains("unlocked"));
    assert!(deployment.run(&["audit", "verify"]).succeeded().out.contains("hold"));
}

#[test]
fn a_new_recovery_key_takes_the_place_of_the_old() {
    let deployment = Deployment::new();
    deployment.set_up();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let (old, new) = (deployment.path("recovery-key"), deployment.path("new-key"));
    let _server = deployment.serve();
    let new_file = new.display().to_string();
    let renew = ["vault", "renew-recovery-key", "--passphrase-file", &passphrase, "--recovery-key-file", &new_file];
    deployment.run(&renew).succeeded();
    let unlock = |key: &std::path::Path| {
        let key = key.display().to_string();
        deployment.run(&["vault", "unlock", "--passphrase-file", &passphrase, "--recovery-key-file", &key])
    };
    assert_eq!(unlock(&old).code, 6);
    unlock(&new).succeeded();
}

#[test]
fn the_passphrase_is_changed_by_whoever_has_the_old_one() {
    let deployment = Deployment::new();
    deployment.set_up();
    let _server = deployment.serve();
    let old = deployment.secret_file("passphrase", PASSPHRASE);
    let new = deployment.secret_file("new", "violet-harbour-compass-nine");
    let short = deployment.secret_file("short", "too short");
    let change = |old: &str, new: &str| {
        deployment.run(&["owner", "passphrase", "--passphrase-file", old, "--new-passphrase-file", new])
    };
    assert_eq!(change(&new, &old).code, 4, "not the old one");
    let weak = change(&old, &short);
    assert_eq!(weak.code, 2, "{weak:#?}");
    change(&old, &new).succeeded();
    assert_eq!(deployment.run(&["token", "create", "a", "--scope", "read", "--passphrase-file", &old]).code, 4);
    deployment.run(&["token", "create", "a", "--scope", "read", "--passphrase-file", &new]).succeeded();
}
