//! R8: no record of a source is kept before its account is confirmed, and another account later stores nothing.

use freehold_core::SourceId;
use freehold_core::identity::IdentityState;
use freehold_engine::Answer;
use freehold_practice::{Area, Site};
use freehold_proof::{Canary, Search};
use freehold_tests::house::House;
use freehold_tests::provider::Provider;
use freehold_tests::shop::{self, MARIA, NOOR, counts};

use crate::LAUNCHER;

/// A letter's text that is found wherever it was written.
const MARKED: &str = "MARKED-LETTER-TEXT-QZXWVK-0001";

fn written(house: &House) -> Vec<String> {
    let search = Search::new(&[Canary::known("the letter", MARKED)]);
    let leaks = search.in_directory(house.folder()).complete().expect("readable");
    leaks.into_iter().map(|leak| leak.place).collect()
}

#[test]
fn an_account_nobody_named_is_shown_and_nothing_of_it_is_on_disk() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("login", "right", "maria", &[("1", MARKED)]);
    let source = house.add(&provider, "Letters", "login", "right");
    let run = house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "confirm_identity".into()), "{run:?}");
    assert_eq!(written(&house), [] as [String; 0], "a probe writes no record");

    let question = house.asked(source);
    assert_eq!(question.seen.as_ref().map(|seen| seen.key.as_str()), Some("maria"));
    house.engine().answer(&house.owner(), question.id, Answer::Yes).expect("mine");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(house.letters(source).len(), 1);
    assert!(!written(&house).is_empty(), "the scan sees a kept letter, so it would have seen an early one");
}

#[test]
fn an_account_that_is_declined_leaves_nothing() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("login", "right", "somebody else", &[("1", MARKED)]);
    let source = house.add(&provider, "Letters", "login", "right");
    house.settled(source);
    let question = house.asked(source);
    house.engine().answer(&house.owner(), question.id, Answer::No).expect("not mine");
    assert_eq!(house.source(source).identity, IdentityState::Unconfirmed);
    assert!(house.source(source).credentials.iter().all(|credential| credential.version.is_none()), "they led there");
    assert_eq!(written(&house), [] as [String; 0]);
    assert!(house.letters(source).is_empty());
}

#[test]
fn the_account_named_at_setup_is_collected_at_once() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("Maria ", "right", "maria", &[("1", "hello")]);
    let source = house.add(&provider, "Letters", "Maria ", "right");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(provider.submitted().len(), 1, "one sign-in, not one for the probe and one for the records");
}

#[test]
fn another_account_later_stores_nothing_and_relabels_nothing() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", &[("1", "hers")]);
    let source = house.add(&provider, "Letters", "maria", "right");
    house.settled(source);
    let confirmed = house.source(source).identity;

    provider.account("maria", "right", "joanna", &[("1", MARKED), ("2", MARKED)]);
    house.collect(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "identity_mismatch".into()));
    assert_eq!(house.letters(source).into_iter().collect::<Vec<_>>(), [("1".to_owned(), "hers".to_owned())]);
    let question = house.asked(source);
    assert_eq!(question.expected.as_deref(), Some("Maria"));
    assert_eq!(question.seen.map(|seen| seen.display).as_deref(), Some("Joanna"));

    house.engine().answer(&house.owner(), question.id, Answer::Yes).expect("an answer");
    assert_eq!(house.source(source).identity, confirmed, "a source is never relabelled, whatever the answer");
}

fn orders(house: &House, source: SourceId) -> u64 {
    house.source(source).streams.into_iter().find(|stream| stream.name == "orders").expect("orders").count
}

#[test]
fn another_account_in_the_browser_stores_nothing_is_shown_and_can_be_signed_out() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    house.settled(source);
    let confirmed = house.source(source).identity;
    shop.expire_sessions();
    shop.set_moods(|moods| moods.wrong_account = Some("maria".to_owned()));
    house.collect(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "identity_mismatch".into()));
    assert_eq!(house.source(source).action.as_str(), "compare_accounts");
    let question = house.asked(source);
    assert_eq!(question.expected.as_deref(), Some("Noor Haddad"));
    assert_eq!(question.seen.map(|seen| seen.key).as_deref(), Some(MARIA.email));
    assert_eq!((orders(&house, source), house.source(source).identity), (0, confirmed.clone()));

    // The browser is signed out and signed in anew; the account it was stays what the source is.
    shop.set_moods(|moods| moods.wrong_account = None);
    house.engine().answer(&house.owner(), question.id, Answer::No).expect("sign in again");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!((counts(&shop).passwords, house.source(source).identity), (3, confirmed));
}

#[test]
fn an_account_that_cannot_be_read_on_its_page_stops_the_run() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop.set_moods(|moods| moods.changed_layout = Area::Account);
    let source = shop::add(&house, &shop, "Shop", &MARIA, &[]);
    house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "identity_unreadable".into()));
    assert_eq!(orders(&house, source), 0);
}

#[test]
fn an_account_that_changes_while_collecting_takes_the_runs_records_back() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let source = shop::add(&house, &shop, "Shop", &MARIA, &[]);
    house.until("a record", || {
        let run = house.engine().run(&house.owner(), house.source(source).current_run?).expect("a run");
        (run.counts.emitted > 0).then_some(())
    });
    // From here on, whoever looks is signed in as somebody else.
    shop.swap_account(Site::Shop, "maria", "noor").expect("both accounts");
    house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "identity_mismatch".into()));
    assert_eq!(orders(&house, source), 0, "what the run had stored is gone again");
}
