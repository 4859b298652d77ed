//! Unguessable values: session ids, form tokens, codes.

use std::fs::File;
use std::io::Read;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// A stream of values nobody outside can predict.
pub(crate) struct Tokens {
    seed: [u8; 32],
    taken: u64,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        let mut seed = [0; 32];
        // A site that only plays one may start without the system's randomness; sessions are then guessable, as all else here is known.
        let _ = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
        Self { seed, taken: 0 }
    }

    /// 32 hexadecimal digits.
    pub(crate) fn token(&mut self) -> String {
        HEXLOWER.encode(&self.block()[..16])
    }

    /// Six decimal digits.
    pub(crate) fn code(&mut self) -> String {
        format!("{:06}", self.number() % 1_000_000)
    }

    /// Five letters that are hard to mistake for one another.
    pub(crate) fn letters(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFHKMNPRTXYZ";
        self.block()[..5].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
    }

    fn number(&mut self) -> u64 {
        self.block()[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn block(&mut self) -> [u8; 32] {
        self.taken += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.taken.to_be_bytes()).finalize().into()
    }
}
