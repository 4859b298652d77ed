//! With saved sign-in details: signed in by Freehold, and the owner asked only for what it cannot know.

use freehold_core::interaction::InteractionKind;
use freehold_core::run::Outcome;
use freehold_engine::view::RunView;
use freehold_engine::{Answer, RecordQuery};
use freehold_tests::house::{House, secret};
use freehold_tests::shop::{self, JONAS, MARIA};

use crate::LAUNCHER;

fn succeeded(house: &House, run: &RunView) {
    let log = || house.engine().connector_log(&house.owner(), run.id).expect("a log");
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}\n{}", run.detail, log());
}

#[test]
fn a_password_alone_leads_to_the_orders_and_nobody_is_asked() {
    let house = House::new(LAUNCHER);
    let provider = shop::open(&house);
    let source = shop::add(&house, &provider, "shop", &MARIA, &[]);
    let run = house.settled(source);
    succeeded(&house, &run);
    let page = house.engine().records(&house.owner(), source, "orders", &RecordQuery::default()).expect("a page");
    assert_eq!(page.total, 69);
    assert_eq!(house.source(source).interaction, None);
}

#[test]
fn a_code_by_text_is_asked_for_once_and_the_next_run_asks_nothing() {
    let house = House::new(LAUNCHER);
    let provider = shop::open(&house);
    let source = shop::add(&house, &provider, "shop", &JONAS, &[]);
    let asked = house.asked(source);
    assert_eq!(asked.kind, InteractionKind::Code, "{}", asked.message);
    let code = provider.texted_code(freehold_practice::Site::Shop, "jonas").expect("a text");
    let fields = [("code".to_owned(), secret(&code))].into();
    house.engine().answer(&house.owner(), asked.id, Answer::Fields(fields)).expect("answered");
    let run = house.settled(source);
    succeeded(&house, &run);
    let again = house.collect(source);
    succeeded(&house, &again);
    assert_eq!(house.source(source).interaction, None);
}
