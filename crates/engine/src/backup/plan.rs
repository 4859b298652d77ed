//! When backups are made by themselves: daily or weekly, at an hour of the owner's day.

use std::path::PathBuf;

use freehold_core::{Problem, Timestamp};
use jiff::ToSpan;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::problem::bad_input;

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Every day.
    Day,
    /// Every Monday.
    Week,
}

/// Backups by the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupPlan {
    /// The folder they are written to.
    pub folder: PathBuf,
    /// How often.
    pub every: Every,
    /// From which full hour on, 0 to 23.
    pub hour: i8,
    /// Whose hour: a zone's name, as in `Europe/Berlin`.
    pub zone: String,
    /// How many are kept.
    pub keep: u32,
}

const MOST_KEPT: u32 = 1_000;

impl BackupPlan {
    /// Whether it can be followed.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if !self.folder.is_absolute() {
            return Err(bad_input("folder", "The folder is not a full path.", "Write it with a leading /."));
        }
        if !(0..24).contains(&self.hour) {
            return Err(bad_input("hour", "There is no such hour.", "Give one from 0 to 23."));
        }
        if !(1..=MOST_KEPT).contains(&self.keep) {
            return Err(bad_input("keep", "So many are not kept.", format!("Keep 1 to {MOST_KEPT}.")));
        }
        self.zone().map(drop)
    }

    /// The next time after `now`.
    pub(super) fn next_after(&self, now: Timestamp) -> Result<Timestamp, Problem> {
        let zone = self.zone()?;
        let today = now.to_zoned_datetime(zone.clone()).date();
        // A day whose hour is left out or comes twice still has one instant for it, and eight days have every weekday ahead.
        let days = (0..=8).filter_map(|days: i32| today.checked_add(days.days()).ok());
        let fits = days.filter(|day| self.every == Every::Day || day.weekday() == Weekday::Monday);
        let mut times =
            fits.filter_map(|day| Some(day.at(self.hour, 0, 0, 0).to_zoned_datetime(zone.clone()).ok()?.timestamp()));
        times.find(|at| *at > now).ok_or_else(|| bad_input("hour", "There is no such time.", "Choose another hour."))
    }

    fn zone(&self) -> Result<TimeZone, Problem> {
        TimeZone::get(&self.zone).map_err(|_| {
            bad_input("zone", "This machine knows no zone of that name.", "Write it as in Europe/Berlin, or UTC.")
        })
    }
}

/// The name of this machine's zone.
pub(super) fn zone_of_this_machine() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(every: Every, hour: i8, zone: &str) -> BackupPlan {
        BackupPlan { folder: "/srv/backups".into(), every, hour, zone: zone.to_owned(), keep: 7 }
    }

    fn next(plan: &BackupPlan, now: &str) -> String {
        plan.next_after(now.parse().expect("a time")).expect("a next time").to_string()
    }

    #[test]
    fn it_is_the_owner_s_hour_on_both_sides_of_a_change_of_the_clocks() {
        let daily = plan(Every::Day, 3, "Europe/Berlin");
        assert_eq!(next(&daily, "2026-03-27T12:00:00Z"), "2026-03-28T02:00:00Z");
        assert_eq!(next(&daily, "2026-03-29T12:00:00Z"), "2026-03-30T01:00:00Z");
        // Exactly then it is the next day's turn.
        assert_eq!(next(&daily, "2026-03-28T02:00:00Z"), "2026-03-29T01:00:00Z");
        let left_out = plan(Every::Day, 2, "Europe/Berlin");
        assert_eq!(next(&left_out, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
    }

    #[test]
    fn a_week_is_from_monday_to_monday() {
        let weekly = plan(Every::Week, 0, "UTC");
        assert_eq!(next(&weekly, "2026-05-03T23:59:59Z"), "2026-05-04T00:00:00Z");
        assert_eq!(next(&weekly, "2026-05-04T00:00:00Z"), "2026-05-11T00:00:00Z");
    }

    #[test]
    fn what_cannot_be_followed_is_refused_at_its_place() {
        let refused = |plan: BackupPlan| plan.check().expect_err("refused").at.expect("a place");
        assert_eq!(refused(plan(Every::Day, 24, "UTC")), "hour");
        assert_eq!(refused(plan(Every::Day, 3, "Mars/Olympus")), "zone");
        assert_eq!(refused(BackupPlan { keep: 0, ..plan(Every::Day, 3, "UTC") }), "keep");
        assert_eq!(refused(BackupPlan { folder: "backups".into(), ..plan(Every::Day, 3, "UTC") }), "folder");
    }
}
