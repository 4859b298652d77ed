//! The smaller parts of a manifest.

use std::collections::BTreeMap;

use freehold_core::{CredentialMode, SecretKind};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::message::InteractionKind;

/// One field of a form, for a setting or a secret. It is all a form is ever made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name: lower-case letters, digits and `_`.
    pub name: String,
    /// What the owner reads.
    pub label: String,
    /// How it is entered.
    #[serde(rename = "type", default)]
    pub field_type: FieldType,
    /// Whether its value is a secret. Never for a setting.
    #[serde(default)]
    pub secret: bool,
    /// Whether it must be filled.
    #[serde(default)]
    pub required: bool,
    /// Whether it names the account.
    #[serde(default)]
    pub identity: bool,
    /// The HTML autocomplete token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocomplete: Option<String>,
    /// An example, shown while it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// A sentence of help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_text: Option<String>,
    /// Where there is more help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_url: Option<String>,
    /// Its value before the owner changes it: text, a number or a boolean. Never for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What can be chosen, for `select` and `multi`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldOption>,
    /// The least, for `number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most, for `number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// A regular expression the whole value matches (RE2 syntax: no look-around, linear time).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether it decides which hosts are reached: the owner confirms a change of it.
    #[serde(default)]
    pub affects_host: bool,
    /// The variables that carry it under delivery `env`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

/// How a field is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One line.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// One line, hidden.
    Password,
    /// A telephone number.
    Tel,
    /// A web address.
    Url,
    /// A number.
    Number,
    /// One of `options`.
    Select,
    /// `true` or `false`.
    Checkbox,
    /// Several lines.
    Textarea,
    /// Several values, one a line; of `options` where there are any.
    Multi,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldOption {
    /// What is kept.
    pub value: String,
    /// What the owner reads.
    pub label: String,
}

impl<'de> Deserialize<'de> for FieldOption {
    /// Reads `{value, label}`, or a bare value that is its own label.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Bare(String),
            Full { value: String, label: String },
        }
        Ok(match Shape::deserialize(deserializer)? {
            Shape::Bare(value) => Self { label: value.clone(), value },
            Shape::Full { value, label } => Self { value, label },
        })
    }
}

/// How sign-in details are asked for, and the modes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The main form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_capture: Option<Capture>,
    /// Further forms, each of another kind: a seed for codes, recovery codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_captures: Vec<Capture>,
    /// The modes it supports; see [`crate::Manifest::modes`] for what holds where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Vec<CredentialMode>>,
}

/// The form for one kind of secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// The kind it makes. PDPP's own words for tokens are read as `token`.
    #[serde(deserialize_with = "secret_kind")]
    pub kind: SecretKind,
    /// What the owner reads above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A sentence or two on what is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The button's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit_label: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
}

fn secret_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretKind, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = match name.as_str() {
        "personal_access_token" | "access_token" | "api_key" | "secret_bundle" => Some(SecretKind::Token),
        other => SecretKind::parse(other),
    };
    known.ok_or_else(|| serde::de::Error::custom(format!("{name:?} is no kind of secret")))
}

/// The one way a secret reaches what needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The runtime types it into the page; the connector never has it.
    Typed,
    /// The connector asks (INTERACTION `credentials`), at most once a run.
    Answered,
    /// Variables of that one child.
    Env,
}

/// What a connector needs of the runtime.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuntimeRequirements {
    /// By binding name.
    #[serde(default)]
    pub bindings: BTreeMap<String, BindingRequirement>,
}

/// How much a binding is needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BindingRequirement {
    /// Whether it cannot work without.
    #[serde(default)]
    pub required: bool,
    /// The binding's own further fields.
    #[serde(flatten)]
    pub details: BTreeMap<String, Value>,
}

/// What a connector can do and how often it likes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// What it may ask a person for.
    #[serde(default)]
    pub human_interaction: Vec<InteractionKind>,
    /// How often it likes to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_policy: Option<RefreshPolicy>,
}

/// How often a connector likes to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RefreshPolicy {
    /// `automatic`, `manual` or `paused`, as its author recommends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_mode: Option<String>,
    /// Seconds between runs, as its author recommends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_interval_seconds: Option<u64>,
    /// Never more often than every so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_interval_seconds: Option<u64>,
    /// Data older than so many seconds is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_staleness_seconds: Option<u64>,
    /// What a person is likely asked for: `none`, `credentials`, `otp_likely`, `manual_action_likely` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_posture: Option<String>,
    /// Whether it may run with nobody there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_safe: Option<bool>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
}
