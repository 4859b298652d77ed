//! Charts: bars over time, each a way to what it counts. They are made for the eye and a pointer; what they say is in words and a table
//! beside them, for everybody else.

use std::fmt;

use freehold_engine::TimeUnit;
use freehold_engine::view::{CountView, CountsView};
use jiff::civil::Date;

use super::text::{count, counted};

/// From the top of the tallest bar that can be to the base, in pixels.
const HEIGHT: u64 = 88;
/// Where a bar of the full height begins, below the number it stands for.
const TOP: u64 = 18;
/// Of a bar's share of the width, what it takes itself.
const FILLED: f64 = 0.76;
/// The width is parted among so many bars at least, so that a few are no blocks.
const FEWEST: usize = 12;
/// How far labels below the base are apart at least, so that they have room on a phone. In hundredths of the width.
const APART: f64 = 22.0;

/// How many things there are over time.
pub(crate) struct Chart {
    /// What is counted, by what.
    pub(crate) title: String,
    /// Where there are most.
    pub(crate) most: String,
    /// The number at the line on top.
    pub(crate) top: String,
    pub(crate) bars: Vec<Bar>,
    pub(crate) ticks: Vec<Tick>,
    /// Where the list is that is not narrowed to a time, if this one is.
    pub(crate) whole: Option<String>,
}

/// A bar. Across, in hundredths of the width; down, in pixels.
pub(crate) struct Bar {
    /// Where the things are that it counts.
    pub(crate) url: String,
    /// When that is.
    pub(crate) label: String,
    pub(crate) number: String,
    pub(crate) counted: String,
    /// Its share of the width, for the pointer.
    pub(crate) slot: (Percent, Percent),
    pub(crate) x: Percent,
    pub(crate) width: Percent,
    pub(crate) y: u64,
    pub(crate) height: u64,
}

/// A label below the base.
pub(crate) struct Tick {
    pub(crate) x: Percent,
    /// Which end of it is there, as in `text-anchor`.
    pub(crate) anchor: &'static str,
    pub(crate) label: String,
}

/// A length or place across.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}%", self.0)
    }
}

impl askama::filters::HtmlSafe for Percent {}

impl Chart {
    /// Records over time, each bar leading where `url` says. None where there is no more than one bar.
    pub(crate) fn of_records(
        counts: &CountsView,
        whole: Option<String>,
        url: impl Fn(&CountView) -> String,
    ) -> Option<Self> {
        let parts = &counts.parts;
        let most = parts.iter().max_by_key(|part| part.count).filter(|part| parts.len() > 1 && part.count > 0)?;
        let top = round_up(most.count);
        let share = share(parts.len());
        let bar = |(place, part): (usize, &CountView)| {
            let height = (part.count * HEIGHT).div_ceil(top).max(2);
            let x = share * place as f64;
            Bar {
                url: url(part),
                label: label(counts.unit, part),
                number: count(part.count),
                counted: counted(part.count, "record", "records"),
                slot: (Percent(x), Percent(share)),
                x: Percent(x + share * (1.0 - FILLED) / 2.0),
                width: Percent(share * FILLED),
                y: TOP + HEIGHT - height,
                height,
            }
        };
        Some(Self {
            title: format!("Records by {}", unit(counts.unit)),
            most: format!("most {} {}: {}", preposition(counts.unit), label(counts.unit, most), count(most.count)),
            top: count(top),
            // Of nothing there is no bar, and nothing to be led to.
            bars: parts.iter().enumerate().filter(|(_, part)| part.count > 0).map(bar).collect(),
            ticks: ticks(counts),
            whole,
        })
    }
}

fn unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Day => "day",
        TimeUnit::Month => "month",
        TimeUnit::Year => "year",
        TimeUnit::Decade => "decade",
        TimeUnit::Century => "century",
    }
}

fn preposition(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Day => "on",
        TimeUnit::Month | TimeUnit::Year => "in",
        TimeUnit::Decade | TimeUnit::Century => "in the",
    }
}

/// A part of the time as people call it.
fn label(unit: TimeUnit, part: &CountView) -> String {
    let format = match unit {
        TimeUnit::Day => "%-d %B %Y",
        TimeUnit::Month => "%B %Y",
        TimeUnit::Year => "%Y",
        TimeUnit::Decade | TimeUnit::Century => return format!("{}s", part.from.year()),
    };
    part.from.strftime(format).to_string()
}

/// The same, as short as it can be below a bar. The year of a month or day is said once.
fn short(unit: TimeUnit, first: Date, is_first: bool) -> String {
    let format = match unit {
        TimeUnit::Day if is_first => "%-d %b %Y",
        TimeUnit::Day => "%-d %b",
        TimeUnit::Month if is_first || first.month() == 1 => "%b %Y",
        TimeUnit::Month => "%b",
        TimeUnit::Year | TimeUnit::Decade | TimeUnit::Century => "%Y",
    };
    first.strftime(format).to_string()
}

/// Labels for some of the bars, evenly apart: of many months, for their years.
fn ticks(counts: &CountsView) -> Vec<Tick> {
    let parts = &counts.parts;
    let januaries: Vec<usize> = (0..parts.len()).filter(|place| parts[*place].from.month() == 1).collect();
    let are_years = counts.unit == TimeUnit::Month && januaries.len() > 1;
    let share = share(parts.len());
    let (places, between) = if are_years { (januaries, share * 12.0) } else { ((0..parts.len()).collect(), share) };
    let tick = |(n, place): (usize, usize)| {
        let first = parts[place].from;
        let label = if are_years { first.year().to_string() } else { short(counts.unit, first, n == 0) };
        // Those at the ends would stick out.
        let (at, anchor) = match place {
            0 => (0.0, "start"),
            place if place + 1 == parts.len().max(FEWEST) => (place as f64 + 1.0, "end"),
            place => (place as f64 + 0.5, "middle"),
        };
        Tick { x: Percent(at * share), anchor, label }
    };
    let step = (APART / between).ceil().max(1.0) as usize;
    places.into_iter().step_by(step).enumerate().map(tick).collect()
}

/// What each of so many bars has of the width, in hundredths.
fn share(bars: usize) -> f64 {
    100.0 / bars.max(FEWEST) as f64
}

/// The next number that is easily read off.
fn round_up(number: u64) -> u64 {
    let mut unit = 1;
    while number > unit * 10 {
        unit *= 10;
    }
    [1, 2, 3, 4, 5, 6, 8, 10].into_iter().map(|times| times * unit).find(|round| *round >= number).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(unit: TimeUnit, first: &str, next: impl Fn(Date) -> Date, numbers: &[u64]) -> CountsView {
        let mut from: Date = first.parse().expect("a day");
        let part = |count: &u64| {
            let part = CountView { from, to: next(from).yesterday().expect("a day"), count: *count };
            from = next(from);
            part
        };
        CountsView { unit, zone: None, parts: numbers.iter().map(part).collect() }
    }

    fn month(day: Date) -> Date {
        day.last_of_month().tomorrow().expect("a day")
    }

    fn told(chart: &Chart) -> Vec<&str> {
        chart.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn the_line_on_top_is_a_number_easily_read_off() {
        let rounded: Vec<u64> = [1, 2, 7, 10, 11, 51, 99, 1_204, 60_001].into_iter().map(round_up).collect();
        assert_eq!(rounded, [1, 2, 8, 10, 20, 60, 100, 2_000, 80_000]);
    }

    #[test]
    fn bars_are_as_tall_as_what_they_count_and_those_of_nothing_are_not_there() {
        let counts = counts(TimeUnit::Month, "2025-11-01", month, &[4, 0, 1, 2]);
        let chart = Chart::of_records(&counts, None, |part| format!("?from={}&to={}", part.from, part.to)).expect("a chart");
        let bars: Vec<_> = chart.bars.iter().map(|bar| (bar.url.as_str(), bar.y, bar.height, bar.x.to_string())).collect();
        assert_eq!(
            bars,
            [
                ("?from=2025-11-01&to=2025-11-30", 18, 88, "1.00%".to_owned()),
                ("?from=2026-01-01&to=2026-01-31", 84, 22, "17.67%".to_owned()),
                ("?from=2026-02-01&to=2026-02-28", 62, 44, "26.00%".to_owned()),
            ]
        );
        assert_eq!((chart.title.as_str(), chart.most.as_str()), ("Records by month", "most in November 2025: 4"));
        assert_eq!(told(&chart), ["Nov 2025", "Feb"]);
        let few = CountsView { parts: counts.parts[..1].to_vec(), ..counts };
        assert!(Chart::of_records(&few, None, |_| String::new()).is_none(), "one bar tells nothing");
    }

    #[test]
    fn labels_are_few() {
        let of = |unit, first: &str, next: fn(Date) -> Date, number: usize| {
            let chart = Chart::of_records(&counts(unit, first, next, &vec![3; number]), None, |_| String::new());
            told(&chart.expect("a chart")).join(", ")
        };
        assert_eq!(of(TimeUnit::Month, "2023-03-01", month, 40), "2024, 2025, 2026");
        let day = |day: Date| day.tomorrow().expect("a day");
        assert_eq!(of(TimeUnit::Day, "2026-03-01", day, 31), "1 Mar 2026, 8 Mar, 15 Mar, 22 Mar, 29 Mar");
        let year = |day: Date| day.last_of_year().tomorrow().expect("a day");
        assert_eq!(of(TimeUnit::Year, "1990-01-01", year, 30), "1990, 1997, 2004, 2011, 2018");
    }
}
