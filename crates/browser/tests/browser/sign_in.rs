//! The sign-in machine with a real Chromium, against small sites of the tests' own.

mod answers;
mod codes;
mod fields;
mod origins;
mod pages;
mod person;
mod scene;
mod secrets;

use freehold_browser::Turn;
use scene::{Scene, Shop};

#[test]
fn it_signs_in_on_one_page_with_one_attempt() {
    let mut scene = Scene::new(Shop::default());
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted"]);
    assert_eq!(scene.secrets.attempts[0].origin, scene.origin);
    assert_eq!(scene.submitted(), ["ann|correct"]);
    assert_eq!(scene.trace(), ["all: typed username and password, submitted", "signed in: reached"]);
}

#[test]
fn it_signs_in_over_two_pages_and_a_code_at_the_passwords_address() {
    let mut scene = Scene::new(Shop { in_two_steps: true, code: Some("123456"), ..Shop::default() });
    scene.secrets.codes = vec!["123456"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted", "accepted"]);
    assert_eq!(scene.submitted(), ["ann|", "|correct", "code:123456"]);
    // What the profile kept needs no secret.
    assert_eq!(scene.go_on(), Turn::SignedIn);
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.attempts.len(), 2);
}
