//! A server's end and the next one's beginning.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use freehold_core::reason::OwnerReason;
use freehold_core::run::Outcome;
use freehold_core::{ProblemCode, status::VaultState};
use freehold_engine::UnlockWith;

use crate::support::{OWNER, Server, token_answered};

#[test]
fn a_second_server_on_the_data_is_refused() {
    let server = Server::new();
    let second = Server::open(server.dir.clone(), server.clock.clone()).err().unwrap();
    assert_eq!(second.code, ProblemCode::DataDirectoryInUse);
}

#[test]
fn a_missing_key_is_its_own_state_and_makes_no_new_one() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    server.ended(source);
    let key = server.dir.path().join("key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let server = server.restart();
    assert_eq!(server.engine.vault(&OWNER).unwrap().state, VaultState::KeyMissing);
    assert_eq!(server.source(source).status.reason(), Some("vault_key_missing"));
    assert!(!key.exists());
    assert_eq!(server.count(source, "notes"), 25, "the console still answers");

    std::fs::write(&key, [b'x'; 40]).unwrap();
    let server = server.restart();
    assert_ne!(server.engine.vault(&OWNER).unwrap().state, VaultState::Unlocked);

    std::fs::remove_file(&key).unwrap();
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).unwrap().write_all(&kept).unwrap();
    let server = server.restart();
    assert_eq!(server.engine.vault(&OWNER).unwrap().state, VaultState::Unlocked);
}

#[test]
fn a_locked_vault_makes_a_run_wait_and_unlocking_lets_it_go_on() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    let first = server.ended(source);
    server.engine.lock_vault(&OWNER).unwrap();
    server.engine.start_run(&OWNER, source).unwrap();
    server.wait(source, |run| run.run_state.as_str() == "waiting_for_unlock");
    assert_eq!(server.source(source).status.reason(), Some("waiting_for_unlock"));
    server.engine.unlock_vault(&OWNER, UnlockWith::KeyFile).unwrap();
    let second = server.wait(source, |run| run.id != first.id && run.outcome.is_some());
    assert_eq!(second.outcome, Some(Outcome::Succeeded));
}

#[test]
fn a_sign_in_that_a_stop_cut_off_is_unknown_and_tried_again_only_when_asked() {
    let server = Server::new();
    let program = r#"
say(type="INTERACTION", request_id="1", kind="credentials", message="Token?")
hear()
say(type="PROGRESS", message="signing in")
sys.stdin.read(); sys.exit(1)
"#;
    server.drop_in("slow", token_answered(), program);
    let source = server.add("slow", &[], &[("token", "t0ken-t0ken")]).id;
    server.wait(source, |run| run.progress.is_some());
    let server = server.restart();
    let view = server.source(source);
    assert_eq!(view.status.reason(), Some("attempt_unknown"), "{:?}", view.status);
    assert_eq!(view.action, freehold_core::status::Action::TrySavedDetailsOnce);
    let stopped = server.ended(source);
    assert_eq!(stopped.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::AttemptUnknown }));
    assert_eq!(view.next_due_at, None, "nothing runs behind the owner's back");
    server.engine.start_run(&OWNER, source).unwrap();
    let refused = server.wait(source, |run| run.id != stopped.id && run.outcome.is_some());
    assert_eq!(refused.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::AttemptUnknown }));

    server.engine.try_again(&OWNER, source).unwrap();
    server.wait(source, |run| run.id != refused.id && run.progress.is_some());
}
