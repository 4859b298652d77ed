//! R11: records stay while sign-in details are replaced, and new details are saved, being verified, verified or refused: never
//! just done.

use freehold_core::{CredentialState, SecretKind};
use freehold_practice::{Market, Site};
use freehold_tests::house::{House, credentials};
use freehold_tests::provider::{Mood, Provider};
use freehold_tests::shop::{self, NOOR, counts};

use crate::LAUNCHER;

const KIND: SecretKind = SecretKind::UsernamePassword;

fn state(house: &House, source: freehold_core::SourceId) -> CredentialState {
    let view = house.source(source).credentials.into_iter().find(|view| view.kind == KIND).expect("the main form's kind");
    view.state
}

#[test]
fn new_details_are_verified_before_they_count_and_records_stay() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "old", "maria", &[("1", "kept")]);
    let source = house.add(&provider, "Letters", "maria", "old");
    house.settled(source);
    assert!(matches!(state(&house, source), CredentialState::Verified { .. }));

    provider.account("maria", "new", "maria", &[("1", "kept"), ("2", "later")]);
    house.collect(source);
    assert!(matches!(state(&house, source), CredentialState::Rejected { .. }));
    assert_eq!(house.letters(source).len(), 1, "a refused password takes no record away");

    provider.mood(Mood::Silent);
    let view =
        house.engine().save_credential(&house.owner(), source, KIND, credentials("maria", "new"), true).expect("saved");
    assert!(matches!(view.state, CredentialState::Saved | CredentialState::Verifying), "{:?}", view.state);
    provider.wait_for(3);
    assert_eq!(state(&house, source), CredentialState::Verifying);
    assert_eq!(house.letters(source).len(), 1);
    provider.mood(Mood::Usual);
    house.settled(source);
    assert!(matches!(state(&house, source), CredentialState::Verified { .. }));
    assert_eq!(house.letters(source).len(), 2);
}

#[test]
fn details_that_are_refused_do_not_replace_those_that_work() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "works", "maria", &[("1", "kept")]);
    let source = house.add(&provider, "Letters", "maria", "works");
    house.settled(source);
    house.engine().save_credential(&house.owner(), source, KIND, credentials("maria", "typo"), true).expect("saved");
    house.settled(source);
    assert!(matches!(state(&house, source), CredentialState::Rejected { .. }));
    assert_eq!(house.letters(source).len(), 1);
    let tried: Vec<_> = provider.submitted().into_iter().map(|(_, password)| password).collect();
    assert_eq!(tried, ["works", "typo"]);
}

#[test]
fn details_typed_into_a_page_are_verified_by_signing_in_while_records_stay() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop.place_order(Market::Shop, "noor").expect("Noor's account");
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    house.settled(source);
    let orders = || house.source(source).streams.into_iter().find(|stream| stream.name == "orders").expect("orders").count;
    shop.set_password(Site::Shop, "noor", "another one").expect("Noor's account");
    shop.expire_sessions();
    house.collect(source);
    assert!(matches!(state(&house, source), CredentialState::Rejected { .. }));
    assert_eq!(orders(), 1);
    let new = credentials(NOOR.email, "another one");
    let view = house.engine().save_credential(&house.owner(), source, KIND, new, true).expect("saved");
    assert!(matches!(view.state, CredentialState::Saved | CredentialState::Verifying), "{:?}", view.state);
    house.until("the trial", || (state(&house, source) == CredentialState::Verifying).then_some(()));
    assert_eq!(orders(), 1);
    house.settled(source);
    assert!(matches!(state(&house, source), CredentialState::Verified { .. }));
    assert_eq!((orders(), counts(&shop).passwords), (1, 3));
}
