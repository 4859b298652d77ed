//! How fast the live view is, beside what Chromium does without it in the same run: from a click to the frame that shows it, how much
//! of an animation arrives, how much of a page that stands still. `cargo run -p freehold-browser --example live_bench`, after a
//! `cargo build`; it prints one line for each row.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement is for whoever runs it, and may stop at any failure"
)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_browser::live::Viewer;
use freehold_browser::live::message::{Button, FromClient, Press, ToClient};
use freehold_browser::{Chromium, Installed, LiveView, Options, Page, Reach};
use freehold_sandbox::{Host, Strength};
use serde_json::{Value, json};

const CLICKS: usize = 300;
const LIMIT: Duration = Duration::from_secs(20);
/// A click turns the whole page, so that its frame cannot be mistaken.
const TURNS: &str = "data:text/html,<body style='margin:0;background:white' onmousedown='this.style.background=\
                     this.style.background==`white`?`teal`:`white`'><h1>Sign in</h1>";
const MOVES: &str = "data:text/html,<body style='margin:0'><div id=x style='width:200px;height:200px;background:teal'></div><script>\
                     let n=0;(function f(){x.style.marginLeft=(n++%25600)+'px';requestAnimationFrame(f)})()</script>";

fn main() {
    let folders = [tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir_in("/dev/shm").unwrap()];
    let [seen, raw] = folders.each_ref().map(|folder| start(folder.path()));
    let [seen_page, raw_page] = [&seen, &raw].map(|chromium| chromium.first_page().unwrap());
    let scratch = folders[0].path().join("run");
    let view = LiveView::new(seen.client(), seen_page.target(), Reach::All, &scratch, Arc::default()).unwrap();

    // From a click to the frame that shows it, one after the other in turn.
    open(&seen_page, TURNS);
    open(&raw_page, TURNS);
    let viewer = view.join();
    let floor = Raw::new(&raw_page);
    settle(&viewer);
    floor.settle();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..CLICKS as u64 {
        ours.push(click(&viewer, number));
        theirs.push(floor.click());
    }
    let [(p50, p95), (raw50, raw95)] = [&mut ours, &mut theirs].map(|times| percentiles(times));
    println!(
        "click to frame          p50 {p50:.1} ms (raw {raw50:.1}, {:+.1})   p95 {p95:.1} ms (raw {raw95:.1}, {:+.1})",
        p50 - raw50,
        p95 - raw95
    );

    // A page that stands still.
    let until = Instant::now() + Duration::from_secs(3);
    let bytes: usize = std::iter::from_fn(|| viewer.next(until.saturating_duration_since(Instant::now())))
        .map(|next| match next {
            ToClient::Frame(frame) => frame.to_bytes().len(),
            ToClient::Said(_) => 1,
        })
        .sum();
    println!("a page that stands still {bytes} bytes in 3 s");

    // A page that moves.
    open(&seen_page, MOVES);
    open(&raw_page, MOVES);
    let seconds = Duration::from_secs(4);
    let theirs = floor.count(seconds);
    let near = count(&viewer, seconds);
    println!("a page that moves       {near} frames of {theirs} ({:.0}%)", 100.0 * near as f64 / theirs as f64);
    drop((viewer, floor));
    seen.close().unwrap();
    raw.close().unwrap();
}

fn start(folder: &std::path::Path) -> Chromium {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
    std::fs::create_dir_all(folder.join("run")).unwrap();
    let launcher = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("browser-launcher");
    let options = Options {
        scratch: folder.join("run"),
        policies: folder.join("policies"),
        window: (1280, 800),
        stand_ins: Vec::new(),
        strength: Strength::Full,
    };
    Installed::find().unwrap().start(&Host::probe(launcher), &options).unwrap()
}

fn open(page: &Page, url: &str) {
    page.goto(url, LIMIT).unwrap();
}

fn draw(viewer: &Viewer, patience: Duration) -> bool {
    match viewer.next(patience) {
        Some(ToClient::Frame(frame)) => {
            viewer.input(FromClient::Drawn { frame: frame.number });
            true
        }
        _ => false,
    }
}

fn settle(viewer: &Viewer) {
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        draw(viewer, Duration::from_millis(100));
    }
}

fn click(viewer: &Viewer, number: u64) -> f64 {
    let press = |action| FromClient::Pointer {
        number,
        frame: u64::MAX,
        action,
        x: 600.0,
        y: 400.0,
        button: Button::Left,
        buttons: u8::from(action == Press::Down),
        clicks: 1,
        modifiers: 0,
    };
    let begun = Instant::now();
    viewer.input(press(Press::Down));
    while !draw(viewer, LIMIT) {}
    let took = begun.elapsed();
    viewer.input(press(Press::Up));
    took.as_secs_f64() * 1e3
}

fn count(viewer: &Viewer, time: Duration) -> usize {
    let until = Instant::now() + time;
    std::iter::from_fn(|| (Instant::now() < until).then(|| draw(viewer, Duration::from_millis(100))))
        .filter(|drawn| *drawn)
        .count()
}

/// Chromium without us: its own screencast, read from the pipe and acknowledged.
struct Raw<'a> {
    page: &'a Page,
    events: freehold_browser::cdp::Events,
}

impl<'a> Raw<'a> {
    fn new(page: &'a Page) -> Self {
        let events = page.session().events();
        let how = json!({ "format": "jpeg", "quality": 70, "everyNthFrame": 1 });
        page.session().call("Page.startScreencast", how).unwrap();
        Self { page, events }
    }

    fn frame(&self, patience: Duration) -> bool {
        match self.events.next(patience).unwrap() {
            Some(event) if event.method == "Page.screencastFrame" => {
                let params: Value = event.params().unwrap();
                let acknowledged = json!({ "sessionId": params["sessionId"] });
                drop(self.page.session().send("Page.screencastFrameAck", acknowledged).unwrap());
                true
            }
            _ => false,
        }
    }

    fn settle(&self) {
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            self.frame(Duration::from_millis(100));
        }
    }

    fn click(&self) -> f64 {
        let press = |r#type: &str| {
            let event = json!({ "type": r#type, "x": 600, "y": 400, "button": "left", "buttons": 1, "clickCount": 1 });
            drop(self.page.session().send("Input.dispatchMouseEvent", event).unwrap());
        };
        let begun = Instant::now();
        press("mousePressed");
        while !self.frame(LIMIT) {}
        let took = begun.elapsed();
        press("mouseReleased");
        took.as_secs_f64() * 1e3
    }

    fn count(&self, time: Duration) -> usize {
        let until = Instant::now() + time;
        std::iter::from_fn(|| (Instant::now() < until).then(|| self.frame(Duration::from_millis(100))))
            .filter(|frame| *frame)
            .count()
    }
}

fn percentiles(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 95 / 100])
}
