//! R5: saved details are used again for the same source; refused ones never, uncertain ones not by themselves; and every use is in
//! the ledger before it is made.

use freehold_core::SecretKind;
use freehold_tests::house::{House, credentials};
use freehold_tests::provider::{Mood, Provider};
use freehold_tests::shop::{self, Account, NOOR, counts};

use crate::LAUNCHER;

const LETTERS: &[(&str, &str)] = &[("1", "first"), ("2", "second")];

/// What the ledger on disk says of each attempt, oldest first.
fn ledger(house: &House) -> Vec<String> {
    let path = house.folder().join("data/vault.db");
    let database =
        rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).expect("vault.db");
    let mut statement = database.prepare("SELECT state FROM attempts ORDER BY n").expect("the ledger");
    let states = statement.query_map([], |row| row.get(0)).expect("rows");
    states.collect::<Result<_, _>>().expect("texts")
}

#[test]
fn a_refused_password_is_submitted_once_whatever_happens_next() {
    let mut house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = house.add(&provider, "Letters", "maria", "wrong");
    house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_rejected".into()));
    assert_eq!(provider.submitted().len(), 1);

    // The owner presses the button, days pass, the server starts again: the refused version stays where it is.
    if house.engine().start_run(&house.owner(), source).is_ok() {
        house.settled(source);
    }
    for _ in 0..3 {
        house.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600));
        house.engine().wake();
    }
    house.restart();
    house.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600));
    house.engine().wake();
    if house.engine().start_run(&house.owner(), source).is_ok() {
        house.settled(source);
    }
    assert_eq!(provider.submitted(), [("maria".to_owned(), "wrong".to_owned())]);
    assert_eq!(ledger(&house), ["rejected"]);
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_rejected".into()));
}

#[test]
fn saved_details_are_used_again_by_the_schedule_and_nobody_is_asked() {
    let mut house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = house.add(&provider, "Letters", "maria", "right");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    house.collect_by_schedule(source);
    house.restart();
    house.collect_by_schedule(source);
    assert_eq!(provider.submitted().len(), 3);
    assert_eq!(ledger(&house), ["accepted", "accepted", "accepted"]);
    assert!(house.engine().interactions(&house.owner()).expect("questions").is_empty());
}

#[test]
fn an_attempt_without_an_answer_is_repeated_only_when_the_owner_says_so() {
    let mut house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    provider.mood(Mood::HangsUp);
    let source = house.add(&provider, "Letters", "maria", "right");
    house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "attempt_unknown".into()));
    assert_eq!(house.source(source).action.as_str(), "try_saved_details_once");

    provider.mood(Mood::Usual);
    house.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600));
    house.engine().wake();
    house.restart();
    if house.engine().start_run(&house.owner(), source).is_ok() {
        house.settled(source);
    }
    assert_eq!(provider.submitted().len(), 1, "not by itself, not by a restart, not by collecting");

    house.engine().try_again(&house.owner(), source).expect("once more");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(provider.submitted().len(), 2);
    assert_eq!(ledger(&house), ["unknown", "accepted"]);
}

#[test]
fn the_attempt_is_on_disk_before_the_provider_has_the_password() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    provider.mood(Mood::Silent);
    let source = house.add(&provider, "Letters", "maria", "right");
    provider.wait_for(1);
    assert_eq!(ledger(&house), ["submitted"]);
    provider.mood(Mood::Usual);
    house.settled(source);
    assert_eq!(ledger(&house), ["accepted"]);
}

#[test]
fn the_refused_value_typed_again_is_said_to_be_the_same() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = house.add(&provider, "Letters", "maria", "wrong");
    house.settled(source);
    let kind = SecretKind::UsernamePassword;
    let refused = house.engine().save_credential(&house.owner(), source, kind, credentials("maria", "wrong"), true);
    let problem = refused.expect_err("the same value is not taken");
    assert!(problem.what.contains("same"), "{problem}");
    assert_eq!(provider.submitted().len(), 1);
}

#[test]
fn a_provider_that_is_down_does_not_use_the_password_up() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    provider.mood(Mood::Away(None));
    let source = house.add(&provider, "Letters", "maria", "right");
    house.settled(source);
    assert_eq!(house.status(source), ("waiting".into(), "provider_down".into()));
    provider.mood(Mood::Usual);
    assert_eq!(house.collect_by_schedule(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(ledger(&house), ["unjudged", "accepted"]);
}

#[test]
fn a_password_that_a_page_refused_is_typed_once_whatever_happens_next() {
    let mut house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let wrong = Account { password: "not hers", ..NOOR };
    let source = shop::add(&house, &shop, "Shop", &wrong, &[]);
    house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_rejected".into()));
    assert_eq!(house.source(source).action.as_str(), "give_sign_in_details");
    for _ in 0..2 {
        if house.engine().start_run(&house.owner(), source).is_ok() {
            house.settled(source);
        }
        house.restart();
        house.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600));
        house.engine().wake();
    }
    assert_eq!((counts(&shop).passwords, counts(&shop).passwords_wrong), (1, 1));
    assert_eq!(ledger(&house), ["rejected"]);
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_rejected".into()));
}

#[test]
fn a_sign_in_on_a_page_that_was_cut_off_is_not_repeated_by_itself() {
    let mut house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop.set_moods(|moods| moods.delay_ms = 3000);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    shop::wait_for_request(&shop, "POST shop /sign-in/password");
    let run = house.source(source).current_run.expect("a run");
    house.engine().cancel_run(&house.owner(), run).expect("cancelled");
    house.settled(source);
    assert_eq!(ledger(&house), ["unknown"]);
    shop.set_moods(|moods| moods.delay_ms = 0);
    // Whether it was let in after all or not, that session is over.
    shop.expire_sessions();
    house.restart();
    house.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600));
    house.engine().wake();
    let question = house.asked(source);
    assert_eq!(question.kind.as_str(), "sign_in", "a person looks first");
    assert_eq!(house.status(source), ("needs_owner".into(), "attempt_unknown".into()));
    assert_eq!(ledger(&house), ["unknown"]);
    assert!(counts(&shop).passwords <= 1, "the one that was cut off");
}
