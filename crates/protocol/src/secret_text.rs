//! Secrets as JSON text: read and written without leaving copies behind.

use std::collections::BTreeMap;
use std::fmt;

use freehold_core::SecretBytes;
use serde::de::{Deserialize, Deserializer, Visitor};

/// Named secret values, as an INTERACTION_RESPONSE carries them to a connector or a CREDENTIAL_UPDATE brings them back.
///
/// Like [`SecretBytes`] it cannot be printed or serialised; [`SecretFields::write_json`] is the one way onto the wire.
#[derive(Default)]
pub struct SecretFields(BTreeMap<String, SecretBytes>);

/// A value that is not UTF-8, and so cannot travel in JSON.
#[derive(Debug, thiserror::Error)]
#[error("the value of {field:?} is not UTF-8 text; give it again as text")]
pub struct NotText {
    /// Which field.
    pub field: String,
}

impl SecretFields {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, or replaces it.
    #[expect(clippy::disallowed_methods, reason = "looks whether the bytes are UTF-8 and keeps nothing")]
    pub fn insert(&mut self, field: impl Into<String>, value: SecretBytes) -> Result<(), NotText> {
        let field = field.into();
        if std::str::from_utf8(value.expose()).is_err() {
            return Err(NotText { field });
        }
        self.0.insert(field, value);
        Ok(())
    }

    /// The value of that field.
    pub fn get(&self, field: &str) -> Option<&SecretBytes> {
        self.0.get(field)
    }

    /// Takes the value of that field out.
    pub fn take(&mut self, field: &str) -> Option<SecretBytes> {
        self.0.remove(field)
    }

    /// The fields' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the fields as a JSON object. `line` must have [`SecretFields::json_capacity`] bytes free, so that it never moves
    /// and leaves a copy behind.
    #[expect(clippy::disallowed_methods, reason = "this is where an answer is put on its way to the connector it is for")]
    pub(crate) fn write_json(&self, line: &mut Vec<u8>) {
        line.push(b'{');
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                line.push(b',');
            }
            write_json_string(line, name.as_bytes());
            line.push(b':');
            write_json_string(line, value.expose());
        }
        line.push(b'}');
    }

    /// The most bytes [`SecretFields::write_json`] can write: every byte escaped to six.
    pub(crate) fn json_capacity(&self) -> usize {
        self.0.iter().map(|(name, value)| (name.len() + value.len()) * 6 + 8).sum::<usize>() + 2
    }
}

impl<'de> Deserialize<'de> for SecretFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, SecretText>::deserialize(deserializer)?;
        Ok(Self(fields.into_iter().map(|(name, value)| (name, value.0)).collect()))
    }
}

/// One secret string, taken straight into [`SecretBytes`].
struct SecretText(SecretBytes);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SecretTextVisitor)
    }
}

struct SecretTextVisitor;

impl Visitor<'_> for SecretTextVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<SecretText, E> {
        Ok(SecretText(SecretBytes::new(text.as_bytes().to_vec())))
    }

    fn visit_string<E>(self, text: String) -> Result<SecretText, E> {
        Ok(SecretText(SecretBytes::from(text)))
    }
}

/// Appends UTF-8 bytes as a JSON string (RFC 8259, section 7).
fn write_json_string(line: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    line.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            0..0x20 => line.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 0x0f)],
            ]),
            _ => line.push(byte),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        #[expect(clippy::disallowed_methods, reason = "compares what came back")]
        fn any_text_comes_back_as_it_was_and_the_line_never_moves(name in "\\PC{0,12}", value in any::<String>()) {
            let mut fields = SecretFields::new();
            fields.insert(name.clone(), SecretBytes::from(value.clone())).unwrap();
            let mut line = Vec::with_capacity(fields.json_capacity());
            let before = line.as_ptr();
            fields.write_json(&mut line);
            prop_assert_eq!(before, line.as_ptr());
            let back: SecretFields = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(back.get(&name).unwrap().expose(), value.as_bytes());
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let refused = SecretFields::new().insert("password", SecretBytes::new(vec![0xff, 0xfe]));
        assert!(refused.unwrap_err().to_string().contains("password"));
    }
}
