//! A history that a site lists year by year, as shops do with orders: which years a run has to read, and which will never change.
//!
//! What was ordered long ago does not change, so a year that is over, was read whole and had settled is *frozen*: its name and what
//! was collected of it are kept in STATE, and no later run that wants as much reads it again. What day it is, only the site's own
//! newest entry tells.
//!
//! ```no_run
//! # use freehold_sdk::{Context, Error, Years};
//! # fn read(_: i16) -> Result<(bool, Option<jiff::civil::Date>), Error> { Ok((true, None)) }
//! # fn collect(context: &mut Context<'_>) -> Result<(), Error> {
//! let mut years = Years::new(context, "orders", &["order_items"])?;
//! for year in years.to_read([2026, 2025, 2024]) {
//!     let (is_whole, last_day) = read(year)?;
//!     years.saw(last_day);
//!     years.done(context, year, is_whole)?;
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use freehold_protocol::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::context::Context;
use crate::error::Error;
use crate::narrowing::{Covered, Frozen, Narrowing};

/// Days after a year's end in which its entries may still change: sent late, returned, refunded.
const SETTLING_DAYS: i32 = 90;

/// The years of a history and how far each was collected.
pub struct Years {
    stream: &'static str,
    wanted: BTreeMap<String, Narrowing>,
    /// What this run will have collected, if that can be kept: STATE is under the history's own stream, so not without it.
    covered: Option<Covered>,
    cursor: Frozen,
    last_day: Option<Date>,
}

impl Years {
    /// Of the stream that is the history, and of others whose records come with its entries. The cursor is STATE of the first.
    ///
    /// # Errors
    /// When STATE or the scope cannot be read.
    pub fn new(context: &Context<'_>, stream: &'static str, others: &[&str]) -> Result<Self, Error> {
        let mut wanted = BTreeMap::new();
        for name in [stream].iter().chain(others) {
            if let Some(scope) = context.wants(name) {
                wanted.insert((*name).to_owned(), Narrowing::new(scope, None)?);
            }
        }
        let cursor = context.state::<Frozen>(stream)?.unwrap_or_default();
        Ok(Self::of(stream, wanted, cursor))
    }

    fn of(stream: &'static str, wanted: BTreeMap<String, Narrowing>, cursor: Frozen) -> Self {
        let coverage = || wanted.iter().map(|(name, narrowing)| Some((name.clone(), narrowing.coverage()?))).collect();
        let covered = if wanted.contains_key(stream) { coverage() } else { None };
        Self { stream, wanted, covered, cursor, last_day: None }
    }

    /// What is wanted of a stream; none if nothing is.
    pub fn wanted(&self, stream: &str) -> Option<&Narrowing> {
        self.wanted.get(stream)
    }

    /// Those of the site's years that this run has to read, in the same order.
    pub fn to_read(&self, years: impl IntoIterator<Item = i16>) -> Vec<i16> {
        let is_wanted = |year: i16| {
            // A number that is no year is no year to read.
            let Some((from, before)) = start(year).zip(year.checked_add(1).and_then(start)) else { return false };
            self.wanted.values().any(|wanted| wanted.admits_some(from, before))
        };
        let is_held = |year: i16| self.covered.as_ref().is_some_and(|covered| self.cursor.holds(&year.to_string(), covered));
        years.into_iter().filter(|year| is_wanted(*year) && !is_held(*year)).collect()
    }

    /// Notes days of entries. The latest tells which years are over, so the newest year is read, or at least looked at, first.
    pub fn saw(&mut self, days: impl IntoIterator<Item = Date>) {
        self.last_day = self.last_day.max(days.into_iter().max());
    }

    /// Keeps that a year was read; `is_whole` says that nothing of it had to be left out.
    ///
    /// # Errors
    /// When STATE cannot be sent.
    pub fn done(&mut self, context: &mut Context<'_>, year: i16, is_whole: bool) -> Result<(), Error> {
        let Some(covered) = &self.covered else { return Ok(()) };
        if is_whole && is_over(year, self.last_day) {
            self.cursor.freeze(year.to_string(), covered.clone());
        }
        context.checkpoint(self.stream, &self.cursor)
    }
}

fn start(year: i16) -> Option<Timestamp> {
    let first = Date::new(year, 1, 1).ok()?.to_zoned_datetime(TimeZone::UTC).ok()?;
    Some(first.timestamp())
}

fn is_over(year: i16, last_day: Option<Date>) -> bool {
    let settled = Date::new(year, 12, 31).map(|end| end.saturating_add(SETTLING_DAYS.days()));
    settled.ok().zip(last_day).is_some_and(|(settled, last_day)| last_day > settled)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;

    fn years(scopes: &[Value], cursor: Frozen) -> Years {
        let narrowing = |scope: &Value| Narrowing::new(&serde_json::from_value(scope.clone()).unwrap(), None).unwrap();
        let wanted = scopes.iter().map(|scope| (scope["name"].as_str().unwrap().to_owned(), narrowing(scope)));
        Years::of("orders", wanted.collect(), cursor)
    }

    #[test]
    fn a_year_is_over_once_something_was_ordered_long_after_it() {
        assert!(is_over(2024, Some(date(2025, 4, 1))));
        assert!(!is_over(2024, Some(date(2025, 3, 31))));
        assert!(!is_over(2024, None));
    }

    #[test]
    fn a_frozen_year_is_read_again_only_for_more() {
        let (orders, items) = (json!({"name": "orders"}), json!({"name": "order_items"}));
        let mut cursor = Frozen::default();
        let first = years(std::slice::from_ref(&orders), Frozen::default());
        assert_eq!(first.to_read([2026, 2025, 2024]), [2026, 2025, 2024]);
        cursor.freeze("2024", first.covered.clone().unwrap());
        assert_eq!(years(std::slice::from_ref(&orders), cursor.clone()).to_read([2026, 2025, 2024]), [2026, 2025]);
        assert_eq!(years(&[orders, items.clone()], cursor.clone()).to_read([2025, 2024]), [2025, 2024], "its items too");
        assert_eq!(years(&[items], cursor).to_read([2025, 2024]), [2025, 2024], "no STATE of its own to go by");
    }

    #[test]
    fn only_years_in_scope_are_read() {
        let since = json!({"name": "orders", "time_range": {"since": "2025-06-01T00:00:00Z"}});
        assert_eq!(years(&[since], Frozen::default()).to_read([2026, 2025, 2024]), [2026, 2025]);
        assert_eq!(years(&[json!({"name": "orders"})], Frozen::default()).to_read([i16::MAX, 9999, -20_000]), [0_i16; 0]);
        assert!(years(&[], Frozen::default()).to_read([2026]).is_empty());
    }

    #[test]
    fn the_latest_day_counts() {
        let mut years = years(&[json!({"name": "orders"})], Frozen::default());
        years.saw([date(2025, 1, 3), date(2025, 4, 1)]);
        years.saw([date(2025, 2, 2)]);
        years.saw(None);
        assert_eq!(years.last_day, Some(date(2025, 4, 1)));
    }
}
