//! What a misbehaving connector gets: a named outcome, and nothing of it is kept that should not be.

use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{Outcome, RunState};
use freehold_core::{RunId, SourceId};
use freehold_engine::view::RunView;
use freehold_engine::{Answer, SourceChange};
use serde_json::Value;

use crate::support::{OWNER, Server};

const VIOLATION: Outcome = Outcome::Failed { reason: FailureReason::ConnectorViolation };
const FAILED: Outcome = Outcome::Failed { reason: FailureReason::ConnectorFailed };

/// A source of the misbehaving connector whose account is confirmed, so that its sins are committed while collecting.
fn confirmed(server: &Server) -> SourceId {
    let source = server.add("misbehaving", &[("sin", "none")], &[("token", "t0ken-t0ken")]).id;
    let asked = Outcome::NeedsOwner { reason: OwnerReason::ConfirmIdentity };
    assert_eq!(server.outcome(source), asked);
    let question = server.source(source).interaction.unwrap();
    server.engine.answer(&OWNER, question, Answer::Yes).unwrap();
    assert_eq!(server.outcome(source), Outcome::Succeeded);
    assert_eq!(server.count(source, "items"), 3);
    source
}

fn sin(server: &Server, source: SourceId, name: &str) -> RunId {
    let settings = [("sin".to_owned(), Value::from(name))].into();
    server
        .engine
        .change_source(&OWNER, source, SourceChange { settings: Some(settings), ..SourceChange::default() })
        .unwrap();
    server.engine.start_run(&OWNER, source).unwrap().id
}

fn commit(server: &Server, source: SourceId, name: &str) -> RunView {
    sin(server, source, name);
    server.ended(source)
}

#[test]
fn a_breach_of_the_contract_ends_the_run_and_keeps_no_state() {
    let server = Server::new();
    let source = confirmed(&server);
    for name in [
        "garbage",
        "not_utf8",
        "long_line",
        "half_line",
        "done_twice",
        "after_done",
        "wrong_count",
        "interaction_storm",
        "wrong_exit",
        "exit_early",
        "state_before_identity",
        "stays_after_done",
        "speaks_while_waiting",
    ] {
        let run = commit(&server, source, name);
        assert_eq!(run.outcome, Some(VIOLATION), "{name}: {:?}", run.detail);
        assert!(run.detail.is_some_and(|detail| detail.contains("contract")), "{name}");
    }
    assert_eq!(server.count(source, "items"), 3);
    assert_eq!(server.source(source).status.reason(), Some("connector_violation"));
}

#[test]
fn a_connector_that_dies_or_hangs_fails_its_run() {
    let server = Server::new();
    let source = confirmed(&server);
    for name in ["crash", "silence", "fork_bomb"] {
        let run = commit(&server, source, name);
        assert_eq!(run.outcome, Some(FAILED), "{name}: {:?}", run.detail);
    }
}

#[test]
fn records_out_of_scope_or_against_their_schema_are_listed_and_not_kept() {
    let server = Server::new();
    let source = confirmed(&server);
    let run = commit(&server, source, "out_of_scope");
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    assert_eq!(run.counts.rejected, 4);
    let rejected = server.engine.rejected(&OWNER, run.id, 0, 10).unwrap();
    let reasons: Vec<&str> = rejected.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(reasons, ["stream_not_in_scope", "schema_mismatch", "key_mismatch", "schema_mismatch"]);
    assert_eq!(server.count(source, "items"), 3);
}

#[test]
fn asking_twice_for_sign_in_details_means_they_were_refused() {
    let server = Server::new();
    let source = confirmed(&server);
    let run = commit(&server, source, "credentials_twice");
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected }), "{:?}", run.detail);
}

#[test]
fn a_secret_on_standard_error_is_redacted() {
    let server = Server::new();
    let source = confirmed(&server);
    let run = commit(&server, source, "leak_secret");
    let log = server.engine.connector_log(&OWNER, run.id).unwrap();
    assert!(log.contains("debug: the token is [redacted]"), "{log}");
    assert!(!log.contains("t0ken"), "{log}");
}

#[test]
fn a_cancelled_run_ends_though_its_connector_does_not_listen() {
    let server = Server::new();
    let source = confirmed(&server);
    let run = sin(&server, source, "ignore_sigterm");
    server.wait(source, |run| matches!(run.run_state, RunState::Collecting { .. }));
    server.engine.cancel_run(&OWNER, run).unwrap();
    assert!(matches!(server.outcome(source), Outcome::Cancelled { .. }));
}

#[test]
fn what_a_connector_leaves_running_does_not_hold_the_run_up() {
    let server = Server::new();
    let source = confirmed(&server);
    // It gives no identity, which is its outcome; that there is one at all is the point.
    let run = commit(&server, source, "grandchild");
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::IdentityUnreadable }), "{:?}", run.detail);
}
