//! A 256-bit key in memory.

use freehold_core::Rng;
use zeroize::Zeroize;

/// 32 secret bytes, on the heap so that moving the key leaves no copy behind, wiped when dropped.
pub(crate) struct Key(Place);

enum Place {
    Heap(Box<[u8; 32]>),
    /// A page of its own, which is never written to swap while the lock holds.
    Locked(Option<region::LockGuard>, Box<Page>),
}

/// So much memory that the lock on it is nobody else's.
#[repr(align(4096))]
struct Page([u8; 4096]);

impl Key {
    pub(crate) fn random(rng: &dyn Rng) -> Self {
        Self::filled(|bytes| rng.fill(bytes))
    }

    /// The same in locked memory, where the system lets this process lock some.
    pub(crate) fn random_locked(rng: &dyn Rng) -> Self {
        let mut page = Box::new(Page([0; 4096]));
        let lock = region::lock(page.0.as_ptr(), page.0.len()).ok();
        rng.fill(&mut page.0[..32]);
        Self(Place::Locked(lock, page))
    }

    /// The key in `bytes`, if there are exactly 32.
    pub(crate) fn copied(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 32).then(|| Self::filled(|key| key.copy_from_slice(bytes)))
    }

    pub(crate) fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut key = Box::new([0; 32]);
        fill(&mut key);
        Self(Place::Heap(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        match &self.0 {
            Place::Heap(key) => key,
            Place::Locked(_, page) => page.0.first_chunk().expect("a page is longer"),
        }
    }

    /// Whether it is in memory that is locked.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(&self.0, Place::Locked(Some(_), _))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        match &mut self.0 {
            Place::Heap(key) => key.zeroize(),
            Place::Locked(_, page) => page.0.zeroize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Rng for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn a_locked_key_is_a_key_whose_memory_the_kernel_keeps() {
        let locked = || {
            let status = std::fs::read_to_string("/proc/self/status").expect("a status");
            let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).expect("a line").to_owned();
            line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
        };
        let before = locked();
        let key = Key::random_locked(&Sevens);
        assert_eq!((key.bytes(), key.is_locked()), (&[7; 32], true));
        assert_eq!(locked(), before + 4);
        drop(key);
        assert_eq!(locked(), before);
        assert!(!Key::random(&Sevens).is_locked());
    }
}
