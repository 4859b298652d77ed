//! Codes of an authenticator app: RFC 6238 with SHA-1, six digits, steps of 30 seconds.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;

/// How long one code is shown, in seconds.
pub(crate) const STEP_SECONDS: i64 = 30;

/// The number of the step that `now` lies in.
pub(crate) fn step(now: Timestamp) -> i64 {
    now.as_second().div_euclid(STEP_SECONDS)
}

/// The code of a base32 `seed` in a step; empty if the seed is not base32.
pub(crate) fn code(seed: &str, step: i64) -> String {
    let Ok(key) = BASE32_NOPAD.decode(seed.as_bytes()) else { return String::new() };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&key) else { return String::new() };
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let start = usize::from(hash[19] & 0x0f);
    let number = hash[start..start + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The URI an authenticator app reads from a QR picture.
pub(crate) fn uri(issuer: &str, email: &str, seed: &str) -> String {
    let email = email.replace('@', "%40");
    let issuer = issuer.replace(' ', "%20").replace('&', "%26");
    format!("otpauth://totp/{issuer}:{email}?secret={seed}&issuer={issuer}&algorithm=SHA1&digits=6&period={STEP_SECONDS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let seed = BASE32_NOPAD.encode(b"12345678901234567890");
        for (seconds, expected) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            let now = Timestamp::from_second(seconds).unwrap();
            assert_eq!(code(&seed, step(now)), expected, "at {seconds}");
        }
    }
}
