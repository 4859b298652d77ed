//! A value that is in no other place than where it was planted.

use freehold_core::Rng;

/// How many characters in a row of a value have to be seen to call it a leak: short enough for a truncated log line, far too many for
/// chance.
pub const PART: usize = 16;

/// A planted value.
#[derive(Clone)]
pub struct Canary {
    /// What it stands for: a secret's kind, a cookie, a variable's name.
    pub what: String,
    /// The value itself.
    pub value: String,
}

impl Canary {
    /// A password-like value with the characters that JSON, HTML and URLs write differently.
    pub fn password(what: &str, rng: &dyn Rng) -> Self {
        let value = format!("{}&\"<{}/+%{}", letters(rng, 10), letters(rng, 10), letters(rng, 10));
        Self { what: what.to_owned(), value }
    }

    /// A value of `length` capital letters and digits, as seeds and codes are.
    ///
    /// # Panics
    /// When `length` is below [`PART`].
    pub fn plain(what: &str, length: usize, rng: &dyn Rng) -> Self {
        Self::known(what, &letters(rng, length))
    }

    /// A value that something else made: a printed key, a token.
    ///
    /// # Panics
    /// When it is shorter than [`PART`].
    pub fn known(what: &str, value: &str) -> Self {
        assert!(value.len() >= PART, "{what} is too short to be told from chance");
        Self { what: what.to_owned(), value: value.to_owned() }
    }
}

fn letters(rng: &dyn Rng, count: usize) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = vec![0; count];
    rng.fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}
