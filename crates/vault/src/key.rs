//! A 256-bit key in memory.

use freehold_core::Rng;
use zeroize::Zeroize;

/// 32 secret bytes, on the heap so that moving the key leaves no copy behind, wiped when dropped.
pub(crate) struct Key(Box<[u8; 32]>);

impl Key {
    pub(crate) fn random(rng: &dyn Rng) -> Self {
        Self::filled(|bytes| rng.fill(bytes))
    }

    /// The key in `bytes`, if there are exactly 32.
    pub(crate) fn copied(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 32).then(|| Self::filled(|key| key.copy_from_slice(bytes)))
    }

    pub(crate) fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut key = Box::new([0; 32]);
        fill(&mut key);
        Self(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
