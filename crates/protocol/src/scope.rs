//! Checks one record against what START asked for and against its stream's JSON Schema.
//!
//! A record that does not fit is no violation of the protocol: it is not kept as a record, but goes to the run's rejected list
//! with the reason.

use std::collections::{HashMap, HashSet};

use freehold_core::Timestamp;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::Manifest;
use crate::message::{CollectionScope, CollectionStream, Operation, Record, TimeRange};

/// The check for one run, made once.
pub struct RecordChecker {
    streams: HashMap<String, StreamChecker>,
}

struct StreamChecker {
    schema: Validator,
    primary_key: Vec<String>,
    fields: Option<HashSet<String>>,
    resources: Option<HashSet<String>>,
    window: Option<Window>,
    time_field: Option<String>,
}

struct Window {
    field: String,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Whether a record is kept.
#[derive(Debug)]
pub enum Verdict {
    /// It is. `at` is the record's own time, where its stream declares one and the record has it.
    Accepted {
        /// `consent_time_field` or `cursor_field`, read as a time.
        at: Option<Timestamp>,
    },
    /// It is listed as rejected instead.
    Rejected(Rejection),
}

/// Why a record is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}", code = .code.as_str())]
pub struct Rejection {
    /// The reason's stable code.
    pub code: RejectionCode,
    /// What exactly, for the owner; it names fields and quotes no value but the key.
    pub detail: String,
}

/// The reasons' stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectionCode {
    /// Its stream was not asked for, or does not exist.
    StreamNotInScope,
    /// Its `key` is not what its data's primary key says, or has another number of parts.
    KeyMismatch,
    /// It has a field that was not asked for.
    FieldNotInScope,
    /// It is none of the records asked for.
    ResourceNotInScope,
    /// It is outside the time asked for.
    OutsideTimeRange,
    /// A time was asked for, and it does not say its own.
    TimeUnreadable,
    /// Its stream's schema does not allow it.
    SchemaMismatch,
}

impl RejectionCode {
    /// The code in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StreamNotInScope => "stream_not_in_scope",
            Self::KeyMismatch => "key_mismatch",
            Self::FieldNotInScope => "field_not_in_scope",
            Self::ResourceNotInScope => "resource_not_in_scope",
            Self::OutsideTimeRange => "outside_time_range",
            Self::TimeUnreadable => "time_unreadable",
            Self::SchemaMismatch => "schema_mismatch",
        }
    }
}

/// Why a scope cannot be used; nothing was started yet.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// Nothing is asked for.
    #[error("the scope names no stream; a run collects at least one")]
    Empty,
    /// A stream that the manifest does not declare.
    #[error("the scope names the stream {0:?}, which the manifest does not declare")]
    UnknownStream(String),
    /// A stream named twice.
    #[error("the scope names the stream {0:?} twice")]
    RepeatedStream(String),
    /// A time range for a stream that has no time.
    #[error("the stream {0:?} has no consent_time_field or cursor_field, so it cannot be limited in time")]
    NoTimeField(String),
    /// A bound that is not a time.
    #[error("{bound:?} is no time; use RFC 3339, as in 2026-01-01T00:00:00Z, or a date")]
    BadTime {
        /// The bound as given.
        bound: String,
    },
    /// A schema that does not compile, which the manifest's check reports too.
    #[error("the schema of the stream {stream:?} cannot be used: {problem}")]
    Schema {
        /// The stream.
        stream: String,
        /// What is wrong.
        problem: String,
    },
}

impl RecordChecker {
    /// Prepares the check of a run: every schema is compiled here.
    pub fn new(manifest: &Manifest, scope: &CollectionScope) -> Result<Self, ScopeError> {
        if scope.streams.is_empty() {
            return Err(ScopeError::Empty);
        }
        let mut streams = HashMap::new();
        for target in &scope.streams {
            let checker = StreamChecker::new(manifest, target)?;
            if streams.insert(target.name.clone(), checker).is_some() {
                return Err(ScopeError::RepeatedStream(target.name.clone()));
            }
        }
        Ok(Self { streams })
    }

    /// Checks one record.
    pub fn check(&self, record: &Record<'_>) -> Verdict {
        let Some(stream) = self.streams.get(&*record.stream) else {
            let detail = format!("the run did not ask for the stream {:?}", shortened(&record.stream));
            return Verdict::Rejected(Rejection { code: RejectionCode::StreamNotInScope, detail });
        };
        stream.check(record).map_or_else(Verdict::Rejected, |at| Verdict::Accepted { at })
    }
}

impl StreamChecker {
    fn new(manifest: &Manifest, target: &CollectionStream) -> Result<Self, ScopeError> {
        let name = &target.name;
        let declared = manifest.stream(name).ok_or_else(|| ScopeError::UnknownStream(name.clone()))?;
        let schema = compile(&declared.schema).map_err(|problem| ScopeError::Schema { stream: name.clone(), problem })?;
        let time_field = declared.time_field();
        let window = match &target.time_range {
            Some(range) => {
                let field = time_field.ok_or_else(|| ScopeError::NoTimeField(name.clone()))?;
                Some(Window::new(field, range)?)
            }
            None => None,
        };
        // Fields a record cannot be without are allowed though the scope forgot them (section 3, scope).
        let required = declared.schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let needed = required
            .filter_map(Value::as_str)
            .chain(declared.primary_key.iter().map(String::as_str))
            .chain(window.iter().map(|window| window.field.as_str()));
        let fields = target.fields.as_ref().map(|asked| {
            let asked = asked.iter().map(String::as_str);
            asked.chain(needed).map(str::to_owned).collect()
        });
        Ok(Self {
            schema,
            primary_key: declared.primary_key.clone(),
            fields,
            resources: target.resources.as_ref().map(|keys| keys.iter().cloned().collect()),
            window,
            time_field: time_field.map(str::to_owned),
        })
    }

    fn check(&self, record: &Record<'_>) -> Result<Option<Timestamp>, Rejection> {
        let reject = |code, detail: String| Err(Rejection { code, detail });
        let data: Value = match serde_json::from_str(record.data.get()) {
            Ok(data) => data,
            Err(error) => return reject(RejectionCode::SchemaMismatch, format!("the data is not readable: {error}")),
        };
        let Some(fields) = data.as_object() else {
            return reject(RejectionCode::SchemaMismatch, "the data is not an object".into());
        };
        self.check_key(record, fields)?;
        if let Some(resources) = &self.resources
            && !resources.contains(&*record.key.canonical())
        {
            return reject(RejectionCode::ResourceNotInScope, "the run did not ask for this record".into());
        }
        if let Some(asked) = &self.fields
            && let Some(extra) = fields.keys().find(|name| !asked.contains(*name))
        {
            let detail = format!("the run did not ask for the field {:?}", shortened(extra));
            return reject(RejectionCode::FieldNotInScope, detail);
        }
        if record.op == Operation::Delete {
            // It need say no more than which record is gone.
            return Ok(None);
        }
        if let Some(window) = &self.window {
            window.check(fields)?;
        }
        match self.schema.validate(&data) {
            Ok(()) => Ok(self.time_field.as_ref().and_then(|field| read_time(fields.get(field)?.as_str()?))),
            Err(error) => {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "the data" } else { &place };
                let detail = format!("{place}: {}", error.masked_with("this value"));
                reject(RejectionCode::SchemaMismatch, shortened(&detail))
            }
        }
    }

    /// The envelope's key and the data's own must be the same (core specification, section 4, Record identity).
    fn check_key(&self, record: &Record<'_>, fields: &Map<String, Value>) -> Result<(), Rejection> {
        let reject = |detail: String| Err(Rejection { code: RejectionCode::KeyMismatch, detail });
        let count = record.key.parts().count();
        if count != self.primary_key.len() {
            return reject(format!("the key has {count} parts, the stream's primary key {}", self.primary_key.len()));
        }
        for (name, part) in self.primary_key.iter().zip(record.key.parts()) {
            let equal = match fields.get(name) {
                Some(Value::String(text)) => text == part,
                Some(Value::Number(number)) => number.to_string() == part,
                Some(Value::Bool(value)) => value.to_string() == part,
                None if record.op == Operation::Delete => true,
                _ => false,
            };
            if !equal {
                return reject(format!("the key says {:?} for {name:?}, the data something else", shortened(part)));
            }
        }
        Ok(())
    }
}

impl Window {
    fn new(field: &str, range: &TimeRange) -> Result<Self, ScopeError> {
        let bound = |text: &Option<String>| {
            let read = |text: &String| read_time(text).ok_or_else(|| ScopeError::BadTime { bound: text.clone() });
            text.as_ref().map(read).transpose()
        };
        Ok(Self { field: field.to_owned(), since: bound(&range.since)?, until: bound(&range.until)? })
    }

    fn check(&self, fields: &Map<String, Value>) -> Result<(), Rejection> {
        let field = &self.field;
        let Some(time) = fields.get(field).and_then(Value::as_str).and_then(read_time) else {
            let detail = format!("the field {field:?}, which says when it is from, holds no time");
            return Err(Rejection { code: RejectionCode::TimeUnreadable, detail });
        };
        // Inclusive, exclusive (core specification, section 7, time constraint semantics).
        if self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time >= until) {
            let detail = format!("the field {field:?} is outside the time the run asked for");
            return Err(Rejection { code: RejectionCode::OutsideTimeRange, detail });
        }
        Ok(())
    }
}

/// Compiles a stream's schema: no reference leaves it, and patterns run in linear time, so that no schema can stall a run.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| shortened(&error.to_string()))
}

/// Reads RFC 3339, a date and time without an offset (UTC), or a date (midnight, UTC).
fn read_time(text: &str) -> Option<Timestamp> {
    let utc = |time: jiff::civil::DateTime| jiff::tz::TimeZone::UTC.to_timestamp(time).ok();
    let with_offset = text.parse().ok();
    let without = || text.parse().ok().and_then(utc);
    let date = || text.parse::<jiff::civil::Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0)));
    with_offset.or_else(without).or_else(date)
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}
