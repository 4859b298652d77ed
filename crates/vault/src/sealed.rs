//! The one construction every seal and every wrap uses.
//!
//! ```text
//! magic "FHLD" | format | algorithm | key generation (4) | salt (32) | commitment (32) | ciphertext and tag
//!
//! key (32) + commitment (32) = HKDF-SHA512(ikm = the wrapping key, salt, info = context)
//! ciphertext                 = AES-256-GCM(key, nonce = 0, plaintext, additional data = context)
//! ```
//!
//! The nonce may be zero because the salt is fresh and the key is used for this one message. The commitment is what AES-GCM lacks:
//! without it a ciphertext can be made that opens under two keys. The header only selects; what binds is the caller's context.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time::verify_slices_are_equal,
    hkdf,
};
use freehold_core::{Rng, SealedBytes};
use zeroize::Zeroizing;

use crate::{
    context::{ALGORITHM, Context, FORMAT, MAGIC},
    key::Key,
};

const GENERATION_AT: usize = MAGIC.len() + 2;
pub(crate) const SALT_AT: usize = GENERATION_AT + 4;
const COMMITMENT_AT: usize = SALT_AT + 32;
const CIPHERTEXT_AT: usize = COMMITMENT_AT + 32;
pub(crate) const TAG_LEN: usize = 16;

/// Why sealed bytes did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// Not laid out as this format, or naming another generation.
    Header,
    /// Another key, another context, or a damaged salt or commitment: these cannot be told apart.
    Commitment,
    /// Key and context are right and the ciphertext is damaged.
    Content,
}

/// Seals `plaintext` under `key` for `context`.
pub(crate) fn seal(key: &Key, context: &Context<'_>, plaintext: &[u8], rng: &dyn Rng) -> SealedBytes {
    let mut salt = [0; 32];
    rng.fill(&mut salt);
    let encoded = context.encode();
    let derived = derive(key, &salt, &encoded);
    let (one_use_key, commitment) = derived.split_at(32);

    let mut out = Vec::with_capacity(CIPHERTEXT_AT + plaintext.len() + TAG_LEN);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[FORMAT, ALGORITHM]);
    out.extend_from_slice(&context.generation().to_be_bytes());
    out.extend_from_slice(&salt);
    out.extend_from_slice(commitment);
    out.extend_from_slice(plaintext);
    let tag = cipher(one_use_key)
        .seal_in_place_separate_tag(zero_nonce(), Aad::from(&encoded), &mut out[CIPHERTEXT_AT..])
        .expect("a message far below AES-GCM's limit seals");
    out.extend_from_slice(tag.as_ref());
    SealedBytes(out)
}

/// The generation named in the header, if the bytes are laid out as this format.
pub(crate) fn generation(sealed: &SealedBytes) -> Option<u32> {
    let bytes = &sealed.0;
    let known =
        bytes.len() >= CIPHERTEXT_AT + TAG_LEN && bytes.starts_with(&MAGIC) && bytes[4] == FORMAT && bytes[5] == ALGORITHM;
    known.then(|| u32::from_be_bytes([bytes[6], bytes[7], bytes[8], bytes[9]]))
}

/// Opens what `seal` made under the same key for the same context.
pub(crate) fn open(key: &Key, context: &Context<'_>, sealed: &SealedBytes) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
    if generation(sealed) != Some(context.generation()) {
        return Err(NotOpened::Header);
    }
    let (salt, commitment, ciphertext) =
        (&sealed.0[SALT_AT..COMMITMENT_AT], &sealed.0[COMMITMENT_AT..CIPHERTEXT_AT], &sealed.0[CIPHERTEXT_AT..]);
    let encoded = context.encode();
    let derived = derive(key, salt, &encoded);
    let (one_use_key, expected) = derived.split_at(32);
    verify_slices_are_equal(commitment, expected).map_err(|_| NotOpened::Commitment)?;

    let mut content = Zeroizing::new(ciphertext.to_vec());
    let plaintext_len = cipher(one_use_key)
        .open_in_place(zero_nonce(), Aad::from(&encoded), &mut content)
        .map_err(|_| NotOpened::Content)?
        .len();
    content.truncate(plaintext_len);
    Ok(content)
}

/// 32 bytes derived from `key` for `context` alone, for uses other than sealing. Each context has its own purpose.
pub(crate) fn subkey(key: &Key, context: &Context<'_>) -> Key {
    let derived = derive(key, &[], &context.encode());
    Key::filled(|bytes| bytes.copy_from_slice(&derived[..32]))
}

pub(crate) fn derive(key: &Key, salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 64]> {
    let mut out = Zeroizing::new([0; 64]);
    hkdf::Salt::new(hkdf::HKDF_SHA512, salt)
        .extract(key.bytes())
        .expand(&[info], hkdf::HKDF_SHA512)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .expect("one block of HKDF-SHA512");
    out
}

pub(crate) fn cipher(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
}

fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use freehold_core::OwnerId;

    use super::*;
    use crate::OsRng;

    #[test]
    fn each_refusal_has_its_own_cause() {
        let owner = OwnerId::parse("own_00000000000000000000000001").expect("an owner's id");
        let (key, context) = (Key::random(&OsRng), Context::KeyCheck { owner });
        let sealed = seal(&key, &context, b"secret", &OsRng);
        let changed = |at: usize| {
            let mut bytes = sealed.clone();
            bytes.0[at] ^= 1;
            open(&key, &context, &bytes).map(|_| ())
        };
        for at in 0..SALT_AT {
            assert_eq!(changed(at), Err(NotOpened::Header), "byte {at}");
        }
        for at in SALT_AT..CIPHERTEXT_AT {
            assert_eq!(changed(at), Err(NotOpened::Commitment), "byte {at}");
        }
        for at in CIPHERTEXT_AT..sealed.0.len() {
            assert_eq!(changed(at), Err(NotOpened::Content), "byte {at}");
        }
        assert_eq!(open(&Key::random(&OsRng), &context, &sealed).map(|_| ()), Err(NotOpened::Commitment));
        assert_eq!(open(&key, &context, &sealed).expect("it opens").as_slice(), b"secret");
    }
}
