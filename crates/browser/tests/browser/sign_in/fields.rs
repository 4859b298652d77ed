//! Which fields are filled, and how.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use freehold_browser::{Need, Turn};

use super::scene::{PASSWORD, Scene, Shop, USER, form};
use crate::support::Response;

#[test]
fn of_several_fields_only_the_one_a_person_can_see_is_filled() {
    let decoys = [
        "<div style='display:none'>@</div>",
        "<div style='visibility:hidden'>@</div>",
        "<div style='opacity:0'>@</div>",
        "<div style='opacity:0.2'><div style='opacity:0.2'>@</div></div>",
        "<div style='position:absolute;left:-5000px'>@</div>",
        "<div style='position:absolute;top:-5000px'>@</div>",
        "<div style='height:0;overflow:hidden'>@</div>",
        "<div style='position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)'>@</div>",
        "<div style='clip-path:inset(100%)'>@</div>",
        "<div style='width:200px;height:20px;overflow:hidden;position:relative'><div style='position:absolute;left:900px'>@</div></div>",
        "<div hidden>@</div>",
        "<details><summary>x</summary>@</details>",
    ];
    let decoys: String = decoys
        .iter()
        .enumerate()
        .map(|(n, decoy)| decoy.replace('@', &format!("<input id=password name=decoy{n} type=password>")))
        .collect();
    let mut scene = Scene::at(Shop::default(), move |request| match request.method.as_str() {
        "GET" if request.target == "/sign-in" => Some(form(&format!("{decoys}{USER}{PASSWORD}"))),
        "POST" if request.form.iter().any(|(name, value)| name.starts_with("decoy") && !value.is_empty()) => {
            Some(Response::page(format!("<p>caught: {:?}</p>", request.form)))
        }
        _ => None,
    });
    assert_eq!(scene.begin(), Turn::SignedIn);
}

#[test]
fn a_frame_nobody_can_see_is_not_there() {
    for style in ["display:none", "opacity:0", "position:absolute;left:-5000px", "width:0;height:0;border:0"] {
        let page = format!("<p>A page</p><iframe style='{style}' src=/sign-in-within></iframe>");
        let mut scene = Scene::at(Shop::default(), move |request| match request.target.as_str() {
            "/sign-in" => Some(Response::page(page.clone())),
            "/sign-in-within" => Some(form(&format!("{USER}{PASSWORD}"))),
            _ => None,
        });
        assert_eq!(scene.begin(), Turn::NeedsOwner(Need::UnknownScreen), "{style}");
        assert!(scene.secrets.attempts.is_empty());
    }
}

#[test]
fn a_password_does_not_go_where_it_could_be_read() {
    for field in ["<input id=password name=password type=text>", "<input id=password name=password type=search>"] {
        let mut scene = Scene::at(Shop::default(), move |request| {
            (request.target == "/sign-in").then(|| form(&format!("{USER}{field}")))
        });
        assert_eq!(scene.begin(), Turn::NeedsOwner(Need::UnknownScreen), "{field}");
        assert_eq!(scene.by_hand("() => document.querySelector('#password').value"), "");
        assert_eq!(scene.submitted(), Vec::<String>::new());
        // It was taken, and never typed: nobody has judged it.
        scene.machine.give_up(&mut scene.secrets).unwrap();
        assert_eq!(scene.secrets.states(), ["unjudged"]);
    }
    // A site's own way of hiding it is fine.
    let hidden = "<input id=password name=password type=text style='-webkit-text-security:disc'>";
    let mut scene = Scene::at(Shop::default(), move |request| {
        (request.method == "GET" && request.target == "/sign-in").then(|| form(&format!("{USER}{hidden}")))
    });
    assert_eq!(scene.begin(), Turn::SignedIn);
}

/// A field as component libraries make them: they keep what they saw last beside the element, and take only what differs from it.
const CONTROLLED: &str = "<script>
    for (const field of document.querySelectorAll('input')) {
        const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
        let tracked = '', state = '';
        Object.defineProperty(field, 'value', { get() { return get.call(this); }, set(v) { tracked = v; set.call(this, v); } });
        field.addEventListener('input', (event) => {
            const now = get.call(field);
            if (now !== tracked) { tracked = now; if (event.isTrusted || true) state = now; }
        });
        field.form.addEventListener('submit', () => { field.value = state; });
        field.addEventListener('blur', () => { field.value = state; });
    }
    document.querySelector('#go').disabled = true;
    document.querySelector('#password').addEventListener('input', () =>
        setTimeout(() => document.querySelector('#go').disabled = false, 400));
</script>";

#[test]
fn a_controlled_field_takes_what_is_typed_and_a_button_is_waited_for() {
    let mut scene = Scene::at(Shop::default(), |request| {
        let page = || {
            Response::page(format!(
                "<form method=post action=/sign-in>{USER}{PASSWORD}<button id=go>Go</button></form>{CONTROLLED}"
            ))
        };
        (request.method == "GET" && request.target == "/sign-in").then(page)
    });
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.submitted(), ["ann|correct"]);
}

#[test]
fn a_form_in_a_shadow_tree_and_without_a_button_is_sent() {
    let mut screens = super::scene::screens();
    for screen in screens.as_array_mut().unwrap().iter_mut().filter(|screen| screen["name"] == "all") {
        screen.as_object_mut().unwrap().remove("submit");
    }
    let page = format!(
        "<div id=host></div><script>host.attachShadow({{mode: 'open'}}).innerHTML =
            `<form method=post action=/sign-in>{USER}{PASSWORD}</form>`</script>"
    );
    let mut scene = Scene::at(Shop::default(), move |request| {
        (request.method == "GET" && request.target == "/sign-in").then(|| Response::page(page.clone()))
    })
    .screens(screens);
    assert_eq!(scene.begin(), Turn::SignedIn);
}

#[test]
fn the_live_view_is_told_while_a_field_is_filled_and_no_longer() {
    let mut scene = Scene::new(Shop::default());
    let flag = scene.machine.is_typing();
    let seen = Arc::new(AtomicBool::new(false));
    let (during, flagged) = (Arc::clone(&flag), Arc::clone(&seen));
    let stop = move || {
        flagged.fetch_or(during.load(Ordering::Acquire), Ordering::AcqRel);
        false
    };
    assert!(!flag.load(Ordering::Acquire));
    assert_eq!(scene.machine.begin(&scene.tabs, &mut scene.secrets, &stop).unwrap(), Turn::SignedIn);
    assert!(seen.load(Ordering::Acquire) && !flag.load(Ordering::Acquire));
}

#[test]
fn what_was_typed_is_not_on_the_page_that_a_person_is_shown() {
    let page = "<form id=f><input id=user><input id=password type=password><button id=go>Go</button></form>
        <script>f.onsubmit = (e) => { e.preventDefault(); setTimeout(() => f.insertAdjacentHTML('beforebegin',
        '<div id=captcha>Which of these are boats?</div>'), 200); }</script>";
    let mut scene = Scene::at(Shop::default(), move |request| (request.target == "/sign-in").then(|| Response::page(page)));
    assert_eq!(scene.begin(), Turn::NeedsOwner(Need::Challenge { kind: "captcha".into() }));
    assert_eq!(scene.by_hand("() => document.querySelector('#user').value + document.querySelector('#password').value"), "");
    assert_eq!(scene.secrets.states(), ["unjudged"]);
}
