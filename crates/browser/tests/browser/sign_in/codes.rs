//! Codes: made from a seed, stored, or asked for.

use freehold_browser::{Need, Turn};

use super::scene::{PASSWORD, Scene, Shop, USER, form};
use crate::support::Response;

fn asked() -> Turn {
    Turn::NeedsOwner(Need::Code { words: Some("We sent a code to \u{2022}\u{2022}\u{2022}42.".into()), refused: false })
}

fn asked_again() -> Turn {
    let words = "The code is wrong. We sent a code to \u{2022}\u{2022}\u{2022}42.";
    Turn::NeedsOwner(Need::Code { words: Some(words.into()), refused: true })
}

fn with_code() -> Scene {
    Scene::new(Shop { code: Some("123456"), ..Shop::default() })
}

#[test]
fn without_a_seed_the_owner_is_asked_with_the_providers_words_and_may_be_wrong_once() {
    let mut scene = with_code();
    assert_eq!(scene.begin(), asked());
    // A run that ends here, for want of an answer, does not leave a password that was right as unknown.
    assert_eq!(scene.secrets.states(), ["accepted"]);
    scene.machine.give_code("111111".to_owned().into());
    assert_eq!(scene.go_on(), asked_again());
    // Nothing was given: it is asked for as before, and nothing is sent.
    assert_eq!(scene.go_on(), asked_again());
    scene.machine.give_code("123456".to_owned().into());
    assert_eq!(scene.go_on(), Turn::SignedIn);
    assert_eq!(scene.submitted()[1..], ["code:111111", "code:123456"]);
    assert_eq!(scene.secrets.states(), ["accepted"], "the owner's code is no attempt of a stored secret");
}

#[test]
fn of_a_seed_two_codes_are_tried_before_the_owner_is_asked() {
    let mut scene = with_code();
    scene.secrets.codes = vec!["000001", "000002", "000003"];
    scene.secrets.not_yet = 1;
    assert_eq!(scene.begin(), asked_again());
    assert_eq!(scene.submitted()[1..], ["code:000001", "code:000002"]);
    assert_eq!(scene.secrets.states(), ["accepted", "rejected", "rejected"]);
    assert!(scene.trace().contains(&"code: waits for the next code".to_owned()));
    scene.machine.give_code("123456".to_owned().into());
    assert_eq!(scene.go_on(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted", "rejected", "rejected"]);
}

#[test]
fn the_second_of_two_codes_may_be_right() {
    let mut scene = with_code();
    scene.secrets.codes = vec!["000001", "123456"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted", "rejected", "accepted"]);
}

#[test]
fn a_recovery_code_is_used_where_the_screens_lead_to_it_and_there_is_no_other_code() {
    let shop = Shop { recovery_code: Some("abcd-efgh"), ..Shop::default() };
    let mut scene = Scene::new(shop);
    scene.secrets.recovery_codes = vec!["used-used", "abcd-efgh", "next-next"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.submitted()[1..], ["recovery:used-used", "recovery:abcd-efgh"]);
    assert_eq!(scene.secrets.states(), ["accepted", "rejected", "accepted"]);
    assert_eq!(scene.secrets.recovery_codes, ["next-next"]);

    let mut scene = Scene::new(Shop { code: Some("123456"), ..shop });
    scene.secrets.codes = vec!["123456"];
    scene.secrets.recovery_codes = vec!["abcd-efgh"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.recovery_codes, ["abcd-efgh"], "none is burnt while there is a seed");
}

#[test]
fn one_field_that_takes_either_code_is_two_screens_recognised_by_the_same() {
    let mut screens = super::scene::screens();
    let list = screens.as_array_mut().unwrap();
    list.retain(|screen| screen["name"] != "recovery" && screen["name"] != "other ways");
    let same = serde_json::json!({"name": "recovery", "when": {"visible": "#otp"}, "fill": {"#otp": "recovery_code"}, "submit": "#go"});
    list.push(same);
    let shop = Shop { code: Some("abcd-efgh"), ..Shop::default() };
    let mut scene = Scene::new(shop).screens(screens.clone());
    scene.secrets.recovery_codes = vec!["abcd-efgh"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted", "accepted"]);

    let mut scene = Scene::new(Shop { code: Some("123456"), ..shop }).screens(screens);
    scene.secrets.codes = vec!["123456"];
    scene.secrets.recovery_codes = vec!["abcd-efgh"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.recovery_codes, ["abcd-efgh"], "none is burnt while there is a seed");
}

#[test]
fn a_box_for_each_digit_is_filled_digit_by_digit_on_a_page_that_sends_itself() {
    let boxes = "<input class=digit id=otp maxlength=1>".to_owned() + &"<input class=digit maxlength=1>".repeat(5);
    let page = format!(
        "<p>Enter the code from your app</p>{boxes}<script>
            addEventListener('input', () => {{
                const code = [...document.querySelectorAll('.digit')].map((box) => box.value).join('');
                if (code.length === 6) location = '/code?' + code;
            }})</script>"
    );
    let mut screens = super::scene::screens();
    for screen in screens.as_array_mut().unwrap().iter_mut().filter(|screen| screen["name"] == "code") {
        screen["fill"] = serde_json::json!({".digit": "otp"});
        screen.as_object_mut().unwrap().remove("submit");
    }
    let mut scene = Scene::at(Shop::default(), move |request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", _) => Some(Response::page(page.clone())),
        (_, "/code?123456") => Some(super::scene::signed_in()),
        _ => None,
    })
    .screens(screens);
    scene.secrets.codes = vec!["123456"];
    assert_eq!(scene.begin(), Turn::SignedIn);
}

#[test]
fn a_wrong_code_on_a_page_that_stays_is_told_from_the_one_before() {
    let page = "<p id=error hidden>The code is wrong</p><form id=f>We sent a code to your phone <input id=otp>
        <button id=go>Go</button></form><script>
        let tries = 0;
        f.onsubmit = (e) => { e.preventDefault(); fetch('/try?' + otp.value); setTimeout(() => {
            if (otp.value === '123456') location = '/in'; else { error.hidden = false; otp.value = ''; } }, 600); }</script>";
    let mut scene = Scene::at(Shop::default(), move |request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", _) => Some(Response::page(page)),
        (_, "/in") => Some(super::scene::signed_in()),
        _ => None,
    });
    scene.secrets.codes = vec!["000001", "123456"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted", "rejected", "accepted"]);
}

#[test]
fn a_password_refused_after_the_code_is_the_password_and_not_the_code() {
    let mut scene = Scene::at(Shop { code: Some("123456"), ..Shop::default() }, |request| {
        request
            .form
            .contains_key("otp")
            .then(|| form(&format!("<p id=error>Email or password is wrong</p>{USER}{PASSWORD}")))
    });
    scene.secrets.codes = vec!["123456"];
    assert_eq!(scene.begin(), Turn::Rejected { of: vec!["username".into(), "password".into()] });
    assert_eq!(scene.secrets.states(), ["rejected", "unjudged"]);
}
