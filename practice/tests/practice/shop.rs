//! The practice shop in a good mood.

use std::collections::BTreeSet;
use std::time::Duration;

use freehold_practice::{Market, Site};

use crate::{Stage, sign_in};

#[test]
fn a_password_alone_leads_to_the_page_that_was_wanted() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let answer = sign_in(&mut browser, "/orders?year=2024&page=2", "maria@example.test", "sails-on-tuesday");
    assert_eq!((answer.status, answer.path.as_str()), (200, "/orders?year=2024&page=2"));
    assert_eq!(answer.text("account-menu-name"), "Maria Lindqvist");
    let account = browser.visit("/account");
    assert_eq!(account.text("account-email"), "maria@example.test");
    assert_eq!(account.text("account-name"), "Maria Lindqvist");
    let counts = stage.practice.counts().of(Site::Shop, "maria");
    assert_eq!((counts.passwords, counts.passwords_right, counts.codes, counts.signed_in), (1, 1, 0, 1));
}

#[test]
fn the_password_and_the_code_share_an_address() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    browser.visit("/orders");
    let password = browser.submit("email-form", &[("email", "jonas@example.test")]);
    let code = browser.submit("password-form", &[("password", "seven-green-pears")]);
    assert_eq!((password.path.as_str(), code.path.as_str()), ("/sign-in/password", "/sign-in/password"));
    assert!(code.has("code") && !code.has("password"));
    assert!(code.text("code-hint").ends_with("•••17."), "{}", code.text("code-hint"));
}

#[test]
fn a_texted_code_signs_in_and_another_replaces_it() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "jonas@example.test", "seven-green-pears");
    let first = stage.practice.texted_code(Site::Shop, "jonas").unwrap();
    assert_eq!(browser.visit("/sms").all("data-code"), std::slice::from_ref(&first));
    browser.visit("/sign-in/password");
    let answer = browser.submit("code-form", &[("step", "resend")]);
    assert_eq!(answer.text("message"), "A new code is on its way.");
    let answer = browser.submit("code-form", &[("code", &first)]);
    assert_eq!(answer.text("error"), "This code is not right.");
    let second = stage.practice.texted_code(Site::Shop, "jonas").unwrap();
    let answer = browser.submit("code-form", &[("code", &second)]);
    assert_eq!(answer.text("account-name"), "Jonas Weber");
    let counts = stage.practice.counts().of(Site::Shop, "jonas");
    assert_eq!((counts.texts, counts.codes, counts.codes_wrong, counts.codes_right), (2, 2, 1, 1));
}

#[test]
fn a_texted_code_expires_after_five_minutes() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "jonas@example.test", "seven-green-pears");
    let code = stage.practice.texted_code(Site::Shop, "jonas").unwrap();
    stage.pass(Duration::from_secs(301));
    let answer = browser.submit("code-form", &[("code", &code)]);
    assert_eq!(answer.text("error"), "This code has expired.");
    assert_eq!(stage.practice.counts().of(Site::Shop, "jonas").codes_expired, 1);
}

#[test]
fn an_authenticators_code_works_once() {
    let stage = Stage::new();
    let code = stage.practice.authenticator_code(Site::Shop, "ada").unwrap();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "ada@example.test", "notes-on-engines");
    assert!(browser.submit("code-form", &[("code", &code)]).has("account-email"));
    let mut other = stage.browser();
    sign_in(&mut other, "/account", "ada@example.test", "notes-on-engines");
    let answer = other.submit("code-form", &[("code", &code)]);
    assert!(answer.text("error").starts_with("This code was used before."), "{}", answer.text("error"));
    stage.pass(Duration::from_secs(30));
    let next = stage.practice.authenticator_code(Site::Shop, "ada").unwrap();
    assert!(other.submit("code-form", &[("code", &next)]).has("account-email"));
    let counts = stage.practice.counts().of(Site::Shop, "ada");
    assert_eq!((counts.codes, counts.codes_right, counts.codes_used_before), (3, 2, 1));
}

#[test]
fn an_old_authenticator_code_has_expired_and_another_is_wrong() {
    let stage = Stage::new();
    let code = stage.practice.authenticator_code(Site::Shop, "ada").unwrap();
    stage.pass(Duration::from_secs(90));
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "ada@example.test", "notes-on-engines");
    assert_eq!(browser.submit("code-form", &[("code", &code)]).text("error"), "This code has expired.");
    assert_eq!(browser.submit("code-form", &[("code", "12345")]).text("error"), "This code is not right.");
}

#[test]
fn the_authenticator_page_shows_seeds_codes_and_a_picture() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let page = browser.visit("/authenticator");
    assert_eq!(page.all("data-account").len(), 7);
    assert!(page.all("data-code").contains(&stage.practice.authenticator_code(Site::Shop, "noor").unwrap()));
    assert!(page.body.contains("otpauth://totp/Lantern%20%26%20Loom:ada%40example.test?secret="), "{}", page.body);
    assert_eq!(browser.get("/authenticator/shop/ada").headers["content-type"], "image/png");
    assert_eq!(browser.get("/authenticator/shop/nobody").status, 404);
}

#[test]
fn a_recovery_code_works_once() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let page = browser.visit("/authenticator");
    let ada = page.body.split("data-site=\"shop\" data-account=\"ada\"").nth(1).unwrap();
    let code = ada.split("recovery-code\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let recover = |stage: &Stage| {
        let mut browser = stage.browser();
        sign_in(&mut browser, "/account", "ada@example.test", "notes-on-engines");
        browser.submit("code-form", &[("step", "ask-recovery")]);
        browser.submit("recovery-form", &[("recovery_code", &code)])
    };
    assert_eq!(recover(&stage).text("account-recovery-codes"), "7");
    assert!(recover(&stage).text("error").contains("or was used before"));
    let counts = stage.practice.counts().of(Site::Shop, "ada");
    assert_eq!((counts.recovery_codes, counts.recovery_codes_right, counts.signed_in), (2, 1, 1));
}

#[test]
fn a_remembered_browser_needs_no_code() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/account", "jonas@example.test", "seven-green-pears");
    let code = stage.practice.texted_code(Site::Shop, "jonas").unwrap();
    browser.submit("code-form", &[("code", &code), ("remember", "1")]);
    stage.practice.expire_sessions();
    assert!(sign_in(&mut browser, "/account", "jonas@example.test", "seven-green-pears").has("account-email"));
    let mut other = stage.browser();
    assert!(sign_in(&mut other, "/account", "jonas@example.test", "seven-green-pears").has("code-form"));
}

#[test]
fn refusals_say_what_was_wrong_and_count_it() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    browser.visit("/orders");
    let answer = browser.submit("email-form", &[("email", "nobody@example.test")]);
    assert_eq!(answer.text("error"), "We know no account with this e-mail address.");
    browser.submit("email-form", &[("email", "Maria@Example.test ")]);
    let answer = browser.submit("password-form", &[("password", "wrong")]);
    assert_eq!(answer.text("error"), "This password is not right.");
    assert!(browser.submit("password-form", &[("password", "sails-on-tuesday")]).has("orders"));
    let counts = stage.practice.counts();
    assert_eq!(counts.unknown_emails, 1);
    assert_eq!(counts.of(Site::Shop, "maria").passwords_wrong, 1);
}

#[test]
fn five_wrong_passwords_lock_the_account_for_half_an_hour() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    browser.visit("/account");
    browser.submit("email-form", &[("email", "maria@example.test")]);
    for _ in 0..5 {
        assert!(browser.submit("password-form", &[("password", "wrong")]).has("error"));
    }
    assert!(browser.submit("password-form", &[("password", "sails-on-tuesday")]).has("locked-until"));
    stage.pass(Duration::from_secs(31 * 60));
    assert!(sign_in(&mut stage.browser(), "/account", "maria@example.test", "sails-on-tuesday").has("account-email"));
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").passwords_while_locked, 1);
}

#[test]
fn german_is_spoken_to_whoever_asks() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    browser.language = "de-DE,de;q=0.9";
    let answer = browser.visit("/orders");
    assert!(answer.body.contains("E-Mail-Adresse") && answer.body.contains("lang=\"de\""));
    let mut browser = stage.browser();
    assert!(browser.visit("/sign-in?lang=de").body.contains("Weiter"));
    assert!(browser.visit("/sign-in").body.contains("Weiter"), "the choice is kept");
}

#[test]
fn the_pages_of_the_years_hold_every_order_once() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let first = sign_in(&mut browser, "/orders", "maria@example.test", "sails-on-tuesday");
    assert_eq!(first.all("data-year"), ["2026", "2025", "2024", "2023", "2022", "2021"]);
    let mut ids = Vec::new();
    for year in first.all("data-year") {
        let mut next = Some(format!("/orders?year={year}"));
        while let Some(path) = next {
            let page = browser.visit(&path);
            ids.extend(page.all("data-order-id"));
            next = page
                .body
                .split("rel=\"next\" href=\"")
                .nth(1)
                .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
        }
    }
    assert_eq!(ids.len(), 3 + 12 + 24 + 9 + 14 + 7);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let page = browser.visit(&format!("/orders/{}", ids[0]));
    assert_eq!(page.text("order-id"), ids[0]);
    let sum: f64 = page
        .all("data-price")
        .iter()
        .zip(page.all("data-quantity"))
        .map(|(price, quantity)| price.parse::<f64>().unwrap() * quantity.parse::<f64>().unwrap())
        .sum();
    let total: f64 = page.all("data-order-total")[0].parse().unwrap();
    assert!((total - sum).abs() < 0.001 || (total - sum - 4.90).abs() < 0.001, "{sum} of items, {total} in all");
}

#[test]
fn nobody_sees_another_ones_order() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let maria = sign_in(&mut browser, "/orders?year=2022", "maria@example.test", "sails-on-tuesday").all("data-order-id");
    let mut browser = stage.browser();
    sign_in(&mut browser, "/orders", "jonas@example.test", "seven-green-pears");
    let code = stage.practice.texted_code(Site::Shop, "jonas").unwrap();
    let jonas = browser.submit("code-form", &[("code", &code)]);
    assert!(!jonas.all("data-order-id").is_empty());
    assert_eq!(browser.visit(&format!("/orders/{}", maria[0])).status, 404);
}

#[test]
fn a_placed_order_comes_first() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let before = sign_in(&mut browser, "/orders?year=2026", "maria@example.test", "sails-on-tuesday");
    let id = stage.practice.place_order(Market::Shop, "maria").unwrap();
    let after = browser.visit("/orders?year=2026");
    assert_eq!(after.all("data-order-id")[0], id);
    assert_eq!(after.all("data-order-date")[0], "2026-11-15");
    assert_eq!(after.all("data-count"), ["8"]);
    assert_eq!(before.all("data-count"), ["7"]);
}

#[test]
fn signing_out_asks_first_and_then_it_is_over() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    sign_in(&mut browser, "/orders", "maria@example.test", "sails-on-tuesday");
    assert!(browser.visit("/sign-out").has("sign-out-form"));
    assert!(browser.get("/orders").status == 200, "asking changes nothing");
    let answer = browser.submit("sign-out-form", &[]);
    assert_eq!(answer.text("message"), "You are signed out.");
    assert_eq!(browser.get("/orders").status, 303);
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").signed_out, 1);
}

#[test]
fn a_form_without_its_token_is_refused() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    browser.visit("/orders");
    assert_eq!(browser.submit("email-form", &[("csrf", "made-up"), ("email", "maria@example.test")]).status, 403);
    assert_eq!(browser.post("/sign-in/password", &[("step", "password"), ("password", "sails-on-tuesday")]).status, 403);
    assert_eq!(stage.practice.counts().of(Site::Shop, "maria").passwords, 0);
}
