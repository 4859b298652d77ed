//! What is left of a connector when its browser is dropped, and what it could not have had before.

use serde_json::json;

use super::client::Cdp;
use super::{LIMIT, Rig, host};
use crate::support::{Browser, Response, serve};

#[test]
fn nothing_of_a_connector_is_left_when_it_is_dropped() {
    let origin = serve(|request| match request.target.as_str() {
        "/worker.js" => Response::page("self.addEventListener('fetch', () => {})").header("Content-Type", "text/javascript"),
        _ => Response::page("<p>page</p>"),
    });
    let mut rig = Rig::at(&origin, &[&host(&origin)]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    let script = json!({ "source": "window.mark = 1" });
    cdp.call(Some(&page), "Page.enable", json!({})).unwrap();
    cdp.call(Some(&page), "Page.addScriptToEvaluateOnNewDocument", script).unwrap();
    cdp.call(Some(&page), "Runtime.enable", json!({})).unwrap();
    cdp.call(Some(&page), "Runtime.addBinding", json!({ "name": "bound" })).unwrap();
    cdp.call(Some(&page), "Emulation.setUserAgentOverride", json!({ "userAgent": "odd" })).unwrap();
    cdp.call(Some(&page), "Network.enable", json!({})).unwrap();
    cdp.call(Some(&page), "Network.setBlockedURLs", json!({ "urls": ["*blocked*"] })).unwrap();
    cdp.call(Some(&page), "Fetch.enable", json!({ "patterns": [{ "urlPattern": "*caught*" }] })).unwrap();
    cdp.call(Some(&page), "Page.reload", json!({})).unwrap();
    cdp.event("Page.loadEventFired", LIMIT).unwrap();
    assert_eq!(
        cdp.evaluate(&page, "[window.mark, typeof window.bound, navigator.userAgent]").unwrap(),
        json!([1, "function", "odd"])
    );
    let register =
        "navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => 'listens')";
    assert_eq!(cdp.evaluate(&page, register).unwrap(), "listens");
    cdp.evaluate(&page, "window.onbeforeunload = () => 'stay'; document.body.click()").unwrap();
    let opened = cdp.call(None, "Target.createTarget", json!({ "url": origin })).unwrap()["targetId"].take();
    cdp.evaluate(&page, "void setTimeout(() => alert('still here'), 0)").unwrap();

    let (ws_url, address) = (rig.connector().ws_url().to_owned(), host(rig.connector().ws_url()));
    rig.connector = None;
    assert!(cdp.evaluate(&page, "1").is_err());
    assert!(std::net::TcpStream::connect(address.split('/').next().unwrap()).is_err(), "{ws_url} is closed");
    let left = rig.browser.chromium.page_targets().unwrap();
    assert_eq!(left, [rig.page.target()], "{opened} is closed, the first page is not");
    assert_eq!(rig.page.main_frame().unwrap().url(), "about:blank");
    rig.page.goto(&origin, LIMIT).unwrap();
    let seen = "async () => [
        typeof window.mark, navigator.userAgent === 'odd',
        await fetch('/blocked').then(() => 'ok', () => 'blocked'), await fetch('/caught').then(() => 'ok'),
        (await navigator.serviceWorker.getRegistrations()).length,
    ]";
    let session = rig.page.session();
    let main = json!({ "expression": "[typeof window.mark, typeof window.bound]", "returnByValue": true });
    assert_eq!(session.call("Runtime.evaluate", main).unwrap()["result"]["value"], json!(["undefined", "undefined"]));
    let seen = rig.page.main_frame().unwrap().run(seen, &[]).unwrap();
    assert_eq!(seen, json!(["undefined", false, "ok", "ok", 0]));
    let new = rig.browser.chromium.new_page().unwrap();
    new.goto(&origin, LIMIT).unwrap();
}

#[test]
fn a_connector_can_come_back_after_a_sign_in_in_between() {
    let origin = serve(|request| Response::page(format!("<p>{}</p>", request.target)));
    let mut rig = Rig::at(&format!("{origin}/one"), &[&host(&origin)]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    assert_eq!(cdp.evaluate(&page, "document.body.innerText").unwrap(), "/one");
    rig.connector = None;
    rig.page.goto(&format!("{origin}/two"), LIMIT).unwrap();
    let Rig { page, browser, .. } = rig;
    let rig = Rig::over(browser, page, &[&host(&origin)]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    assert_eq!(cdp.evaluate(&page, "document.body.innerText").unwrap(), "/two");
}

#[test]
fn a_password_that_was_typed_and_posted_is_out_of_reach() {
    let origin = serve(|request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", "/") => Response::page("<p>signed in</p>"),
        ("GET", "/form") => Response::page("<form method=post action=/><input type=password name=password></form>"),
        _ => Response::page("<p>home</p>"),
    });
    let browser = Browser::start();
    let page = browser.chromium.first_page().unwrap();
    page.goto(&format!("{origin}/form"), LIMIT).unwrap();
    let sign_in = "() => { document.querySelector('input').value = 'correct horse'; window.held = 'correct horse'; document.forms[0].submit(); }";
    page.main_frame().unwrap().run(sign_in, &[]).unwrap();
    page.wait_for_load(std::time::Instant::now() + LIMIT).unwrap();
    let text = || page.main_frame().unwrap().run("() => document.body.innerText", &[]).unwrap();
    assert_eq!(text(), "signed in");
    let rig = Rig::over(browser, page, &[&host(&origin)]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    cdp.call(Some(&page), "Network.enable", json!({})).unwrap();
    cdp.call(Some(&page), "Page.enable", json!({})).unwrap();
    // The answer to a form that is loaded again is asked for with what was in the form.
    cdp.call(Some(&page), "Page.reload", json!({})).unwrap();
    let sent = cdp.event("Network.requestWillBeSent", LIMIT).unwrap();
    assert_eq!((&sent["request"]["method"], sent["request"].get("postData")), (&json!("GET"), None), "{sent}");
    cdp.event("Page.loadEventFired", LIMIT).unwrap();
    let history = cdp.call(Some(&page), "Page.getNavigationHistory", json!({})).unwrap();
    assert!(!history.to_string().contains("/form"), "{history}");
    assert_eq!(cdp.evaluate(&page, "window.held ?? null").unwrap(), json!(null));
}
