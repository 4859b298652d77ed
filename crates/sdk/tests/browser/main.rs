//! A connector's browser, against a real Chromium and small sites.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is wrong")]

use std::sync::mpsc;
use std::time::Duration;

use freehold_chromium::{Answer, Chromium, Site, StandIns};
use freehold_protocol::message::Start;
use freehold_sdk::{BrowserError, Error, Navigation, Page};
use serde_json::{Value, json};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// Runs a connector whose START has that binding, and returns its DONE.
fn done_of(binding: &Value, collect: impl FnOnce(Page) -> Result<(), Error>) -> Value {
    let start: Start = serde_json::from_value(json!({
        "run_id": "r1", "collection_mode": "incremental", "scope": {"streams": [{"name": "notes"}]},
        "bindings": {"browser_automation": binding},
    }))
    .unwrap();
    let (tmp, mut output) = (tempfile::tempdir().unwrap(), Vec::new());
    freehold_sdk::run_on(&start.to_line()[..], &mut output, tmp.path().to_owned(), |context| {
        collect(context.browser()?.page()?)
    });
    let last = String::from_utf8(output).unwrap().lines().last().map(str::to_owned).unwrap();
    serde_json::from_str(&last).unwrap()
}

fn binding(chromium: &Chromium) -> Value {
    json!({ "interface": "cdp", "ws_url": chromium.ws_url })
}

/// Gives a page of a new browser to `look`, which must succeed.
fn with_page(look: impl FnOnce(&mut Page, &Chromium)) {
    let chromium = Chromium::start(&StandIns::default()).unwrap();
    let done = done_of(&binding(&chromium), |mut page| {
        look(&mut page, &chromium);
        Ok(())
    });
    assert_eq!(done["status"], "succeeded", "{done}");
}

fn hint(error: BrowserError) -> (Value, Value) {
    let error = Error::from(error);
    let done = done_of_error(error);
    (done["error"]["recovery_hint"]["action"].clone(), done["error"]["retryable"].clone())
}

fn done_of_error(error: Error) -> Value {
    let line = b"{\"type\":\"START\",\"run_id\":\"r\",\"collection_mode\":\"incremental\",\"scope\":{\"streams\":[]},\"bindings\":{}}\n";
    let (tmp, mut output) = (tempfile::tempdir().unwrap(), Vec::new());
    freehold_sdk::run_on(&line[..], &mut output, tmp.path().to_owned(), |_| Err(error));
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn the_first_existing_page_is_read_and_led_to_others() {
    let site = Site::start(|path| match path {
        "/moved" => Answer::redirect("/there?a=1"),
        "/there?a=1" => Answer::page("<title>There</title><ul><li>one<li>zwei &amp; drei</ul>"),
        _ => Answer::status(404),
    })
    .unwrap();
    with_page(|page, _| {
        let there = format!("{}/there?a=1", site.origin);
        let went = page.goto(&format!("{}/moved", site.origin)).unwrap();
        assert_eq!(went, Navigation { url: there.clone(), status: Some(200) });
        assert_eq!(page.url().unwrap(), there);
        assert!(page.html().unwrap().contains("<li>one"), "{}", page.html().unwrap());
        let items = "(selector) => [...document.querySelectorAll(selector)].map((item) => item.textContent)";
        assert_eq!(page.evaluate::<Vec<String>>(items, ("li",)).unwrap(), ["one", "zwei & drei"]);
        let went = page.goto(&format!("{there}#foot")).unwrap();
        assert_eq!(went, Navigation { url: format!("{there}#foot"), status: None });
        assert_eq!(page.goto(&format!("{}/nowhere", site.origin)).unwrap().status, Some(404));
    });
    assert_eq!(site.asked(), ["/moved", "/there?a=1", "/nowhere"]);
}

#[test]
fn arguments_are_values_and_never_script() {
    with_page(|page, _| {
        let argument =
            json!({ "a": "\"); document.title = 'x'; (\"</script>\u{2028}", "__proto__": { "b": 1 }, "c": [null, 1.5] });
        let back: Value = page.evaluate("(value, two) => ({ value, two, title: document.title })", (&argument, 2)).unwrap();
        assert_eq!(back, json!({ "value": argument, "two": 2, "title": "" }));
        assert_eq!(page.evaluate::<u8>("async () => 7", ()).unwrap(), 7);
        assert_eq!(page.evaluate::<Option<u8>>("() => undefined", ()).unwrap(), None);
        let error = page.evaluate::<u8>("() => document.querySelector('a').href", ()).unwrap_err();
        assert!(matches!(&error, BrowserError::Script { message } if message.starts_with("TypeError")), "{error:?}");
        assert_eq!(hint(error), (json!("update_selector"), json!(false)));
        assert!(matches!(page.evaluate::<u8>("() => 'seven'", ()).unwrap_err(), BrowserError::Unexpected { .. }));
    });
}

#[test]
fn waiting_sees_what_comes_later_across_pages_and_names_what_does_not() {
    let site = Site::start(|path| {
        Answer::page(match path {
            "/later" => "<script>setTimeout(() => { document.body.innerHTML = '<p id=late>'; }, 50)</script>",
            "/onward" => "<script>setTimeout(() => { location.href = '/later'; }, 50)</script>",
            _ => "<p>",
        })
    })
    .unwrap();
    with_page(|page, _| {
        page.goto(&format!("{}/later", site.origin)).unwrap();
        page.wait_for("#never, #late", LONG).unwrap();
        page.goto(&format!("{}/onward", site.origin)).unwrap();
        page.wait_for("#late", LONG).unwrap();
        assert_eq!(page.url().unwrap(), format!("{}/later", site.origin));
        let error = page.wait_for("#never", SHORT).unwrap_err();
        let url = format!("{}/later", site.origin);
        assert_eq!(error, BrowserError::Missing { url, selector: "#never".to_owned() });
        assert_eq!(hint(error), (json!("update_selector"), json!(false)));
        assert!(matches!(page.wait_for("##", SHORT), Err(BrowserError::Script { .. })));
    });
}

#[test]
fn a_provider_that_cannot_serve_is_tried_again_later() {
    let site = Site::start(|path| match path {
        "/500" => Answer::status(500),
        "/empty" => Answer { html: String::new(), ..Answer::status(503) },
        _ => Answer::status(429).with_header("Retry-After: 120"),
    })
    .unwrap();
    with_page(|page, _| {
        let mut failed = |path: &str| page.goto(&format!("{}{path}", site.origin)).unwrap_err();
        let unavailable = |path: &str, status, wait: Option<u64>| BrowserError::Unavailable {
            url: format!("{}{path}", site.origin),
            status,
            retry_after: wait.map(Duration::from_secs),
        };
        assert_eq!(failed("/500"), unavailable("/500", 500, None));
        assert_eq!(failed("/empty"), unavailable("/empty", 503, None));
        let limited = failed("/429?token=s3cret");
        assert_eq!(limited, unavailable("/429", 429, Some(120)));
        assert_eq!(done_of_error(limited.into())["error"]["retry_after_seconds"], 120);
        assert_eq!(hint(failed("/500")), (json!("retry_by_runtime"), json!(true)));
        assert!(page.html().unwrap().contains("500"), "what was sent can be looked at");
        let error = page.goto("http://127.0.0.1:1/a?b=s3cret").unwrap_err();
        assert!(
            matches!(&error, BrowserError::NotOpened { url, reason }
            if url == "http://127.0.0.1:1/a" && reason.starts_with("net::ERR_")),
            "{error:?}"
        );
        assert_eq!(hint(error), (json!("retry_by_runtime"), json!(true)));
    });
}

#[test]
fn an_answer_that_does_not_come_and_a_document_that_does_not_end_are_given_up() {
    let (never, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let site = Site::start(move |path| {
        match path {
            "/picture" | "/silent" => drop(wait.lock().unwrap().recv()),
            _ => {}
        }
        Answer::page(if path == "/script" { "<script src=/silent></script>" } else { "<p id=there><img src=/picture>" })
    })
    .unwrap();
    with_page(|page, _| {
        // What is still loading within a document is not waited for.
        page.goto_within(&format!("{}/", site.origin), LONG).unwrap();
        page.wait_for("#there", SHORT).unwrap();
        for path in ["/script", "/silent"] {
            let error = page.goto_within(&format!("{}{path}", site.origin), SHORT).unwrap_err();
            assert_eq!(error, BrowserError::TimedOut { what: format!("opening {}{path}", site.origin) });
            assert_eq!(hint(error), (json!("retry_by_runtime"), json!(true)));
        }
    });
    drop(never);
}

#[test]
fn a_page_that_asks_is_answered_and_one_that_holds_on_is_left() {
    let page_that_asks = "<script>setTimeout(() => { document.title = String(confirm('sure?')); }, 0);
        addEventListener('beforeunload', (event) => event.preventDefault());</script>";
    let site = Site::start(move |path| Answer::page(if path == "/asks" { page_that_asks } else { "<p id=left>" })).unwrap();
    with_page(|page, _| {
        page.goto(&format!("{}/asks", site.origin)).unwrap();
        let answered = "() => new Promise((resolve) => { const look = () => document.title ? resolve(document.title) : setTimeout(look, 10); look(); })";
        assert_eq!(page.evaluate::<String>(answered, ()).unwrap(), "false");
        page.goto(&format!("{}/", site.origin)).unwrap();
        page.wait_for("#left", LONG).unwrap();
    });
}

#[test]
fn a_page_that_was_closed_says_so_whatever_is_asked_of_it() {
    let site = Site::start(|_| Answer::page("<p>")).unwrap();
    with_page(|page, chromium| {
        page.goto(&site.origin).unwrap();
        chromium.close_pages().unwrap();
        assert_eq!(page.wait_for("#never", LONG).unwrap_err(), BrowserError::Closed);
        assert_eq!(page.goto(&site.origin).unwrap_err(), BrowserError::Closed);
        assert_eq!(hint(BrowserError::Closed), (json!("retry_on_connector_upgrade"), json!(false)));
    });
}

#[test]
fn a_browser_that_has_ended_is_told_as_such() {
    let mut chromium = Chromium::start(&StandIns::default()).unwrap();
    let binding = binding(&chromium);
    let done = done_of(&binding, |mut page| {
        chromium.kill();
        page.url()?;
        Ok(())
    });
    assert_eq!((&done["error"]["code"], &done["error"]["retryable"]), (&json!("browser_ended"), &json!(true)));
    assert_eq!(done["error"]["recovery_hint"]["action"], "retry_by_runtime");
    let done = done_of(&binding, |_| panic!("there is no browser"));
    assert_eq!(done["error"]["code"], "browser_ended");
    assert!(!done.to_string().contains(binding["ws_url"].as_str().unwrap().rsplit('/').next().unwrap()));
}

#[test]
fn a_run_without_a_browser_and_a_binding_that_is_no_address_are_named() {
    let error = done_of(&json!({ "interface": "webdriver" }), |_| panic!("there is no browser"));
    assert_eq!(error["error"]["code"], "browser_unusable");
    let line = b"{\"type\":\"START\",\"run_id\":\"r\",\"collection_mode\":\"incremental\",\"scope\":{\"streams\":[]},\"bindings\":{}}\n";
    let (tmp, mut output) = (tempfile::tempdir().unwrap(), Vec::new());
    freehold_sdk::run_on(&line[..], &mut output, tmp.path().to_owned(), |context| context.browser().map(drop));
    let done: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(
        (&done["error"]["code"], done["error"]["recovery_hint"]["action"].as_str()),
        (&json!("no_browser"), Some("not_retriable"))
    );
}
