//! A stream, as the manifest declares it (core specification, section 5; Collection Profile, section 1).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How the owner reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Display>,
    /// Whether its records change.
    #[serde(default)]
    pub semantics: Semantics,
    /// JSON Schema of a record's data.
    pub schema: Value,
    /// The fields that make a record's key, in order.
    pub primary_key: Vec<String>,
    /// The field records are ordered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_field: Option<String>,
    /// The field a time range is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_time_field: Option<String>,
    /// Which narrowing it supports.
    #[serde(default)]
    pub selection: Selection,
    /// Whether it goes on from a cursor.
    #[serde(default)]
    pub incremental: bool,
    /// The one stream whose checkpoint covers this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_stream: Option<String>,
    /// The streams whose checkpoints this one's details satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_streams: Option<Vec<String>>,
    /// How its coverage is accounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_strategy: Option<String>,
}

impl Stream {
    /// The checkpoint streams that cover it: its declared parents, or itself.
    pub fn checkpoint_parents(&self) -> impl Iterator<Item = &str> {
        let declared = self.state_stream.iter().chain(self.parent_streams.iter().flatten());
        let own = (self.state_stream.is_none() && self.parent_streams.is_none()).then_some(&self.name);
        declared.chain(own).map(String::as_str)
    }

    /// The top-level fields its schema declares, in the schema's order.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.keys().map(String::as_str))
    }

    /// The field a `x_pdpp_role` of the schema names, as in `primary-title` or `event-time`.
    pub fn field_with_role(&self, role: &str) -> Option<&str> {
        let all = self.schema.get("properties")?.as_object()?;
        all.iter().find(|(_, field)| field.get("x_pdpp_role").is_some_and(|r| r == role)).map(|(name, _)| name.as_str())
    }

    /// The field that tells when a record is from, if there is one.
    pub fn time_field(&self) -> Option<&str> {
        self.consent_time_field.as_deref().or(self.cursor_field.as_deref())
    }

    /// The `format` its schema gives a field, as in `date` or `date-time`.
    pub fn format_of(&self, field: &str) -> Option<&str> {
        self.schema.get("properties")?.get(field)?.get("format")?.as_str()
    }

    /// What the owner reads for its name.
    pub fn label(&self) -> &str {
        self.display.as_ref().and_then(|display| display.label.as_deref()).unwrap_or(&self.name)
    }
}

/// How the owner reads a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What is and is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Whether records change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantics {
    /// They never do.
    #[serde(alias = "append")]
    AppendOnly,
    /// They may.
    #[default]
    MutableState,
}

/// Which narrowing a stream supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Of fields.
    #[serde(default)]
    pub fields: bool,
    /// Of single records.
    #[serde(default)]
    pub resources: bool,
}
