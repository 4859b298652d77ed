//! R15: the owner is asked for cause, one test for each cause; and nobody is asked when there is none.

use std::collections::BTreeMap;

use freehold_core::SecretKind;
use freehold_engine::Answer;
use freehold_practice::{Area, Captcha, SecondFactor, Site};
use freehold_tests::house::{House, secret};
use freehold_tests::provider::{Mood, Provider};
use freehold_tests::shop::{self, NOOR, SEED, counts};

use crate::LAUNCHER;

const LETTERS: &[(&str, &str)] = &[("1", "first")];

fn collected(house: &House, provider: &Provider) -> freehold_core::SourceId {
    let source = house.add(provider, "Letters", "maria", "right");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    source
}

fn nobody_is_asked(house: &House) {
    let open = house.engine().interactions(&house.owner()).expect("questions");
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn absent_details_are_asked_for() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = collected(&house, &provider);
    house.engine().forget_credentials(&house.owner(), source).expect("forgotten");
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_missing".into()));
    assert_eq!(house.source(source).action.as_str(), "give_sign_in_details");
    if house.engine().start_run(&house.owner(), source).is_ok() {
        house.settled(source);
    }
    assert_eq!(provider.submitted().len(), 1, "there is nothing left to submit");
}

#[test]
fn refused_details_are_asked_for() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = collected(&house, &provider);
    provider.account("maria", "changed", "maria", LETTERS);
    house.collect_by_schedule(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_rejected".into()));
    assert_eq!(house.source(source).action.as_str(), "give_sign_in_details");
}

#[test]
fn insufficient_details_lead_to_one_question_for_the_code() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = collected(&house, &provider);
    provider.mood(Mood::WantsCode("204816".to_owned()));
    house.engine().start_run(&house.owner(), source).expect("a run");
    let question = house.asked(source);
    assert_eq!(question.kind.as_str(), "code");
    assert_eq!(house.status(source), ("needs_owner".into(), "code_required".into()));
    assert_eq!(house.engine().interactions(&house.owner()).expect("questions").len(), 1);
    let code = Answer::Fields(BTreeMap::from([("code".to_owned(), secret("204816"))]));
    house.engine().answer(&house.owner(), question.id, code).expect("the code");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(provider.submitted().len(), 2, "the password went out once in each run");
}

#[test]
fn what_only_a_person_can_do_is_asked_for() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = collected(&house, &provider);
    provider.mood(Mood::WantsPerson);
    house.engine().start_run(&house.owner(), source).expect("a run");
    let question = house.asked(source);
    assert_eq!(question.kind.as_str(), "challenge");
    assert_eq!(house.source(source).action.as_str(), "answer");
    house.engine().answer(&house.owner(), question.id, Answer::Yes).expect("done");
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
}

#[test]
fn nobody_is_asked_without_a_cause() {
    let mut house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", LETTERS);
    let source = collected(&house, &provider);
    nobody_is_asked(&house);
    house.collect_by_schedule(source);
    nobody_is_asked(&house);
    provider.mood(Mood::Away(Some(120)));
    house.collect_by_schedule(source);
    assert_eq!(house.source(source).action.as_str(), "none", "a provider that is down asks the owner for nothing");
    nobody_is_asked(&house);
    provider.mood(Mood::Usual);
    house.restart();
    house.collect_by_schedule(source);
    nobody_is_asked(&house);
    assert_eq!(house.status(source).0, "fresh");
}

#[test]
fn in_a_browser_each_cause_has_its_own_question() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[]);
    house.settled(source);
    let asked = |kind: &str, reason: &str, action: &str| {
        shop.expire_sessions();
        house.engine().start_run(&house.owner(), source).expect("a run");
        let asked = house.asked(source);
        assert_eq!((asked.kind.as_str(), &*house.status(source).1), (kind, reason), "{}", asked.message);
        assert_eq!(house.source(source).action.as_str(), action);
        house.engine().answer(&house.owner(), asked.id, Answer::No).expect("declined");
        house.settled(source);
    };
    // Insufficient: a code, and no seed to make it from.
    shop::second_factor(&shop, SecondFactor::Sms);
    asked("code", "code_required", "answer");
    shop::second_factor(&shop, SecondFactor::None);
    // What only a person can do.
    shop.set_moods(|moods| moods.captcha = Captcha::AfterPassword);
    asked("challenge", "challenge", "answer");
    shop.set_moods(|moods| (moods.captcha, moods.approval) = (Captcha::Never, true));
    asked("approval", "approval", "answer");
    shop.set_moods(|moods| moods.approval = false);
    // Absent.
    house.engine().forget_credentials(&house.owner(), source).expect("forgotten");
    asked("sign_in", "sign_in_required", "sign_in");
    // Refused.
    let details = freehold_tests::house::credentials(NOOR.email, "not hers");
    let kind = SecretKind::UsernamePassword;
    house.engine().save_credential(&house.owner(), source, kind, details, true).expect("saved");
    house.settled(source);
    assert_eq!(house.status(source), ("needs_owner".into(), "credential_rejected".into()));
    nobody_is_asked(&house);
}

#[test]
fn in_a_browser_nobody_is_asked_without_a_cause() {
    let mut house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop::second_factor(&shop, SecondFactor::Authenticator);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[(SecretKind::OtpSeed, "otp_seed", SEED)]);
    house.settled(source);
    house.collect_by_schedule(source);
    shop.expire_sessions();
    house.collect_by_schedule(source);
    shop.set_moods(|moods| moods.errors = Area::Everywhere);
    house.collect_by_schedule(source);
    assert_eq!(house.source(source).action.as_str(), "none");
    nobody_is_asked(&house);
    shop.set_moods(|moods| moods.errors = Area::Nowhere);
    house.restart();
    house.collect_by_schedule(source);
    nobody_is_asked(&house);
    assert_eq!(house.status(source).0, "fresh");
    assert_eq!((counts(&shop).passwords, shop.counts().of(Site::Shop, "noor").signed_in), (2, 2));
}
