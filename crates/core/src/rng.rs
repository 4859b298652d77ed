//! Randomness, given to whoever needs it, so that tests can own it.

/// A source of random bytes. The real one is the vault's, from the operating system; tests bring their own.
pub trait Rng: Send + Sync {
    /// Fills `bytes` with random bytes fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}
