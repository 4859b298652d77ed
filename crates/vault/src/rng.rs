//! The operating system's randomness.

use freehold_core::Rng;

/// Random bytes fit for keys, from the operating system through AWS-LC's generator.
#[derive(Clone, Copy, Debug)]
pub struct OsRng;

impl Rng for OsRng {
    fn fill(&self, bytes: &mut [u8]) {
        // A key made of anything else would be worse than no server at all.
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
    }
}
