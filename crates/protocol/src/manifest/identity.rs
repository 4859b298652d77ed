//! Where a connector's account identity comes from, and how its key is normalised before it is compared.

use serde::{Deserialize, Serialize};

/// The manifest's `identity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct IdentityRule {
    /// Where it is read.
    pub source: IdentitySource,
    /// What is done to the key before it is compared, in order.
    pub normalise: Vec<Normalisation>,
}

/// Where an identity is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// On a page, by the runtime.
    Page {
        /// Its address, on one of `sign_in.origins`.
        page: String,
        /// Selector of the key.
        key: String,
        /// Selector of what the owner reads; the key where it is absent.
        display: Option<String>,
    },
    /// In the first record of a stream.
    Stream {
        /// The stream.
        stream: String,
        /// The field that is the key.
        key: String,
        /// The field the owner reads; the key where it is absent.
        display: Option<String>,
    },
    /// In the connector's IDENTITY message.
    Message,
}

/// One step of normalising a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// White space at both ends goes, runs of it become one space.
    Whitespace,
    /// Every letter becomes lower case.
    Lowercase,
    /// Only letters and digits stay.
    Alphanumeric,
}

impl IdentityRule {
    /// The key as it is compared and kept.
    pub fn normalised(&self, key: &str) -> String {
        self.normalise.iter().fold(key.to_owned(), |key, step| match step {
            Normalisation::Whitespace => key.split_whitespace().collect::<Vec<_>>().join(" "),
            Normalisation::Lowercase => key.to_lowercase(),
            Normalisation::Alphanumeric => key.chars().filter(|c| c.is_alphanumeric()).collect(),
        })
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Raw {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    message: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    normalise: Vec<Normalisation>,
}

impl TryFrom<Raw> for IdentityRule {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let source = match (raw.page, raw.stream, raw.message, raw.key) {
            (Some(page), None, false, Some(key)) => IdentitySource::Page { page, key, display: raw.display },
            (None, Some(stream), false, Some(key)) => IdentitySource::Stream { stream, key, display: raw.display },
            (None, None, true, None) => IdentitySource::Message,
            (Some(_), None, false, None) | (None, Some(_), false, None) => return Err("the key is missing"),
            _ => return Err("it is exactly one of: page with key, stream with key, or message"),
        };
        Ok(Self { source, normalise: raw.normalise })
    }
}

impl From<IdentityRule> for Raw {
    fn from(rule: IdentityRule) -> Self {
        let mut raw = Raw { page: None, stream: None, message: false, key: None, display: None, normalise: rule.normalise };
        match rule.source {
            IdentitySource::Page { page, key, display } => {
                (raw.page, raw.key, raw.display) = (Some(page), Some(key), display);
            }
            IdentitySource::Stream { stream, key, display } => {
                (raw.stream, raw.key, raw.display) = (Some(stream), Some(key), display);
            }
            IdentitySource::Message => raw.message = true,
        }
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_sources_are_read_and_no_mixture() {
        let read = |json: &str| serde_json::from_str::<IdentityRule>(json).ok().map(|rule| rule.source);
        assert_eq!(read(r#"{"message":true}"#), Some(IdentitySource::Message));
        assert!(matches!(read(r#"{"stream":"profile","key":"id"}"#), Some(IdentitySource::Stream { .. })));
        assert!(matches!(read(r##"{"page":"https://a/","key":"#id"}"##), Some(IdentitySource::Page { .. })));
        for mixture in [r#"{"message":true,"stream":"a","key":"b"}"#, r#"{"page":"https://a/"}"#, "{}", r#"{"key":"b"}"#] {
            assert_eq!(read(mixture), None, "{mixture}");
        }
    }

    #[test]
    fn a_key_is_normalised_in_the_order_given() {
        let rule: IdentityRule = serde_json::from_str(r#"{"message":true,"normalise":["whitespace","lowercase"]}"#).unwrap();
        assert_eq!(rule.normalised("  Ann@Example.COM \n"), "ann@example.com");
    }
}
