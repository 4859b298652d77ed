//! Tokens: what the CLI, an API caller or a console session shows to be let in. Only their hashes are kept.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use data_encoding::BASE64URL_NOPAD;
use freehold_core::{Rng, SecretBytes};
use zeroize::Zeroizing;

/// A new token and its hash: `freehold_` and 43 characters of base64url (RFC 4648), 32 random bytes. The prefix lets scanners for
/// leaked secrets recognise one.
pub fn new_token(rng: &dyn Rng) -> (SecretBytes, [u8; 32]) {
    let mut random = Zeroizing::new([0; 32]);
    rng.fill(random.as_mut_slice());
    let mut text = vec![0; PREFIX.len() + BASE64URL_NOPAD.encode_len(random.len())];
    text[..PREFIX.len()].copy_from_slice(PREFIX);
    BASE64URL_NOPAD.encode_mut(random.as_slice(), &mut text[PREFIX.len()..]);
    let hash = hash_token(&text);
    (SecretBytes::new(text), hash)
}

/// The SHA-256 of a token, to keep and to look up by. A plain hash is enough: there are 256 random bits to guess.
pub fn hash_token(token: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
    hash
}

/// Whether `presented` is the token of that hash, in constant time.
pub fn token_matches(presented: &[u8], hash: &[u8; 32]) -> bool {
    verify_slices_are_equal(&hash_token(presented), hash).is_ok()
}

const PREFIX: &[u8] = b"freehold_";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OsRng, payload::exposed};

    #[test]
    fn a_token_matches_its_hash_alone() {
        let ((token, hash), (other, _)) = (new_token(&OsRng), new_token(&OsRng));
        assert_eq!(token.len(), 52);
        assert!(token_matches(exposed(&token), &hash));
        assert!(!token_matches(exposed(&other), &hash));
        assert!(!token_matches(b"", &hash) && !token_matches(&hash, &hash));
    }
}
