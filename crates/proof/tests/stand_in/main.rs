//! The stand-in with a real Chromium and the real sign-in machine.

#![allow(clippy::unwrap_used)]

mod cases;
mod refused;
mod support;

use std::path::Path;
use std::time::Duration;

use freehold_browser::sign_in::sign_out;
use freehold_browser::{Tabs, Turn, read_identity};
use freehold_proof::{Plant, StandIn};
use serde_json::json;

use cases::Case;
use support::{Browser, machine, patience, planted};

/// What each place holds, asked of the page that left it there.
const LEFT: &str = r"async () => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open('stand-in', 1);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const record = await new Promise((resolve, reject) => {
    const reading = database.transaction('kept').objectStore('kept').get('value');
    reading.onsuccess = () => resolve(reading.result);
    reading.onerror = () => reject(reading.error);
  });
  database.close();
  const cached = await fetch('/.stand-in/cached', { cache: 'only-if-cached', mode: 'same-origin' });
  const worker = await navigator.serviceWorker.getRegistration('/.stand-in/');
  return {
    cookie: document.cookie,
    local_storage: localStorage.getItem('stand-in'),
    session_storage: sessionStorage.getItem('stand-in'),
    indexed_db: record,
    cache_storage: await (await (await caches.open('stand-in')).match('/.stand-in/kept')).text(),
    http_cache: await cached.text(),
    service_worker: worker.active.state,
    title: document.title,
    form_input: document.querySelector('[name=stand-in-note]').value,
  };
}";

/// One browser for all of them, each at its own stand-in.
#[test]
fn every_connector_signs_in_and_out_at_its_stand_in_which_leaves_a_value_in_every_place() {
    let given = tempfile::tempdir().unwrap();
    let cases = cases::all(given.path());
    let stand_ins: Vec<StandIn> = cases.iter().map(Case::stand_in).collect();
    let mut hosts: Vec<_> = stand_ins.iter().flat_map(StandIn::stand_ins).collect();
    // The rule for every other host is the last of each.
    hosts.sort_by_key(|stand_in| stand_in.host == "*");
    let browser = Browser::start(hosts);
    let tabs = Tabs::of(&browser.chromium);
    for (case, stand_in) in cases.iter().zip(&stand_ins) {
        goes_through(case, stand_in, &tabs);
    }
    let files = files_with_values(browser.close().path());
    for case in &cases {
        for (plant, value) in planted(case.name).all().filter(|(plant, _)| is_on_disk(*plant)) {
            assert!(files.iter().any(|file| file.contains(value)), "{}: {plant:?}", case.name);
        }
    }
}

#[expect(clippy::print_stdout, reason = "shown only where the test fails")]
fn goes_through(case: &Case, stand_in: &StandIn, tabs: &Tabs) {
    let name = case.name;
    let manifest = case.filled();
    let (mut machine, mut secrets) = machine(&manifest);
    let turn = machine.begin(tabs, &mut secrets, &|| false).unwrap();
    println!("{name}: {turn:?} after {:#?} with {:#?}", machine.trace(), stand_in.seen());
    assert_eq!(turn, Turn::SignedIn, "{name}");
    assert_eq!(stand_in.seen().submitted, case.submitted, "{name}");
    assert_eq!(stand_in.seen().sign_ins, 1, "{name}");

    assert!(stand_in.wait_until_planted(Duration::from_secs(20)), "{name}: {:#?}", stand_in.seen());
    assert!(stand_in.seen().not_planted.is_empty(), "{name}: {:#?}", stand_in.seen());
    let page = tabs.list().unwrap()[0].clone();
    let left = page.page().main_frame().unwrap().run(LEFT, &[]).unwrap();
    let value = |plant| planted(name).of(plant).to_owned();
    for (key, plant) in [
        ("local_storage", Plant::LocalStorage),
        ("session_storage", Plant::SessionStorage),
        ("indexed_db", Plant::IndexedDb),
        ("cache_storage", Plant::CacheStorage),
        ("http_cache", Plant::HttpCache),
        ("title", Plant::Title),
        ("form_input", Plant::FormInput),
    ] {
        assert_eq!(left[key], json!(value(plant)), "{name}: {key}");
    }
    assert_eq!(left["service_worker"], "activated", "{name}");
    assert!(left["cookie"].as_str().unwrap().contains(&value(Plant::Cookie)), "{name}: {left}");
    let cookies = tabs.client().call("Storage.getCookies", json!({})).unwrap().to_string();
    assert!(cookies.contains(&value(Plant::SessionCookie)), "{name}");

    let rule = manifest.identity.as_ref().unwrap();
    let identity = read_identity(page.page(), rule, Duration::from_secs(10)).unwrap();
    assert_eq!(identity.as_ref(), stand_in.identity(), "{name}");
    assert!(identity.is_some(), "{name}");

    let descriptor = manifest.sign_out.clone().unwrap();
    let clock = std::sync::Arc::new(freehold_core::SystemClock);
    assert!(sign_out(descriptor, tabs, clock, patience(), &|| false).unwrap(), "{name}: {:#?}", stand_in.seen());
    assert_eq!(stand_in.seen().sign_outs, 1, "{name}");
    // What a session ended with is still in the browser, and opens nothing any more.
    page.page().goto(&manifest.sign_in.as_ref().unwrap().start, Duration::from_secs(10)).unwrap();
    let first = case.submitted[0];
    assert_eq!(stand_in.seen().pages.last().map(String::as_str), Some(first), "{name}");
}

/// Whether a browser that ended writes it to a file as it is: cookies are encrypted there, and the others belong to what was open.
fn is_on_disk(plant: Plant) -> bool {
    !matches!(plant, Plant::Cookie | Plant::SessionCookie | Plant::SessionStorage | Plant::FormInput)
}

/// Paths and contents of the files below a folder that hold any of the values.
fn files_with_values(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.is_dir() && !path.is_symlink() {
        true => files_with_values(&path),
        false => {
            let content = std::fs::read(&path).unwrap_or_default();
            vec![format!("{}\n{}", path.display(), String::from_utf8_lossy(&content))]
        }
    });
    files.filter(|file| file.contains(support::MARK)).collect()
}

/// The manifest of a connector in this repository.
fn connector(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path).join("manifest.json")).unwrap()
}
