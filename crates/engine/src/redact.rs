//! Taking secrets out of text that a connector wrote.

use std::sync::Mutex;

use freehold_core::SecretBytes;

use crate::server::lock;

/// Shorter values would take ordinary words out of the log, and are not secrets worth the name.
const SHORTEST: usize = 4;
const REDACTED: &str = "[redacted]";

/// The secrets one run's connector was given. Kept until the run ends, and wiped then.
#[derive(Default)]
pub(crate) struct Redactor(Mutex<Vec<SecretBytes>>);

impl Redactor {
    /// Remembers a secret, and how it looks inside JSON and a URL.
    #[expect(clippy::disallowed_methods, reason = "it has to know what it takes out")]
    pub(crate) fn remember(&self, secret: &SecretBytes) {
        let Ok(text) = std::str::from_utf8(secret.expose()) else { return };
        if text.len() < SHORTEST {
            return;
        }
        let quoted = serde_json::to_string(text).unwrap_or_default();
        let forms = [
            text.to_owned(),
            quoted.trim_matches('"').to_owned(),
            percent_encoded(text),
            data_encoding::BASE64.encode(text.as_bytes()),
        ];
        let mut known = lock(&self.0);
        for form in forms {
            known.push(form.into());
        }
    }

    /// The text without them.
    #[expect(clippy::disallowed_methods, reason = "it has to know what it takes out")]
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = lock(&self.0);
        known
            .iter()
            .filter_map(|secret| std::str::from_utf8(secret.expose()).ok())
            .fold(text.to_owned(), |text, secret| if text.contains(secret) { text.replace(secret, REDACTED) } else { text })
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form_it_is_commonly_written() {
        let redactor = Redactor::default();
        redactor.remember(&SecretBytes::from("p\"ss/wörd".to_owned()));
        let text = format!(
            r#"raw p"ss/wörd json "p\"ss/wörd" url p%22ss%2Fw%C3%B6rd base64 {}"#,
            data_encoding::BASE64.encode("p\"ss/wörd".as_bytes())
        );
        assert_eq!(redactor.redact(&text), r#"raw [redacted] json "[redacted]" url [redacted] base64 [redacted]"#);
    }

    #[test]
    fn other_text_is_left_alone() {
        let redactor = Redactor::default();
        redactor.remember(&SecretBytes::from("abc".to_owned()));
        assert_eq!(redactor.redact("abcdef"), "abcdef");
    }
}
