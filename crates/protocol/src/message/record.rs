//! Records and checkpoints (section 3, RECORD and STATE): the messages there are many of, borrowed from their line.

use std::borrow::Cow;
use std::fmt;

use freehold_core::Timestamp;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::connector::{MessageError, malformed};

/// A record as it was sent: its data is the raw JSON text, so that keeping it costs no second serialisation.
#[derive(Debug, Deserialize)]
pub struct Record<'a> {
    /// The stream it belongs to.
    #[serde(borrow)]
    pub stream: Cow<'a, str>,
    /// Its primary key.
    #[serde(borrow)]
    pub key: RecordKey<'a>,
    /// Its content: the text of a JSON object.
    #[serde(borrow)]
    pub data: &'a RawValue,
    /// When the connector made it.
    #[serde(deserialize_with = "instant")]
    pub emitted_at: Timestamp,
    /// Whether it is there or gone.
    #[serde(default)]
    pub op: Operation,
}

impl Record<'_> {
    pub(super) fn checked(self) -> Result<Self, MessageError> {
        expect_object("RECORD", "data", self.data).map(|()| self)
    }
}

/// What a record does to the one kept under its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Takes its place.
    #[default]
    Upsert,
    /// Marks it as gone.
    Delete,
}

/// A record's key: one value, or one for each field of the stream's `primary_key`, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordKey<'a> {
    /// Of a stream with one key field.
    One(Cow<'a, str>),
    /// Of a stream with several.
    Many(Vec<String>),
}

impl RecordKey<'_> {
    /// The canonical key string (core specification, section 4): the value itself, or the minified JSON array of values.
    pub fn canonical(&self) -> Cow<'_, str> {
        match self {
            Self::One(value) => Cow::Borrowed(value),
            Self::Many(values) => Cow::Owned(serde_json::to_string(values).expect("strings always serialise")),
        }
    }

    /// The key's values, in order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::One(value) => (Some(&**value), &[][..]),
            Self::Many(values) => (None, &values[..]),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}

impl Serialize for RecordKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(value) => value.serialize(serializer),
            Self::Many(values) => values.serialize(serializer),
        }
    }
}

impl<'a> From<&'a str> for RecordKey<'a> {
    fn from(value: &'a str) -> Self {
        Self::One(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for RecordKey<'a> {
    fn from(value: &'a String) -> Self {
        Self::One(Cow::Borrowed(value))
    }
}

impl<const N: usize> From<[&str; N]> for RecordKey<'_> {
    fn from(values: [&str; N]) -> Self {
        Self::Many(values.map(str::to_owned).into())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RecordKey<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = RecordKey<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key: a string, or an array of strings")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(RecordKey::One(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RecordKey::One(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                if values.is_empty() {
                    return Err(de::Error::custom("the key is an empty array"));
                }
                Ok(RecordKey::Many(values))
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

/// A checkpoint: staged, and kept only with the run's result.
#[derive(Debug, Deserialize)]
pub struct StateMessage<'a> {
    /// The checkpoint stream.
    #[serde(borrow)]
    pub stream: Cow<'a, str>,
    /// The connector's cursor, opaque: the text of a JSON object.
    #[serde(borrow)]
    pub cursor: &'a RawValue,
}

impl StateMessage<'_> {
    pub(super) fn checked(self) -> Result<Self, MessageError> {
        expect_object("STATE", "cursor", self.cursor).map(|()| self)
    }
}

fn expect_object(message_type: &'static str, field: &str, raw: &RawValue) -> Result<(), MessageError> {
    if raw.get().starts_with('{') {
        return Ok(());
    }
    Err(malformed(message_type, format!("{field} is not an object")))
}

/// Reads ISO 8601: with an offset, or without one as UTC.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    struct InstantVisitor;
    impl Visitor<'_> for InstantVisitor {
        type Value = Timestamp;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an ISO 8601 date and time, as in 2026-04-06T15:01:00Z")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
            text.parse().or_else(|_| utc(text)).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_str(InstantVisitor)
}

fn utc(text: &str) -> Result<Timestamp, jiff::Error> {
    jiff::tz::TimeZone::UTC.to_timestamp(text.parse()?)
}
