//! A connector's browser while somebody signs in beside it.

use freehold_browser::Tabs;
use serde_json::json;

use super::client::Cdp;
use super::{LIMIT, Rig, host};
use crate::support::{Response, serve};

#[test]
fn what_is_typed_beside_a_connector_set_aside_is_out_of_its_reach() {
    let origin = serve(|request| match request.target.as_str() {
        "/worker.js" => Response::page("self.addEventListener('fetch', () => {})").header("Content-Type", "text/javascript"),
        "/form" => Response::page("<input type=password id=password><a target=_blank rel=opener href=/more>more</a>"),
        _ => Response::page(format!("<p>{}</p>", request.target)),
    });
    let mut rig = Rig::at(&format!("{origin}/orders"), &[&host(&origin)]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    cdp.call(Some(&page), "Page.enable", json!({})).unwrap();
    let spy = "window.spy = new BroadcastChannel('spy'); window.spy.onmessage = (m) => { window.heard = m.data; };";
    cdp.call(Some(&page), "Page.addScriptToEvaluateOnNewDocument", json!({ "source": spy })).unwrap();
    let register = "navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => 1)";
    cdp.evaluate(&page, register).unwrap();
    cdp.evaluate(&page, "window.onbeforeunload = () => 'stay'; document.body.click()").unwrap();

    rig.connector.as_mut().unwrap().set_aside().unwrap();
    let asked =
        cdp.send(Some(&page), "Runtime.evaluate", json!({ "expression": "location.href", "returnByValue": true })).unwrap();
    let all = Tabs::of(&rig.browser.chromium);
    assert_eq!(all.first().unwrap().page().main_frame().unwrap().url(), "about:blank");
    let beside = all.beside();
    let form = beside.first().unwrap();
    form.page().goto(&format!("{origin}/form"), LIMIT).unwrap();
    let frame = form.page().main_frame().unwrap();
    let seen = "async () => {
        document.querySelector('#password').value = 'secret';
        new BroadcastChannel('spy').postMessage('secret');
        return [typeof window.spy, (await navigator.serviceWorker.getRegistrations()).length];
    }";
    assert_eq!(frame.run(seen, &[]).unwrap(), json!(["undefined", 0]));
    frame.run_as_gesture("() => document.querySelector('a').click()", &[]).unwrap();
    while beside.list().unwrap().len() < 2 {
        form.page().wait_for_change(LIMIT).unwrap();
    }
    assert_eq!(all.list().unwrap().len(), 3, "its pop-up is beside as well, the connector's page is not");
    beside.close().unwrap();

    rig.connector.as_mut().unwrap().take_up().unwrap();
    assert_eq!(cdp.answer(asked).unwrap()["result"]["value"], json!(format!("{origin}/orders")));
    assert_eq!(cdp.evaluate(&page, "typeof window.heard").unwrap(), "undefined");
    let targets = cdp.call(None, "Target.getTargets", json!({})).unwrap();
    assert_eq!(targets["targetInfos"].as_array().unwrap().len(), 1);
}
