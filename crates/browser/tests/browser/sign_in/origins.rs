//! Where a secret is typed, and where it is not.

use std::sync::{Arc, Mutex};

use freehold_browser::Turn;
use freehold_core::SecretKind;

use super::scene::{Log, PASSWORD, Scene, Shop, USER, form, record, screens, signed_in};
use crate::support::{Response, serve};

/// The same server by its other name: another site.
fn other_name(origin: &str) -> String {
    origin.replace("127.0.0.1", "localhost")
}

#[test]
fn a_look_alike_gets_nothing_in_a_page_or_in_a_frame() {
    let seen = Arc::new(Mutex::new(0));
    let posted = Arc::clone(&seen);
    let look_alike = serve(move |request| {
        *posted.lock().unwrap() += u32::from(request.method == "POST");
        form(&format!("{USER}{PASSWORD}"))
    });
    let look_alike = other_name(&look_alike);
    for page in [
        Response::see(&look_alike),
        Response::page(format!("<p>Sign in below</p><iframe width=500 height=300 src={look_alike}/></iframe>")),
    ] {
        let page = Mutex::new(Some(page));
        let mut scene = Scene::at(Shop::default(), move |request| {
            (request.target == "/sign-in").then(|| page.lock().unwrap().take().unwrap())
        });
        assert_eq!(scene.begin(), Turn::WrongOrigin { origin: look_alike.clone() });
        assert!(scene.secrets.attempts.is_empty());
        let look = "() => [...document.querySelectorAll('input')].map((field) => field.value).join('')";
        for frame in scene.tabs.first().unwrap().page().frames().unwrap() {
            assert_eq!(frame.run(look, &[]).unwrap(), "");
        }
    }
    assert_eq!(*seen.lock().unwrap(), 0);
}

#[test]
fn another_port_is_another_origin() {
    let other = serve(|_| form(&format!("{USER}{PASSWORD}")));
    let target = other.clone();
    let mut scene =
        Scene::at(Shop::default(), move |request| (request.target == "/sign-in").then(|| Response::see(&target)));
    assert_eq!(scene.begin(), Turn::WrongOrigin { origin: other });
}

#[test]
fn an_origin_the_secret_was_not_sealed_for_gets_nothing() {
    let mut scene = Scene::new(Shop::default());
    scene.secrets.origins = vec!["https://www.example.com".into()];
    assert_eq!(scene.begin(), Turn::WrongOrigin { origin: scene.origin.clone() });
    assert_eq!(scene.submitted(), Vec::<String>::new());
}

#[test]
fn a_form_in_a_frame_of_another_site_is_filled_where_its_origin_is_one_of_the_connectors() {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let login = serve(move |request| {
        record(request, &kept);
        match request.method.as_str() {
            "POST" => Response::page("<script>parent.postMessage('in', '*')</script>"),
            _ => form(&format!("{USER}{PASSWORD}")),
        }
    });
    let login = other_name(&login);
    let within = login.clone();
    let main = serve(move |request| {
        let is_in = request.cookie.contains("session=in");
        match request.target.as_str() {
            "/orders" if is_in => Response::page("<a id=account-menu href=/>Ann</a>"),
            "/done" => signed_in(),
            _ => Response::page(format!(
                "<iframe width=500 height=300 src={within}/></iframe>
                 <script>onmessage = () => location = '/done'</script>"
            )),
        }
    });
    let mut scene = Scene::with(main.clone(), log, &[&main, &login], screens());
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.attempts[0].origin, login);
    assert_eq!(scene.submitted(), ["ann|correct"]);
}

#[test]
fn a_form_in_a_pop_up_is_filled_and_what_opened_it_is_signed_in() {
    let mut screens = screens();
    screens
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"name": "opener", "when": {"visible": "#open"}, "submit": "#open"}));
    let shop = Shop { in_two_steps: true, ..Shop::default() };
    let mut scene = Scene::at(shop, |request| match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/orders") if !request.cookie.contains("session=in") => Some(Response::page(
            "<button id=open onclick=\"open('/sign-in', 'w', 'width=500,height=400')\">Sign in</button>
             <script>onmessage = () => location.reload()</script>",
        )),
        ("POST", _) if request.form.contains_key("password") => Some(
            Response::page("<script>opener.postMessage('in', '*'); close()</script>")
                .header("Set-Cookie", "session=in; Path=/"),
        ),
        _ => None,
    })
    .screens(screens);
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.submitted(), ["ann|", "|correct"]);
    let trace = ["opener: pressed", "email: typed username, submitted", "password: typed password, submitted"];
    assert_eq!(scene.trace()[..3], trace);
}

#[test]
fn cookies_are_set_where_they_let_in_and_named_where_they_do_not() {
    let mut scene = Scene::new(Shop::default());
    let export = r#"[{"name":"session","value":"in","domain":"127.0.0.1"},{"name":"x","value":"1","domain":".other.test"}]"#;
    scene.secrets = super::secrets::Secrets::default().with(SecretKind::Cookies, &[("cookies", export)]);
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.states(), ["accepted"]);
    let all = scene.tabs.client().call("Storage.getCookies", serde_json::json!({})).unwrap();
    assert!(!all.to_string().contains("other.test"), "{all}");
    // Signed in already: they are not taken again, so that the site's own newer ones stay.
    assert_eq!(scene.begin(), Turn::SignedIn);
    assert_eq!(scene.secrets.attempts.len(), 1);

    let mut scene = Scene::new(Shop::default());
    scene.secrets = super::secrets::Secrets::default().with(SecretKind::Cookies, &[("cookies", "session=old")]);
    assert_eq!(scene.begin(), Turn::Rejected { of: vec!["cookies".into()] });
    assert_eq!(scene.secrets.states(), ["rejected"]);
}
