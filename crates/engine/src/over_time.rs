//! How many records a list has over time: by day, month, year or longer, whichever suits how long the time is.

use freehold_core::{Problem, SourceId, Timestamp};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::caller::{Caller, Permission};
use crate::days::begin;
use crate::problem::from_store;
use crate::record::RecordFilter;
use crate::server::Engine;
use crate::view::{CountView, CountsView};

/// Parts of a time at most: as many as can be told apart on a phone.
const MOST_PARTS: usize = 48;
/// Records that a text finds are counted over time up to here.
const MOST_FOUND: u64 = 100_000;

/// What a time is parted into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Days.
    #[default]
    Day,
    /// Months.
    Month,
    /// Years.
    Year,
    /// Ten years, from one that ends in 0.
    Decade,
    /// A hundred years, from one that ends in 00.
    Century,
}

impl TimeUnit {
    const ALL: [Self; 5] = [Self::Day, Self::Month, Self::Year, Self::Decade, Self::Century];

    /// The first day of the one that has this day.
    fn first(self, day: Date) -> Date {
        let year_of = |years: i16| Date::new(day.year() - day.year().rem_euclid(years), 1, 1).unwrap_or(day);
        match self {
            Self::Day => day,
            Self::Month => day.first_of_month(),
            Self::Year => day.first_of_year(),
            Self::Decade => year_of(10),
            Self::Century => year_of(100),
        }
    }

    /// The first day of the next one; none at the end of the calendar.
    fn next(self, first: Date) -> Option<Date> {
        let length = match self {
            Self::Day => 1.day(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
            Self::Decade => 10.years(),
            Self::Century => 100.years(),
        };
        first.checked_add(length).ok()
    }

    /// The first days of all of them that have a day of this time; none if they are too many.
    fn parts(self, from: Date, to: Date) -> Option<Vec<Date>> {
        let firsts = std::iter::successors(Some(self.first(from)), |first| self.next(*first));
        let firsts: Vec<Date> = firsts.take_while(|first| *first <= to).take(MOST_PARTS + 1).collect();
        (firsts.len() <= MOST_PARTS).then_some(firsts)
    }
}

impl Engine {
    /// How many records of a stream's list there are over time. No parts where there is no record, or a text finds too many.
    pub fn counts(
        &self,
        caller: &Caller,
        source: SourceId,
        stream: &str,
        filter: &RecordFilter,
    ) -> Result<CountsView, Problem> {
        caller.must(Permission::Read)?;
        let data = &self.0.data;
        let time = self.0.reading(source, stream)?.time;
        let (wanted, zone) = (filter.by(&time)?, filter.days.zone_for(&time));
        let none = CountsView { zone: zone.iana_name().map(str::to_owned), ..CountsView::default() };
        if wanted.text.is_some() && data.count_records(source, stream, &wanted).map_err(from_store)? > MOST_FOUND {
            return Ok(none);
        }
        let Some((oldest, newest)) = data.ends(source, stream, &wanted).map_err(from_store)? else { return Ok(none) };
        let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
        let (unit, mut parts) = parted((filter.days.from(), filter.days.to()), day(oldest), day(newest));
        let bounds = bounds(&parts, &zone);
        let counts = data.count_over_time(source, stream, &wanted, &bounds).map_err(from_store)?;
        parts.iter_mut().zip(counts).for_each(|(part, count)| part.count = count);
        Ok(CountsView { unit, parts, ..none })
    }
}

/// Parts for records from the day `oldest` to `newest`, in a list from one day to another: the whole of that where it fits.
fn parted((from, to): (Option<Date>, Option<Date>), oldest: Date, newest: Date) -> (TimeUnit, Vec<CountView>) {
    let fitting = TimeUnit::ALL.into_iter().find_map(|unit| Some((unit, unit.parts(oldest, newest)?)));
    // Centuries always fit, but for those before our calendar.
    let (unit, firsts) = fitting.unwrap_or_default();
    let firsts = from.zip(to).and_then(|(from, to)| unit.parts(from, to)).unwrap_or(firsts);
    let part = |first: Date| {
        let last = unit.next(first).and_then(|next| next.yesterday().ok()).unwrap_or(Date::MAX);
        CountView { from: from.map_or(first, |from| from.max(first)), to: to.map_or(last, |to| to.min(last)), count: 0 }
    };
    (unit, firsts.into_iter().map(part).collect())
}

/// When each part begins, and when the last ends.
fn bounds(parts: &[CountView], zone: &TimeZone) -> Vec<Timestamp> {
    let begins = parts.iter().map(|part| begin(part.from, zone).unwrap_or(Timestamp::MIN));
    let end = parts.last().map(|last| last.to.tomorrow().ok().and_then(|day| begin(day, zone)).unwrap_or(Timestamp::MAX));
    begins.chain(end).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("a day")
    }

    fn parted_between(from: &str, to: &str) -> (TimeUnit, usize) {
        let (unit, parts) = parted((None, None), date(from), date(to));
        (unit, parts.len())
    }

    #[test]
    fn the_unit_suits_the_time() {
        assert_eq!(parted_between("2026-03-01", "2026-03-01"), (TimeUnit::Day, 1));
        assert_eq!(parted_between("2026-03-01", "2026-04-17"), (TimeUnit::Day, 48));
        assert_eq!(parted_between("2026-03-01", "2026-04-18"), (TimeUnit::Month, 2));
        assert_eq!(parted_between("2023-04-30", "2027-03-01"), (TimeUnit::Month, 48));
        assert_eq!(parted_between("2023-04-30", "2027-04-01"), (TimeUnit::Year, 5));
        assert_eq!(parted_between("1970-01-01", "2026-03-01"), (TimeUnit::Decade, 6));
        assert_eq!(parted_between("0001-01-01", "2026-03-01"), (TimeUnit::Century, 21));
    }

    #[test]
    fn a_list_of_some_days_is_parted_whole_and_no_further() {
        let asked = (Some(date("2026-03-10")), Some(date("2026-06-05")));
        let (unit, parts) = parted(asked, date("2026-03-12"), date("2026-05-30"));
        let told: Vec<_> = parts.iter().map(|part| format!("{} {}", part.from, part.to)).collect();
        assert_eq!(unit, TimeUnit::Month);
        assert_eq!(
            told,
            ["2026-03-10 2026-03-31", "2026-04-01 2026-04-30", "2026-05-01 2026-05-31", "2026-06-01 2026-06-05"]
        );
        let (unit, parts) =
            parted((Some(date("2026-03-01")), Some(date("2026-03-31"))), date("2026-03-12"), date("2026-03-14"));
        assert_eq!((unit, parts.len()), (TimeUnit::Day, 31));
        let open = parted((Some(date("1900-01-01")), Some(date("2100-01-01"))), date("2026-03-12"), date("2026-03-14"));
        assert_eq!((open.0, open.1.len()), (TimeUnit::Day, 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The parts of a time follow each other without gap or double, in every zone, whatever its clocks do in between.
        #[test]
        fn parts_are_the_whole(
            start in 0..800_000i64, length in 0..400_000i64, zone in prop::sample::select(vec![
                "UTC", "Europe/Lisbon", "America/Sao_Paulo", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe",
            ]),
        ) {
            let zone = TimeZone::get(zone).expect("a zone");
            let at = |hours: i64| Timestamp::from_second(hours * 3600).expect("in range");
            let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
            let (oldest, newest) = (at(start), at(start + length));
            let (_, parts) = parted((None, None), day(oldest), day(newest));
            let bounds = bounds(&parts, &zone);
            prop_assert_eq!(bounds.len(), parts.len() + 1);
            prop_assert!(bounds[0] <= oldest && newest < bounds[parts.len()]);
            for (part, bound) in parts.iter().zip(bounds.windows(2)) {
                // A day that a zone left out, to move across the date line, has no instant.
                if bound[0] == bound[1] {
                    continue;
                }
                // The first and the last instant of a part are of its days, by the clocks on the wall.
                let last = Timestamp::from_nanosecond(bound[1].as_nanosecond() - 1).expect("in range");
                prop_assert_eq!((day(bound[0]), day(last)), (part.from, part.to));
            }
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].to.tomorrow().expect("a day"), pair[1].from);
            }
        }
    }
}
