//! The owner's passphrase, and the vault's.
//!
//! Argon2id (RFC 9106) with 64 MiB, 3 passes and 4 lanes: the RFC's choice for machines that cannot spare 2 GiB, and more than
//! OWASP's least. One person signs in a few times a day, so a fraction of a second each time costs nothing; whoever steals
//! the database pays it, and the memory, for every guess.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use freehold_core::{Rng, SealedBytes, SecretBytes};

use crate::key::Key;
use crate::payload::exposed;
use crate::slot::SlotKey;

/// Why a passphrase is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Too few characters.
    #[error(
        "a passphrase needs at least {MIN_CHARS} characters and this has {found}: four or five unrelated words are good"
    )]
    TooShort {
        /// How many characters it has.
        found: usize,
    },
    /// More bytes than anyone types.
    #[error("a passphrase may have at most {MAX_BYTES} bytes and this has {found}")]
    TooLong {
        /// How many bytes it has.
        found: usize,
    },
    /// The same few characters over and over.
    #[error("this passphrase repeats a few characters and is easily guessed: four or five unrelated words are good")]
    Repetitive,
    /// Not text.
    #[error("a passphrase is text in UTF-8, and this is not")]
    NotText,
}

/// Whether `passphrase` is strong enough to be the owner's: at least 12 characters, at least 5 of them different.
pub fn check_passphrase(passphrase: &SecretBytes) -> Result<(), PassphraseError> {
    let bytes = exposed(passphrase);
    if bytes.len() > MAX_BYTES {
        return Err(PassphraseError::TooLong { found: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PassphraseError::NotText)?;
    let found = text.chars().count();
    if found < MIN_CHARS {
        return Err(PassphraseError::TooShort { found });
    }
    let different = text.char_indices().filter(|(at, char)| !text[..*at].contains(*char)).count();
    if different < MIN_DIFFERENT { Err(PassphraseError::Repetitive) } else { Ok(()) }
}

/// Checks `passphrase` and hashes it, as a PHC string with its parameters and salt. Takes a fraction of a second and 64 MiB: call
/// it from a thread that may block.
pub fn hash_passphrase(passphrase: &SecretBytes, rng: &dyn Rng) -> Result<String, PassphraseError> {
    check_passphrase(passphrase)?;
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let hash = argon2().hash_password_with_salt(exposed(passphrase), &salt).expect("fixed parameters and a checked length");
    Ok(hash.to_string())
}

/// Whether `passphrase` is the one hashed, compared in constant time. A string that is no hash matches nothing. Costs what
/// hashing costs.
pub fn verify_passphrase(passphrase: &SecretBytes, hash: &str) -> bool {
    exposed(passphrase).len() <= MAX_BYTES && argon2().verify_password(exposed(passphrase), hash).is_ok()
}

/// How a slot's key is made from a passphrase. It is kept in front of the wrap, so that a later choice of parameters leaves older slots
/// readable:
///
/// ```text
/// memory in KiB (4) | passes (4) | lanes (4) | salt (16)
/// ```
pub(crate) struct Stretch {
    params: Params,
    salt: [u8; 16],
}

impl Stretch {
    const LEN: usize = 12 + 16;

    /// With today's parameters and a salt of its own.
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        Self { params: params(), salt }
    }

    /// The one in front of a wrap, and the wrap. None where no Freehold would have written it: parameters that would keep the machine
    /// busy for minutes are not tried out.
    pub(crate) fn before(SealedBytes(bytes): &SealedBytes) -> Option<(Self, SealedBytes)> {
        let (front, wrapped) = bytes.split_at_checked(Self::LEN)?;
        let number = |at: usize| Some(u32::from_be_bytes(front[at..at + 4].try_into().ok()?));
        let (memory, passes, lanes) = (number(0)?, number(4)?, number(8)?);
        if memory > MOST_KIB || passes > MOST_PASSES || lanes > MOST_LANES {
            return None;
        }
        let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
        Some((Self { params, salt: front[12..].try_into().ok()? }, SealedBytes(wrapped.to_vec())))
    }

    pub(crate) fn in_front_of(&self, SealedBytes(wrapped): &SealedBytes) -> SealedBytes {
        let numbers = [self.params.m_cost(), self.params.t_cost(), self.params.p_cost()];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(wrapped);
        SealedBytes(bytes)
    }

    pub(crate) fn key(&self, passphrase: &SecretBytes) -> SlotKey {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let made = |key: &mut [u8; 32]| argon2.hash_password_into(exposed(passphrase), &self.salt, key);
        SlotKey(Key::filled(|key| made(key).expect("parameters, salt and length within RFC 9106's limits")))
    }
}

const MIN_CHARS: usize = 12;
const MIN_DIFFERENT: usize = 5;
const MAX_BYTES: usize = 1024;
const MOST_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

fn params() -> Params {
    Params::new(64 * 1024, 3, 4, Some(32)).expect("parameters within RFC 9106's limits")
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRng;

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::from(text.to_owned())
    }

    #[test]
    fn only_the_passphrase_hashed_matches() {
        let hash = hash_passphrase(&secret("correct horse battery"), &OsRng).expect("strong enough");
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{hash}");
        assert!(verify_passphrase(&secret("correct horse battery"), &hash));
        assert!(!verify_passphrase(&secret("correct horse batterz"), &hash));
        assert_ne!(hash_passphrase(&secret("correct horse battery"), &OsRng).expect("strong enough"), hash, "no salt");
        for broken in ["", "correct horse battery", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ", &hash[..hash.len() - 1]] {
            assert!(!verify_passphrase(&secret("correct horse battery"), broken), "{broken}");
        }
    }

    #[test]
    fn a_hash_with_older_parameters_still_matches() {
        let params = Params::new(64, 1, 1, None).expect("small parameters");
        let older = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = older.hash_password_with_salt(b"correct horse battery", &[7; 16]).expect("a hash").to_string();
        assert!(verify_passphrase(&secret("correct horse battery"), &hash));
        assert!(!verify_passphrase(&secret("correct horse batterz"), &hash));
    }

    #[test]
    fn a_weak_passphrase_is_refused_in_words() {
        assert_eq!(hash_passphrase(&secret("elevenchars"), &OsRng), Err(PassphraseError::TooShort { found: 11 }));
        assert_eq!(check_passphrase(&secret("elevenchars")), Err(PassphraseError::TooShort { found: 11 }));
        assert_eq!(check_passphrase(&secret("ééééé")), Err(PassphraseError::TooShort { found: 5 }));
        assert_eq!(check_passphrase(&secret("abababababababab")), Err(PassphraseError::Repetitive));
        assert_eq!(check_passphrase(&secret(&"long ".repeat(300))), Err(PassphraseError::TooLong { found: 1500 }));
        assert_eq!(check_passphrase(&SecretBytes::new(vec![0xff; 12])), Err(PassphraseError::NotText));
        assert_eq!(check_passphrase(&secret("twelve chars")), Ok(()));
        assert!(PassphraseError::TooShort { found: 11 }.to_string().contains("at least 12 characters"));
    }
}
