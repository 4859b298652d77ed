//! What a person is needed for, and what is seen while they are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use freehold_browser::{Need, Sight, Turn};

use super::scene::{PASSWORD, Scene, Shop, form, signed_in};
use super::secrets::Secrets;
use crate::support::Response;

impl Scene {
    /// Looks until something else is seen than what was asked about.
    fn look_on(&mut self) -> Sight {
        for _ in 0..100 {
            match self.machine.look(&self.tabs).unwrap() {
                Sight::Same => self.tabs.first().unwrap().page().wait_for_change(Duration::from_millis(100)).unwrap(),
                other => return other,
            }
        }
        panic!("nothing changed")
    }

    /// Waits until the newest page has that.
    fn wait_for(&self, selector: &str) {
        let there = format!("() => document.querySelector('{selector}') !== null");
        for _ in 0..100 {
            let tab = self.tabs.first().unwrap();
            if tab.page().main_frame().and_then(|frame| frame.run(&there, &[])).is_ok_and(|there| there == true) {
                return;
            }
            tab.page().wait_for_change(Duration::from_millis(100)).unwrap();
        }
        panic!("{selector} did not come")
    }
}

#[test]
fn without_stored_details_the_owner_signs_in_by_hand_and_it_is_seen() {
    let mut scene = Scene::new(Shop::default());
    scene.secrets = Secrets::default();
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::SignIn));
    assert_eq!(scene.machine.look(&scene.tabs).unwrap(), Sight::Same);
    assert!(scene.machine.asks_to_sign_in(&scene.tabs).unwrap());
    scene.by_hand(
        "() => { document.querySelector('#user').value = 'ann'; document.querySelector('#password').value = 'correct';
        document.querySelector('#go').click(); }",
    );
    assert_eq!(scene.look_on(), Sight::SignedIn);
    assert_eq!(scene.go_on(), Turn::SignedIn);
    assert!(!scene.machine.asks_to_sign_in(&scene.tabs).unwrap());
}

#[test]
fn a_page_that_changes_while_a_person_has_it_is_seen() {
    let mut scene = Scene::new(Shop { in_two_steps: true, ..Shop::default() });
    scene.secrets = Secrets::default();
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::SignIn));
    scene.by_hand("() => document.querySelector('#go').click()");
    assert_eq!(scene.look_on(), Sight::Changed);
}

#[test]
fn a_yes_on_another_device_is_waited_for_and_comes_by_itself() {
    let given = Arc::new(AtomicBool::new(false));
    let yes = Arc::clone(&given);
    let mut scene = Scene::at(Shop::default(), move |request| {
        match (request.method.as_str(), request.target.as_str()) {
        ("POST", _) => Some(Response::page(
            "<main><p>Approve the notification we sent. Its number is 42.</p></main>
             <script>setInterval(async () => { if (await (await fetch('/yes')).text() === 'yes') location = '/in'; }, 200)</script>",
        )),
        (_, "/yes") => Some(Response::page(if yes.load(Ordering::Acquire) { "yes" } else { "no" })),
        (_, "/in") => Some(signed_in()),
        _ => None,
    }
    });
    let words = Some("Approve the notification we sent. Its number is 42.".into());
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::Approval { words }));
    assert_eq!(scene.secrets.states(), ["accepted"]);
    assert_eq!(scene.machine.look(&scene.tabs).unwrap(), Sight::Same);
    given.store(true, Ordering::Release);
    assert_eq!(scene.look_on(), Sight::SignedIn);
    assert_eq!(scene.go_on(), Turn::SignedIn);
}

#[test]
fn after_a_challenge_it_goes_on_by_itself() {
    let mut scene = Scene::at(Shop { in_two_steps: true, ..Shop::default() }, |request| {
        let page = || Response::page("<div id=captcha><a id=solve href=/solved>I am a person</a></div>");
        match (request.method.as_str(), request.target.as_str()) {
            ("POST", _) if !request.form.contains_key("password") => Some(page()),
            ("GET", "/solved") => Some(form(PASSWORD)),
            _ => None,
        }
    });
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::Challenge { kind: "captcha".into() }));
    assert_eq!(scene.secrets.states(), ["submitted"], "only the user name was typed");
    scene.by_hand("() => document.querySelector('#solve').click()");
    assert_eq!(scene.look_on(), Sight::Changed);
    assert_eq!(scene.go_on(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted"], "the same attempt went on");
}

#[test]
fn an_attempt_that_was_cut_off_is_not_repeated_by_itself() {
    let mut scene = Scene::new(Shop::default());
    scene.secrets.unknown = true;
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::AttemptUnknown));
    assert_eq!(scene.submitted(), Vec::<String>::new());
}

#[test]
fn a_password_that_was_typed_before_a_person_took_over_is_not_blamed_for_what_they_do() {
    let mut scene = Scene::at(Shop::default(), |request| {
        (request.method == "POST" && request.form.get("user").is_some_and(|user| user == "ann"))
            .then(|| Response::page("<h1>New terms</h1><a id=back href=/sign-in>Back</a>"))
    });
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::UnknownScreen));
    assert_eq!(scene.secrets.states(), ["submitted"]);
    scene.by_hand("() => document.querySelector('#back').click()");
    assert_eq!(scene.look_on(), Sight::Changed);
    scene.by_hand(
        "() => { document.querySelector('#user').value = 'bob'; document.querySelector('#password').value = 'mistyped';
        document.querySelector('#go').click(); }",
    );
    scene.wait_for("#error");
    // The page says "incorrect", about what a person typed.
    assert_eq!(scene.go_on(), Turn::NeedsOwner(Need::UnknownScreen));
    scene.machine.give_up(&mut scene.secrets).unwrap();
    assert_eq!(scene.secrets.states(), ["unknown"]);
}
