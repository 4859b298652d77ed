//! What a list of records is in the order of, what is beside one of them, and how many there are over time.

use freehold_core::SourceId;
use jiff::civil::Date;
use serde::Serialize;

use crate::over_time::TimeUnit;

/// What the time of a stream's records is: what they are listed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordTime {
    /// The field of theirs that tells it; none if it is when the value they have was collected.
    pub field: Option<String>,
    /// Whether it is a day without a time of day, which is the same in every time zone.
    pub is_day: bool,
}

/// What is beside a record in a list, newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NeighboursView {
    /// The record before it.
    pub newer: Option<NeighbourView>,
    /// The record after it.
    pub older: Option<NeighbourView>,
    /// Its place in the list, from 1, and how long the list is; none where counting would take long.
    pub place: Option<(u64, u64)>,
}

/// A record beside another.
#[derive(Clone, Debug, Serialize)]
pub struct NeighbourView {
    /// Its source.
    pub source: SourceId,
    /// Its stream.
    pub stream: String,
    /// Its key.
    pub key: String,
}

/// How many records a list has over time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CountsView {
    /// What the time is parted into.
    pub unit: TimeUnit,
    /// The time zone whose days those are, as far as it has a name.
    pub zone: Option<String>,
    /// The parts, the oldest first, without gap; none where there is nothing to count, or too much.
    pub parts: Vec<CountView>,
}

/// A part of the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountView {
    /// Its first day.
    pub from: Date,
    /// Its last day. Both given as those of a list, it has just these records.
    pub to: Date,
    /// How many records are from then.
    pub count: u64,
}
