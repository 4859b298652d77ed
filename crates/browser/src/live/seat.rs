//! A viewer's place: what waits to be fetched, and how many frames may be under way to it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::message::{Frame, Said, ToClient};

/// Frames that may be under way to a viewer who is near.
const CREDIT: usize = 4;
/// And to the farthest.
const MOST_CREDIT: usize = 24;
/// Chromium's own pace, which sets how many frames a round trip holds.
const FRAMES_PER_SECOND: u128 = 60;
/// Notices that wait; a viewer that fetches nothing loses the rest.
const MOST_SAID: usize = 64;

/// A viewer's place.
#[derive(Default)]
pub(super) struct Seat {
    inbox: Mutex<Inbox>,
    bell: Condvar,
}

#[derive(Default)]
struct Inbox {
    said: VecDeque<Said>,
    /// The newest frame; an older one that was not fetched is no longer wanted.
    frame: Option<Arc<Frame>>,
    under_way: VecDeque<(u64, Instant)>,
    /// The shortest recent time from handing out a frame to hearing that it was drawn.
    round_trip: Duration,
    replaced: u32,
    closed: Option<Said>,
}

impl Seat {
    /// The next thing for the viewer, within that time. What was said comes before a frame; the end comes last, again and again.
    pub(super) fn next(&self, patience: Duration) -> Option<ToClient> {
        let until = Instant::now() + patience;
        let mut inbox = self.inbox();
        loop {
            if let Some(said) = inbox.said.pop_front() {
                return Some(ToClient::Said(said));
            }
            if let Some(closed) = &inbox.closed {
                return Some(ToClient::Said(closed.clone()));
            }
            if inbox.under_way.len() < inbox.credit()
                && let Some(frame) = inbox.frame.take()
            {
                inbox.under_way.push_back((frame.number, Instant::now()));
                return Some(ToClient::Frame(frame));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            inbox = self.bell.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Puts a newer frame in.
    pub(super) fn show(&self, frame: &Arc<Frame>) {
        let mut inbox = self.inbox();
        if inbox.frame.replace(Arc::clone(frame)).is_some() {
            inbox.replaced += 1;
        }
        self.bell.notify_all();
    }

    /// Takes away a frame that was not fetched.
    pub(super) fn blank(&self) {
        self.inbox().frame = None;
    }

    /// Says something. A newer word on the same matter takes the older one's place.
    pub(super) fn say(&self, said: Said) {
        let mut inbox = self.inbox();
        if !matches!(said, Said::Copied { .. } | Said::NotGiven { .. }) {
            inbox.said.retain(|other| std::mem::discriminant(other) != std::mem::discriminant(&said));
        }
        if inbox.said.len() < MOST_SAID {
            inbox.said.push_back(said);
        }
        self.bell.notify_all();
    }

    /// Ends it.
    pub(super) fn close(&self, last: Said) {
        let mut inbox = self.inbox();
        inbox.frame = None;
        inbox.said.clear();
        inbox.closed.get_or_insert(last);
        self.bell.notify_all();
    }

    /// The viewer drew that frame.
    pub(super) fn drawn(&self, number: u64) {
        let mut inbox = self.inbox();
        while let Some((sent, at)) = inbox.under_way.front().copied().filter(|(sent, _)| *sent <= number) {
            inbox.under_way.pop_front();
            if sent == number {
                let took = at.elapsed();
                // Rises slowly, so that a line that queues is not mistaken for one that is long.
                let risen = inbox.round_trip + inbox.round_trip / 64 + Duration::from_micros(50);
                inbox.round_trip = if inbox.round_trip.is_zero() { took } else { took.min(risen) };
            }
        }
        self.bell.notify_all();
    }

    /// How many frames were replaced before they were fetched, since this was last asked.
    pub(super) fn replaced(&self) -> u32 {
        std::mem::take(&mut self.inbox().replaced)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox {
    fn credit(&self) -> usize {
        let within = self.round_trip.as_millis() * FRAMES_PER_SECOND / 1000;
        (CREDIT + usize::try_from(within).unwrap_or(MOST_CREDIT)).min(MOST_CREDIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::message::End;

    const NOW: Duration = Duration::ZERO;

    fn frame(number: u64) -> Arc<Frame> {
        Arc::new(Frame { tab: 1, number, width: 8.0, height: 8.0, zoom: 1.0, scroll: (0.0, 0.0), jpeg: Vec::new() })
    }

    fn number(next: Option<ToClient>) -> Option<u64> {
        match next {
            Some(ToClient::Frame(frame)) => Some(frame.number),
            _ => None,
        }
    }

    #[test]
    fn the_newest_frame_wins_and_no_more_than_the_credit_is_under_way() {
        let seat = Seat::default();
        for one in 1..=3 {
            seat.show(&frame(one));
        }
        assert_eq!((number(seat.next(NOW)), seat.replaced()), (Some(3), 2));
        for one in 4..=6 {
            seat.show(&frame(one));
            assert_eq!(number(seat.next(NOW)), Some(one));
        }
        seat.show(&frame(7));
        assert_eq!(number(seat.next(NOW)), None, "four are under way");
        seat.drawn(5);
        assert_eq!(number(seat.next(NOW)), Some(7));
        assert_eq!(number(seat.next(NOW)), None, "nothing new");
    }

    #[test]
    fn a_newer_word_takes_the_older_ones_place_and_the_end_stays() {
        let seat = Seat::default();
        let field = |after| Said::Field { after, field: None };
        seat.say(field(1));
        seat.say(Said::Dialog { dialog: None });
        seat.say(field(2));
        assert!(matches!(seat.next(NOW), Some(ToClient::Said(Said::Dialog { .. }))));
        assert!(matches!(seat.next(NOW), Some(ToClient::Said(Said::Field { after: 2, .. }))));
        seat.show(&frame(1));
        seat.close(Said::Closed { why: End::Over });
        for _ in 0..2 {
            assert!(matches!(seat.next(NOW), Some(ToClient::Said(Said::Closed { why: End::Over }))));
        }
    }
}
