//! R7: the secure browser opens only while a run has a question for the owner, and closes with it.

use freehold_core::id::TokenId;
use freehold_core::run::Outcome;
use freehold_core::{CredentialMode, InteractionId, ProblemCode};
use freehold_engine::{Answer, Caller, Permission};
use freehold_practice::{Captcha, Site};
use freehold_tests::hand::Hand;
use freehold_tests::house::{House, secret};
use freehold_tests::shop::{self, NOOR};

use crate::LAUNCHER;

/// What comes of asking for a ticket.
fn refused(house: &House, caller: &Caller, id: InteractionId) -> Option<ProblemCode> {
    house.engine().live_ticket(caller, id).err().map(|problem| problem.code)
}

#[test]
fn there_is_no_ticket_before_after_or_without_a_question() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    // After setup with saved details nothing is asked, so nothing can be watched.
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert!(house.engine().interactions(&house.owner()).expect("questions").is_empty());
    assert_eq!(house.source(source).interaction, None);

    shop.expire_sessions();
    shop.set_moods(|moods| moods.captcha = Captcha::AfterPassword);
    house.engine().start_run(&house.owner(), source).expect("a run");
    let asked = house.asked(source);
    assert!(asked.secure_browser);
    assert_eq!(
        refused(&house, &Caller::Cli { reauthenticated: false }, asked.id),
        Some(ProblemCode::ReauthenticationRequired)
    );
    let unused = house.engine().live_ticket(&house.owner(), asked.id).expect("a ticket").ticket;
    let mut hand = Hand::in_browser(&house, asked.id);
    let letters = shop.captcha_letters(Site::Shop, "noor").expect("a picture");
    hand.fill(|field| field.r#type == "text", &letters);
    hand.shown_out();
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert_eq!(refused(&house, &house.owner(), asked.id), Some(ProblemCode::NoLongerNeeded));
    let late = house.engine().live_join(&house.owner(), &secret(unused.reveal()));
    assert_eq!(late.err().map(|problem| problem.code), Some(ProblemCode::Forbidden), "a ticket dies with its question");
}

#[test]
fn every_end_of_a_question_shows_the_owner_out() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let new = shop::source(&shop, "Shop", CredentialMode::StreamedBrowser);
    let source = house.engine().add_source(&house.owner(), new).expect("a source").id;
    let token = TokenId::parse("tok_00000000000000000000000001").expect("an id");
    let program = Caller::Token { token, scopes: Permission::SCOPES.into() };
    for declines in [true, false] {
        let asked = house.asked(source);
        for says in [Answer::Yes, Answer::No] {
            let answered = house.engine().answer(&program, asked.id, says);
            assert_eq!(answered.err().map(|problem| problem.code), Some(ProblemCode::Forbidden), "no program signs in");
        }
        let mut hand = Hand::in_browser(&house, asked.id);
        if declines {
            house.engine().answer(&house.owner(), asked.id, Answer::No).expect("declined");
        } else {
            house.engine().cancel_run(&house.owner(), asked.run.expect("a run")).expect("cancelled");
        }
        hand.shown_out();
        house.settled(source);
        assert_eq!(refused(&house, &house.owner(), asked.id), Some(ProblemCode::NoLongerNeeded));
        house.engine().start_run(&house.owner(), source).expect("a run");
    }
}
