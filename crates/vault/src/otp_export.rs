//! What an authenticator app hands on to another: `otpauth-migration://offline?data=…`, a Protocol Buffers message in base64. There is
//! no specification; these are the fields that the apps agree on.
//!
//! ```text
//! message { 1: account, repeated   3: how many QR codes the export takes }
//! account { 1: secret   4: algorithm   5: digits   6: kind }
//! ```

use data_encoding::{BASE32_NOPAD, BASE64};
use freehold_core::SecretBytes;
use zeroize::Zeroizing;

use crate::otp_seed::OtpSeedError;

/// How such a URI begins.
pub(crate) const START: &str = "otpauth-migration://";

/// An account of the export, its numbers as they are there; 0 is "not said".
#[derive(Default)]
struct Account<'a> {
    secret: &'a [u8],
    algorithm: u64,
    digits: u64,
    kind: u64,
}

/// The `otpauth://totp` URI of the one account in an export. The period is 30 seconds: an export has no other.
pub(crate) fn uri(export: &str) -> Result<SecretBytes, OtpSeedError> {
    let message = message(export).ok_or(OtpSeedError::Export)?;
    let (mut accounts, mut codes) = (Vec::new(), 1);
    for field in Fields(&message) {
        match field.ok_or(OtpSeedError::Export)? {
            (1, Value::Bytes(account)) => accounts.push(account),
            (3, Value::Number(number)) => codes = number,
            _ => {}
        }
    }
    let account = match accounts.as_slice() {
        [account] if codes <= 1 => read_account(account).ok_or(OtpSeedError::Export)?,
        [] => return Err(OtpSeedError::Export),
        _ => return Err(OtpSeedError::SeveralExported),
    };
    let algorithm = match account.algorithm {
        0 | 1 => "SHA1",
        2 => "SHA256",
        3 => "SHA512",
        _ => return Err(OtpSeedError::Algorithm),
    };
    let digits = match account.digits {
        0 | 1 => "6",
        2 => "8",
        _ => return Err(OtpSeedError::Digits),
    };
    if account.kind == 1 {
        return Err(OtpSeedError::Hotp);
    }
    let settings = format!("&algorithm={algorithm}&digits={digits}");
    let start = b"otpauth://totp/?secret=";
    let mut uri = vec![0; start.len() + BASE32_NOPAD.encode_len(account.secret.len()) + settings.len()];
    let (before, rest) = uri.split_at_mut(start.len());
    let (secret, after) = rest.split_at_mut(BASE32_NOPAD.encode_len(account.secret.len()));
    before.copy_from_slice(start);
    BASE32_NOPAD.encode_mut(account.secret, secret);
    after.copy_from_slice(settings.as_bytes());
    Ok(SecretBytes::new(uri))
}

/// The bytes of `data`, which is base64 and, being in a URI, may have `+`, `/` and `=` escaped.
fn message(export: &str) -> Option<Zeroizing<Vec<u8>>> {
    let query = export.split_once('?')?.1;
    let data = query.split('&').find_map(|pair| pair.strip_prefix("data="))?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(data.len() + 3));
    let mut rest = data.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match (byte, tail) {
            (b'%', [b'2', b'B' | b'b', tail @ ..]) => (b'+', tail),
            (b'%', [b'2', b'F' | b'f', tail @ ..]) => (b'/', tail),
            (b'%', [b'3', b'D' | b'd', tail @ ..]) => (b'=', tail),
            (b' ', tail) => (b'+', tail),
            other => other,
        };
        base64.push(byte);
        rest = tail;
    }
    while base64.len() % 4 != 0 {
        base64.push(b'=');
    }
    let mut message = Zeroizing::new(vec![0; BASE64.decode_len(base64.len()).ok()?]);
    let len = BASE64.decode_mut(&base64, &mut message).ok()?;
    message.truncate(len);
    Some(message)
}

fn read_account(bytes: &[u8]) -> Option<Account<'_>> {
    let mut account = Account::default();
    for field in Fields(bytes) {
        match field? {
            (1, Value::Bytes(secret)) => account.secret = secret,
            (4, Value::Number(number)) => account.algorithm = number,
            (5, Value::Number(number)) => account.digits = number,
            (6, Value::Number(number)) => account.kind = number,
            _ => {}
        }
    }
    (!account.secret.is_empty()).then_some(account)
}

/// The fields of a message, by number; `None` in place of what is no field.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a width that nothing here has.
    Other,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(|_| Value::Other)?,
            2 => {
                let len = self.number()?;
                Value::Bytes(self.bytes(usize::try_from(len).ok()?)?)
            }
            5 => self.bytes(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    /// Seven bits a byte, the lowest first, with the eighth set in all but the last.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.bytes(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::otp_seed::normalise;
    use crate::payload::exposed;

    /// "12345678901234567890", named and issued as apps do.
    fn account(algorithm: u8, digits: u8, kind: u8) -> Vec<u8> {
        let mut account = vec![0x0a, 20];
        account.extend(b"12345678901234567890\x12\x03ada\x1a\x04Shop");
        account.extend([0x20, algorithm, 0x28, digits, 0x30, kind]);
        account
    }

    fn export(accounts: &[Vec<u8>], codes: u8) -> String {
        let mut message = Vec::new();
        for account in accounts {
            message.extend([0x0a, account.len() as u8]);
            message.extend(account);
        }
        // Version, size of the batch, place in it, and its number, which is negative and ten bytes long.
        message.extend([0x10, 1, 0x18, codes, 0x20, 0, 0x28]);
        message.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        format!("otpauth-migration://offline?data={}", BASE64.encode(&message))
    }

    fn read(export: &str) -> Result<String, OtpSeedError> {
        let seed = normalise(&SecretBytes::from(export.to_owned()))?;
        Ok(String::from_utf8(exposed(&seed).to_vec()).expect("text"))
    }

    #[test]
    fn one_account_is_the_same_seed_as_its_own_uri() {
        let own = "otpauth://totp/Shop:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let one = export(&[account(1, 1, 2)], 1);
        assert_eq!(read(&one), read(own));
        assert_eq!(
            read(
                &one.replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D")
                    .replace("%2F%2Foffline", "//offline")
                    .replace("data%3D", "data=")
            ),
            read(own)
        );
        assert_eq!(read(&export(&[account(0, 0, 0)], 0)), read(own), "nothing said is the usual");
        assert_eq!(read(&export(&[account(3, 2, 2)], 1)), read(&format!("{own}&algorithm=SHA512&digits=8")));
    }

    #[test]
    fn what_is_wrong_with_an_export_is_said() {
        use OtpSeedError::*;
        assert_eq!(read(&export(&[account(1, 1, 2), account(1, 1, 2)], 1)), Err(SeveralExported));
        assert_eq!(read(&export(&[account(1, 1, 2)], 2)), Err(SeveralExported), "the others are in another picture");
        assert_eq!(read(&export(&[account(1, 1, 1)], 1)), Err(Hotp));
        assert_eq!(read(&export(&[account(4, 1, 2)], 1)), Err(Algorithm), "MD5");
        assert_eq!(read(&export(&[account(1, 3, 2)], 1)), Err(Digits));
        assert_eq!(read(&export(&[], 1)), Err(Export));
        assert_eq!(read(&export(&[vec![0x20, 1]], 1)), Err(Export), "an account without a secret");
        for damaged in [
            "otpauth-migration://offline",
            "otpauth-migration://offline?data=CgA&x",
            "otpauth-migration://offline?data=Cv8=",
        ] {
            assert_eq!(read(damaged), Err(Export), "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn no_message_is_too_strange(message: Vec<u8>) {
            let _ = read(&format!("otpauth-migration://offline?data={}", BASE64.encode(&message)));
        }
    }
}
