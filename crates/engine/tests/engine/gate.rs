//! No record of a source is kept before its account is confirmed, and none of another account's ever.

use freehold_core::identity::IdentityState;
use freehold_core::reason::OwnerReason;
use freehold_core::run::Outcome;
use freehold_engine::{Answer, SourceChange};
use serde_json::json;

use crate::support::{OWNER, Server};

fn needs(reason: OwnerReason) -> Outcome {
    Outcome::NeedsOwner { reason }
}

fn commit(server: &Server, source: freehold_core::SourceId, sin: &str) -> Outcome {
    let settings = [("sin".to_owned(), sin.into())].into();
    server
        .engine
        .change_source(&OWNER, source, SourceChange { settings: Some(settings), ..SourceChange::default() })
        .unwrap();
    server.engine.start_run(&OWNER, source).unwrap();
    server.outcome(source)
}

#[test]
fn a_first_run_asks_which_account_this_is_and_keeps_nothing() {
    let server = Server::new();
    let source = server.add("misbehaving", &[], &[("token", "t0ken-t0ken")]).id;
    assert_eq!(server.outcome(source), needs(OwnerReason::ConfirmIdentity));
    assert_eq!(server.count(source, "items"), 0);
    let view = server.source(source);
    assert!(matches!(view.identity, IdentityState::Proposed { .. }));
    assert_eq!(view.status.reason(), Some("confirm_identity"));
    let question = server.engine.interaction(&OWNER, view.interaction.unwrap()).unwrap();
    assert_eq!(question.seen.unwrap().display, "Tester");
    // A run behind the owner's back is refused while the question is open.
    assert!(server.engine.start_run(&OWNER, source).is_err());
}

#[test]
fn declining_the_account_forgets_the_details_that_led_to_it() {
    let server = Server::new();
    let source = server.add("misbehaving", &[], &[("token", "t0ken-t0ken")]).id;
    server.ended(source);
    server.engine.answer(&OWNER, server.source(source).interaction.unwrap(), Answer::No).unwrap();
    let view = server.source(source);
    assert_eq!(view.status.reason(), Some("credential_missing"));
    assert_eq!(view.identity, IdentityState::Unconfirmed);
}

#[test]
fn another_account_stops_the_run_stores_nothing_and_never_relabels() {
    let server = Server::new();
    let source = server.add("misbehaving", &[], &[("token", "t0ken-t0ken")]).id;
    server.ended(source);
    server.engine.answer(&OWNER, server.source(source).interaction.unwrap(), Answer::Yes).unwrap();
    assert_eq!(server.outcome(source), Outcome::Succeeded);
    let before = server.engine.records(&OWNER, source, "items", &Default::default()).unwrap();

    assert_eq!(commit(&server, source, "other_identity"), needs(OwnerReason::IdentityMismatch));
    let question = server.engine.interaction(&OWNER, server.source(source).interaction.unwrap()).unwrap();
    assert_eq!((question.expected.as_deref(), question.seen.unwrap().display.as_str()), (Some("Tester"), "Somebody Else"));
    // Even a yes does not make this source another account's.
    server.engine.answer(&OWNER, question.id, Answer::Yes).unwrap();
    assert!(matches!(server.source(source).identity, IdentityState::Confirmed { identity } if identity.display == "Tester"));
    let after = server.engine.records(&OWNER, source, "items", &Default::default()).unwrap();
    assert_eq!(serde_json::to_value(before).unwrap(), serde_json::to_value(after).unwrap());
}

#[test]
fn a_connector_that_shows_no_account_keeps_nothing() {
    let server = Server::new();
    let source = server.add("misbehaving", &[("sin", "no_identity")], &[("token", "t0ken-t0ken")]).id;
    assert_eq!(server.outcome(source), needs(OwnerReason::IdentityUnreadable));
    assert_eq!(server.count(source, "items"), 0);
}

#[test]
fn a_changed_connector_that_asks_for_more_waits_for_the_owner() {
    let server = Server::new();
    let program = "say(type='IDENTITY', key='ada', display='ada'); item(id='1'); done(1)\n";
    server.drop_in("changing", json!({ "hosts": ["one.example"] }), program);
    let source = server.add_named("changing", "ada");
    let first = server.ended(source);
    assert_eq!(first.outcome, Some(Outcome::Succeeded), "{:?}", first.detail);
    let run_again = || {
        let last = server.source(source).last_run;
        server.engine.start_run(&OWNER, source).unwrap();
        server.wait(source, |run| Some(run.id) != last && run.outcome.is_some()).outcome.unwrap()
    };

    // Another program that asks for the same is simply the new version.
    server.drop_in("changing", json!({ "hosts": ["one.example"] }), &format!("{program}# changed\n"));
    assert_eq!(run_again(), Outcome::Succeeded);

    server.drop_in("changing", json!({ "hosts": ["one.example", "two.example"] }), program);
    assert_eq!(run_again(), needs(OwnerReason::ConnectorChanged));
    let view = server.source(source);
    assert_eq!(view.status.reason(), Some("connector_changed"));
    let question = server.engine.interaction(&OWNER, view.interaction.unwrap()).unwrap();
    assert!(question.message.contains("host two.example"), "{}", question.message);
    let last = view.last_run;
    server.engine.answer(&OWNER, question.id, Answer::Yes).unwrap();
    let approved = server.wait(source, |run| Some(run.id) != last && run.outcome.is_some());
    assert_eq!(approved.outcome, Some(Outcome::Succeeded), "{:?}", approved.detail);
}

#[test]
fn the_name_an_account_shows_is_not_the_account() {
    let server = Server::new();
    // An account of someone else's, that calls itself what the owner expects.
    server.drop_in("namesake", json!({}), "say(type='IDENTITY', key='mallory', display='ada'); item(id='1'); done(1)\n");
    let source = server.add_named("namesake", "ada");
    assert_eq!(server.outcome(source), needs(OwnerReason::ConfirmIdentity));
    assert_eq!(server.count(source, "items"), 0);
}
