//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use freehold_core::{Clock, Timestamp};

/// Time that the test owns.
pub struct ManualClock(Mutex<Timestamp>);

impl Default for ManualClock {
    /// Standing at 1 January 2026, 12:00 UTC.
    fn default() -> Self {
        Self(Mutex::new(Timestamp::from_second(1_767_268_800).expect("in range")))
    }
}

impl ManualClock {
    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().expect("no panic in between");
        *now += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no panic in between")
    }
}
