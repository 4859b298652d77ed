//! Pages on the way: notices, boxes to tick, dialogs, pages nobody knows, pages that never rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_browser::sign_in::{Patience, sign_out};
use freehold_browser::{Need, Turn};
use freehold_core::SystemClock;
use serde_json::json;

use super::scene::{Log, PASSWORD, Scene, Shop, USER, form, screens};
use crate::support::{Response, serve};

#[test]
fn an_unknown_page_goes_to_the_owner_as_it_is() {
    let mut scene = Scene::at(Shop::default(), |request| {
        (request.method == "POST").then(|| Response::page("<h1>We have new terms</h1><button id=yes>Agree</button>"))
    });
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::UnknownScreen));
    assert_eq!(scene.trace().last().unwrap(), "-: matches no screen: left to the owner");
    assert_eq!(scene.by_hand("() => document.body.innerText.includes('new terms')"), true);
}

#[test]
fn a_page_that_takes_its_time_is_not_unknown() {
    let slow = "<p>One moment</p><script>setTimeout(() => document.body.insertAdjacentHTML('beforeend',
        '<a id=account-menu href=/>Ann</a>'), 1500)</script>";
    let mut scene = Scene::at(Shop::default(), move |request| {
        (request.target == "/orders" && request.cookie.contains("session=in")).then(|| Response::page(slow))
    });
    assert_eq!(scene.begin(), Turn::SignedIn);
}

#[test]
fn notices_are_closed_boxes_ticked_and_screens_come_in_any_order() {
    let mut screens = screens();
    let list = screens.as_array_mut().unwrap();
    list.insert(0, json!({"name": "notice", "when": {"visible": "#notice"}, "submit": "#close"}));
    list.push(json!({"name": "remember", "when": {"text": "remember this browser?"}, "tick": ["#box"], "submit": "#go"}));
    let notice = "<div id=notice>We use cookies <button id=close type=button onclick='notice.remove()'>Fine</button></div>";
    let mut scene = Scene::at(Shop { code: Some("123456"), ..Shop::default() }, move |request| {
        let ticked = request.form.get("box").map(String::as_str);
        match request.method.as_str() {
            "GET" if request.target == "/sign-in" => Some(form(&format!("{notice}{USER}{PASSWORD}"))),
            "POST" if request.form.contains_key("otp") => Some(form(
                "<p>Remember this browser?</p><input type=hidden name=box value=no><label style='opacity:0'>
                    <input id=box name=box type=checkbox value=yes>Yes</label>",
            )),
            "POST" if ticked == Some("yes") => Some(super::scene::signed_in()),
            "POST" if ticked.is_some() => Some(Response::page("<p>It was not ticked</p>")),
            _ => None,
        }
    })
    .screens(screens);
    scene.secrets.codes = vec!["123456"];
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.trace()[..2], ["notice: pressed", "all: typed username and password, submitted"]);
}

#[test]
fn a_dialog_holds_nothing_up() {
    let page = format!(
        "{USER}{PASSWORD}<script>setTimeout(() => alert('Welcome'), 0); go.onclick = () => alert('One moment')</script>"
    );
    let mut scene = Scene::at(Shop::default(), move |request| {
        // The script comes after the button.
        let page = || Response::page(format!("<form method=post action=/sign-in><button id=go>Go</button>{page}</form>"));
        (request.method == "GET" && request.target == "/sign-in").then(page)
    });
    let begun = Instant::now();
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_page_that_never_rests_and_a_button_that_does_nothing_end() {
    let patience = Patience { total: Duration::from_secs(5), answer: Duration::from_secs(1), ..Patience::default() };
    for page in [
        "<p>On our way</p><script>setTimeout(() => location = '/round?' + Math.random(), 150)</script>",
        "<p>Another way</p><a id=other-ways>Nothing happens</a>",
    ] {
        let origin = serve(move |_| Response::page(page));
        let mut scene = Scene::with(origin.clone(), Log::default(), &[&origin], screens());
        scene.machine = super::scene::machine(&origin, &[&origin], screens()).with_patience(patience);
        assert_eq!(scene.begin(), Turn::NeedsOwner(Need::UnknownScreen));
    }
}

#[test]
fn it_stops_when_it_is_told_to() {
    let origin = serve(|_| Response::page("<p>On our way</p><script>setTimeout(() => location.reload(), 100)</script>"));
    let mut scene = Scene::with(origin.clone(), Log::default(), &[&origin], screens());
    let begun = Instant::now();
    let stop = || begun.elapsed() > Duration::from_secs(1);
    let turn = scene.machine.begin(&scene.tabs, &mut scene.secrets, &stop).unwrap();
    assert_eq!(turn, Turn::Stopped);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_page_that_crashes_is_an_error_at_once_and_the_attempt_unknown() {
    let mut scene =
        Scene::at(Shop::default(), |request| (request.method == "POST").then(|| Response::page("<p>One moment</p>")));
    let crash = std::cell::OnceCell::new();
    let stop = || {
        if !scene.log.lock().unwrap().is_empty() {
            let tab = scene.tabs.first().unwrap();
            crash.get_or_init(|| tab.page().session().send("Page.crash", json!({})).unwrap());
        }
        false
    };
    let begun = Instant::now();
    let error = scene.machine.begin(&scene.tabs, &mut scene.secrets, &stop).unwrap_err();
    assert_eq!(error.to_string(), "a page of the browser crashed");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    scene.machine.give_up(&mut scene.secrets).unwrap();
    assert_eq!(scene.secrets.states(), ["unknown"]);
}

#[test]
fn an_address_in_a_query_is_not_the_page_s_own() {
    // A page that only leads to the orders has their address in its query, and an account menu too.
    let mut scene = Scene::at(Shop::default(), |request| match request.target.as_str() {
        "/orders" if !request.cookie.contains("session=in") => Some(Response::see("/sign-in?to=/orders")),
        "/sign-in?to=/orders" => Some(form(&format!("<a id=account-menu>Sign in</a>{USER}{PASSWORD}"))),
        _ => None,
    });
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.submitted(), ["ann|correct"]);
}

#[test]
fn it_signs_out_by_the_connectors_screens() {
    let mut scene = Scene::at(Shop::default(), |request| match request.target.as_str() {
        "/account" => Some(Response::page("<a id=leave href=/leave>Sign out</a>")),
        "/leave" => Some(Response::page("<p>You are signed out.</p>").header("Set-Cookie", "session=; Path=/; Max-Age=0")),
        _ => None,
    });
    assert_eq!(scene.begin(), Turn::SignedIn);
    let descriptor = json!({"start": format!("{}/account", scene.origin), "screens": [
        {"name": "leave", "when": {"visible": "#leave"}, "submit": "#leave"},
        {"name": "out", "when": {"text": "you are signed out"}, "means": "signed_out"}
    ]});
    let descriptor = serde_json::from_value(descriptor).unwrap();
    assert!(sign_out(descriptor, &scene.tabs, Arc::new(SystemClock), Patience::default(), &|| false).unwrap());
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.submitted().len(), 2, "it had to sign in again");
}
