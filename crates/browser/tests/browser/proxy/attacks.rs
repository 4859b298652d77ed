//! A connector that tries for more than its source's session.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Cdp, get};
use super::{LIMIT, Rig, host};
use crate::support::{Browser, Response, serve, site};

/// A site of the connector's and one of somebody else's, who both set a cookie; what the second was asked for is kept.
struct World {
    rig: Rig,
    own: String,
    other: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let other = serve(move |request| {
            seen.lock().unwrap().push(request.target.clone());
            if request.target == "/file" {
                return Response::page("other's").header("Content-Disposition", "attachment; filename=other.csv");
            }
            Response::page("<p>other's own</p>").header("Set-Cookie", "other=treasure; Path=/")
        });
        let other = other.replace("127.0.0.1", "localhost");
        let away = other.clone();
        let own = serve(move |request| match request.target.as_str() {
            "/away" => Response::see(format!("{away}/redirected")),
            "/upload" => Response::page("<input type=file id=file>"),
            "/framed" => Response::page(format!("<p>framed</p><iframe src={away}/frame></iframe>")),
            "/file" => Response::page("contents").header("Content-Disposition", "attachment; filename=orders.csv"),
            _ => Response::page("<p>own</p>").header("Set-Cookie", "own=1; Path=/"),
        });
        let browser = Browser::start();
        let page = browser.chromium.first_page().unwrap();
        page.goto(&other, LIMIT).unwrap();
        page.goto(&own, LIMIT).unwrap();
        let rig = Rig::over(browser, page, &[&host(&own)]);
        asked.lock().unwrap().clear();
        Self { rig, own, other, asked }
    }

    fn client(&self) -> (Cdp, String) {
        Cdp::on_page(self.rig.connector().ws_url())
    }

    fn was_asked_for(&self, path: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|asked| asked == path)
    }

    fn noted(&self, what: &str) -> bool {
        self.rig.connector().violations().iter().any(|note| note.contains(what))
    }
}

#[test]
fn no_cookie_of_another_host_is_read_or_set() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    let names = |answer: Value| {
        let all = answer["cookies"].as_array().unwrap().iter().map(|cookie| cookie["name"].as_str().unwrap().to_owned());
        all.collect::<Vec<_>>()
    };
    let urls = json!({ "urls": [world.own, world.other] });
    for (session, method, params) in [
        (None, "Storage.getCookies", json!({})),
        (Some(page.as_str()), "Storage.getCookies", json!({})),
        (Some(page.as_str()), "Network.getCookies", urls),
        (Some(page.as_str()), "Network.getAllCookies", json!({})),
    ] {
        assert_eq!(names(cdp.call(session, method, params).unwrap()), ["own"], "{method}");
    }
    let set = json!({ "name": "x", "value": "1", "url": world.other });
    assert!(cdp.call(Some(&page), "Network.setCookie", set.clone()).is_err());
    assert!(cdp.call(None, "Storage.setCookies", json!({ "cookies": [set] })).is_err());
    let delete = json!({ "name": "other", "domain": "localhost" });
    assert!(cdp.call(Some(&page), "Network.deleteCookies", delete).is_err());
    let own = json!({ "name": "mine", "value": "1", "url": world.own });
    cdp.call(Some(&page), "Network.setCookie", own).unwrap();
    // What the browser really has.
    let all = world.rig.browser.chromium.client().call("Storage.getCookies", json!({})).unwrap();
    let mut all = names(all);
    all.sort();
    assert_eq!(all, ["mine", "other", "own"]);
}

#[test]
fn what_a_page_loads_from_elsewhere_shows_neither_cookie_nor_body() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    cdp.call(Some(&page), "Network.enable", json!({})).unwrap();
    let fetch = format!("fetch('{}/x', {{ mode: 'no-cors', credentials: 'include' }}).then(() => 1, () => 2)", world.other);
    assert_eq!(cdp.evaluate(&page, &fetch).unwrap(), 1);
    let fetch = "fetch('/y').then((answer) => answer.text())";
    cdp.evaluate(&page, fetch).unwrap();
    let mut bodies = Vec::new();
    while let Some(sent) = cdp.event("Network.requestWillBeSent", Duration::from_millis(300)) {
        let body = cdp.call(Some(&page), "Network.getResponseBody", json!({ "requestId": sent["requestId"] }));
        bodies.push((sent["request"]["url"].as_str().unwrap().to_owned(), body));
    }
    let of = |path: &str| &bodies.iter().find(|(url, _)| url.ends_with(path)).unwrap().1;
    assert!(of("/x").as_ref().unwrap_err().contains("not from the connector's hosts"), "{:?}", of("/x"));
    assert!(of("/y").as_ref().unwrap()["body"].as_str().unwrap().contains("own"));
    assert!(!cdp.heard().contains("treasure"));
    let params =
        json!({ "url": format!("{}/lnr", world.other), "options": { "disableCache": true, "includeCredentials": true } });
    assert!(cdp.call(Some(&page), "Network.loadNetworkResource", params).is_err());
    assert!(!world.was_asked_for("/lnr"));
}

#[test]
fn headers_as_they_were_sent_and_came_hold_no_cookie_of_another_host() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    cdp.call(Some(&page), "Network.enable", json!({})).unwrap();
    // The browser tells of cookies that were not sent too.
    let image = format!(
        "new Promise((done) => {{ const i = new Image(); i.onload = i.onerror = () => done(1); i.src = '{}/i'; }})",
        world.other
    );
    cdp.evaluate(&page, &image).unwrap();
    cdp.evaluate(&page, "fetch('/z').then(() => 1)").unwrap();
    let mut own_cookie_seen = false;
    let mut seen = 0;
    while seen < 2 || !own_cookie_seen {
        let sent = cdp.event("Network.requestWillBeSentExtraInfo", LIMIT).expect("the connector's own are told");
        seen += 1;
        own_cookie_seen |= sent.to_string().contains("own=1");
        assert!(!sent.to_string().contains("treasure"), "{sent}");
    }
}

#[test]
fn other_targets_are_neither_listed_nor_attached_to_nor_made() {
    let world = World::new();
    let hidden = world.rig.browser.chromium.new_page().unwrap();
    let (mut cdp, page) = world.client();
    let all = cdp.call(None, "Target.getTargets", json!({})).unwrap();
    assert_eq!(all["targetInfos"].as_array().unwrap().len(), 1, "{all}");
    let other = json!({ "targetId": hidden.target(), "flatten": true });
    for method in ["Target.attachToTarget", "Target.getTargetInfo", "Target.closeTarget", "Target.activateTarget"] {
        assert!(cdp.call(None, method, other.clone()).is_err(), "{method}");
        assert!(cdp.call(Some(&page), method, other.clone()).is_err(), "{method} in the page's session");
    }
    cdp.call(None, "Target.setDiscoverTargets", json!({ "discover": true })).unwrap();
    cdp.call(None, "Target.setAutoAttach", json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true }))
        .unwrap();
    let later = world.rig.browser.chromium.new_page().unwrap();
    later.goto(&world.other, LIMIT).unwrap();
    let heard = cdp.heard();
    assert!(!heard.contains(hidden.target()) && !heard.contains(later.target()), "{heard}");
    // The sessions of others are nobody's.
    let foreign = world.rig.page.session().id().0.clone();
    assert!(cdp.call(Some(&foreign), "Runtime.evaluate", json!({ "expression": "1" })).is_err());
    let context = json!({ "url": "about:blank", "browserContextId": "ABC" });
    assert!(cdp.call(None, "Target.createTarget", context).is_err());
    for (method, params) in [
        ("Target.createBrowserContext", json!({})),
        ("Target.exposeDevToolsProtocol", other),
        ("Target.createTarget", json!({ "url": world.other })),
        ("Target.createTarget", json!({ "url": "file:///etc/passwd" })),
        ("Browser.close", json!({})),
        ("WebAuthn.enable", json!({})),
        ("Security.setIgnoreCertificateErrors", json!({ "ignore": true })),
        ("Storage.clearCookies", json!({})),
        ("Tracing.start", json!({})),
    ] {
        assert!(cdp.call(None, method, params.clone()).is_err(), "{method}");
        assert!(cdp.call(Some(&page), method, params).is_err(), "{method} in the page's session");
        assert!(world.noted(&format!("{method} was denied")), "{method}");
    }
    assert!(!world.rig.browser.chromium.client().is_gone());
}

#[test]
fn it_cannot_be_told_to_open_a_page_elsewhere_a_file_or_a_page_of_the_browsers() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    for url in [
        world.other.as_str(),
        "file:///etc/passwd",
        "chrome://settings",
        "devtools://devtools/bundled/inspector.html",
        "view-source:http://127.0.0.1/",
        "data:text/html,x",
        "about:version",
        "javascript:1",
        "",
    ] {
        assert!(cdp.call(Some(&page), "Page.navigate", json!({ "url": url })).is_err(), "{url}");
    }
    cdp.call(Some(&page), "Page.navigate", json!({ "url": format!("{}/orders", world.own) })).unwrap();
    assert!(!world.was_asked_for("/"));
}

#[test]
fn a_redirect_or_a_script_that_leads_elsewhere_closes_the_page_before_anything_is_asked_for() {
    for leave in [
        "location.href = '/away'",
        "location.href = 'OTHER/scripted'",
        "document.body.innerHTML = '<a href=OTHER/clicked>x</a>'; document.querySelector('a').click()",
    ] {
        let world = World::new();
        let (mut cdp, page) = world.client();
        let leave = leave.replace("OTHER", &world.other);
        let _ = cdp.evaluate(&page, &format!("void ({})", leave.replace("; ", ", ")));
        let gone = cdp.event("Target.detachedFromTarget", LIMIT).unwrap();
        assert_eq!(gone["sessionId"], page.as_str());
        assert!(cdp.evaluate(&page, "1").is_err());
        assert!(world.noted(&format!("it opened {}", host(&world.other))), "{:?}", world.rig.connector().violations());
        let asked = world.asked.lock().unwrap().clone();
        assert_eq!(asked, Vec::<String>::new(), "nothing went there");
        let left = cdp.call(None, "Target.getTargets", json!({})).unwrap();
        assert_eq!(left["targetInfos"], json!([]));
    }
}

#[test]
fn a_pop_up_elsewhere_is_closed_with_and_without_an_opener() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    cdp.call(None, "Target.setDiscoverTargets", json!({ "discover": true })).unwrap();
    cdp.event("Target.targetCreated", LIMIT).unwrap();
    for features in ["", "noopener"] {
        cdp.evaluate(&page, &format!("void window.open('{}/popup', '_blank', '{features}')", world.other)).unwrap();
        let made = cdp.event("Target.targetCreated", LIMIT).unwrap();
        let gone = cdp.event("Target.targetDestroyed", LIMIT).unwrap();
        assert_eq!(made["targetInfo"]["targetId"], gone["targetId"]);
    }
    assert!(!world.was_asked_for("/popup"));
    assert_eq!(cdp.evaluate(&page, "document.body.innerText").unwrap(), "own");
}

#[test]
fn a_frame_of_another_site_loads_and_is_out_of_reach() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    cdp.call(Some(&page), "Runtime.enable", json!({})).unwrap();
    let auto = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
    cdp.call(Some(&page), "Target.setAutoAttach", auto).unwrap();
    let script = json!({ "source": "window.mark = 1", "runImmediately": true });
    cdp.call(Some(&page), "Page.addScriptToEvaluateOnNewDocument", script).unwrap();
    cdp.call(Some(&page), "Page.enable", json!({})).unwrap();
    cdp.call(Some(&page), "Page.navigate", json!({ "url": format!("{}/framed", world.own) })).unwrap();
    cdp.event("Page.loadEventFired", LIMIT).unwrap();
    assert!(world.was_asked_for("/frame"));
    assert_eq!(cdp.event("Target.attachedToTarget", Duration::from_millis(300)), None);
    let frames = world.rig.page.frames().unwrap();
    assert_eq!(frames.len(), 2);
    let within = frames.iter().find(|frame| frame.url().starts_with(&world.other)).unwrap();
    assert_eq!(within.run("() => document.body.innerText", &[]).unwrap(), "other's own", "there is something to be had");
    let world_in = json!({ "frameId": within.id(), "worldName": "x", "grantUniveralAccess": true });
    assert!(cdp.call(Some(&page), "Page.createIsolatedWorld", world_in).is_err());
    assert!(cdp.evaluate(&page, "frames[0].document.cookie").unwrap().is_null());
    assert!(cdp.call(Some(&page), "Page.captureSnapshot", json!({})).is_err());
}

#[test]
fn a_frame_at_the_hosts_is_handed_over_until_it_goes_elsewhere() {
    let site = serve(|request| match request.target.as_str() {
        "/nothing" => Response::page("").status(204),
        path => Response::page(format!("<p>{path}</p>")),
    });
    let at = |name: &str| site.replace("127.0.0.1", name);
    let (inside, outside) = (at("in.localhost"), at("out.localhost"));
    let rig = Rig::at(&site, &[&host(&site), &host(&inside)]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    let auto = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
    cdp.call(Some(&page), "Target.setAutoAttach", auto.clone()).unwrap();
    let go = |cdp: &mut Cdp, url: String| {
        cdp.evaluate(&page, &format!("void (document.querySelector('iframe').src = '{url}')")).unwrap();
    };
    cdp.evaluate(&page, "document.body.innerHTML = '<iframe></iframe>'").unwrap();
    go(&mut cdp, format!("{inside}/frame"));
    let frame = cdp.event("Target.attachedToTarget", LIMIT).unwrap()["sessionId"].as_str().unwrap().to_owned();
    cdp.call(Some(&frame), "Page.enable", json!({})).unwrap();
    cdp.call(Some(&frame), "Runtime.runIfWaitingForDebugger", json!({})).unwrap();
    cdp.event("Page.loadEventFired", LIMIT).unwrap();
    assert_eq!(cdp.evaluate(&frame, "location.hostname").unwrap(), "in.localhost");

    go(&mut cdp, format!("{outside}/elsewhere"));
    assert_eq!(cdp.event("Target.detachedFromTarget", LIMIT).unwrap()["sessionId"], frame.as_str());
    assert!(cdp.evaluate(&frame, "1").is_err());
    let shows = |part: &str| {
        let until = std::time::Instant::now() + LIMIT;
        while !rig.page.frames().unwrap().iter().any(|frame| frame.url().contains(part)) {
            assert!(std::time::Instant::now() < until, "it goes to {part}");
        }
    };
    shows("/elsewhere");
    // What it asks for next is at the hosts, and what it shows is not.
    go(&mut cdp, format!("{inside}/nothing"));
    assert_eq!(cdp.event("Target.attachedToTarget", Duration::from_millis(500)), None);
    let another = || {
        let (mut another, page) = Cdp::on_page(rig.connector().ws_url());
        another.call(Some(&page), "Target.setAutoAttach", auto.clone()).unwrap();
        another
    };
    assert_eq!(another().event("Target.attachedToTarget", Duration::from_millis(500)), None);
    // Once it is back there, whoever asks for the page's frames gets it.
    go(&mut cdp, format!("{inside}/frame"));
    shows("/frame");
    let mut another = another();
    let frame = another.event("Target.attachedToTarget", LIMIT).unwrap()["sessionId"].as_str().unwrap().to_owned();
    assert_eq!(another.evaluate(&frame, "location.hostname").unwrap(), "in.localhost");
}

#[test]
fn a_page_that_is_elsewhere_to_begin_with_is_left() {
    let site = serve(|_| Response::page("<p>sign-in</p>"));
    let rig = Rig::at(&site, &["www.shop.example"]);
    let (mut cdp, page) = Cdp::on_page(rig.connector().ws_url());
    assert_eq!(cdp.evaluate(&page, "location.href + document.body.innerText").unwrap(), "about:blank");
    let history = cdp.call(Some(&page), "Page.getNavigationHistory", json!({})).unwrap();
    assert_eq!(history["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_frame_that_would_share_the_pages_process_is_not_opened() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    // Another port of the same host: another origin of the same site.
    let near = world.other.replace("localhost", "127.0.0.1");
    for tag in ["iframe src", "object type=text/html data", "embed type=text/html src"] {
        let insert = format!(
            "new Promise((done) => {{ document.body.innerHTML = '<{tag}={near}/near></{}>';
                const e = document.body.firstChild; e.onload = e.onerror = () => done(1); setTimeout(() => done(2), 1000) }})",
            tag.split(' ').next().unwrap()
        );
        cdp.evaluate(&page, &insert).unwrap();
    }
    assert!(!world.was_asked_for("/near"));
    assert!(world.noted(&format!("a frame at {} was not opened", host(&near))));
    assert_eq!(cdp.evaluate(&page, "location.pathname").unwrap(), "/", "the page itself stays");
}

#[test]
fn intercepting_reaches_the_hosts_and_no_further() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    cdp.call(Some(&page), "Fetch.enable", json!({ "patterns": [{ "urlPattern": "*" }] })).unwrap();
    let fetches = format!(
        "window.got = Promise.all([fetch('{}/seen', {{ mode: 'no-cors' }}).then(() => 'went on'), fetch('/mine').then((a) => a.text())]), 1",
        world.other
    );
    cdp.call(Some(&page), "Runtime.evaluate", json!({ "expression": fetches })).unwrap();
    let paused = cdp.event("Fetch.requestPaused", LIMIT).unwrap();
    assert!(paused["request"]["url"].as_str().unwrap().ends_with("/mine"), "{paused}");
    let id = paused["requestId"].clone();
    let elsewhere = json!({ "requestId": id, "url": format!("{}/stolen", world.other) });
    assert!(cdp.call(Some(&page), "Fetch.continueRequest", elsewhere).is_err());
    assert!(cdp.call(Some(&page), "Fetch.continueRequest", json!({ "requestId": "interception-job-1.0x" })).is_err());
    let body = json!({ "requestId": id, "responseCode": 200, "body": "bWFkZQ==" });
    cdp.call(Some(&page), "Fetch.fulfillRequest", body).unwrap();
    assert_eq!(cdp.evaluate(&page, "window.got").unwrap(), json!(["went on", "made"]));
    assert!(world.was_asked_for("/seen") && !world.was_asked_for("/stolen"));
}

#[test]
fn files_come_from_the_temporary_directory_and_from_nowhere_else() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    let tmp = world.rig.tmp();
    std::fs::write(tmp.join("own.txt"), "its own").unwrap();
    symlink("/etc/passwd", tmp.join("link.txt")).unwrap();
    cdp.call(Some(&page), "Page.enable", json!({})).unwrap();
    cdp.call(Some(&page), "Page.navigate", json!({ "url": format!("{}/upload", world.own) })).unwrap();
    cdp.event("Page.loadEventFired", LIMIT).unwrap();
    let document = cdp.call(Some(&page), "DOM.getDocument", json!({})).unwrap();
    let field = json!({ "nodeId": document["root"]["nodeId"], "selector": "#file" });
    let node = cdp.call(Some(&page), "DOM.querySelector", field).unwrap()["nodeId"].take();
    let mut put = |path: String| cdp.call(Some(&page), "DOM.setFileInputFiles", json!({ "files": [path], "nodeId": node }));
    let at = |name: &str| tmp.join(name).display().to_string();
    for path in ["/etc/passwd".to_owned(), at("link.txt"), at("../profile/Local State"), at("."), "own.txt".to_owned()] {
        assert!(put(path.clone()).is_err(), "{path}");
    }
    put(at("own.txt")).unwrap();
    let read = "(async (f) => f.name + ': ' + await f.text())(document.querySelector('#file').files[0])";
    assert_eq!(cdp.evaluate(&page, read).unwrap(), "own.txt: its own");
    let drag = json!({ "type": "drop", "x": 1, "y": 1, "data": { "items": [], "files": ["/etc/passwd"], "dragOperationsMask": 1 } });
    assert!(cdp.call(Some(&page), "Input.dispatchDragEvent", drag).is_err());
    assert!(world.noted("DOM.setFileInputFiles was denied"));
}

#[test]
fn downloads_of_its_hosts_alone_end_up_in_its_temporary_directory() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    let tmp = world.rig.tmp();
    std::fs::create_dir(tmp.join("mine")).unwrap();
    let elsewhere = world.rig.browser.folder.path().join("run/profile");
    for (asked, at) in [(tmp.join("mine"), tmp.join("mine")), (elsewhere, tmp.clone()), (tmp.join("../.."), tmp.clone())] {
        let (guid, end) = download(&mut cdp, &page, &asked);
        assert_eq!((&end["state"], &end["filePath"]), (&json!("completed"), &json!(at.join(&guid))));
        assert_eq!(std::fs::read_to_string(at.join(guid)).unwrap(), "contents");
    }
    symlink(world.rig.browser.folder.path(), tmp.join("link")).unwrap();
    let (_, end) = download(&mut cdp, &page, &tmp.join("link"));
    assert_eq!((&end["state"], &end["filePath"]), (&json!("canceled"), &Value::Null), "a link leads nowhere");
    assert!(world.noted("a download was not handed over"));
    // What another host's frame downloads it does not hear of.
    let framed = format!("void (document.body.innerHTML = '<iframe src={}/file></iframe>')", world.other);
    cdp.evaluate(&page, &framed).unwrap();
    let until = Instant::now() + LIMIT;
    while !world.noted("a download from outside") && Instant::now() < until {
        cdp.evaluate(&page, "1").unwrap();
    }
    assert!(world.noted("a download from outside") && world.was_asked_for("/file"));
    let (guid, _) = download(&mut cdp, &page, &tmp.join("mine"));
    assert!(tmp.join("mine").join(guid).exists(), "the next it hears of is its own");
}

/// Downloads the site's file and returns the name the browser gave it and what is told at its end.
fn download(cdp: &mut Cdp, page: &str, into: &Path) -> (String, Value) {
    let behaviour = json!({ "behavior": "allowAndName", "downloadPath": into, "eventsEnabled": true });
    cdp.call(None, "Browser.setDownloadBehavior", behaviour).unwrap();
    cdp.evaluate(page, "void (location.href = '/file')").unwrap();
    let begun = cdp.event("Browser.downloadWillBegin", LIMIT).unwrap();
    assert_eq!(begun["suggestedFilename"], "orders.csv");
    loop {
        let told = cdp.event("Browser.downloadProgress", LIMIT).unwrap();
        assert_eq!(told["guid"], begun["guid"]);
        if told["state"] != "inProgress" {
            return (begun["guid"].as_str().unwrap().to_owned(), told);
        }
    }
}

#[test]
fn streams_contexts_and_history_that_are_not_its_own_are_refused() {
    let world = World::new();
    let (mut cdp, page) = world.client();
    let history = cdp.call(Some(&page), "Page.getNavigationHistory", json!({})).unwrap();
    assert!(!history.to_string().contains(&host(&world.other)), "{history}");
    assert!(cdp.call(Some(&page), "IO.read", json!({ "handle": "1" })).is_err());
    let printed = cdp.call(Some(&page), "Page.printToPDF", json!({ "transferMode": "ReturnAsStream" })).unwrap();
    cdp.call(Some(&page), "IO.read", json!({ "handle": printed["stream"], "size": 16 })).unwrap();
    // The runtime's own world in the page: its context's number is there to be guessed.
    world.rig.page.main_frame().unwrap().run("() => { self.kept = 'runtime'; }", &[]).unwrap();
    cdp.call(Some(&page), "Runtime.enable", json!({})).unwrap();
    assert!(!cdp.heard().contains("\"name\":\"freehold\""));
    for id in 1..50 {
        let params = json!({ "expression": "self.kept", "contextId": id, "returnByValue": true });
        let kept = cdp.call(Some(&page), "Runtime.evaluate", params);
        assert!(kept.is_err() || kept.as_ref().unwrap()["result"]["value"] != "runtime", "{id}: {kept:?}");
    }
}

#[test]
fn who_does_not_know_the_token_finds_nothing() {
    let world = World::new();
    let connector = world.rig.connector();
    let (base, token) = connector.http_url().rsplit_once('/').unwrap();
    for path in
        ["", "json/version", "json/list", "x", &token[1..], &format!("{token}x/json/version"), &format!("{token}/json/new")]
    {
        let (status, body) = get(&format!("{base}/{path}"));
        assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 404 Not Found", "{}"), "{path}");
    }
    let (status, body) = get(&format!("{}/json/version/", connector.http_url()));
    let version: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status.as_str(), &version["webSocketDebuggerUrl"]), ("HTTP/1.1 200 OK", &json!(connector.ws_url())));
    let (_, body) = get(&format!("{}/json/list", connector.http_url()));
    let pages: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((pages.as_array().unwrap().len(), &pages[0]["url"]), (1, &json!(format!("{}/", world.own))));
    let authority = host(base);
    let stream = std::net::TcpStream::connect(&authority).unwrap();
    assert!(tungstenite::client(format!("ws://{authority}/{}", &token[1..]), stream).is_err());
}

#[test]
fn each_connection_has_sessions_of_its_own() {
    let world = World::new();
    let (mut one, mine) = world.client();
    let (mut two, theirs) = world.client();
    assert!(one.call(Some(&theirs), "Runtime.evaluate", json!({ "expression": "1" })).is_err());
    assert_eq!(one.evaluate(&mine, "1").unwrap(), 1);
    one.call(Some(&mine), "Page.enable", json!({})).unwrap();
    drop(one);
    assert_eq!(two.evaluate(&theirs, "2").unwrap(), 2);
    assert_eq!(two.event("Page.frameNavigated", Duration::from_millis(100)), None);
}

#[test]
fn a_client_that_is_told_of_no_contexts_has_those_of_its_handles_until_the_document_is_another() {
    let origin = site(|_| "<p id=here>here</p>".into());
    let rig = Rig::at(&format!("{origin}/one"), &[&host(&origin)]);
    let (mut cdp, session) = Cdp::on_page(rig.connector().ws_url());
    let session = Some(session.as_str());
    let handle = |cdp: &mut Cdp, expression: &str| {
        let params = json!({ "expression": expression, "serializationOptions": { "serialization": "idOnly" } });
        cdp.call(session, "Runtime.evaluate", params).unwrap()["result"]["objectId"].as_str().unwrap().to_owned()
    };
    let window = handle(&mut cdp, "globalThis");
    let context: i64 = window.split('.').nth(1).unwrap().parse().unwrap();
    let node = handle(&mut cdp, "here");
    let node = cdp.call(session, "DOM.describeNode", json!({ "objectId": node })).unwrap()["node"]["backendNodeId"].take();
    let resolve = |context: i64| json!({ "backendNodeId": node, "executionContextId": context });
    let resolved = cdp.call(session, "DOM.resolveNode", resolve(context)).unwrap();
    assert_eq!(resolved["object"]["description"], "p#here");
    for other in (1..40).filter(|other| *other != context) {
        cdp.call(session, "DOM.resolveNode", resolve(other)).unwrap_err();
    }
    cdp.call(session, "Page.navigate", json!({ "url": format!("{origin}/two") })).unwrap();
    let evaluated = json!({ "expression": "1", "contextId": context });
    assert_eq!(cdp.call(session, "Runtime.evaluate", evaluated).unwrap_err(), "Cannot find context with specified id");
}
