//! Without saved details: the owner signs in by hand, in the secure browser, and the session is what is kept.

use freehold_core::identity::IdentityState;
use freehold_core::receipt::SignedOut;
use freehold_core::run::Outcome;
use freehold_core::{CredentialMode, SourceId};
use freehold_engine::view::InteractionView;
use freehold_engine::{Answer, SourceChange};
use freehold_practice::{Market, Practice};
use freehold_proof::{Canary, Search};
use freehold_tests::hand::Hand;
use freehold_tests::house::House;
use freehold_tests::shop::{self, Account, MARIA, NOOR, counts};

use crate::LAUNCHER;

fn add(house: &House, shop: &Practice) -> SourceId {
    let mut new = shop::source(shop, "Shop", CredentialMode::StreamedBrowser);
    new.expected_account = Some(NOOR.email.to_owned());
    house.engine().add_source(&house.owner(), new).expect("a source").id
}

/// Waits for the question to sign in, and signs in by hand.
fn sign_in(house: &House, source: SourceId, account: &Account) -> Hand {
    let asked = asked_to_sign_in(house, source);
    let mut hand = Hand::in_browser(house, asked.id);
    hand.sign_in(account.email, account.password);
    hand
}

fn asked_to_sign_in(house: &House, source: SourceId) -> InteractionView {
    let asked = house.asked(source);
    assert_eq!(asked.kind.as_str(), "sign_in", "{}", asked.message);
    assert_eq!(house.status(source), ("needs_owner".into(), "sign_in_required".into()));
    assert_eq!(house.source(source).action.as_str(), "sign_in");
    asked
}

fn succeeded(house: &House, source: SourceId) {
    let run = house.settled(source);
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
}

fn orders(house: &House, source: SourceId) -> u64 {
    house.source(source).streams.into_iter().find(|stream| stream.name == "orders").expect("orders").count
}

#[test]
fn signing_in_by_hand_leads_to_records_and_the_session_is_used_until_it_is_signed_out() {
    let mut house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop.place_order(Market::Shop, "noor").expect("Noor's account");
    let source = add(&house, &shop);
    assert!(house.source(source).credentials.iter().all(|credential| credential.version.is_none()));
    sign_in(&house, source, &NOOR).shown_out();
    succeeded(&house, source);
    assert_eq!(orders(&house, source), 1);
    let typed = Search::new(&[Canary::known("the password", NOOR.password)]);
    assert_eq!(typed.in_directory(house.folder()).complete().expect("readable").len(), 0, "nothing that was typed is kept");

    house.restart();
    assert_eq!(house.collect_by_schedule(source).outcome, Some(Outcome::Succeeded), "nobody is asked");
    assert_eq!(counts(&shop).passwords, 1);
    assert!(house.source(source).profile.is_some());

    house.engine().sign_out(&house.owner(), source).expect("signed out");
    assert!(house.source(source).profile.is_none());
    assert_eq!(orders(&house, source), 1, "records stay");
    assert_eq!(counts(&shop).signed_out, 1, "the shop was told");
    let receipts = house.engine().receipts(&house.owner(), Some(source), 1).expect("receipts");
    assert_eq!((receipts[0].verified, receipts[0].receipt.signed_out), (true, SignedOut::Yes));
    house.engine().start_run(&house.owner(), source).expect("a run");
    sign_in(&house, source, &NOOR);
    succeeded(&house, source);
    assert_eq!(counts(&shop).passwords, 2);
}

#[test]
fn leaving_saved_details_for_the_secure_browser_destroys_them() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    succeeded(&house, source);
    let change = SourceChange { mode: Some(CredentialMode::StreamedBrowser), ..SourceChange::default() };
    house.engine().change_source(&house.owner(), source, change).expect("changed");
    let view = house.source(source);
    assert!(view.credentials.iter().all(|credential| credential.version.is_none()), "{:?}", view.credentials);
    assert_eq!(view.mode, CredentialMode::StreamedBrowser);
    shop.expire_sessions();
    house.engine().start_run(&house.owner(), source).expect("a run");
    sign_in(&house, source, &NOOR);
    succeeded(&house, source);
    assert_eq!(counts(&shop).passwords, 2, "one by Freehold, one by hand");
}

#[test]
fn an_account_that_is_declined_is_signed_out_and_nothing_that_led_to_it_is_kept() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    for (mode, account) in [(CredentialMode::StreamedBrowser, NOOR), (CredentialMode::StoredCredential, MARIA)] {
        let source = match mode {
            CredentialMode::StoredCredential => {
                // Who is let in is somebody else than these details say.
                shop.set_moods(|moods| moods.wrong_account = Some("jonas".to_owned()));
                shop::add(&house, &shop, "Saved", &account, &[])
            }
            _ => {
                let new = shop::source(&shop, "By hand", mode);
                let source = house.engine().add_source(&house.owner(), new).expect("a source").id;
                sign_in(&house, source, &account);
                source
            }
        };
        let asked = house.until("the account's question", || {
            let id = house.source(source).interaction?;
            let asked = house.engine().interaction(&house.owner(), id).expect("a question");
            (asked.kind.as_str() == "identity").then_some(asked)
        });
        assert!(asked.secure_browser && asked.seen.is_some());
        house.engine().answer(&house.owner(), asked.id, Answer::No).expect("not mine");
        house.settled(source);
        let view = house.source(source);
        assert_eq!(view.identity, IdentityState::Unconfirmed);
        assert!(view.profile.is_none(), "{mode:?}: the browser is signed out");
        assert!(view.credentials.iter().all(|credential| credential.version.is_none()), "{mode:?}");
        assert_eq!(orders(&house, source), 0);
    }
}
