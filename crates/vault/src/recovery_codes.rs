//! Recovery codes as people paste them.

use freehold_core::SecretBytes;

use crate::payload::exposed;

/// What is wrong with pasted codes. Nothing here repeats what was pasted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryCodesError {
    /// Nothing was pasted.
    #[error("no recovery codes were given: paste them one on a line")]
    Empty,
    /// Not text.
    #[error("recovery codes are printable text, and code {code} is not: paste them one on a line")]
    NotText {
        /// Which, from 1.
        code: usize,
    },
    /// Too short to be a code.
    #[error("code {code} has fewer than {MIN_CHARS} letters and digits: paste the codes one on a line, and nothing else")]
    TooShort {
        /// Which, from 1.
        code: usize,
    },
    /// Too long to be one code.
    #[error("code {code} has more than {MAX_CHARS} characters: paste the codes one on a line, and nothing else")]
    TooLong {
        /// Which, from 1.
        code: usize,
    },
    /// More than any provider gives.
    #[error("{found} codes were given and at most {MAX_CODES} are kept: paste the codes one on a line, and nothing else")]
    TooMany {
        /// How many.
        found: usize,
    },
}

/// Splits pasted text into codes, in their order and each once. Codes end at the end of a line, a comma, a semicolon, a tab or
/// two spaces; one space belongs to the code, since some providers print `1234 5678`. List numbers and bullets are dropped.
pub fn split(pasted: &SecretBytes) -> Result<Vec<SecretBytes>, RecoveryCodesError> {
    let text = std::str::from_utf8(exposed(pasted)).map_err(|_| RecoveryCodesError::NotText { code: 1 })?;
    let mut codes: Vec<&str> = Vec::new();
    let pieces = text.split(['\n', '\r', ',', ';', '\t']).flat_map(|line| line.split("  "));
    for piece in pieces.map(without_bullet).filter(|piece| !piece.is_empty()) {
        let code = codes.len() + 1;
        if piece.chars().any(|char| !char.is_ascii_graphic() && char != ' ') {
            return Err(RecoveryCodesError::NotText { code });
        }
        if significant(piece).count() < MIN_CHARS {
            return Err(RecoveryCodesError::TooShort { code });
        }
        if piece.len() > MAX_CHARS {
            return Err(RecoveryCodesError::TooLong { code });
        }
        if !codes.iter().any(|known| significant(known).eq(significant(piece))) {
            codes.push(piece);
        }
    }
    match codes.len() {
        0 => Err(RecoveryCodesError::Empty),
        found if found > MAX_CODES => Err(RecoveryCodesError::TooMany { found }),
        _ => Ok(codes.into_iter().map(|code| SecretBytes::new(code.as_bytes().to_vec())).collect()),
    }
}

/// The codes as one field to seal, one on a line; [`split`] gives them back.
pub fn join(codes: &[SecretBytes]) -> SecretBytes {
    let mut text = Vec::with_capacity(codes.iter().map(|code| code.len() + 1).sum());
    for code in codes {
        text.extend_from_slice(exposed(code));
        text.push(b'\n');
    }
    SecretBytes::new(text)
}

const MIN_CHARS: usize = 4;
const MAX_CHARS: usize = 64;
const MAX_CODES: usize = 100;

/// The letters and digits: two codes that differ only in spaces and dashes are one.
fn significant(code: &str) -> impl Iterator<Item = char> {
    code.chars().filter(char::is_ascii_alphanumeric)
}

fn without_bullet(piece: &str) -> &str {
    let piece = piece.trim();
    let piece = piece.trim_start_matches(['•', '*', '·', '☐', '□']).trim_start();
    let piece = piece.strip_prefix("- ").unwrap_or(piece).trim_start();
    let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
    let after = &piece[digits..];
    // "1. code" or "1) code"; a code that is itself digits has neither behind it.
    let numbered = (1..=3).contains(&digits) && (after.starts_with(". ") || after.starts_with(") "));
    if numbered { after[1..].trim_start() } else { piece }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(pasted: &str) -> Result<Vec<String>, RecoveryCodesError> {
        let codes = split(&SecretBytes::from(pasted.to_owned()))?;
        Ok(codes.iter().map(|code| String::from_utf8(exposed(code).to_vec()).expect("text")).collect())
    }

    #[test]
    fn codes_are_found_however_they_were_pasted() {
        let two = vec!["abcde-12345".to_owned(), "fghij-67890".to_owned()];
        let pasted = [
            "abcde-12345\nfghij-67890\n",
            "  abcde-12345\r\n\r\n  fghij-67890  ",
            "abcde-12345, fghij-67890",
            "abcde-12345\tfghij-67890",
            "abcde-12345   fghij-67890",
            "1. abcde-12345\n2. fghij-67890",
            "• abcde-12345\n• fghij-67890",
            "- abcde-12345\n- fghij-67890",
            "abcde-12345\nfghij-67890\nabcde12345",
        ];
        for pasted in pasted {
            assert_eq!(codes(pasted).as_ref(), Ok(&two), "{pasted:?}");
        }
        let spaced = codes("1) 1234 5678\n2) 8765 4321\n12345678");
        assert_eq!(spaced, Ok(vec!["1234 5678".to_owned(), "8765 4321".to_owned()]));
    }

    #[test]
    fn the_sealed_field_splits_into_the_same_codes() {
        let list = split(&SecretBytes::from("1. 1234 5678\n2. 8765 4321".to_owned())).expect("two codes");
        let field = join(&list);
        assert_eq!(exposed(&field), b"1234 5678\n8765 4321\n");
        assert_eq!(split(&field).expect("two codes").len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        use RecoveryCodesError::*;
        assert_eq!(codes(" \n , ;"), Err(Empty));
        assert_eq!(codes("abcde-12345\nabc"), Err(TooShort { code: 2 }));
        assert_eq!(codes(&"12345678 ".repeat(10)), Err(TooLong { code: 1 }));
        assert_eq!(codes("abcde-12345\nab\u{7f}cde"), Err(NotText { code: 2 }));
        assert_eq!(codes("abcdé-12345"), Err(NotText { code: 1 }));
        let many: String = (0..101).map(|number| format!("code{number:04}\n")).collect();
        assert_eq!(codes(&many), Err(TooMany { found: 101 }));
    }
}
