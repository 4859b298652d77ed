//! Mailbox names as IMAP writes them: modified UTF-7 (RFC 3501 section 5.1.3).

use data_encoding::{BASE64_NOPAD, Encoding, Specification};

/// The name a person reads. A name that is not modified UTF-7 is returned as it came: some servers send plain UTF-8.
pub(crate) fn decode(name: &str) -> String {
    try_decode(name).unwrap_or_else(|| name.to_owned())
}

/// The name in double quotes, as a command carries it.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn try_decode(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((plain, shifted)) = rest.split_once('&') {
        out.push_str(plain);
        let (encoded, after) = shifted.split_once('-')?;
        rest = after;
        if encoded.is_empty() {
            out.push('&');
            continue;
        }
        let bytes = alphabet().decode(encoded.as_bytes()).ok()?;
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        out.push_str(&String::from_utf16(&units).ok()?);
    }
    out.push_str(rest);
    Some(out)
}

/// Base64 with `,` for `/`, no padding, and leftover bits ignored, as clients write it.
fn alphabet() -> Encoding {
    let mut specification: Specification = BASE64_NOPAD.specification();
    specification.symbols = specification.symbols.replace('/', ",");
    specification.check_trailing_bits = false;
    specification.encoding().unwrap_or(BASE64_NOPAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_other_alphabets_are_decoded() {
        // The example of RFC 3501 section 5.1.3.
        assert_eq!(decode("~peter/mail/&U,BTFw-/&ZeVnLIqe-"), "~peter/mail/台北/日本語");
        assert_eq!(decode("Entw&APw-rfe"), "Entwürfe");
        assert_eq!(decode("Reisen &- Meer"), "Reisen & Meer");
        assert_eq!(decode("&2D3eAA-"), "😀");
    }

    #[test]
    fn a_name_that_is_not_modified_utf7_stays_as_it_is() {
        for name in ["a & b", "&!!-", "Gelöscht", "&2D0-"] {
            assert_eq!(decode(name), name);
        }
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quote(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
