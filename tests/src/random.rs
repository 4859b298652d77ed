//! Randomness that a test owns: the same seed gives the same bytes.

use std::sync::Mutex;

use freehold_core::Rng;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng as Generator};

/// Repeatable random bytes.
pub struct TestRng(Mutex<Generator>);

impl TestRng {
    /// The stream of bytes that belongs to `seed`.
    pub fn new(seed: u8) -> Self {
        Self(Mutex::new(Generator::from_seed(RngAlgorithm::ChaCha, &[seed; 32])))
    }
}

impl Rng for TestRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().expect("no test panics while it draws").fill_bytes(bytes);
    }
}
