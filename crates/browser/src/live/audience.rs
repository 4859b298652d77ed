//! Everyone who watches one view, and who of them drives.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::{Driver, End, Frame, Said};
use super::seat::Seat;

/// JPEG qualities, from a good line to a poor one.
const QUALITIES: [u8; 3] = [70, 50, 30];
/// Frames between two looks at how the line does.
const LOOK_EVERY: u64 = 30;
/// Good looks in a row before the quality rises again.
const GOOD_LOOKS: u32 = 4;

/// Everyone who watches one view.
#[derive(Default)]
pub(super) struct Audience {
    seats: BTreeMap<u64, Arc<Seat>>,
    seated: u64,
    driver: Option<u64>,
    last: Option<Arc<Frame>>,
    level: usize,
    good: u32,
}

impl Audience {
    /// Seats one more; the first drives. Returns their number and their seat, in which the last frame waits.
    pub(super) fn join(&mut self) -> (u64, Arc<Seat>) {
        let seat = Arc::new(Seat::default());
        if let Some(last) = &self.last {
            seat.show(last);
        }
        self.seated += 1;
        self.seats.insert(self.seated, Arc::clone(&seat));
        if self.driver.is_none() && self.seats.len() == 1 {
            self.driver = Some(self.seated);
        }
        (self.seated, seat)
    }

    /// How many watch.
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether this one drives.
    pub(super) fn drives(&self, viewer: u64) -> bool {
        self.driver == Some(viewer)
    }

    /// This one drives from now on, or no one.
    pub(super) fn set_driver(&mut self, viewer: Option<u64>) {
        self.driver = viewer;
    }

    /// Shows a frame to everyone, and keeps it for whoever comes later.
    pub(super) fn show(&mut self, frame: Arc<Frame>) {
        self.seats.values().for_each(|seat| seat.show(&frame));
        self.last = Some(frame);
    }

    /// Forgets the last frame, wherever it waits.
    pub(super) fn blank(&mut self) {
        self.last = None;
        self.seats.values().for_each(|seat| seat.blank());
    }

    /// Says something to everyone.
    pub(super) fn say(&self, said: &Said) {
        self.seats.values().for_each(|seat| seat.say(said.clone()));
    }

    /// Says something to one.
    pub(super) fn say_to(&self, viewer: u64, said: Said) {
        if let Some(seat) = self.seats.get(&viewer) {
            seat.say(said);
        }
    }

    /// Tells everyone, from their own place, who drives.
    pub(super) fn tell_state(&self, filling: bool) {
        for (viewer, seat) in &self.seats {
            let driver = match self.driver {
                Some(driver) if driver == *viewer => Driver::You,
                Some(_) => Driver::Other,
                None => Driver::Nobody,
            };
            seat.say(Said::State { driver, viewers: self.seats.len(), filling });
        }
    }

    /// Ends it for one; if they drove, the one who watches longest drives now. Returns whether that is so.
    pub(super) fn show_out(&mut self, viewer: u64) -> bool {
        if let Some(seat) = self.seats.remove(&viewer) {
            seat.close(Said::Closed { why: End::Over });
        }
        let drove = self.driver == Some(viewer);
        if drove {
            self.driver = self.seats.keys().next().copied();
        }
        drove
    }

    /// Ends it for everyone.
    pub(super) fn dismiss(&mut self, why: End) {
        for (_, seat) in std::mem::take(&mut self.seats) {
            seat.close(Said::Closed { why });
        }
        self.driver = None;
        self.last = None;
    }

    /// The JPEG quality for the line as it is now.
    pub(super) fn quality(&self) -> u8 {
        QUALITIES[self.level]
    }

    /// Looks, now and then, at how many of the driver's frames were replaced before they could be sent. Returns whether the quality
    /// has to change.
    pub(super) fn judge_line(&mut self, frame: u64) -> bool {
        if !frame.is_multiple_of(LOOK_EVERY) {
            return false;
        }
        let Some(seat) = self.driver.and_then(|driver| self.seats.get(&driver)) else { return false };
        let replaced = u64::from(seat.replaced());
        self.good = if replaced == 0 { self.good + 1 } else { 0 };
        let level = if replaced * 3 > LOOK_EVERY {
            (self.level + 1).min(QUALITIES.len() - 1)
        } else if self.good >= GOOD_LOOKS {
            self.level.saturating_sub(1)
        } else {
            self.level
        };
        if level != self.level {
            self.good = 0;
        }
        std::mem::replace(&mut self.level, level) != level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_drives_and_the_next_in_line_follows() {
        let mut audience = Audience::default();
        let (first, _) = audience.join();
        let (second, _) = audience.join();
        assert!(audience.drives(first) && !audience.drives(second));
        audience.set_driver(Some(second));
        assert!(audience.drives(second) && !audience.drives(first));
        audience.show_out(second);
        assert!(audience.drives(first));
        audience.set_driver(None);
        let (third, _) = audience.join();
        assert!(!audience.drives(first) && !audience.drives(third), "handed back is handed back");
    }

    #[test]
    fn a_line_that_cannot_keep_up_gets_less_and_a_good_one_more_again() {
        let mut audience = Audience::default();
        audience.join();
        let frame = |number| {
            Arc::new(Frame { tab: 1, number, width: 1.0, height: 1.0, zoom: 1.0, scroll: (0.0, 0.0), jpeg: Vec::new() })
        };
        for number in 1..=LOOK_EVERY {
            audience.show(frame(number));
        }
        assert!(audience.judge_line(LOOK_EVERY) && audience.quality() == QUALITIES[1]);
        let looks: Vec<bool> = (2..=5).map(|look| audience.judge_line(look * LOOK_EVERY)).collect();
        assert_eq!((looks, audience.quality()), (vec![false, false, false, true], QUALITIES[0]));
    }
}
