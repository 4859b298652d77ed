//! Starting it, what confines it, and its pages.

use std::time::{Duration, Instant};

use freehold_browser::Windows;
use serde_json::json;

use crate::support::{Browser, site};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn it_starts_over_the_pipe_within_its_own_sandbox_and_the_policies_hold() {
    let browser = Browser::start();
    assert!(browser.chromium.version().starts_with("Chrome/"), "{}", browser.chromium.version());
    let page = browser.chromium.first_page().unwrap();
    page.goto("chrome://sandbox", LIMIT).unwrap();
    let text = page.main_frame().unwrap().run("() => document.body.innerText", &[]).unwrap();
    assert!(text.as_str().unwrap().contains("You are adequately sandboxed"), "{text}");
    page.goto("chrome://policy", LIMIT).unwrap();
    let row = "async (name) => {
        let row = '';
        const walk = (root) => root.querySelectorAll('*').forEach((e) => {
            if (e.shadowRoot) walk(e.shadowRoot);
            if (e.matches('.policy.row') && e.innerText.trim().startsWith(name)) row = e.innerText;
        });
        for (let tries = 0; tries < 100 && !row.includes('Mandatory'); tries++) {
            await new Promise((again) => setTimeout(again, 50));
            walk(document);
        }
        return row;
    }";
    let row = page.main_frame().unwrap().run(row, &[json!("PasswordManagerEnabled")]).unwrap();
    assert!(row.as_str().unwrap().contains("Mandatory"), "{row}");
    browser.chromium.close().unwrap();
}

#[test]
fn a_function_of_ours_sees_the_document_and_not_what_the_page_overwrote() {
    let origin = site(|_| "<p id=a>text</p><script>document.querySelector = () => null; window.mine = 1</script>".into());
    let browser = Browser::start();
    let page = browser.chromium.first_page().unwrap();
    page.goto(&origin, LIMIT).unwrap();
    let seen = "(id) => [document.querySelector(id)?.textContent ?? null, typeof window.mine, location.origin]";
    let seen = page.main_frame().unwrap().run(seen, &[json!("#a")]).unwrap();
    assert_eq!(seen, json!(["text", "undefined", origin]));
}

#[test]
fn frames_of_the_same_and_of_other_sites_are_listed() {
    let other = site(|_| "<p>other</p>".into());
    let other = other.replace("127.0.0.1", "localhost");
    let within = other.clone();
    let origin = site(move |path| match path {
        "/same" => "<p>same</p>".into(),
        _ => format!("<iframe src=/same></iframe><iframe src={within}></iframe>"),
    });
    let browser = Browser::start();
    let page = browser.chromium.first_page().unwrap();
    page.goto(&origin, LIMIT).unwrap();
    // A frame of another site moves to a process of its own, which may end after the page was loaded.
    let until = Instant::now() + LIMIT;
    let mut seen = loop {
        let frames = page.frames().unwrap();
        let seen: Result<Vec<_>, _> = frames.iter().map(|frame| frame.run("() => location.origin", &[])).collect();
        match seen {
            Ok(seen) if seen.contains(&json!(other)) => break seen,
            seen => assert!(Instant::now() < until, "{:?}", seen.map_err(|error| error.to_string())),
        }
        page.wait_for_change(Duration::from_millis(50)).unwrap();
    };
    assert_eq!(seen.remove(0), json!(origin));
    assert!(seen.contains(&json!(origin)) && seen.contains(&json!(other)) && seen.len() == 2, "{seen:?}");
}

#[test]
fn a_page_that_cannot_be_reached_says_so_without_its_query() {
    let browser = Browser::start();
    let page = browser.chromium.first_page().unwrap();
    let error = page.goto("http://127.0.0.1:1/path?secret=x", LIMIT).unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1/path could not be opened") && !error.contains("secret"), "{error}");
}

#[test]
fn nothing_is_written_outside_its_directory_and_nothing_runs_after_it_was_closed() {
    for windows in [Windows::None, Windows::Private] {
        nothing_is_left_of_one(windows);
    }
}

fn nothing_is_left_of_one(windows: Windows) {
    let browser = Browser::start_with(tempfile::tempdir_in("/dev/shm").unwrap(), windows);
    let page = browser.chromium.first_page().unwrap();
    page.goto("about:blank", LIMIT).unwrap();
    let own = browser.folder.path().display().to_string();
    assert!(!running(&own).is_empty(), "the look for processes has to be able to find some");
    browser.chromium.close().unwrap();
    assert_eq!(running(&own), Vec::<String>::new());
    for name in ["home/.config/chromium", "home/Downloads"] {
        assert!(!browser.folder.path().join("run").join(name).exists(), "{name}");
    }
}

#[test]
fn a_profile_that_was_packed_brings_its_session_back_in_another_browser() {
    use freehold_browser::profile;
    let origin = site(|path| match path {
        "/set" => "<script>document.cookie = 'of=session'; document.cookie = 'kept=long; max-age=9999'; \
                   localStorage.setItem('also', 'this')</script>"
            .into(),
        _ => "<p>page</p>".into(),
    });
    let first = Browser::start();
    let page = first.chromium.first_page().unwrap();
    page.goto(&format!("{origin}/set"), LIMIT).unwrap();
    // A page's script does not wait until what it set is there; asking for it does.
    page.main_frame().unwrap().run("() => document.cookie", &[]).unwrap();
    let directory = first.folder.path().join("run/profile");
    let cookies = profile::cookies(first.chromium.client()).unwrap();
    first.chromium.close().unwrap();
    let archive = profile::pack(&directory, &cookies, Vec::new()).unwrap();

    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let directory = folder.path().join("run/profile");
    let cookies = profile::unpack(&*archive, &directory).unwrap();
    let second = Browser::start_in(folder);
    profile::restore_cookies(second.chromium.client(), cookies).unwrap();
    let page = second.chromium.first_page().unwrap();
    page.goto(&origin, LIMIT).unwrap();
    let seen = "() => [document.cookie.split('; ').sort(), localStorage.getItem('also')]";
    let seen = page.main_frame().unwrap().run(seen, &[]).unwrap();
    assert_eq!(seen, json!([["kept=long", "of=session"], "this"]));
}

/// The command lines that name this directory.
fn running(directory: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).filter(|line| line.contains(directory)).collect()
}
