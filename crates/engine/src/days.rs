//! Days from one to another, as an owner asks for them.

use freehold_core::{Problem, Timestamp};
use freehold_store::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::problem::bad_input;
use crate::view::RecordTime;

/// From one day to another, both of them too, by the clocks of a time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    from: Option<Date>,
    to: Option<Date>,
    /// None for this machine's.
    zone: Option<TimeZone>,
}

impl Days {
    /// The days as they were typed, like `2026-03-01`; what is blank is no limit. No zone means this machine's.
    pub fn read(from: &str, to: &str, zone: &str) -> Result<Self, Problem> {
        let days = Self { from: day("from", from)?, to: day("to", to)?, zone: read_zone(zone)? };
        if days.from.zip(days.to).is_some_and(|(from, to)| to < from) {
            return Err(bad_input("to", "The last day is before the first.", "Give the earlier of the two first."));
        }
        Ok(days)
    }

    /// The first day; none for as long ago as there is.
    pub fn from(&self) -> Option<Date> {
        self.from
    }

    /// The last day; none for as late as there is.
    pub fn to(&self) -> Option<Date> {
        self.to
    }

    /// When that is, for records of this time.
    pub(crate) fn span(&self, time: &RecordTime) -> Result<Span, Problem> {
        let zone = self.zone_for(time);
        let from = self.from.map(|day| begin(day, &zone).ok_or_else(|| no_day("from"))).transpose()?;
        // The end of the calendar is no limit.
        let until = self.to.and_then(|day| begin(day.tomorrow().ok()?, &zone));
        Ok(Span { from, until })
    }

    /// By which clocks: a day that is told without a time of day is kept as midnight, UTC.
    pub(crate) fn zone_for(&self, time: &RecordTime) -> TimeZone {
        if time.is_day { TimeZone::UTC } else { self.zone.clone().unwrap_or_else(TimeZone::system) }
    }
}

/// The first instant of a day; none beyond what there are instants for.
pub(crate) fn begin(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    // Where a change of the clocks leaves midnight out, it is the first time after it.
    day.to_zoned_datetime(zone.clone()).ok().map(|at| at.timestamp())
}

fn day(field: &str, text: &str) -> Result<Option<Date>, Problem> {
    match text.trim() {
        "" => Ok(None),
        // Longer forms have a time of day in them, which would be overlooked.
        text if text.len() == 10 => text.parse().map(Some).map_err(|_| no_day(field)),
        _ => Err(no_day(field)),
    }
}

fn no_day(field: &str) -> Problem {
    bad_input(field, "There is no such day.", "Write it as year, month and day, like 2026-03-01.")
}

fn read_zone(text: &str) -> Result<Option<TimeZone>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => TimeZone::get(text).map(Some).map_err(|_| {
            bad_input("zone", "This machine knows no time zone of that name.", "Write it as in Europe/Berlin, or UTC.")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: &str, to: &str, zone: &str) -> (Option<String>, Option<String>) {
        let span = Days::read(from, to, zone).expect("days").span(&RecordTime::default()).expect("a span");
        (span.from.map(|at| at.to_string()), span.until.map(|at| at.to_string()))
    }

    fn is(from: &str, until: &str) -> (Option<String>, Option<String>) {
        (Some(from.to_owned()), Some(until.to_owned()))
    }

    #[test]
    fn days_begin_and_end_by_the_clocks_of_the_zone() {
        assert_eq!(span("2026-03-01", "2026-03-31", "UTC"), is("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"));
        // In between, the clocks are put forward.
        assert_eq!(span("2026-03-01", "2026-03-31", "Europe/Berlin"), is("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"));
        // There is no midnight on this day.
        assert_eq!(
            span("2019-11-03", "2019-11-03", "America/Sao_Paulo"),
            is("2019-11-03T03:00:00Z", "2019-11-04T03:00:00Z")
        );
        assert_eq!(
            span("2018-11-04", "2018-11-04", "America/Sao_Paulo"),
            is("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")
        );
        assert_eq!(span("", " ", ""), (None, None));
        assert_eq!(span("", "9999-12-31", "UTC"), (None, None), "the end of the calendar is no limit");
    }

    #[test]
    fn a_day_without_a_time_of_day_is_the_same_in_every_zone() {
        let time = RecordTime { field: Some("ordered_on".to_owned()), is_day: true };
        let days = Days::read("2026-03-01", "2026-03-01", "America/New_York").expect("days");
        let span = days.span(&time).expect("a span");
        assert_eq!(span.from.expect("a start").to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(span.until.expect("an end").to_string(), "2026-03-02T00:00:00Z");
    }

    #[test]
    fn nonsense_is_refused_at_its_place() {
        let refused =
            |from: &str, to: &str, zone: &str| Days::read(from, to, zone).expect_err("refused").at.expect("a place");
        assert_eq!(refused("2026-02-30", "", ""), "from");
        assert_eq!(refused("2026-03-01T10:00", "", ""), "from");
        assert_eq!(refused("", "yesterday", ""), "to");
        assert_eq!(refused("2026-03-02", "2026-03-01", ""), "to");
        assert_eq!(refused("", "", "Mars/Olympus"), "zone");
    }
}
