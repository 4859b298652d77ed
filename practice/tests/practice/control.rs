//! The control page and its API.

use freehold_practice::{Captcha, Counts, Moods, SecondFactor, Site};

use crate::{Stage, sign_in};

#[test]
fn json_changes_the_moods_it_names_and_leaves_the_others() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let answer = browser.post_json("/moods", r#"{"popup": true, "captcha": "after_password"}"#);
    assert_eq!((answer.status, serde_json::from_str::<Moods>(&answer.body).unwrap()), (200, stage.practice.moods()));
    browser.post_json("/moods", r#"{"popup": false, "wrong_account": "jonas"}"#);
    let moods = stage.practice.moods();
    assert!(!moods.popup && moods.captcha == Captcha::AfterPassword && moods.wrong_account.as_deref() == Some("jonas"));
}

#[test]
fn a_mood_that_does_not_exist_is_refused() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    for json in [r#"{"pop_up": true}"#, r#"{"captcha": "sometimes"}"#, "not json"] {
        assert_eq!(browser.post_json("/moods", json).status, 422, "{json}");
    }
    assert_eq!(browser.post("/moods", &[("delay_ms", "soon")]).status, 422);
    assert_eq!(stage.practice.moods(), Moods::default());
}

#[test]
fn the_page_shows_every_mood_and_its_form_changes_them() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let page = browser.visit("/moods");
    let names = page.all("name");
    let moods = serde_json::to_value(Moods::default()).unwrap();
    for mood in moods.as_object().unwrap().keys() {
        assert!(names.contains(mood), "{mood} has no switch");
    }
    browser.submit("moods", &[("approval", "true"), ("delay_ms", "5"), ("wrong_account", "")]);
    let moods = stage.practice.moods();
    assert!(moods.approval && moods.delay_ms == 5 && moods.wrong_account.is_none() && !moods.popup);
}

#[test]
fn the_counts_are_readable_and_name_every_account() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "maria@example.test", "sails-on-tuesday");
    let counts: Counts = serde_json::from_str(&browser.get("/moods/counts").body).unwrap();
    assert_eq!(counts, stage.practice.counts());
    assert_eq!(counts.accounts.len(), 7);
    assert_eq!(counts.of(Site::Shop, "maria").passwords, 1);
    assert_eq!(counts.pages, counts.requests.len() as u64);
    assert_eq!(counts.requests.first().map(String::as_str), Some("GET shop /account"));
    assert!(!counts.requests.iter().any(|request| request.contains("/moods")), "{:?}", counts.requests);
}

#[test]
fn a_password_changed_by_its_address_replaces_the_old_one() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    assert_eq!(browser.post_json("/accounts/maria/password", r#"{"password": "another-one"}"#).status, 200);
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "sails-on-tuesday").has("error"));
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "another-one").has("account-email"));
    assert_eq!(browser.post_json("/accounts/maria/password", "{}").status, 422);
    assert_eq!(browser.post_json("/accounts/nobody/password", r#"{"password": "x"}"#).status, 422);
    assert_eq!(browser.post("/accounts/maria/password", &[("site", "amazon"), ("password", "b")]).status, 303);
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "another-one").has("account-email"));
}

#[test]
fn a_second_factor_can_be_switched_on() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    browser.post_json("/accounts/maria/second-factor", r#"{"second_factor": "sms"}"#);
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "sails-on-tuesday").has("code-form"));
    stage.practice.set_second_factor(Site::Shop, "maria", SecondFactor::None).unwrap();
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "sails-on-tuesday").has("account-email"));
}

#[test]
fn a_reset_makes_everything_as_it_was() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "maria@example.test", "sails-on-tuesday");
    browser.post_json("/accounts/maria/password", r#"{"password": "another-one"}"#);
    browser.post_json("/accounts/maria/orders", "{}");
    browser.post_json("/moods", r#"{"popup": true}"#);
    assert_eq!(browser.post("/moods/reset", &[]).status, 303);
    assert_eq!(stage.practice.moods(), Moods::default());
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").passwords, 0);
    assert_eq!(browser.get("/account").status, 303, "nobody is signed in");
    let orders = sign_in(&mut browser, "/orders?year=2026", "maria@example.test", "sails-on-tuesday");
    assert_eq!(orders.all("data-count"), ["7"]);
}
