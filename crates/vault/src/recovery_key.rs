//! The recovery key: a slot's key on paper.
//!
//! 8 groups of 5 symbols in Crockford's base 32 (no I, L, O or U): 128 random bits, 32 bits of checksum over them all, and in each
//! group a last symbol that checks that group in its place, so that a slip is found where it was made.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hkdf};
use freehold_core::{Rng, SecretBytes};
use zeroize::Zeroizing;

use crate::{SlotKey, key::Key, payload::exposed};

/// Why a typed recovery key is not one. Nothing here repeats what was typed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyError {
    /// The number of letters and digits is wrong.
    #[error("a recovery key has {GROUPS} groups of {GROUP_LEN} letters and digits, {SYMBOLS} in all; {found} were typed")]
    Length {
        /// How many were typed.
        found: usize,
    },
    /// One group, as separated by the one typing, has another length.
    #[error("group {group} has {found} letters and digits instead of {GROUP_LEN}: compare it with the paper")]
    GroupLength {
        /// Which, from 1.
        group: usize,
        /// How many it has.
        found: usize,
    },
    /// A character that no recovery key has.
    #[error("group {group} has a character that no recovery key has: compare it with the paper")]
    Character {
        /// Which group, from 1.
        group: usize,
    },
    /// The group's own check fails.
    #[error("there is a slip in group {group}, or it is not in its place: compare it with the paper")]
    Group {
        /// Which, from 1.
        group: usize,
    },
    /// Every group's check holds and the checksum of the whole does not.
    #[error("there is more than one slip, or two recovery keys are mixed: compare every group with the paper")]
    Whole,
}

/// A recovery key: 128 random bits.
pub struct RecoveryKey(Zeroizing<[u8; 16]>);

impl RecoveryKey {
    /// A new one.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut secret = Zeroizing::new([0; 16]);
        rng.fill(secret.as_mut_slice());
        Self(secret)
    }

    /// Reads a typed one. Case, spaces and dashes do not matter; O is read as 0, and I and L as 1.
    pub fn parse(typed: &SecretBytes) -> Result<Self, RecoveryKeyError> {
        let symbols = read_symbols(exposed(typed))?;
        let mut bits = Zeroizing::new([0; 20]);
        for (at, group) in symbols.chunks_exact(GROUP_LEN).enumerate() {
            if group[DATA_LEN] != check_symbol(&group[..DATA_LEN], at) {
                return Err(RecoveryKeyError::Group { group: at + 1 });
            }
            for (data_at, symbol) in group[..DATA_LEN].iter().enumerate() {
                let first_bit = (at * DATA_LEN + data_at) * 5;
                for bit in 0..5 {
                    bits[(first_bit + bit) / 8] |= (symbol >> (4 - bit) & 1) << (7 - (first_bit + bit) % 8);
                }
            }
        }
        let mut secret = Zeroizing::new([0; 16]);
        secret.copy_from_slice(&bits[..16]);
        if bits[16..] != checksum(&secret) {
            return Err(RecoveryKeyError::Whole);
        }
        Ok(Self(secret))
    }

    /// The printed form, groups separated by `-`: shown once, to be written down.
    pub fn reveal(&self) -> SecretBytes {
        let mut text = Vec::with_capacity(SYMBOLS + GROUPS - 1);
        for group in self.symbols().chunks_exact(GROUP_LEN) {
            if !text.is_empty() {
                text.push(b'-');
            }
            text.extend(group.iter().map(|symbol| ALPHABET[usize::from(*symbol)]));
        }
        SecretBytes::new(text)
    }

    /// The slot's key: HKDF-SHA512 over the 128 bits.
    pub fn slot_key(&self) -> SlotKey {
        SlotKey(Key::filled(|key| {
            hkdf::Salt::none(hkdf::HKDF_SHA512)
                .extract(self.0.as_slice())
                .expand(&[b"freehold recovery key 1"], KeyLen)
                .and_then(|okm| okm.fill(key))
                .expect("32 bytes of HKDF-SHA512");
        }))
    }

    /// Two groups, from 1, in their order, that the owner types back to show that the key was written down.
    pub fn confirm_challenge(rng: &dyn Rng) -> [usize; 2] {
        let mut random = [0; 2];
        rng.fill(&mut random);
        let first = usize::from(random[0]) % GROUPS;
        let second = (first + 1 + usize::from(random[1]) % (GROUPS - 1)) % GROUPS;
        [first.min(second) + 1, first.max(second) + 1]
    }

    /// Whether each typed group is the one of its number. At least one must be given.
    pub fn confirms(&self, typed: &[(usize, &SecretBytes)]) -> bool {
        let symbols = self.symbols();
        let is_group = |number: usize, text: &SecretBytes| {
            let own = number.checked_sub(1).and_then(|at| symbols.chunks_exact(GROUP_LEN).nth(at));
            let typed = exposed(text).iter().filter(|byte| !is_separator(**byte)).map(|byte| symbol(*byte));
            let typed = Zeroizing::new(typed.collect::<Option<Vec<u8>>>().unwrap_or_default());
            own.is_some_and(|own| verify_slices_are_equal(own, &typed).is_ok())
        };
        !typed.is_empty() && typed.iter().all(|(number, text)| is_group(*number, text))
    }

    fn symbols(&self) -> Zeroizing<[u8; SYMBOLS]> {
        let mut bits = Zeroizing::new([0; 20]);
        bits[..16].copy_from_slice(self.0.as_slice());
        bits[16..].copy_from_slice(&checksum(&self.0));
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        for (at, group) in symbols.chunks_exact_mut(GROUP_LEN).enumerate() {
            let (data, check) = group.split_at_mut(DATA_LEN);
            for (data_at, symbol) in data.iter_mut().enumerate() {
                let first_bit = (at * DATA_LEN + data_at) * 5;
                for bit in first_bit..first_bit + 5 {
                    *symbol = *symbol << 1 | (bits[bit / 8] >> (7 - bit % 8) & 1);
                }
            }
            check[0] = check_symbol(data, at);
        }
        symbols
    }
}

const GROUPS: usize = 8;
const GROUP_LEN: usize = 5;
const DATA_LEN: usize = 4;
const SYMBOLS: usize = GROUPS * GROUP_LEN;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct KeyLen;

impl hkdf::KeyType for KeyLen {
    fn len(&self) -> usize {
        32
    }
}

fn checksum(secret: &[u8; 16]) -> [u8; 4] {
    let hash = digest::digest(&digest::SHA256, secret);
    let mut checksum = [0; 4];
    checksum.copy_from_slice(&hash.as_ref()[..4]);
    checksum
}

/// The sum of the group's symbols in GF(32), each times its own power of the generator, plus one for the group's place. Any one
/// wrong symbol and any two exchanged symbols change it.
fn check_symbol(data: &[u8], place: usize) -> u8 {
    // A place's own number, so that two whole groups exchanged show too.
    let place = place as u8 + 1;
    data.iter().fold(place, |sum, symbol| double(sum ^ symbol))
}

/// Times the generator in GF(32), modulo x^5 + x^2 + 1.
fn double(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 0b10_0000 == 0 { shifted } else { shifted ^ 0b10_0101 }
}

fn is_separator(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_whitespace()
}

fn symbol(byte: u8) -> Option<u8> {
    let byte = match byte.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    ALPHABET.iter().position(|known| *known == byte).map(|at| at as u8)
}

fn read_symbols(typed: &[u8]) -> Result<Zeroizing<[u8; SYMBOLS]>, RecoveryKeyError> {
    let groups = || typed.split(|byte| is_separator(*byte)).filter(|group| !group.is_empty());
    let found = groups().map(<[u8]>::len).sum();
    if found != SYMBOLS {
        // Separated as printed, the one group that is too short or too long can be named.
        let uneven = groups().zip(1..).find(|(group, _)| group.len() != GROUP_LEN);
        return Err(match uneven {
            Some((group, number)) if groups().count() == GROUPS => {
                RecoveryKeyError::GroupLength { group: number, found: group.len() }
            }
            _ => RecoveryKeyError::Length { found },
        });
    }
    let mut symbols = Zeroizing::new([0; SYMBOLS]);
    for (at, byte) in groups().flatten().enumerate() {
        symbols[at] = symbol(*byte).ok_or(RecoveryKeyError::Character { group: at / GROUP_LEN + 1 })?;
    }
    Ok(symbols)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRng;

    fn printed(key: &RecoveryKey) -> String {
        String::from_utf8(exposed(&key.reveal()).to_vec()).expect("text")
    }

    fn parse(text: &str) -> Result<[u8; 16], RecoveryKeyError> {
        RecoveryKey::parse(&SecretBytes::from(text.to_owned())).map(|key| *key.0)
    }

    #[test]
    fn it_is_read_however_it_is_typed() {
        let key = RecoveryKey::generate(&OsRng);
        let text = printed(&key);
        assert_eq!(text.len(), 47);
        let loose = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        for typed in [text.clone(), text.replace('-', ""), format!("  {loose}\n")] {
            assert_eq!(parse(&typed), Ok(*key.0), "{typed}");
        }
    }

    #[test]
    fn every_single_slip_is_found_in_its_group() {
        let text = printed(&RecoveryKey::generate(&OsRng));
        for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
            for wrong in ALPHABET.iter().filter(|wrong| **wrong != text.as_bytes()[at]) {
                let mut typed = text.clone().into_bytes();
                typed[at] = *wrong;
                let typed = String::from_utf8(typed).expect("text");
                assert_eq!(parse(&typed), Err(RecoveryKeyError::Group { group: at / 6 + 1 }), "{typed}");
            }
        }
    }

    #[test]
    fn exchanged_symbols_and_groups_are_found() {
        let text = printed(&RecoveryKey::generate(&OsRng));
        let groups: Vec<&str> = text.split('-').collect();
        for (at, group) in groups.iter().enumerate() {
            for (one, two) in (0..GROUP_LEN).flat_map(|one| (0..one).map(move |two| (one, two))) {
                let mut symbols = group.as_bytes().to_vec();
                symbols.swap(one, two);
                if symbols != group.as_bytes() {
                    let slipped = String::from_utf8(symbols).expect("text");
                    let mut typed = groups.clone();
                    typed[at] = &slipped;
                    assert_eq!(parse(&typed.join("-")), Err(RecoveryKeyError::Group { group: at + 1 }));
                }
            }
            for other in 0..at {
                let mut typed = groups.clone();
                typed.swap(at, other);
                if typed != groups {
                    assert!(matches!(parse(&typed.join("-")), Err(RecoveryKeyError::Group { .. })));
                }
            }
        }
    }

    #[test]
    fn groups_of_two_keys_do_not_mix() {
        let one = printed(&RecoveryKey::generate(&OsRng));
        let two = printed(&RecoveryKey::generate(&OsRng));
        let mixed = format!("{}{}", &one[..24], &two[24..]);
        assert_eq!(parse(&mixed), Err(RecoveryKeyError::Whole));
    }

    #[test]
    fn a_wrong_length_is_said_with_its_group() {
        let text = printed(&RecoveryKey::generate(&OsRng));
        let mut groups: Vec<String> = text.split('-').map(str::to_owned).collect();
        assert_eq!(parse(""), Err(RecoveryKeyError::Length { found: 0 }));
        assert_eq!(parse(&groups[..7].join("-")), Err(RecoveryKeyError::Length { found: 35 }));
        groups[2].pop();
        assert_eq!(parse(&groups.join("-")), Err(RecoveryKeyError::GroupLength { group: 3, found: 4 }));
        assert_eq!(parse(&groups.concat()), Err(RecoveryKeyError::Length { found: 39 }));
        groups[2].push('U');
        assert_eq!(parse(&groups.join("-")), Err(RecoveryKeyError::Character { group: 3 }));
    }

    #[test]
    fn typing_part_of_it_back_confirms_it() {
        let key = RecoveryKey::generate(&OsRng);
        let text = printed(&key);
        let group = |number: usize| SecretBytes::from(text.split('-').nth(number - 1).expect("a group").to_lowercase());
        for _ in 0..200 {
            let [one, two] = RecoveryKey::confirm_challenge(&OsRng);
            assert!(1 <= one && one < two && two <= GROUPS, "{one} {two}");
            assert!(key.confirms(&[(one, &group(one)), (two, &group(two))]));
            assert!(!key.confirms(&[(one, &group(one)), (two, &group(one))]));
        }
        assert!(!key.confirms(&[]));
        assert!(!key.confirms(&[(0, &group(1))]) && !key.confirms(&[(9, &group(8))]));
        assert!(!key.confirms(&[(1, &SecretBytes::from(String::new()))]));
        assert!(!key.confirms(&[(1, &SecretBytes::from("UUUUU".to_owned()))]));
    }
}
