//! What of a stream this run asks for, applied before any work is done for a record. Fields are left out by the SDK.

use std::collections::BTreeSet;

use freehold_sdk::{CollectionStream, Error};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The part of a stream that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Narrowing {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    keys: Option<BTreeSet<String>>,
    fields: Option<BTreeSet<String>>,
}

impl Narrowing {
    /// Reads a stream's scope; `earliest` is the owner's own lower bound.
    pub(crate) fn new(scope: &CollectionStream, earliest: Option<Timestamp>) -> Result<Self, Failure> {
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
    pub(crate) fn admits(&self, key: &str, time: Timestamp) -> bool {
        self.admits_time(time) && self.keys.as_ref().is_none_or(|keys| keys.contains(key))
    }

    /// Whether a record of that time may have been asked for.
    pub(crate) fn admits_time(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    /// What a finished run has collected, if a later run may build on it: one that stops at a time or at single records leaves
    /// gaps that no cursor describes.
    pub(crate) fn coverage(&self) -> Option<Coverage> {
        let open = self.until.is_none() && self.keys.is_none();
        open.then(|| Coverage { since: self.since, fields: self.fields.clone() })
    }

    /// The lower bound in time.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.since
    }
}

/// What was collected of a stream, kept in the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    since: Option<Timestamp>,
    fields: Option<BTreeSet<String>>,
}

impl Coverage {
    /// Whether a run that needs `other` has nothing to collect again.
    pub(crate) fn includes(&self, other: &Coverage) -> bool {
        let fields = match (&self.fields, &other.fields) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(others)) => others.is_subset(mine),
        };
        // `None` is the beginning of time, and sorts first.
        fields && self.since <= other.since
    }
}

fn instant(text: &str) -> Result<Timestamp, Failure> {
    let day = || text.parse::<Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok().map(|midnight| midnight.timestamp());
    text.parse()
        .ok()
        .or_else(day)
        .ok_or_else(|| Error::new("scope", format!("the time range holds {text:?}, which is no time")).into())
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
}
