//! Each bad mood, as a visitor meets it.

use std::time::{Duration, Instant};

use freehold_practice::{Area, Captcha, Code, Site};

use crate::browser::{Answer, Browser};
use crate::{Stage, sign_in};

fn maria(browser: &mut Browser) -> Answer {
    sign_in(browser, "/account", "maria@example.test", "sails-on-tuesday")
}

/// Reads the letters of the picture that is shown.
fn letters(browser: &mut Browser) -> String {
    let picture = browser.get("/sign-in/captcha.svg").body;
    picture.split("<text").skip(1).filter_map(|text| text.split('>').nth(1)?.chars().next()).collect()
}

#[test]
fn a_slow_site_makes_everyone_wait() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.delay_ms = 80);
    let before = Instant::now();
    assert_eq!(stage.browser().get("/").status, 200);
    assert!(before.elapsed() >= Duration::from_millis(80));
}

#[test]
fn errors_come_where_they_are_switched_on() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    maria(&mut browser);
    stage.practice.set_moods(|moods| moods.errors = Area::Orders);
    assert_eq!(browser.get("/orders").status, 500);
    assert_eq!(browser.get("/account").status, 200);
    stage.practice.set_moods(|moods| moods.errors = Area::Everywhere);
    assert_eq!((browser.get("/").status, browser.get("/account").status), (500, 500));
    assert_eq!(browser.get("/moods").status, 200, "the control page is in no mood");
}

#[test]
fn too_many_requests_say_when_to_come_back() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.rate_limited = Area::Orders);
    let mut browser = stage.browser();
    maria(&mut browser);
    let answer = browser.get("/orders");
    assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (429, "120"));
    assert!(answer.has("try-again"));
}

#[test]
fn a_password_that_is_one_too_many_is_counted_and_not_looked_at() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.rate_limited = Area::SignIn);
    let answer = maria(&mut stage.browser());
    assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (429, "120"));
    let counts = stage.practice.counts().of(Site::Shop, "maria");
    assert_eq!((counts.passwords, counts.passwords_unseen, counts.passwords_right), (1, 1, 0));
}

#[test]
fn a_submission_that_fails_has_arrived_all_the_same() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "ada@example.test", "notes-on-engines");
    stage.practice.set_moods(|moods| moods.submit_errors = true);
    assert_eq!(browser.submit("code-form", &[("code", "123456")]).status, 500);
    assert_eq!(maria(&mut stage.browser()).status, 500);
    let counts = stage.practice.counts();
    assert_eq!((counts.of(Site::Shop, "ada").codes, counts.of(Site::Shop, "ada").codes_wrong), (1, 0));
    assert_eq!((counts.of(Site::Shop, "maria").passwords, counts.of(Site::Shop, "maria").signed_in), (1, 0));
}

#[test]
fn a_captcha_comes_before_the_password() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.captcha = Captcha::BeforePassword);
    let mut browser = stage.browser();
    browser.visit("/account");
    assert!(browser.submit("email-form", &[("email", "maria@example.test")]).has("captcha"));
    assert!(browser.submit("captcha-form", &[("letters", "nope")]).has("error"));
    let answer = letters(&mut browser);
    assert!(browser.submit("captcha-form", &[("letters", &answer)]).has("password-form"));
    assert!(browser.submit("password-form", &[("password", "sails-on-tuesday")]).has("account-email"));
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").captchas, 2);
}

#[test]
fn a_captcha_comes_in_the_middle() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.captcha = Captcha::AfterPassword);
    let mut browser = stage.browser();
    assert!(maria(&mut browser).has("captcha-form"));
    let answer = letters(&mut browser);
    assert!(browser.submit("captcha-form", &[("letters", &answer.to_lowercase())]).has("account-email"));
}

#[test]
fn codes_are_wrong_or_expired_whatever_they_are() {
    for (mood, text) in [(Code::AlwaysWrong, "This code is not right."), (Code::AlwaysExpired, "This code has expired.")] {
        let stage = Stage::new();
        stage.practice.set_moods(|moods| moods.code = mood);
        let mut browser = stage.browser();
        sign_in(&mut browser, "/account", "ada@example.test", "notes-on-engines");
        let code = stage.practice.authenticator_code(Site::Shop, "ada").unwrap();
        assert_eq!(browser.submit("code-form", &[("code", &code)]).text("error"), text);
    }
}

#[test]
fn an_approval_waits_for_the_phone() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.approval = true);
    let mut browser = stage.browser();
    assert!(maria(&mut browser).has("approval"));
    assert!(browser.visit("/sign-in/password").has("approval"), "it waits");
    let number = browser.visit("/phone").all("data-number").remove(0);
    let tapped = browser.post("/phone", &[("number", &number), ("answer", "approve")]);
    assert_eq!(tapped.status, 303);
    assert!(browser.visit("/phone").has("no-approvals"));
    assert!(browser.visit("/sign-in/password").has("account-email"));
}

#[test]
fn a_denied_approval_ends_the_sign_in() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.approval = true);
    let mut browser = stage.browser();
    maria(&mut browser);
    assert_eq!(stage.practice.answer_phone(Site::Shop, "maria", false), 1);
    let answer = browser.visit("/sign-in/password");
    assert!(answer.has("email-form") && answer.has("error"), "{}", answer.body);
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").signed_in, 0);
}

#[test]
fn an_expired_password_has_to_be_replaced() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.password_expired = true);
    let mut browser = stage.browser();
    assert!(maria(&mut browser).has("password-expired"));
    let same = [("new_password", "sails-on-tuesday"), ("new_password_again", "sails-on-tuesday")];
    assert!(browser.submit("new-password-form", &same).has("error"));
    let other = [("new_password", "sails-on-friday"), ("new_password_again", "sails-on-friday")];
    assert!(browser.submit("new-password-form", &other).has("account-email"));
    stage.practice.set_moods(|moods| moods.password_expired = false);
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "sails-on-friday").has("account-email"));
}

#[test]
fn a_locked_account_says_until_when() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.locked_out = true);
    let answer = maria(&mut stage.browser());
    assert!(answer.body.contains("id=\"locked-until\" datetime=\"2026-11-15T"), "{}", answer.body);
    let counts = stage.practice.counts().of(Site::Shop, "maria");
    assert_eq!((counts.passwords, counts.passwords_while_locked, counts.signed_in), (1, 1, 0));
}

#[test]
fn another_account_can_be_signed_in_than_the_one_that_signed_in() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.wrong_account = Some("jonas".to_owned()));
    assert_eq!(maria(&mut stage.browser()).text("account-email"), "jonas@example.test");
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").signed_in, 1);
}

#[test]
fn a_changed_layout_looks_the_same_and_has_other_names() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    maria(&mut browser);
    stage.practice.set_moods(|moods| moods.changed_layout = Area::Account);
    let account = browser.visit("/account");
    assert!(account.body.contains("maria@example.test") && !account.has("account-email"));
    assert!(browser.visit("/orders").has("orders"), "only where it is switched on");
    stage.practice.set_moods(|moods| moods.changed_layout = Area::Everywhere);
    let orders = browser.visit("/orders");
    assert!(orders.body.contains("LL-2026-") && orders.all("data-order-id").is_empty());
    let style = browser.visit("/shop.css").body;
    let class = orders.all("class").into_iter().find(|class| !class.contains(' ')).unwrap();
    assert!(style.contains(&format!(".{class}")), "the style sheet knows .{class}");
}

#[test]
fn an_endless_redirect_never_arrives() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    maria(&mut browser);
    stage.practice.set_moods(|moods| moods.endless_redirect = true);
    assert_eq!(browser.visit("/orders?year=2024").status, 303);
    assert_eq!(browser.visit("/").status, 200);
}

#[test]
fn a_pop_up_signs_in_and_sends_the_first_window_on() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.popup = true);
    let mut browser = stage.browser();
    let first = browser.visit("/orders?year=2024");
    assert!(first.has("open-window") && !first.has("email-form"));
    browser.visit("/sign-in?window=1&return=/orders%3Fyear%3D2024");
    browser.submit("email-form", &[("email", "maria@example.test")]);
    let last = browser.submit("password-form", &[("password", "sails-on-tuesday")]);
    assert!(last.has("window-finished") && last.body.contains("href=\"/orders?year=2024\""), "{}", last.body);
    assert_eq!(browser.visit("/orders?year=2024").status, 200);
}

#[test]
fn a_file_has_to_be_uploaded() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.file_dialog = true);
    let mut browser = stage.browser();
    assert!(maria(&mut browser).body.contains("id=\"proof\" name=\"proof\" type=\"file\""));
    assert!(browser.upload("proof-form", "proof", "").has("error"));
    assert!(browser.upload("proof-form", "proof", "a picture").has("account-email"));
}

#[test]
fn a_vague_refusal_names_neither() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.vague_refusal = true);
    let mut texts = Vec::new();
    for (email, password) in [("nobody@example.test", "wrong"), ("maria@example.test", "wrong")] {
        texts.push(sign_in(&mut stage.browser(), "/account", email, password).text("error"));
    }
    assert_eq!(texts, ["The e-mail address or the password is not right."; 2]);
}

#[test]
fn a_session_that_is_not_kept_leads_back_to_the_start() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.session_not_kept = true);
    let answer = maria(&mut stage.browser());
    assert!(answer.has("email-form") && !answer.has("error"));
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").signed_in, 1);
}

#[test]
fn a_look_alike_is_at_another_origin() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.look_alike = true);
    let answer = stage.browser().get("/sign-in?return=/account");
    let port = stage.practice.http.port();
    assert_eq!(answer.headers["location"], format!("http://localhost:{port}/sign-in?return=/account&from=127.0.0.1"));
}

#[test]
fn sessions_end_by_themselves_or_at_once() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| moods.session_seconds = 60);
    let mut browser = stage.browser();
    maria(&mut browser);
    stage.pass(Duration::from_secs(59));
    assert_eq!(browser.get("/account").status, 200);
    stage.pass(Duration::from_secs(1));
    assert_eq!(browser.get("/account").status, 303);
    maria(&mut browser);
    stage.practice.expire_sessions();
    assert_eq!(browser.get("/account").status, 303);
}
