//! A stretch of time that records are looked for in.

use std::ops::Range;

use freehold_core::Timestamp;

use crate::row::millis;

/// From one instant to another, by the records' own time. Whole seconds: the index of words knows no smaller ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Nothing before it; none for as long ago as there is.
    pub from: Option<Timestamp>,
    /// Nothing at it or after it; none for as late as there is.
    pub until: Option<Timestamp>,
}

impl Span {
    /// Whether it leaves nothing out.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// In milliseconds since 1970.
    pub(super) fn millis(&self) -> Range<i64> {
        self.from.map_or(i64::MIN, millis)..self.until.map_or(i64::MAX, millis)
    }
}
