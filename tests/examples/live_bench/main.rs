//! The live view through the real server, beside what Chromium does without it in the same run: one JSON object for each measure. It
//! runs for two and a half minutes; with `short` as its argument for half of one, to see that it works.

mod chromium;
mod freehold;
mod line;
mod owner;
mod pages;
mod screen;
mod viewer;
mod vnc;

use std::time::{Duration, Instant};

use freehold_core::{Clock, SystemClock};
use serde_json::{Value, json};

use self::chromium::Raw;
use self::freehold::{Freehold, until};
use self::line::Line;
use self::owner::Owner;
use self::pages::{Page, Pages};
use self::screen::{Cast, LIMIT, Picture, Screen, click};
use self::viewer::Viewer;
use self::vnc::Vnc;

/// How much is measured.
struct Extent {
    clicks: u32,
    still: Duration,
    /// Of moving, with and without Freehold in turn.
    slices: u32,
    keys: usize,
}

const FULL: Extent = Extent { clicks: 300, still: Duration::from_secs(5), slices: 5, keys: 1000 };
const SHORT: Extent = Extent { clicks: 30, still: Duration::from_secs(2), slices: 2, keys: 90 };
/// Of one slice, after its first moments.
const SLICE: Duration = Duration::from_millis(1500);
const FIRST_MOMENTS: Duration = Duration::from_millis(300);
/// Of so many pictures, one is decoded to see how old it is: all would take the time that is measured.
const LOOK_AT: usize = 5;
/// Where the box of `pages/moves.html` is before it moves.
const BOX: (u32, u32) = (100, 100);
/// Keys in a plain field.
const PLAIN_KEYS: usize = 150;

fn main() {
    let extent = if std::env::args().nth(1).as_deref() == Some("short") { SHORT } else { FULL };
    let pages = Pages::open();
    let freehold = Freehold::start(&pages);
    let line = Line::to(freehold.port());
    {
        let mut raw = Raw::start(&pages.url());
        let mut near = Viewer::join(&freehold, freehold.port());
        near.settle_anew();
        clicks(&extent, &pages, &mut near, &mut raw);
        still(&extent, &mut near);
        pages.show(Page::Moves);
        raw.open(&pages.url());
        near.reload();
        while !Picture::decode(&near.picture(LIMIT).expect("a picture")).is_dark(BOX) {}
        drop(near);
        for round_trip in [0, 40] {
            line.set_round_trip(Duration::from_millis(round_trip));
            moving(&extent, round_trip, &mut Viewer::join(&freehold, line.port), &mut raw);
        }
    }
    keys(&extent, &pages, &freehold, &line);
}

#[expect(clippy::print_stdout, reason = "its output is for the bench to read")]
fn tell(measured: &Value) {
    println!("{measured}");
}

/// From a click to a decoded picture that shows it, one after the other in turn.
fn clicks(extent: &Extent, pages: &Pages, near: &mut Viewer, raw: &mut Raw) {
    let asked = pages.asked();
    let mut vnc = Vnc::start(&pages.url());
    if let Some(vnc) = &mut vnc {
        // Until its browser shows the page.
        until("TigerVNC's browser", || (pages.asked() > asked).then_some(()));
        while vnc.is_dark(LIMIT).expect("a picture") {}
        while vnc.is_dark(Duration::from_secs(1)).is_some() {}
    }
    raw.settle();
    let mut screens: Vec<&mut dyn Screen> = vec![near, raw];
    screens.extend(vnc.as_mut().map(|vnc| vnc as &mut dyn Screen));
    let mut took = vec![Vec::new(); screens.len()];
    let mut dark = vec![false; screens.len()];
    for _ in 0..extent.clicks {
        for ((screen, took), dark) in screens.iter_mut().zip(&mut took).zip(&mut dark) {
            took.extend(click(*screen, dark));
        }
    }
    let mut figures = took.into_iter().map(|took| {
        let lost = extent.clicks as usize - took.len();
        let mut figures = percentiles(took);
        figures["lost"] = lost.into();
        figures
    });
    let mut next = || figures.next().unwrap_or(Value::Null);
    tell(&json!({ "measure": "click", "count": extent.clicks, "freehold": next(), "raw": next(), "vnc": next() }));
}

/// What comes while nothing changes.
fn still(extent: &Extent, near: &mut Viewer) {
    near.settle();
    near.bytes = 0;
    while near.picture(extent.still).is_some() {}
    tell(&json!({ "measure": "still", "seconds": extent.still.as_secs(), "bytes": near.bytes }));
}

/// How much of what moves arrives, and how old it is. Only one of both moves at a time.
fn moving(extent: &Extent, round_trip: u64, viewer: &mut Viewer, raw: &mut Raw) {
    viewer.settle_anew();
    raw.settle();
    let (mut ours, mut theirs) = (Slices::default(), Slices::default());
    for _ in 0..extent.slices {
        ours.add(viewer);
        theirs.add(raw);
    }
    tell(&json!({
        "measure": "moving", "round_trip_ms": round_trip, "freehold": ours.told(), "raw": theirs.told(),
    }));
}

/// Some time of moving, in slices.
#[derive(Default)]
struct Slices {
    pictures: usize,
    time: Duration,
    /// Of each slice's first half and of its second, in milliseconds.
    ages: [Vec<f64>; 2],
}

impl Slices {
    fn add(&mut self, cast: &mut dyn Cast) {
        press_once(cast);
        let begun = Instant::now();
        while begun.elapsed() < FIRST_MOMENTS {
            cast.picture(LIMIT).expect("a picture");
        }
        let begun = Instant::now();
        while begun.elapsed() < SLICE {
            let jpeg = cast.picture(LIMIT).expect("a picture");
            self.pictures += 1;
            if self.pictures.is_multiple_of(LOOK_AT) {
                let now = SystemClock.now().as_millisecond();
                let half = usize::from(begun.elapsed() > SLICE / 2);
                self.ages[half].push(Picture::decode(&jpeg).age(now) as f64);
            }
        }
        self.time += begun.elapsed();
        press_once(cast);
        cast.settle();
    }

    fn told(self) -> Value {
        let [first, second] = self.ages.map(percentiles);
        let rate = self.pictures as f64 / self.time.as_secs_f64();
        json!({ "per_second": rate, "age_first_half_ms": first, "age_second_half_ms": second })
    }
}

fn press_once(cast: &mut dyn Cast) {
    cast.press(true);
    cast.press(false);
}

/// Keys typed in the console's page, in a browser at the other end of a line, and what becomes of them at both ends.
fn keys(extent: &Extent, pages: &Pages, freehold: &Freehold, line: &Line) {
    line.set_round_trip(Duration::ZERO);
    pages.show(Page::Field);
    let owner = Owner::start(freehold, line);
    owner.open(&freehold.page());
    let text = letters(extent.keys);
    for round_trip in [0, 40, 100] {
        line.set_round_trip(Duration::from_millis(round_trip));
        pages.show(Page::Field);
        owner.reload_watched();
        owner.wait_for_field();
        let notes = owner.type_text(&text);
        let typed = pages.typed();
        let same = typed.bytes().zip(text.bytes()).take_while(|(typed, meant)| typed == meant).count();
        let wrong = text.len().max(typed.len()) - same;
        tell(&json!({
            "measure": "keys", "round_trip_ms": round_trip, "count": text.len(), "wrong": wrong, "unequal": notes.unequal,
            "late": notes.late, "shown_ms": percentiles(notes.shown), "known": notes.equal.len(),
            "equal_ms": percentiles(notes.equal),
        }));
    }
    // The same field without anything in between.
    owner.open(&pages.url());
    owner.wait_for_field();
    let notes = owner.type_text(&letters(PLAIN_KEYS));
    tell(&json!({ "measure": "plain keys", "shown_ms": percentiles(notes.shown) }));
}

/// So many letters in an order in which one that is lost or moved is noticed.
fn letters(count: usize) -> String {
    (0..count).map(|at| char::from(b'a' + ((at * 7 + at / 26) % 26) as u8)).collect()
}

fn percentiles(mut of: Vec<f64>) -> Value {
    of.sort_by(f64::total_cmp);
    let at = |percent: usize| of.get(of.len() * percent / 100).copied();
    json!({ "p50": at(50), "p95": at(95), "most": of.last() })
}
