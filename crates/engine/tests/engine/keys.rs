//! The keys of the vault, and the passphrase one signs in with.

use freehold_core::status::VaultState;
use freehold_core::{ProblemCode, SecretBytes};
use freehold_engine::{Caller, Permission, UnlockWith};

use crate::support::{OWNER, PASSPHRASE, Server, secret};

const OF_VAULT: &str = "amber-meadow-thimble-four";

fn unlock(server: &Server, passphrase: &str) -> Result<VaultState, ProblemCode> {
    let unlocked = server.engine.unlock_vault(&OWNER, UnlockWith::Passphrase(secret(passphrase)));
    unlocked.map(|view| view.state).map_err(|problem| problem.code)
}

fn actions(server: &Server) -> Vec<String> {
    let entries = server.engine.latest_audit(&OWNER, "", None, 50).unwrap();
    entries.into_iter().map(|entry| format!("{} {}", entry.action, entry.subject)).collect()
}

#[test]
fn a_passphrase_of_the_vault_is_set_changed_and_taken_away() {
    let server = Server::new();
    server.engine.set_vault_passphrase(&OWNER, &secret(OF_VAULT)).unwrap();
    server.engine.lock_vault(&OWNER).unwrap();
    assert_eq!(unlock(&server, PASSPHRASE), Err(ProblemCode::Unauthenticated), "the one to sign in with is another");
    assert_eq!(unlock(&server, OF_VAULT), Ok(VaultState::Unlocked));

    server.engine.set_vault_passphrase(&OWNER, &secret("another thing altogether")).unwrap();
    assert_eq!(unlock(&server, OF_VAULT), Err(ProblemCode::Unauthenticated));
    assert_eq!(unlock(&server, "another thing altogether"), Ok(VaultState::Unlocked));
    let weak = server.engine.set_vault_passphrase(&OWNER, &secret("short")).unwrap_err();
    assert_eq!((weak.code, weak.at.as_deref()), (ProblemCode::BadInput, Some("vault_passphrase")));

    server.engine.remove_vault_passphrase(&OWNER).unwrap();
    assert_eq!(unlock(&server, "another thing altogether"), Err(ProblemCode::Conflict));
    assert!(server.engine.remove_vault_passphrase(&OWNER).is_err(), "there is none to take away");
    let told = actions(&server);
    for action in ["slot.put passphrase", "slot.remove passphrase", "vault.unlock passphrase", "vault.lock vault"] {
        assert!(told.iter().any(|entry| entry == action), "{action}: {told:?}");
    }
    assert!(server.engine.verify_audit(&OWNER).unwrap().intact);
}

#[test]
fn wrong_passphrases_of_the_vault_have_to_wait() {
    let server = Server::new();
    server.engine.set_vault_passphrase(&OWNER, &secret(OF_VAULT)).unwrap();
    for _ in 0..5 {
        assert_eq!(unlock(&server, "not the one at all"), Err(ProblemCode::Unauthenticated));
    }
    assert_eq!(unlock(&server, OF_VAULT), Err(ProblemCode::TooManyTries));
}

#[test]
fn a_locked_vault_has_its_keys_changed_by_nobody() {
    let server = Server::new();
    server.engine.lock_vault(&OWNER).unwrap();
    let locked = ProblemCode::VaultLocked;
    assert_eq!(server.engine.set_vault_passphrase(&OWNER, &secret(OF_VAULT)).unwrap_err().code, locked);
    assert_eq!(server.engine.remove_key_file(&OWNER).unwrap_err().code, locked);
    assert_eq!(server.engine.new_recovery_key(&OWNER).map(drop).unwrap_err().code, locked);
    assert!(server.dir.path().join("key").exists());
}

#[test]
fn a_key_file_that_is_another_vaults_is_left_where_it_is() {
    let server = Server::new();
    let path = server.dir.path().join("key");
    std::fs::remove_file(&path).unwrap();
    freehold_vault::key_file::create(&path, &freehold_vault::OsRng).unwrap();
    server.engine.remove_key_file(&OWNER).unwrap();
    assert!(path.exists());
    let taken = server.engine.add_key_file(&OWNER).unwrap_err();
    assert!(taken.what.contains("not overwritten"), "{taken}");
}

#[test]
fn no_token_and_nobody_without_the_passphrase_changes_a_key() {
    let server = Server::new();
    let token = server.engine.create_token(&OWNER, "t", &[Permission::Configure]).unwrap().0.id;
    let callers = [Caller::Token { token, scopes: Permission::SCOPES.to_vec() }, Caller::Cli { reauthenticated: false }];
    for caller in callers {
        let refused = |result: Result<(), freehold_core::Problem>| {
            let code = result.unwrap_err().code;
            assert!(matches!(code, ProblemCode::Forbidden | ProblemCode::ReauthenticationRequired), "{code:?}");
        };
        refused(server.engine.set_vault_passphrase(&caller, &secret(OF_VAULT)).map(drop));
        refused(server.engine.remove_vault_passphrase(&caller).map(drop));
        refused(server.engine.remove_key_file(&caller).map(drop));
        refused(server.engine.add_key_file(&caller).map(drop));
        refused(server.engine.new_recovery_key(&caller).map(drop));
        refused(server.engine.confirm_new_recovery_key(&caller, &[]).map(drop));
        refused(server.engine.back_up(&caller).map(drop));
        refused(server.engine.set_backup_plan(&caller, None).map(drop));
    }
    let token = Caller::Token { token, scopes: Permission::SCOPES.to_vec() };
    let changed = server.engine.change_passphrase(&token, &secret(PASSPHRASE), &secret("another thing altogether"));
    assert_eq!(changed.unwrap_err().code, ProblemCode::Forbidden);
}

#[test]
fn changing_the_passphrase_ends_every_other_session() {
    let server = Server::new();
    let sign_in = |passphrase: &str| server.engine.sign_in(&secret(passphrase), "a browser", None);
    let (this, other) = (sign_in(PASSPHRASE).unwrap(), sign_in(PASSPHRASE).unwrap());
    let caller = Caller::Console { session: this.session.id, reauthenticated: false };
    let new = "another thing altogether";
    let change = |old: &str, new: &str| server.engine.change_passphrase(&caller, &secret(old), &secret(new));
    assert_eq!(change("not the old one", new).unwrap_err().code, ProblemCode::Unauthenticated);
    assert_eq!(change(PASSPHRASE, "short").unwrap_err().at.as_deref(), Some("new_passphrase"));
    change(PASSPHRASE, new).unwrap();

    let token = |session: &freehold_engine::NewSession| SecretBytes::from(session.token.reveal().to_owned());
    assert!(server.engine.session(&token(&this)).is_ok());
    assert_eq!(server.engine.session(&token(&other)).unwrap_err().code, ProblemCode::Unauthenticated);
    assert_eq!(sign_in(PASSPHRASE).map(drop).unwrap_err().code, ProblemCode::Unauthenticated);
    sign_in(new).map(drop).unwrap();
    assert!(actions(&server).iter().any(|entry| entry == "owner.passphrase owner"));
    for _ in 0..5 {
        assert_eq!(change(PASSPHRASE, new).unwrap_err().code, ProblemCode::Unauthenticated);
    }
    assert_eq!(change(new, PASSPHRASE).unwrap_err().code, ProblemCode::TooManyTries);
}
