//! The Amazon-shaped shop: the flow and the selectors a connector of the real site relies on.

use freehold_practice::{Area, Captcha, Market, Site};

use crate::Stage;
use crate::browser::{Answer, Browser};

fn password(browser: &mut Browser, wanted: &str, email: &str, password: &str) -> Answer {
    browser.visit(wanted);
    let answer = browser.submit("signIn", &[("email", email)]);
    assert!(answer.has("ap_password"), "{}", answer.body);
    browser.submit("signIn", &[("password", password)])
}

fn jonas(stage: &Stage, browser: &mut Browser, wanted: &str) -> Answer {
    let answer = password(browser, wanted, "jonas@example.test", "paper-boats-at-noon");
    assert_eq!(answer.path, "/ap/mfa");
    let code = stage.practice.texted_code(Site::Amazon, "jonas").unwrap();
    browser.submit("auth-mfa-form", &[("otpCode", &code)])
}

/// The texts of every element whose class list starts with `class`.
fn texts(answer: &Answer, class: &str) -> Vec<String> {
    let start = format!("<span class=\"{class}");
    let parts = answer.body.split(&start).skip(1);
    parts.map(|part| part.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()).collect()
}

#[test]
fn email_and_password_share_an_address_and_a_code_has_its_own() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    let first = browser.visit("/your-orders/orders?timeFilter=year-2024");
    assert!(
        first.path.starts_with("/ap/signin?openid.return_to=https%3A%2F%2F")
            || first.path.starts_with("/ap/signin?openid.return_to=https%3A//"),
        "{}",
        first.path
    );
    assert!(first.has("ap_email") && first.has("continue") && first.has("auth-credential-autofill-hint"));
    let second = browser.submit("signIn", &[("email", "maria@example.test")]);
    assert_eq!(second.path, "/ap/signin");
    assert!(second.has("ap_password") && second.has("signInSubmit"));
    let third = browser.submit("signIn", &[("password", "quiet-harbour-lights")]);
    assert_eq!(third.path, "/ap/mfa");
    assert!(third.has("auth-mfa-otpcode") && third.has("auth-signin-button") && third.has("auth-mfa-remember-device"));
    let code = stage.practice.authenticator_code(Site::Amazon, "maria").unwrap();
    let orders = browser.submit("auth-mfa-form", &[("otpCode", &code)]);
    assert_eq!(orders.path, "/your-orders/orders?timeFilter=year-2024");
    assert_eq!(orders.text("nav-link-accountList-nav-line-1"), "Hello, Maria");
    let counts = stage.practice.counts();
    assert_eq!(counts.of(Site::Amazon, "maria").passwords, 1);
    assert_eq!(counts.of(Site::Shop, "maria").passwords, 0);
    assert_eq!(counts.decoy_filled, 0);
}

#[test]
fn a_filled_decoy_is_remembered() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    browser.visit("/ap/signin");
    browser.submit("signIn", &[("email", "maria@example.test"), ("password", "quiet-harbour-lights")]);
    assert_eq!(stage.practice.counts().decoy_filled, 1);
    assert_eq!(stage.practice.counts().of(Site::Amazon, "maria").passwords, 0, "it is no password");
}

#[test]
fn refusals_stand_in_the_error_box() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    browser.visit("/ap/signin");
    let answer = browser.submit("signIn", &[("email", "nobody@example.test")]);
    assert!(answer.has("auth-error-message-box"));
    assert!(answer.body.contains("We cannot find an account with that email address"));
    let answer = password(&mut browser, "/your-orders/orders", "maria@example.test", "sails-on-tuesday");
    assert!(answer.has("auth-error-message-box") && answer.body.contains("Your password is incorrect"));
    let answer = password(&mut stage.amazon("www.amazon.de"), "/your-orders/orders", "maria@example.test", "wrong");
    assert!(answer.body.contains("Falsches Passwort"));
}

#[test]
fn the_country_decides_language_money_and_orders() {
    let stage = Stage::new();
    let mut com = stage.amazon("www.amazon.com");
    let english = jonas(&stage, &mut com, "/your-orders/orders?timeFilter=year-2025");
    let mut de = stage.amazon("www.amazon.de");
    let german = jonas(&stage, &mut de, "/your-orders/orders?timeFilter=year-2025");
    assert_eq!(german.text("nav-link-accountList-nav-line-1"), "Hallo, Jonas");
    let (dollars, euros) =
        (texts(&english, "a-size-base a-color-secondary"), texts(&german, "a-size-base a-color-secondary"));
    assert!(
        dollars.iter().any(|text| text.ends_with(", 2025")) && dollars.iter().any(|text| text.starts_with('$')),
        "{dollars:?}"
    );
    assert!(euros.iter().any(|text| text.ends_with(" 2025") && text.contains(". ")), "{euros:?}");
    assert!(euros.iter().any(|text| text.ends_with(",90 €") || text.contains(',') && text.ends_with(" €")), "{euros:?}");
    assert!(english.body.contains("9 orders") && german.body.contains("14 Bestellungen"));
    let (com_ids, de_ids) = (ids(&english), ids(&german));
    assert!(
        com_ids.iter().all(|id| id.starts_with("11")) && de_ids.iter().all(|id| id.starts_with("30")),
        "{com_ids:?} {de_ids:?}"
    );
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.body.split("orderID=").skip(1).map(|part| part.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_pages_of_a_year_hold_every_order_once() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.de");
    let first = jonas(&stage, &mut browser, "/your-orders/orders?timeFilter=year-2022");
    assert_eq!(first.body.matches("order-card js-order-card").count(), 10);
    assert_eq!(first.body.matches("yohtmlc-order-id").count(), 10);
    assert!(
        first.body.contains("<li class=\"a-last\"><a href=\"/your-orders/orders?timeFilter=year-2022&amp;startIndex=10\"")
    );
    let second = browser.visit("/your-orders/orders?timeFilter=year-2022&startIndex=10");
    assert_eq!(second.body.matches("order-card js-order-card").count(), 1);
    assert!(second.body.contains("a-disabled a-last"));
    assert!(!ids(&first).contains(&ids(&second)[0]));
    let order = browser.visit(&format!("/your-orders/order-details?orderID={}", ids(&second)[0]));
    assert!(order.body.contains("data-component=\"itemTitle\"") && order.body.contains(&ids(&second)[0]));
    let product = order.body.split("href=\"/dp/").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(product.len(), 10);
    assert_eq!(browser.get(&format!("/dp/{product}")).status, 200);
    assert_eq!(browser.get("/dp/B000000000").status, 404);
    assert!(texts(&order, "a-offscreen").iter().all(|price| price.ends_with(" €")));
    assert_eq!(browser.visit("/your-orders/order-details?orderID=302-0000000-0000000").status, 404);
}

#[test]
fn recent_orders_are_shown_without_a_filter() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    let before = jonas(&stage, &mut browser, "/gp/css/order-history");
    let id = stage.practice.place_order(Market::Com, "jonas").unwrap();
    assert_eq!(ids(&browser.visit("/gp/css/order-history")), [vec![id], ids(&before)].concat());
}

#[test]
fn the_account_page_names_its_account() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    let answer = jonas(&stage, &mut browser, "/ax/account/manage");
    assert_eq!(
        (answer.text("NAME_SUBTITLE").as_str(), answer.text("EMAIL_SUBTITLE").as_str()),
        ("Jonas Weber", "jonas@example.test")
    );
}

#[test]
fn a_captcha_and_an_approval_have_pages_of_their_own() {
    let stage = Stage::new();
    stage.practice.set_moods(|moods| (moods.captcha, moods.approval) = (Captcha::AfterPassword, true));
    let mut browser = stage.amazon("www.amazon.com");
    let answer = password(&mut browser, "/ax/account/manage", "ada@example.test", "brass-and-punchcards");
    assert!(answer.has("auth-captcha-image") && answer.has("captchacharacters"));
    let picture = browser.get("/ap/cvf/captcha.svg").body;
    let letters: String = picture.split("<text").skip(1).filter_map(|text| text.split('>').nth(1)?.chars().next()).collect();
    let answer = browser.submit("cvf-captcha", &[("guess", &letters)]);
    assert!(answer.has("resend-approval-form") && answer.body.contains("Approve the notification"), "{}", answer.body);
    assert_eq!(stage.practice.answer_phone(Site::Amazon, "ada", true), 1);
    assert!(browser.visit("/ap/cvf/transactionapproval").has("login-and-security"));
}

#[test]
fn moods_reach_it_too() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    stage.practice.set_moods(|moods| moods.wrong_account = Some("jonas".to_owned()));
    let answer = password(&mut browser, "/ax/account/manage", "ada@example.test", "brass-and-punchcards");
    assert_eq!(answer.text("nav-link-accountList-nav-line-1"), "Hello, Jonas");
    stage.practice.set_moods(|moods| moods.errors = Area::Orders);
    assert_eq!(browser.visit("/your-orders/orders").status, 500);
    stage.practice.set_moods(|moods| (moods.errors, moods.changed_layout) = (Area::Nowhere, Area::Orders));
    let answer = browser.visit("/your-orders/orders?timeFilter=year-2025");
    assert!(answer.status == 200 && !answer.has("nav-link-accountList") && !answer.body.contains("order-card"));
    stage.practice.set_moods(|moods| (moods.locked_out, moods.changed_layout) = (true, Area::Nowhere));
    let answer = password(&mut stage.amazon("www.amazon.com"), "/ap/signin", "ada@example.test", "brass-and-punchcards");
    assert!(answer.has("auth-account-locked"));
}

#[test]
fn signing_out_needs_one_visit() {
    let stage = Stage::new();
    let mut browser = stage.amazon("www.amazon.com");
    jonas(&stage, &mut browser, "/your-orders/orders");
    assert!(browser.page().has("nav-item-signout"));
    assert!(browser.visit("/gp/flex/sign-out.html").has("ap_email"));
    assert_eq!(browser.get("/your-orders/orders").status, 303);
    assert_eq!(stage.practice.counts().of(Site::Amazon, "jonas").signed_out, 1);
}

#[test]
fn the_sites_share_no_session() {
    let stage = Stage::new();
    let mut amazon = stage.amazon("www.amazon.com");
    jonas(&stage, &mut amazon, "/your-orders/orders");
    let mut shop = stage.browser();
    assert!(stage.amazon("www.amazon.com").get("/ap/signin").headers["set-cookie"].ends_with("; Secure"));
    shop.cookies.clone_from(&amazon.cookies);
    assert_eq!(shop.get("/orders").status, 303);
}
