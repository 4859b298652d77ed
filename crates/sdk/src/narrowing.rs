//! What of a stream a run asks for, applied before any work is done for a record, and what later runs may build on.

use std::collections::{BTreeMap, BTreeSet};

use freehold_protocol::Timestamp;
use freehold_protocol::message::CollectionStream;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The part of a stream that was asked for. Fields are left out by [`crate::Context::emit`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    keys: Option<BTreeSet<String>>,
    fields: Option<BTreeSet<String>>,
}

impl Narrowing {
    /// Reads a stream's scope; `earliest` is the owner's own lower bound.
    pub fn new(scope: &CollectionStream, earliest: Option<Timestamp>) -> Result<Self, Error> {
        let range = scope.time_range.clone().unwrap_or_default();
        let since = range.since.as_deref().map(instant).transpose()?;
        Ok(Self {
            since: since.max(earliest),
            until: range.until.as_deref().map(instant).transpose()?,
            keys: scope.resources.clone().map(BTreeSet::from_iter),
            fields: scope.fields.clone().map(BTreeSet::from_iter),
        })
    }

    /// Whether a record of that key and time was asked for.
    pub fn admits(&self, key: &str, time: Timestamp) -> bool {
        self.admits_time(time) && self.keys.as_ref().is_none_or(|keys| keys.contains(key))
    }

    /// Whether a record of that time may have been asked for.
    pub fn admits_time(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    /// Whether some record of that time on, before that other time, may have been asked for.
    pub fn admits_some(&self, from: Timestamp, before: Timestamp) -> bool {
        self.since.is_none_or(|since| since < before) && self.until.is_none_or(|until| until > from)
    }

    /// What a finished run has collected, if a later run may build on it: one that stops at a time or at single records leaves
    /// gaps that no cursor describes.
    pub fn coverage(&self) -> Option<Coverage> {
        let open = self.until.is_none() && self.keys.is_none();
        open.then(|| Coverage { since: self.since, fields: self.fields.clone() })
    }

    /// The lower bound in time.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }
}

/// What was collected of one stream, kept in a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    since: Option<Timestamp>,
    fields: Option<BTreeSet<String>>,
}

impl Coverage {
    /// Whether a run that needs `other` has nothing to collect again.
    pub fn includes(&self, other: &Coverage) -> bool {
        let fields = match (&self.fields, &other.fields) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(others)) => others.is_subset(mine),
        };
        // `None` is the beginning of time, and sorts first.
        fields && self.since <= other.since
    }
}

/// What was collected of each stream. A stream absent from it was not collected.
pub type Covered = BTreeMap<String, Coverage>;

/// A cursor for what a provider lists by year, month or another period: periods that are complete are not read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    frozen: BTreeMap<String, Covered>,
}

impl Frozen {
    /// Whether that period is complete for a run that wants this.
    pub fn holds(&self, period: &str, wanted: &Covered) -> bool {
        let collected =
            |(stream, coverage), covered: &Covered| covered.get(stream).is_some_and(|old: &Coverage| old.includes(coverage));
        self.frozen.get(period).is_some_and(|covered| wanted.iter().all(|one| collected(one, covered)))
    }

    /// Says that a period is complete.
    pub fn freeze(&mut self, period: impl Into<String>, covered: Covered) {
        self.frozen.insert(period.into(), covered);
    }
}

fn instant(text: &str) -> Result<Timestamp, Error> {
    let day = || text.parse::<Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok().map(|midnight| midnight.timestamp());
    text.parse()
        .ok()
        .or_else(day)
        .ok_or_else(|| Error::new("scope", format!("the time range holds {text:?}, which is no time")))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn narrowing(scope: Value) -> Narrowing {
        Narrowing::new(&serde_json::from_value(scope).unwrap(), None).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_range_includes_its_beginning_and_not_its_end() {
        let range = narrowing(
            serde_json::json!({"name": "messages", "time_range": {"since": "2025-01-01", "until": "2025-02-01T00:00:00Z"}}),
        );
        assert!(range.admits("k", at("2025-01-01T00:00:00Z")));
        assert!(!range.admits("k", at("2024-12-31T23:59:59Z")));
        assert!(!range.admits("k", at("2025-02-01T00:00:00Z")));
        let year = |from: &str, before: &str| range.admits_some(at(from), at(before));
        assert!(year("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"));
        assert!(!year("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"));
        assert!(!year("2025-02-01T00:00:00Z", "2026-01-01T00:00:00Z"));
    }

    #[test]
    fn the_later_lower_bound_counts() {
        let scope = CollectionStream { name: "messages".to_owned(), ..CollectionStream::default() };
        let own = Narrowing::new(&scope, Some(at("2025-01-01T00:00:00Z"))).unwrap();
        assert!(!own.admits("k", at("2024-12-31T00:00:00Z")));
    }

    #[test]
    fn single_records_can_be_asked_for() {
        let some = narrowing(serde_json::json!({"name": "messages", "resources": ["a"]}));
        assert!(some.admits("a", Timestamp::UNIX_EPOCH) && !some.admits("b", Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_wider_wish_is_not_covered() {
        let covers =
            |old: Value, new: Value| narrowing(old).coverage().unwrap().includes(&narrowing(new).coverage().unwrap());
        let all = serde_json::json!({"name": "m"});
        let late = serde_json::json!({"name": "m", "time_range": {"since": "2025-01-01"}});
        let few = serde_json::json!({"name": "m", "fields": ["id"]});
        assert!(covers(all.clone(), late.clone()) && covers(all.clone(), few.clone()));
        assert!(!covers(late, all.clone()) && !covers(few, all));
        assert_eq!(narrowing(serde_json::json!({"name": "m", "time_range": {"until": "2025-01-01"}})).coverage(), None);
    }

    #[test]
    fn a_frozen_period_counts_for_what_was_collected_of_it() {
        let covered =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Coverage::default())).collect::<Covered>();
        let mut cursor = Frozen::default();
        cursor.freeze("2024", covered(&["orders"]));
        assert!(cursor.holds("2024", &covered(&["orders"])));
        assert!(!cursor.holds("2025", &covered(&["orders"])) && !cursor.holds("2024", &covered(&["orders", "items"])));
    }
}
