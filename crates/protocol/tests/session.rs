//! The rules of a run, one line at a time.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use freehold_protocol::message::Start;
use freehold_protocol::session::{Ending, Event, Exit, Outcome, Violation};
use freehold_protocol::{Manifest, Session};
use serde_json::{Value, json};

fn stream(name: &str, more: Value) -> Value {
    let mut stream = json!({"name": name, "schema": {"type": "object"}, "primary_key": ["id"]});
    stream.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stream
}

fn session(identity: bool) -> Session {
    let mut document = json!({
        "version": "1", "display_name": "T", "program": {"command": "x"},
        "streams": [
            stream("messages", json!({})),
            stream("reactions", json!({"state_stream": "messages", "coverage_strategy": "checkpoint_window"})),
            stream("contacts", json!({})),
            stream("orders", json!({})),
            stream("items", json!({"parent_streams": ["orders"], "coverage_strategy": "parent_detail_accounting"})),
            stream("unasked", json!({})),
        ],
    });
    if identity {
        document["identity"] = json!({"message": true});
    }
    let manifest = Manifest::parse("t".to_owned().try_into().unwrap(), &document.to_string()).unwrap();
    let asked = ["messages", "reactions", "contacts", "orders", "items"].map(|name| json!({"name": name}));
    let start: Start = serde_json::from_value(
        json!({"run_id": "r", "collection_mode": "full_refresh", "scope": {"streams": asked}, "state": null}),
    )
    .unwrap();
    Session::new(&manifest, &start)
}

fn feed(session: &mut Session, lines: &[&str]) -> Result<(), Violation> {
    lines.iter().zip(1..).try_for_each(|(line, number)| session.line(line.as_bytes(), number).map(drop))
}

fn say(lines: &[&str], exit: Exit) -> Ending {
    let mut session = session(false);
    // A violation is kept in the session, and is what the ending says.
    let _ = feed(&mut session, lines);
    session.ending(exit)
}

fn committed(ending: &Ending) -> Vec<&str> {
    ending.commit.keys().map(String::as_str).collect()
}

const RECORD: &str =
    r#"{"type":"RECORD","stream":"messages","key":"1","data":{"id":"1"},"emitted_at":"2026-01-01T00:00:00Z"}"#;
const MESSAGES: &str = r#"{"type":"STATE","stream":"messages","cursor":{"n":1}}"#;
const CONTACTS: &str = r#"{"type":"STATE","stream":"contacts","cursor":{"n":2}}"#;
const ORDERS: &str = r#"{"type":"STATE","stream":"orders","cursor":{"n":3}}"#;
const ITEMS_COVERED: &str = r#"{"type":"DETAIL_COVERAGE","reference_only":true,"stream":"items","state_stream":"orders","required_keys":["1"],"hydrated_keys":["1"]}"#;
const ITEMS_GAPPED: &str = r#"{"type":"DETAIL_COVERAGE","reference_only":true,"stream":"items","state_stream":"orders","required_keys":["1","2"],"hydrated_keys":["1"],"gap_keys":["2"]}"#;
const ASK: &str = r#"{"type":"INTERACTION","request_id":"q1","kind":"otp","message":"Code?"}"#;
const DONE_0: &str = r#"{"type":"DONE","status":"succeeded","records_emitted":0}"#;
const DONE_1: &str = r#"{"type":"DONE","status":"succeeded","records_emitted":1}"#;
const STREAM_FAILED: &str = r#"{"type":"DONE","status":"failed","records_emitted":0,"error":{"code":"stream_collection_failed","message":"x","retryable":true}}"#;
const MESSAGES_FAILED: &str = r#"{"type":"SKIP_RESULT","stream":"reactions","reason":"stream_collection_failed"}"#;

#[test]
fn a_run_that_succeeds_commits_what_it_staged() {
    let ending = say(&[RECORD, MESSAGES, CONTACTS, DONE_1], Exit::Code(0));
    assert!(matches!(ending.outcome, Outcome::Succeeded));
    assert_eq!((committed(&ending), ending.records), (vec!["contacts", "messages"], 1));
}

#[test]
fn an_exit_code_that_contradicts_done_commits_nothing() {
    for (done, exit) in [
        (DONE_0, Exit::Code(1)),
        (DONE_0, Exit::Signal(9)),
        (r#"{"type":"DONE","status":"failed","records_emitted":0}"#, Exit::Code(0)),
        (r#"{"type":"DONE","status":"cancelled","records_emitted":0}"#, Exit::Code(0)),
    ] {
        let ending = say(&[MESSAGES, done], exit);
        assert!(matches!(ending.outcome, Outcome::Violated(Violation::WrongExit { .. })), "{done} {exit}");
        assert_eq!((committed(&ending), &*ending.withheld), (vec![], &["messages".to_owned()][..]));
    }
}

#[test]
fn an_end_without_done_is_a_death_or_a_violation() {
    assert!(matches!(say(&[MESSAGES], Exit::Code(1)).outcome, Outcome::Died(Exit::Code(1))));
    assert!(matches!(say(&[MESSAGES], Exit::Code(0)).outcome, Outcome::Violated(Violation::EndedWithoutDone)));
}

#[test]
fn nothing_follows_done_and_the_count_is_what_was_seen() {
    assert!(matches!(feed(&mut session(false), &[DONE_0, DONE_0]), Err(Violation::AfterDone { .. })));
    assert!(matches!(feed(&mut session(false), &[DONE_0, RECORD]), Err(Violation::AfterDone { .. })));
    assert_eq!(feed(&mut session(false), &[DONE_1]), Err(Violation::WrongCount { said: 1, seen: 0 }));
}

#[test]
fn a_connector_is_silent_until_it_is_answered() {
    for line in [RECORD, ASK, DONE_0, r#"{"type":"ASSISTANCE"}"#] {
        let mut session = session(false);
        assert!(matches!(feed(&mut session, &[ASK, line]), Err(Violation::SpokeWhileWaiting { .. })), "{line}");
    }
    let mut session = session(false);
    feed(&mut session, &[ASK]).unwrap();
    assert!(!session.answered("q2"));
    assert!(session.answered("q1"));
    assert!(!session.answered("q1"));
    feed(&mut session, &[RECORD, DONE_1]).unwrap();
}

#[test]
fn questions_have_a_limit() {
    let mut session = session(false);
    for _ in 0..freehold_protocol::session::MAX_INTERACTIONS {
        feed(&mut session, &[ASK]).unwrap();
        session.answered("q1");
    }
    assert_eq!(feed(&mut session, &[ASK]), Err(Violation::TooManyInteractions));
}

#[test]
fn a_promised_identity_comes_before_the_first_state() {
    assert_eq!(feed(&mut session(true), &[MESSAGES]), Err(Violation::StateBeforeIdentity));
    feed(&mut session(true), &[r#"{"type":"IDENTITY","key":"a","display":"A"}"#, MESSAGES, DONE_0]).unwrap();
}

#[test]
fn state_is_for_checkpoint_streams_that_were_asked_for() {
    for name in ["reactions", "items", "unasked", "nothing"] {
        let line = format!(r#"{{"type":"STATE","stream":"{name}","cursor":{{}}}}"#);
        assert!(matches!(feed(&mut session(false), &[&line]), Err(Violation::NotACheckpoint { .. })), "{name}");
    }
}

#[test]
fn a_request_is_answered_and_an_unknown_message_passed_over() {
    let mut session = session(false);
    let request = br#"{"type":"DETAIL_GAPS_PAGE_REQUEST","request_id":"g"}"#;
    assert!(matches!(session.line(request, 1), Ok(Event::Reply(_))));
    assert!(matches!(session.line(br#"{"type":"ASSISTANCE","message":"x"}"#, 2), Ok(Event::Unknown(_))));
    feed(&mut session, &[DONE_0]).unwrap();
}

#[test]
fn after_a_violation_everything_is_that_violation() {
    let mut session = session(false);
    let first = feed(&mut session, &["garbage"]).unwrap_err();
    assert_eq!(feed(&mut session, &[DONE_0]), Err(first));
    assert!(matches!(session.ending(Exit::Code(0)).outcome, Outcome::Violated(Violation::Message { .. })));
}

#[test]
fn a_certified_failure_keeps_the_checkpoints_of_the_other_streams() {
    let ending = say(&[MESSAGES, CONTACTS, MESSAGES_FAILED, STREAM_FAILED], Exit::Code(1));
    // The failed stream rides on the checkpoint of `messages`.
    assert_eq!((committed(&ending), &*ending.withheld), (vec!["contacts"], &["messages".to_owned()][..]));
    let Outcome::Failed { failed_streams, .. } = ending.outcome else { panic!("{:?}", ending.outcome) };
    assert_eq!(failed_streams, ["reactions"]);
}

#[test]
fn half_a_certificate_keeps_nothing() {
    let plain =
        r#"{"type":"DONE","status":"failed","records_emitted":0,"error":{"code":"other","message":"x","retryable":true}}"#;
    let out_of_scope = r#"{"type":"SKIP_RESULT","stream":"unasked","reason":"stream_collection_failed"}"#;
    let untargeted = r#"{"type":"SKIP_RESULT","reason":"stream_collection_failed"}"#;
    for lines in
        [[CONTACTS, MESSAGES_FAILED, plain], [CONTACTS, out_of_scope, STREAM_FAILED], [CONTACTS, untargeted, STREAM_FAILED]]
    {
        assert_eq!(committed(&say(&lines, Exit::Code(1))), Vec::<&str>::new(), "{lines:?}");
    }
}

#[test]
fn a_cancellation_wins_over_whatever_the_connector_said() {
    for done in [DONE_0, STREAM_FAILED] {
        let mut session = session(false);
        feed(&mut session, &[CONTACTS, MESSAGES_FAILED, done]).unwrap();
        session.cancel();
        let ending = session.ending(Exit::Code(0));
        assert!(matches!(ending.outcome, Outcome::Cancelled));
        assert!(ending.commit.is_empty());
    }
}

#[test]
fn a_parent_whose_details_are_not_proven_is_withheld() {
    assert_eq!(committed(&say(&[ORDERS, CONTACTS, ITEMS_COVERED, DONE_0], Exit::Code(0))), ["contacts", "orders"]);
    assert_eq!(committed(&say(&[ORDERS, CONTACTS, ITEMS_GAPPED, DONE_0], Exit::Code(0))), ["contacts"]);
    assert_eq!(committed(&say(&[ORDERS, CONTACTS, DONE_0], Exit::Code(0))), ["contacts"]);
}

#[test]
fn coverage_that_contradicts_the_manifest_is_a_violation() {
    for (stream, parent) in
        [("reactions", "messages"), ("items", "messages"), ("contacts", "orders"), ("unasked", "unasked")]
    {
        let line = format!(
            r#"{{"type":"DETAIL_COVERAGE","reference_only":true,"stream":"{stream}","state_stream":"{parent}","required_keys":[],"hydrated_keys":[]}}"#
        );
        let result = feed(&mut session(false), &[&line]);
        assert!(matches!(result, Err(Violation::CoverageNotDeclared { .. })), "{stream} {parent}");
    }
}
