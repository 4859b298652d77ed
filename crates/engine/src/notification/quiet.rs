//! Quiet hours: a time of day, in the owner's zone, in which nothing is sent. What is still needed at their end is sent then.

use freehold_core::{Problem, Timestamp};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::problem::bad_input;

/// The hours, by the clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// When they begin, as in `22:00`.
    pub start: String,
    /// When they end; on the next day, if that is earlier than they begin.
    pub end: String,
    /// The time zone, as in `Europe/Berlin`.
    pub zone: String,
}

/// The zone of the machine the server runs on.
pub(super) fn server_zone() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

impl QuietHours {
    /// The hours as they were typed. No zone means the server's.
    pub fn read(start: &str, end: &str, zone: &str) -> Result<Self, Problem> {
        let (from, to) = (time("start", start)?, time("end", end)?);
        if from == to {
            return Err(bad_input(
                "end",
                "Quiet hours that end when they begin are none.",
                "Choose another end, or have none.",
            ));
        }
        let zone = if zone.trim().is_empty() { server_zone() } else { zone.trim().to_owned() };
        if TimeZone::get(&zone).is_err() {
            return Err(bad_input(
                "zone",
                "This machine does not know that time zone.",
                "Write its name like Europe/Berlin or America/New_York.",
            ));
        }
        Ok(Self { start: from.strftime("%H:%M").to_string(), end: to.strftime("%H:%M").to_string(), zone })
    }

    /// When the quiet hours that `now` is in are over; none if it is in none.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.zone).ok()?;
        let (start, end) = (time("start", &self.start).ok()?, time("end", &self.end).ok()?);
        let today = now.to_zoned_datetime(zone.clone()).date();
        // A time that a change of the clocks leaves out is the one after it; of one that comes twice, the first counts.
        let at =
            |date: Date, time: Time| date.to_datetime(time).to_zoned_datetime(zone.clone()).ok().map(|at| at.timestamp());
        [today.yesterday().ok()?, today].into_iter().find_map(|first| {
            let last = if end > start { first } else { first.tomorrow().ok()? };
            let (begins, ends) = (at(first, start)?, at(last, end)?);
            (begins <= now && now < ends).then_some(ends)
        })
    }
}

fn time(field: &str, text: &str) -> Result<Time, Problem> {
    let parsed = text.split_once(':').and_then(|(hour, minute)| {
        let two = |digits: &str| (1..=2).contains(&digits.len()).then(|| digits.parse::<i8>().ok()).flatten();
        Time::new(two(hour.trim())?, two(minute.trim())?, 0, 0).ok()
    });
    parsed.ok_or_else(|| bad_input(field, "This is not a time of day.", "Write it like 22:00."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(start: &str, end: &str, zone: &str) -> QuietHours {
        QuietHours::read(start, end, zone).expect("hours")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_night_is_from_one_day_to_the_next() {
        let night = hours("22:00", "7:00", "UTC");
        assert_eq!(night.end, "07:00");
        assert_eq!(night.until(at("2026-01-10T21:59:59Z")), None);
        assert_eq!(night.until(at("2026-01-10T22:00:00Z")), Some(at("2026-01-11T07:00:00Z")));
        assert_eq!(night.until(at("2026-01-11T06:59:59Z")), Some(at("2026-01-11T07:00:00Z")));
        assert_eq!(night.until(at("2026-01-11T07:00:00Z")), None);
        let noon = hours("12:00", "13:30", "UTC");
        assert_eq!(noon.until(at("2026-01-10T13:00:00Z")), Some(at("2026-01-10T13:30:00Z")));
        assert_eq!(noon.until(at("2026-01-10T23:00:00Z")), None);
    }

    #[test]
    fn a_night_in_which_the_clocks_change_ends_by_the_clock() {
        let night = hours("22:00", "07:00", "Europe/Berlin");
        // 29 March 2026: an hour shorter. 25 October: an hour longer.
        let spring = (at("2026-03-28T21:00:00Z"), at("2026-03-29T05:00:00Z"));
        let autumn = (at("2026-10-24T20:00:00Z"), at("2026-10-25T06:00:00Z"));
        for ((begins, ends), hours) in [(spring, 8), (autumn, 10)] {
            assert_eq!(ends.duration_since(begins).as_hours(), hours);
            let second = jiff::SignedDuration::from_secs(1);
            assert_eq!(night.until(begins - second), None);
            assert_eq!(night.until(begins), Some(ends));
            assert_eq!(night.until(ends - second), Some(ends));
            assert_eq!(night.until(ends), None);
        }
    }

    #[test]
    fn an_end_that_is_left_out_or_comes_twice_is_one_instant() {
        let night = hours("22:00", "02:30", "Europe/Berlin");
        // 02:30 does not exist on 29 March: 03:30 by the new time is the same instant.
        assert_eq!(night.until(at("2026-03-29T00:30:00Z")), Some(at("2026-03-29T01:30:00Z")));
        // It comes twice on 25 October; quiet is over at the first, and does not come back with the second.
        assert_eq!(night.until(at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(night.until(at("2026-10-25T01:10:00Z")), None);
    }

    #[test]
    fn what_is_no_time_or_zone_is_refused_at_its_field() {
        let field = |start, end, zone| QuietHours::read(start, end, zone).expect_err("refused").at.expect("a field");
        assert_eq!(field("25:00", "07:00", "UTC"), "start");
        assert_eq!(field("22:00", "7", "UTC"), "end");
        assert_eq!(field("22:00", "22:00", "UTC"), "end");
        assert_eq!(field("22:00", "07:00", "Middle/Earth"), "zone");
    }
}
