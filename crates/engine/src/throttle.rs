//! A limit on tries at a passphrase, a setup code or a recovery key.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use freehold_core::{Problem, ProblemCode};

use crate::server::lock;

/// Tries that cost nothing before the waiting begins.
const FREE_TRIES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Counts failures and makes the next try wait: 1 s after the fifth failure, doubling to 15 minutes. One server has one owner, so
/// there is one count; a success clears it.
pub(crate) struct Throttle(Mutex<Tries>);

struct Tries {
    failures: u32,
    not_before: Instant,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Tries { failures: 0, not_before: Instant::now() }))
    }

    /// Runs one try unless it comes too soon, and counts how it went. Tries run one at a time, so that many at once gain nothing.
    pub(crate) fn attempt<T>(&self, try_once: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let mut tries = lock(&self.0);
        let wait = tries.not_before.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            let seconds = wait.as_secs() + 1;
            return Err(Problem::new(
                ProblemCode::TooManyTries,
                "Too many wrong tries.",
                format!("Try again in {seconds} seconds."),
            ));
        }
        let result = try_once();
        match &result {
            Ok(_) => tries.failures = 0,
            Err(problem) if problem.code == ProblemCode::Unauthenticated => {
                tries.failures += 1;
                if tries.failures >= FREE_TRIES {
                    let doublings = (tries.failures - FREE_TRIES).min(10);
                    tries.not_before = Instant::now() + Duration::from_secs(1 << doublings).min(LONGEST_WAIT);
                }
            }
            Err(_) => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_wrong_try_in_a_row_has_to_wait() {
        let throttle = Throttle::new();
        let wrong = || Err::<(), _>(Problem::new(ProblemCode::Unauthenticated, "wrong", "again"));
        for _ in 0..5 {
            assert_eq!(throttle.attempt(wrong).expect_err("wrong").code, ProblemCode::Unauthenticated);
        }
        assert_eq!(throttle.attempt(wrong).expect_err("too soon").code, ProblemCode::TooManyTries);
    }

    #[test]
    fn a_success_clears_the_count() {
        let throttle = Throttle::new();
        let wrong = || Err::<(), _>(Problem::new(ProblemCode::Unauthenticated, "wrong", "again"));
        for _ in 0..4 {
            let _ = throttle.attempt(wrong);
        }
        throttle.attempt(|| Ok(())).expect("right");
        assert_eq!(throttle.attempt(wrong).expect_err("wrong").code, ProblemCode::Unauthenticated);
        throttle.attempt(|| Ok(())).expect("not throttled");
    }
}
