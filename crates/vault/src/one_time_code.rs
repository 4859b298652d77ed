//! One-time codes made from a seed (RFC 6238).

use std::time::Duration;

use freehold_core::{SecretBytes, Timestamp};
use totp_rs::{Algorithm, Builder, Secret};
use zeroize::Zeroizing;

use crate::otp_seed;
use crate::payload::exposed;

/// A code, and how long it is good for.
pub struct OneTimeCode {
    /// The digits.
    pub code: SecretBytes,
    /// Seconds in one time step of this seed.
    pub period: u64,
    /// What is left of the present step.
    pub left: Duration,
}

/// The code of a seed, as [`otp_seed::normalise`] gives it, at that instant. None for a seed of another form.
pub fn one_time_code(seed: &SecretBytes, now: Timestamp) -> Option<OneTimeCode> {
    let text = std::str::from_utf8(exposed(seed)).ok()?;
    let query = text.split_once('?')?.1;
    let part = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let algorithm = match part("algorithm")? {
        "SHA1" => Algorithm::SHA1,
        "SHA256" => Algorithm::SHA256,
        "SHA512" => Algorithm::SHA512,
        _ => return None,
    };
    let key = otp_seed::decode_base32(part("secret")?).ok()?;
    let period: u64 = part("period")?.parse().ok()?;
    let seconds = u64::try_from(now.as_second()).ok()?;
    let totp = Builder::new()
        .with_algorithm(algorithm)
        .with_digits(part("digits")?.parse().ok()?)
        .with_step_duration(period)
        .with_secret(Secret::new(key.to_vec().into_boxed_slice()))
        .build_noncompliant();
    let code = Zeroizing::new(totp.generate(seconds).to_string());
    let left = Duration::from_secs(period - seconds % period);
    Some(OneTimeCode { code: SecretBytes::new(code.as_bytes().to_vec()), period, left })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the ASCII seeds "12345678901234567890…" of 20, 32 and 64 bytes, eight digits.
    #[test]
    fn the_vectors_of_rfc_6238() {
        let digits = "1234567890".repeat(7);
        let cases = [
            ("SHA1", 20, 59, "94287082"),
            ("SHA256", 32, 59, "46119246"),
            ("SHA512", 64, 59, "90693936"),
            ("SHA1", 20, 1_111_111_109, "07081804"),
            ("SHA256", 32, 1_234_567_890, "91819424"),
            ("SHA512", 64, 20_000_000_000, "47863826"),
        ];
        for (algorithm, len, at, expected) in cases {
            let secret = data_encoding::BASE32_NOPAD.encode(&digits.as_bytes()[..len]);
            let pasted = format!("otpauth://totp/x?secret={secret}&algorithm={algorithm}&digits=8");
            let seed = otp_seed::normalise(&SecretBytes::from(pasted)).expect("a seed");
            let code = one_time_code(&seed, Timestamp::from_second(at).expect("a time")).expect("a code");
            assert_eq!(exposed(&code.code), expected.as_bytes(), "{algorithm} at {at}");
            assert_eq!((code.period, code.left.as_secs()), (30, 30 - at as u64 % 30));
        }
    }
}
