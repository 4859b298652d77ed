//! The clock's part: which runs start now, and when to look again.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use freehold_core::run::Cause;
use freehold_core::{Rng, Timestamp};
use jiff::SignedDuration;

use crate::server::{Inner, lock};

/// Looked at least this often, since the machine's clock can be set.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Sources taken up in one look; the rest follow in the next, at once.
const AT_ONCE: usize = 100;

/// Wakes a thread that waits for the clock, or stops it.
#[derive(Default)]
pub(crate) struct Wake {
    state: Mutex<WakeState>,
    changed: Condvar,
}

#[derive(Default)]
struct WakeState {
    wanted: bool,
    stopped: bool,
}

impl Wake {
    pub(crate) fn now(&self) {
        lock(&self.state).wanted = true;
        self.changed.notify_all();
    }

    pub(crate) fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }

    /// Waits that long, woken or not. False once stopped.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.state), time, |state| !state.stopped);
        !waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.stopped
    }

    /// Whether the engine is stopping.
    pub(crate) fn is_stopped(&self) -> bool {
        lock(&self.state).stopped
    }

    /// Waits until woken or `at_most` has passed. False once stopped.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let state = lock(&self.state);
        let idle = |state: &mut WakeState| !state.wanted && !state.stopped;
        let waited = self.changed.wait_timeout_while(state, at_most, idle);
        let (mut state, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        state.wanted = false;
        !state.stopped
    }

    /// Waits until `a_while` has passed, woken or not. False once stopped.
    pub(crate) fn pause(&self, a_while: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.state), a_while, |state| !state.stopped);
        let (mut state, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        state.wanted = false;
        !state.stopped
    }
}

/// The scheduler's thread.
pub(crate) fn run(inner: &Arc<Inner>) {
    let mut swept = Instant::now();
    loop {
        if swept.elapsed() >= LONGEST_SLEEP {
            swept = Instant::now();
            // One look at each: runs that are due do not wait for what cannot be removed.
            if let Err(problem) = inner.sweep(Duration::ZERO) {
                tracing::error!(%problem, "what runs left could not be swept");
            }
        }
        let sleep = match look(inner) {
            Ok(sleep) => sleep,
            Err(problem) => {
                tracing::error!(%problem, "the scheduler could not look what is due");
                LONGEST_SLEEP
            }
        };
        if !inner.wake.wait(sleep) {
            return;
        }
    }
}

/// Queues what is due, starts what is queued and fits, and says how long nothing will change by itself.
fn look(inner: &Arc<Inner>) -> Result<Duration, freehold_store::StoreError> {
    let now = inner.now();
    let backup = inner.look_for_a_due_backup();
    for source in inner.data.due(now, AT_ONCE)? {
        // Its next time is set when this run ends; until then it is not due.
        inner.data.update_source(source, |row| row.next_due_at = None)?;
        if let Err(problem) = inner.queue_run(source, Cause::Schedule, None) {
            tracing::warn!(%source, %problem, "a due source could not be queued");
        }
    }
    for run in inner.data.queued_due(now)? {
        if inner.active_runs() >= inner.config.parallel_runs {
            // Each run that ends wakes the scheduler.
            return Ok(LONGEST_SLEEP);
        }
        inner.start_queued(run);
    }
    let next = [inner.data.next_due()?, inner.data.next_queued_at()?, backup].into_iter().flatten().min();
    Ok(next.map_or(LONGEST_SLEEP, |at| until(now, at)))
}

pub(crate) fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default().clamp(Duration::from_millis(10), LONGEST_SLEEP)
}

impl Inner {
    /// Starts a queued run, unless its thread is there already.
    fn start_queued(self: &Arc<Self>, run: freehold_store::RunRow) {
        if self.mailbox(run.id).is_none() {
            self.start(run);
        }
    }
}

/// When a source is next due after a success at `now`: its interval, give or take a tenth, so that sources spread out.
pub(crate) fn after_success(interval_seconds: u64, now: Timestamp, rng: &dyn Rng) -> Timestamp {
    later(now, jittered(interval_seconds as f64, rng))
}

/// When to try again after the `failures`th failure in a row: a minute, doubling to six hours, give or take a tenth; never before
/// what the provider asked for.
pub(crate) fn after_failure(failures: u32, asked: Option<Timestamp>, now: Timestamp, rng: &dyn Rng) -> Timestamp {
    const FIRST: f64 = 60.0;
    const LONGEST: f64 = 6.0 * 3600.0;
    let seconds = (FIRST * 2f64.powi(failures.saturating_sub(1).min(16) as i32)).min(LONGEST);
    let own = later(now, jittered(seconds, rng));
    asked.map_or(own, |asked| asked.max(own))
}

fn jittered(seconds: f64, rng: &dyn Rng) -> f64 {
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    let unit = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    seconds * (0.9 + 0.2 * unit)
}

fn later(now: Timestamp, seconds: f64) -> Timestamp {
    // A year is later than anyone means, and keeps the sum in range.
    let seconds = seconds.clamp(0.0, 366.0 * 86_400.0);
    now + SignedDuration::from_secs_f64(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Rng for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn seconds_after(at: Timestamp, now: Timestamp) -> i64 {
        at.duration_since(now).as_secs()
    }

    #[test]
    fn the_interval_is_spread_by_a_tenth_either_way() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(seconds_after(after_success(1_000, now, &Fixed(0)), now), 900);
        assert_eq!(seconds_after(after_success(1_000, now, &Fixed(255)), now), 1_100);
    }

    #[test]
    fn the_back_off_doubles_to_six_hours() {
        let now = Timestamp::UNIX_EPOCH;
        let waits: Vec<i64> = (1..=12).map(|n| seconds_after(after_failure(n, None, now, &Fixed(255)), now)).collect();
        assert_eq!(&waits[..4], &[66, 132, 264, 528]);
        assert_eq!(waits[11], (6.0 * 3600.0 * 1.1) as i64);
    }

    #[test]
    fn what_the_provider_asked_for_is_never_undercut() {
        let now = Timestamp::UNIX_EPOCH;
        let asked = now + SignedDuration::from_hours(2);
        assert_eq!(after_failure(1, Some(asked), now, &Fixed(0)), asked);
    }
}
