//! How a provider answers: refusals, in its own words and languages; being down; asking for less.

use freehold_browser::{Need, Turn};
use freehold_core::Timestamp;
use serde_json::json;

use super::scene::{Log, PASSWORD, Scene, Shop, USER, form, screens};
use crate::support::{Response, serve};

fn down(turn: Turn) -> String {
    match turn {
        Turn::ProviderDown { detail } => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_password_is_submitted_once_and_never_again() {
    let mut scene = Scene::new(Shop::default());
    scene.secrets.fields.values_mut().for_each(|fields| fields[1].1 = "wrong".into());
    assert_eq!(scene.begin(), Turn::Rejected { of: vec!["password".into()] });
    assert_eq!(scene.secrets.states(), ["rejected"]);
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::Credentials));
    assert_eq!(scene.submitted(), ["ann|wrong"]);
}

#[test]
fn a_refusal_that_does_not_say_which_of_the_two_names_both() {
    let own = "<p id=error>Your E-mail or\u{a0}PASSWORD is wrong!</p>".replace("E-mail", "email");
    let page = move || form(&format!("{own}{USER}{PASSWORD}"));
    let mut scene = Scene::at(Shop::default(), move |request| (request.method == "POST").then(&page));
    assert_eq!(scene.begin(), Turn::Rejected { of: vec!["username".into(), "password".into()] });
    assert_eq!(scene.secrets.states(), ["rejected"]);
}

#[test]
fn a_refusal_in_another_language_is_understood_where_the_manifest_gives_it() {
    let refuse = |error: &'static str| {
        let page = move || form(&format!("<p id=error>{error}</p>{USER}{PASSWORD}"));
        Scene::at(Shop::default(), move |request| (request.method == "POST").then(&page))
    };
    assert_eq!(refuse("Das Passwort ist falsch.").begin(), Turn::Rejected { of: vec!["password".into()] });

    // In one it does not give: the form shows again, for no reason that is known. It is not sent again, and nobody says "rejected".
    let mut scene = refuse("Mot de passe incorrect.");
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::UnknownScreen));
    assert_eq!(scene.submitted().len(), 1);
    assert_eq!(scene.secrets.states(), ["submitted"]);
    scene.machine.give_up(&mut scene.secrets).unwrap();
    assert_eq!(scene.secrets.states(), ["unknown"]);
}

#[test]
fn a_refusal_written_by_a_script_after_a_while_is_waited_for() {
    let own = "<form id=f><input id=user><input id=password type=password><button id=go>Go</button></form><p id=error hidden></p>
        <script>f.onsubmit = (e) => { e.preventDefault(); go.disabled = true; setTimeout(() => {
            go.disabled = false; password.value = '';
            setTimeout(() => { error.textContent = 'The password is incorrect'; error.hidden = false; }, 700); }, 900); }</script>";
    let mut scene = Scene::at(Shop::default(), move |request| (request.target == "/sign-in").then(|| Response::page(own)));
    assert_eq!(scene.begin(), Turn::Rejected { of: vec!["password".into()] });
    assert_eq!(scene.secrets.states(), ["rejected"]);
}

#[test]
fn a_refusal_that_the_manifest_has_after_the_form_is_found_all_the_same() {
    let mut later = screens();
    let list = later.as_array_mut().unwrap();
    let refused = list.remove(2);
    list.push(refused);
    let mut scene = Scene::new(Shop::default()).screens(later);
    scene.secrets.fields.values_mut().for_each(|fields| fields[1].1 = "wrong".into());
    assert_eq!(scene.begin(), Turn::Rejected { of: vec!["password".into()] });
    assert_eq!(scene.submitted().len(), 1);
}

#[test]
fn a_provider_that_is_down_is_not_a_bad_credential() {
    let answer = |status: u16| {
        let mut scene = Scene::at(Shop::default(), move |request| {
            (request.method == "POST").then(|| Response::page("<h1>Sorry</h1>").status(status).header("Retry-After", "120"))
        });
        let turn = scene.begin();
        assert_eq!(scene.secrets.states(), ["unjudged"]);
        turn
    };
    assert_eq!(down(answer(500)), "status 500");
    assert_eq!(down(answer(503)), "status 503");
    let Turn::RateLimited { until: Some(until) } = answer(429) else { panic!("the header says until when") };
    let seconds = until.duration_since(now()).as_secs();
    assert!((60..=120).contains(&seconds), "{seconds}");
}

#[expect(clippy::disallowed_methods, reason = "held against the clock the machine was given")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// An origin at which nothing listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port())
}

#[test]
fn a_provider_that_cannot_be_reached_takes_no_secret() {
    let nobody = nobody();
    let mut scene = Scene::with(nobody.clone(), Log::default(), &[&nobody], screens());
    assert_eq!(down(scene.begin()), "net::ERR_CONNECTION_REFUSED");
    let origin = serve(|_| Response::see("/orders"));
    let mut scene = Scene::with(origin.clone(), Log::default(), &[&origin], screens());
    assert_eq!(down(scene.begin()), "net::ERR_TOO_MANY_REDIRECTS");
    assert!(scene.secrets.attempts.is_empty());
}

#[test]
fn a_provider_that_goes_away_while_signing_in_leaves_the_secret_unjudged() {
    let nobody = nobody();
    let mut scene = Scene::at(Shop::default(), move |request| (request.method == "POST").then(|| Response::see(&nobody)));
    assert_eq!(down(scene.begin()), "net::ERR_CONNECTION_REFUSED");
    assert_eq!(scene.secrets.states(), ["unjudged"]);
}

#[test]
fn a_locked_account_says_until_when() {
    let own = "<p id=locked>Locked until <time id=until datetime=2099-01-01T00:00:00Z>later</time></p>";
    let near = "<p id=locked>Locked. Try again <span id=until>in 15 Minuten</span></p>";
    let lock = |page: &'static str| {
        let mut scene = Scene::at(Shop::default(), move |request| (request.method == "POST").then(|| Response::page(page)));
        let Turn::LockedOut { until } = scene.begin() else { panic!("it is locked") };
        assert_eq!(scene.secrets.states(), ["unjudged"]);
        until
    };
    assert_eq!(lock(own), None, "a time that far away is a misreading");
    let minutes = lock(near).unwrap().duration_since(now()).as_mins();
    assert!((13..=15).contains(&minutes), "{minutes}");
}

#[test]
fn a_session_that_ends_straight_away_is_not_kept() {
    let own = "<a id=account-menu href=/>Ann</a><script>setTimeout(() => location = '/sign-in', 300)</script>";
    let mut scene = Scene::at(Shop::default(), move |request| {
        (request.target == "/orders" && request.cookie.contains("session=in")).then(|| Response::page(own))
    });
    assert_eq!(scene.begin(), Turn::SessionNotKept);
    assert_eq!(scene.secrets.states(), ["accepted"]);
}

#[test]
fn a_provider_that_lets_in_and_sends_back_to_its_form_keeps_no_session() {
    let mut scene = Scene::at(Shop::default(), |request| (request.method == "POST").then(|| Response::see("/orders")));
    assert_eq!(scene.begin(), Turn::SessionNotKept);
    assert_eq!(scene.secrets.states(), ["unknown"], "it says nothing, so it is not certain");
    assert_eq!(scene.submitted(), ["ann|correct"]);
}

#[test]
fn a_next_page_at_the_start_pages_own_address_is_no_way_back() {
    // Everything has one address, and each step is shown after a redirection to it.
    let page =
        |inside: &str| Response::page(format!("<form method=post action=/orders>{inside}<button id=go>Go</button></form>"));
    let mut scene = Scene::at(Shop::default(), move |request| {
        let step = request.cookie.split("step=").nth(1).map(|step| step[..1].to_owned());
        let next = |step: &str| Some(Response::see("/orders").header("Set-Cookie", format!("step={step}; Path=/")));
        match (request.method.as_str(), step.as_deref()) {
            ("POST", _) if request.form.contains_key("otp") => next("2"),
            ("POST", _) => next("1"),
            (_, Some("1")) => Some(page("<input id=otp name=otp>")),
            (_, Some("2")) => Some(Response::page("<a id=account-menu href=/>Ann</a>")),
            _ => Some(page(&format!("{USER}{PASSWORD}"))),
        }
    });
    scene.secrets.codes = vec!["123456"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.submitted(), ["ann|correct", "code:123456"]);
}

#[test]
fn a_screen_with_a_selector_that_is_none_is_an_error_and_not_a_screen_that_never_shows() {
    let broken = json!([
        {"name": "in", "when": {"visible": "#account-menu"}, "means": "signed_in"},
        {"name": "broken", "when": {"visible": "#password["}, "fill": {"#password": "password"}}
    ]);
    let mut scene = Scene::new(Shop::default()).screens(broken);
    let error = scene.machine.begin(&scene.tabs, &mut scene.secrets, &|| false).unwrap_err();
    assert_eq!(error.to_string(), "the screen \"broken\" has a selector that is not valid CSS");
}
