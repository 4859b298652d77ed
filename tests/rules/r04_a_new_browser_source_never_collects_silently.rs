//! R4: a new source in a browser asks for a sign-in before it collects, however its first run is started; only a profile that is signed
//! in already needs none.

use std::time::Duration;

use freehold_core::run::Outcome;
use freehold_core::{CredentialMode, SourceId};
use freehold_practice::Practice;
use freehold_tests::hand::Hand;
use freehold_tests::house::House;
use freehold_tests::shop::{self, NOOR, counts};

use crate::LAUNCHER;

fn add(house: &House, shop: &Practice, name: &str) -> SourceId {
    let mut new = shop::source(shop, name, CredentialMode::StreamedBrowser);
    new.expected_account = Some(NOOR.email.to_owned());
    house.engine().add_source(&house.owner(), new).expect("a source").id
}

fn asks_to_sign_in(house: &House, source: SourceId) {
    let asked = house.asked(source);
    assert_eq!((asked.kind.as_str(), asked.secure_browser), ("sign_in", true), "{}", asked.message);
    assert_eq!(house.status(source), ("needs_owner".into(), "sign_in_required".into()));
    assert!(house.source(source).streams.iter().all(|stream| stream.count == 0), "nothing is collected");
}

#[test]
fn whoever_starts_it_a_source_that_nobody_signed_in_asks_first() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let source = add(&house, &shop, "Shop");
    asks_to_sign_in(&house, source);
    let first = house.source(source).current_run.expect("the setup's run");
    house.engine().cancel_run(&house.owner(), first).expect("cancelled");
    house.settled(source);
    house.engine().start_run(&house.owner(), source).expect("a run");
    asks_to_sign_in(&house, source);
    let second = house.source(source).current_run.expect("the owner's run");
    house.engine().cancel_run(&house.owner(), second).expect("cancelled");
    house.settled(source);
    house.clock.advance(Duration::from_secs(3 * 24 * 3600));
    house.engine().wake();
    house.until("the schedule's run", || house.source(source).current_run);
    asks_to_sign_in(&house, source);
    assert_eq!(counts(&shop).passwords, 0);
}

#[test]
fn a_second_source_has_nothing_of_the_first_ones_session() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let first = add(&house, &shop, "First");
    Hand::in_browser(&house, house.asked(first).id).sign_in(NOOR.email, NOOR.password);
    assert_eq!(house.settled(first).outcome, Some(Outcome::Succeeded));
    let second = add(&house, &shop, "Second");
    asks_to_sign_in(&house, second);
    assert_eq!(house.collect(first).outcome, Some(Outcome::Succeeded), "that profile is signed in, and asks nobody");
    assert_eq!(counts(&shop).passwords, 1);
}
