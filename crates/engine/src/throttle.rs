//! A limit on tries at a passphrase, a setup code or a recovery key.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use freehold_core::{Problem, ProblemCode};

use crate::server::lock;

/// Tries of one address that cost nothing before the waiting begins.
const FREE_TRIES: u32 = 5;
/// Those of all strangers together: guessing from many addresses is guessing too.
const FREE_TRIES_OF_ALL: u32 = 50;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// How many addresses are counted apart.
const ADDRESSES: usize = 1024;

/// Whose tries are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// Whoever is let in already, by a session or at the terminal.
    LetIn,
    /// Anyone at an address, or at one that is not known; of IPv6, in the network of 64 bits that one household has.
    Stranger(Option<IpAddr>),
}

impl Who {
    fn counted(self) -> Self {
        match self {
            Self::Stranger(Some(IpAddr::V6(ip))) => Self::Stranger(Some(IpAddr::V6((ip.to_bits() >> 64 << 64).into()))),
            who => who,
        }
    }
}

/// Counts failures and makes the next try wait: 1 s after the fifth failure of an address, doubling to 15 minutes. So whoever guesses keeps
/// the owner out only at the same address, until fifty failures from anywhere make every stranger wait. A success clears the count of its
/// address and that of all.
pub(crate) struct Throttle(Mutex<Counts>);

struct Counts {
    each: HashMap<Who, Tries>,
    all: Tries,
}

#[derive(Clone, Copy)]
struct Tries {
    failures: u32,
    not_before: Instant,
}

impl Tries {
    fn none() -> Self {
        Self { failures: 0, not_before: Instant::now() }
    }

    fn failed(&mut self, free: u32) {
        self.failures += 1;
        if self.failures >= free {
            let doublings = (self.failures - free).min(10);
            self.not_before = Instant::now() + Duration::from_secs(1 << doublings).min(LONGEST_WAIT);
        }
    }
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Counts { each: HashMap::new(), all: Tries::none() }))
    }

    /// Runs one try unless it comes too soon, and counts how it went. Tries run one at a time, so that many at once gain nothing.
    pub(crate) fn attempt<T>(&self, who: Who, try_once: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let who = who.counted();
        let mut counts = lock(&self.0);
        let own = counts.each.get(&who).map(|tries| tries.not_before);
        let all = (who != Who::LetIn).then_some(counts.all.not_before);
        let wait = own.into_iter().chain(all).max().unwrap_or_else(Instant::now).saturating_duration_since(Instant::now());
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
            Ok(_) => {
                counts.each.remove(&who);
                counts.all = Tries::none();
            }
            Err(problem) if problem.code == ProblemCode::Unauthenticated => counts.failed(who),
            Err(_) => {}
        }
        result
    }
}

impl Counts {
    fn failed(&mut self, who: Who) {
        if who != Who::LetIn {
            self.all.failed(FREE_TRIES_OF_ALL);
        }
        // By then every stranger waits, so what is given up is the least of the waits.
        if self.each.len() >= ADDRESSES
            && !self.each.contains_key(&who)
            && let Some(first) = self.each.iter().min_by_key(|(_, tries)| tries.not_before).map(|(who, _)| *who)
        {
            self.each.remove(&first);
        }
        self.each.entry(who).or_insert_with(Tries::none).failed(FREE_TRIES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong() -> Result<(), Problem> {
        Err(Problem::new(ProblemCode::Unauthenticated, "wrong", "again"))
    }

    fn at(text: &str) -> Who {
        Who::Stranger(Some(text.parse().expect("an address")))
    }

    fn code(throttle: &Throttle, who: Who) -> ProblemCode {
        throttle.attempt(who, wrong).expect_err("wrong").code
    }

    #[test]
    fn the_sixth_wrong_try_in_a_row_has_to_wait() {
        let throttle = Throttle::new();
        for _ in 0..5 {
            assert_eq!(code(&throttle, Who::LetIn), ProblemCode::Unauthenticated);
        }
        assert_eq!(code(&throttle, Who::LetIn), ProblemCode::TooManyTries);
    }

    #[test]
    fn whoever_guesses_makes_only_the_own_address_wait() {
        let throttle = Throttle::new();
        for _ in 0..5 {
            code(&throttle, at("2001:db8:0:1::1"));
        }
        assert_eq!(code(&throttle, at("2001:db8:0:1:ffff::2")), ProblemCode::TooManyTries, "the same household");
        throttle.attempt(at("2001:db8:0:2::1"), || Ok(())).expect("another");
        throttle.attempt(at("192.0.2.7"), || Ok(())).expect("another");
        throttle.attempt(Who::LetIn, || Ok(())).expect("let in already");
    }

    #[test]
    fn guessing_from_everywhere_makes_every_stranger_wait() {
        let throttle = Throttle::new();
        for guess in 0..50 {
            assert_eq!(code(&throttle, at(&format!("198.51.100.{guess}"))), ProblemCode::Unauthenticated);
        }
        assert_eq!(code(&throttle, at("192.0.2.7")), ProblemCode::TooManyTries);
        throttle.attempt(Who::LetIn, || Ok(())).expect("let in already");
    }

    #[test]
    fn a_success_clears_the_count() {
        let throttle = Throttle::new();
        for _ in 0..4 {
            code(&throttle, Who::LetIn);
        }
        throttle.attempt(Who::LetIn, || Ok(())).expect("right");
        assert_eq!(code(&throttle, Who::LetIn), ProblemCode::Unauthenticated);
        throttle.attempt(Who::LetIn, || Ok(())).expect("not throttled");
    }
}
