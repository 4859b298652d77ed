//! Seeds of one-time codes (RFC 6238), as people paste them: bare base32, the `otpauth://` URI behind a QR code, or the one behind the
//! QR code in which an authenticator app hands on what it has.

use data_encoding::{BASE32_NOPAD, Encoding, Specification};
use freehold_core::SecretBytes;
use zeroize::Zeroizing;

use crate::otp_export;
use crate::payload::exposed;

/// What is wrong with a pasted seed. Nothing here repeats what was pasted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtpSeedError {
    /// Nothing was pasted.
    #[error("no seed was given: paste the setup key the provider shows beside its QR code")]
    Empty,
    /// A URI of another kind.
    #[error("this URI is not for time-based codes: it has to start with otpauth://totp/")]
    NotTotp,
    /// Codes that count up (RFC 4226) instead of going by the time.
    #[error("this is for codes that count up (HOTP): Freehold makes those that go by the time (TOTP)")]
    Hotp,
    /// A QR code with a web address.
    #[error("this QR code holds a web address: give the one that is meant for an authenticator app")]
    WebAddress,
    /// A QR code for something else.
    #[error("this QR code is not for an authenticator app: give the one that is")]
    OtherCode,
    /// What an app exported, of more than one account.
    #[error("this export holds more than one account: export this one alone, and give that")]
    SeveralExported,
    /// What an app exported, and cannot be read.
    #[error("this export of an authenticator app cannot be read: export the account again")]
    Export,
    /// A URI with no seed in it.
    #[error("this otpauth URI has no secret in it: copy it again, whole")]
    NoSecret,
    /// A parameter given twice.
    #[error("this otpauth URI gives {parameter} twice")]
    Twice {
        /// Which.
        parameter: &'static str,
    },
    /// Not base32.
    #[error("the seed is not base32 (letters A to Z and digits 2 to 7): copy it again, whole")]
    NotBase32,
    /// Fewer bytes than any provider gives.
    #[error("the seed has {bytes} bytes and should have at least {MIN_BYTES}: copy it again, whole")]
    TooShort {
        /// How many bytes.
        bytes: usize,
    },
    /// More bytes than any provider gives.
    #[error("the seed has {bytes} bytes and may have at most {MAX_BYTES}: paste only the seed")]
    TooLong {
        /// How many bytes.
        bytes: usize,
    },
    /// Another hash function than RFC 6238 has.
    #[error("this otpauth URI asks for a hash function other than SHA1, SHA256 and SHA512")]
    Algorithm,
    /// Another number of digits.
    #[error("this otpauth URI asks for a number of digits other than 6, 7 and 8")]
    Digits,
    /// A period that is no number of seconds from 1 to 300.
    #[error("this otpauth URI asks for a period other than 1 to {MAX_PERIOD} seconds")]
    Period,
}

/// Checks a pasted seed and gives its one form, `otpauth://totp/?secret=…&algorithm=SHA1&digits=6&period=30`, with RFC 6238's usual
/// values where none were given and without the label, which names the account.
pub fn normalise(pasted: &SecretBytes) -> Result<SecretBytes, OtpSeedError> {
    let text = std::str::from_utf8(exposed(pasted)).map_err(|_| OtpSeedError::NotBase32)?.trim();
    if text.is_empty() {
        return Err(OtpSeedError::Empty);
    }
    if starts(text, otp_export::START) {
        return normalise(&otp_export::uri(text)?);
    }
    let parts = if text.contains("://") { uri_parts(text)? } else { Parts { secret: text, ..Parts::default() } };
    let seed = decode_base32(parts.secret)?;
    let algorithm = match parts.algorithm {
        None => "SHA1",
        Some(name) => ["SHA1", "SHA256", "SHA512"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .ok_or(OtpSeedError::Algorithm)?,
    };
    let digits = number(parts.digits, 6).filter(|digits| (6..=8).contains(digits)).ok_or(OtpSeedError::Digits)?;
    let period = number(parts.period, 30).filter(|period| (1..=MAX_PERIOD).contains(period)).ok_or(OtpSeedError::Period)?;

    let settings = format!("&algorithm={algorithm}&digits={digits}&period={period}");
    let secret_len = BASE32_NOPAD.encode_len(seed.len());
    let mut out = vec![0; START.len() + secret_len + settings.len()];
    out[..START.len()].copy_from_slice(START);
    BASE32_NOPAD.encode_mut(&seed, &mut out[START.len()..START.len() + secret_len]);
    out[START.len() + secret_len..].copy_from_slice(settings.as_bytes());
    Ok(SecretBytes::new(out))
}

/// The same for what a QR code says, which is nothing a person chose to paste.
pub fn from_qr_code(said: &SecretBytes) -> Result<SecretBytes, OtpSeedError> {
    let text = std::str::from_utf8(exposed(said)).map_err(|_| OtpSeedError::OtherCode)?;
    match text {
        text if starts(text, "otpauth") => normalise(said),
        text if starts(text, "http://") || starts(text, "https://") => Err(OtpSeedError::WebAddress),
        _ => Err(OtpSeedError::OtherCode),
    }
}

const START: &[u8] = b"otpauth://totp/?secret=";
/// 80 bits: less than RFC 4226 asks for (128), and what large providers still give.
const MIN_BYTES: usize = 10;
const MAX_BYTES: usize = 128;
const MAX_PERIOD: u32 = 300;

#[derive(Default)]
struct Parts<'a> {
    secret: &'a str,
    algorithm: Option<&'a str>,
    digits: Option<&'a str>,
    period: Option<&'a str>,
}

fn uri_parts(uri: &str) -> Result<Parts<'_>, OtpSeedError> {
    if starts(uri, "otpauth://hotp/") {
        return Err(OtpSeedError::Hotp);
    }
    let after = if starts(uri, OTPAUTH_TOTP) { &uri[OTPAUTH_TOTP.len()..] } else { return Err(OtpSeedError::NotTotp) };
    if !after.is_empty() && !after.starts_with(['/', '?']) {
        return Err(OtpSeedError::NotTotp);
    }
    let query = after.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let mut secret = None;
    let mut parts = Parts::default();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let (parameter, place) = match name.to_ascii_lowercase().as_str() {
            "secret" => ("secret", &mut secret),
            "algorithm" => ("algorithm", &mut parts.algorithm),
            "digits" => ("digits", &mut parts.digits),
            "period" => ("period", &mut parts.period),
            _ => continue,
        };
        // Which of two a provider would use is anyone's guess.
        if place.replace(value).is_some() {
            return Err(OtpSeedError::Twice { parameter });
        }
    }
    parts.secret = secret.filter(|secret| !secret.is_empty()).ok_or(OtpSeedError::NoSecret)?;
    Ok(parts)
}

const OTPAUTH_TOTP: &str = "otpauth://totp";

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn number(text: Option<&str>, usual: u32) -> Option<u32> {
    text.map_or(Some(usual), |text| text.parse().ok())
}

pub(crate) fn decode_base32(text: &str) -> Result<Zeroizing<Vec<u8>>, OtpSeedError> {
    // People copy seeds with the spaces and dashes that make them readable, and URIs carry the padding as %3D.
    let unpadded = text.trim_end_matches("%3D").trim_end_matches("%3d").trim_end_matches('=');
    let mut symbols = Zeroizing::new(Vec::with_capacity(unpadded.len()));
    symbols
        .extend(unpadded.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'\t')).map(|byte| byte.to_ascii_uppercase()));
    let encoding = lenient_base32();
    let len = encoding.decode_len(symbols.len()).map_err(|_| OtpSeedError::NotBase32)?;
    let mut seed = Zeroizing::new(vec![0; len]);
    encoding.decode_mut(&symbols, &mut seed).map_err(|_| OtpSeedError::NotBase32)?;
    match len {
        bytes if bytes < MIN_BYTES => Err(OtpSeedError::TooShort { bytes }),
        bytes if bytes > MAX_BYTES => Err(OtpSeedError::TooLong { bytes }),
        _ => Ok(seed),
    }
}

/// Base32 whose unused last bits may be anything: some providers draw the text at random rather than the bytes.
fn lenient_base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification.check_trailing_bits = false;
    specification.encoding().expect("32 different symbols")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(pasted: &str) -> Result<String, OtpSeedError> {
        let seed = normalise(&SecretBytes::from(pasted.to_owned()))?;
        Ok(String::from_utf8(exposed(&seed).to_vec()).expect("text"))
    }

    #[test]
    fn a_seed_has_one_form_however_it_was_pasted() {
        let plain = "otpauth://totp/?secret=GEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30";
        let pasted = [
            "GEZDGNBVGY3TQOJQ",
            " gezd gnbv-gy3t qojq\n",
            "otpauth://totp/Shop:ada%40mail.example?secret=GEZDGNBVGY3TQOJQ&issuer=Shop",
            "OTPAUTH://TOTP/x?SECRET=gezdgnbvgy3tqojq&Algorithm=sha1&Digits=6&Period=30#x",
            plain,
        ];
        for pasted in pasted {
            assert_eq!(normalised(pasted).as_deref(), Ok(plain), "{pasted}");
        }
        let other = "otpauth://totp/?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA&algorithm=SHA256&digits=8&period=60";
        let padded = other.replace("GEZA&", "GEZA%3D%3D%3D%3D&");
        assert_eq!(normalised(&padded).as_deref(), Ok(other));
        assert_eq!(normalised("GEZDGNBVGY3TQOJQGB======"), normalised("GEZDGNBVGY3TQOJQGA"), "unused bits may be anything");
    }

    #[test]
    fn what_is_wrong_is_said() {
        use OtpSeedError::*;
        let uri = |rest: &str| normalised(&format!("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ{rest}")).expect_err("refused");
        assert_eq!(normalised(" \n"), Err(Empty));
        assert_eq!(normalised("GEZDGNBVGY3TQOJ1"), Err(NotBase32));
        assert_eq!(normalised("GEZDGNBVGY3TQOJQG"), Err(NotBase32));
        assert_eq!(normalised("GEZDGNBVGY3TQOJé"), Err(NotBase32));
        assert_eq!(normalised("GEZDGNBV"), Err(TooShort { bytes: 5 }));
        assert_eq!(normalised(&"GEZDGNBV".repeat(26)), Err(TooLong { bytes: 130 }));
        assert_eq!(normalised("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ&counter=1"), Err(Hotp));
        assert_eq!(normalised("otpauth://totpx?secret=GEZDGNBVGY3TQOJQ"), Err(NotTotp));
        assert_eq!(normalised("https://shop.example/?secret=GEZDGNBVGY3TQOJQ"), Err(NotTotp));
        assert_eq!(normalised("otpauth://totp/x"), Err(NoSecret));
        assert_eq!(normalised("otpauth://totp/x?secret=&digits=6"), Err(NoSecret));
        assert_eq!(uri("&secret=GEZDGNBVGY3TQOJQ"), Twice { parameter: "secret" });
        assert_eq!(uri("&digits=6&digits=8"), Twice { parameter: "digits" });
        assert_eq!(uri("&algorithm=MD5"), Algorithm);
        assert_eq!(uri("&digits=5"), Digits);
        assert_eq!(uri("&digits=six"), Digits);
        assert_eq!(uri("&period=0"), Period);
        assert_eq!(uri("&period=301"), Period);
    }

    #[test]
    fn what_a_qr_code_says_is_a_seed_or_something_else() {
        let said = |text: &str| from_qr_code(&SecretBytes::from(text.to_owned())).map(|seed| exposed(&seed).to_vec());
        let uri = "otpauth://totp/Shop?secret=GEZDGNBVGY3TQOJQ&algorithm=SHA256&digits=8&period=60";
        assert_eq!(said(uri), Ok(normalised(uri).expect("a seed").into_bytes()), "exactly as the same URI pasted");
        assert_eq!(said("https://shop.example/otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ"), Err(OtpSeedError::WebAddress));
        for other in ["WIFI:T:WPA;S:home;P:GEZDGNBVGY3TQOJQ;;", "GEZDGNBVGY3TQOJQ", ""] {
            assert_eq!(said(other), Err(OtpSeedError::OtherCode), "{other}");
        }
        assert_eq!(said("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ"), Err(OtpSeedError::Hotp));
        assert_eq!(said("otpauth-migration://offline?data=%%%"), Err(OtpSeedError::Export));
    }
}
