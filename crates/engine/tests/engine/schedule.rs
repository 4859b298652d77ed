//! What runs by the clock, and what does not.

use freehold_core::reason::FailureReason;
use freehold_core::run::{Cause, Outcome};

use crate::support::{OWNER, Server, token_answered};

#[test]
fn a_due_source_is_collected_with_its_saved_details_and_nobody_is_asked() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    let first = server.ended(source);
    server.clock.forward(2 * 3600);
    assert_eq!(server.source(source).status.as_str(), "due");
    server.engine.wake();
    let second = server.wait(source, |run| run.id != first.id && run.outcome.is_some());
    assert_eq!((second.cause, second.outcome), (Cause::Schedule, Some(Outcome::Succeeded)));
    assert!(server.engine.interactions(&OWNER).unwrap().is_empty());
    assert_eq!(server.source(source).status.as_str(), "fresh");
}

#[test]
fn a_paused_source_does_not_run_and_a_resumed_one_does() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    let first = server.ended(source);
    server.engine.pause(&OWNER, source).unwrap();
    server.clock.forward(2 * 3600);
    assert_eq!(server.source(source).status.as_str(), "paused");
    assert!(server.engine.start_run(&OWNER, source).is_err());
    server.engine.resume(&OWNER, source).unwrap();
    let second = server.wait(source, |run| run.id != first.id && run.outcome.is_some());
    assert_eq!(second.cause, Cause::Schedule);
}

#[test]
fn a_provider_that_is_down_is_tried_again_and_no_one_is_blamed() {
    let server = Server::new();
    let program = r#"
say(type="INTERACTION", request_id="1", kind="credentials", message="Token?")
hear()
say(type="DONE", status="failed", records_emitted=0, error={
    "message": "503", "retryable": True, "recovery_hint": "retry_by_runtime", "retry_after_seconds": 7200})
sys.stdin.read(); sys.exit(1)
"#;
    server.drop_in("down", token_answered(), program);
    let source = server.add("down", &[], &[("token", "t0ken-t0ken")]).id;
    let first = server.ended(source);
    let Some(Outcome::Failed { reason: FailureReason::RateLimited { retry_at: Some(retry_at) } }) = first.outcome else {
        panic!("{:?} {:?}", first.outcome, first.detail)
    };
    // Not before what the provider asked for.
    assert!(retry_at.duration_since(first.ended_at.unwrap()).as_secs() >= 7_199);
    let view = server.source(source);
    assert_eq!((view.status.as_str(), view.status.reason()), ("waiting", Some("rate_limited")));
    assert_eq!(view.action, freehold_core::status::Action::None);

    // The details were not judged, so they are used again.
    server.clock.forward(7_300);
    server.engine.wake();
    let second = server.wait(source, |run| run.id != first.id && run.outcome.is_some());
    assert!(matches!(second.outcome, Some(Outcome::Failed { reason: FailureReason::RateLimited { .. } })));
    assert!(server.engine.interactions(&OWNER).unwrap().is_empty());
}
