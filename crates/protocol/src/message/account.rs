//! What a connector asks for and tells of the account: INTERACTION, IDENTITY, CREDENTIAL_UPDATE.

use freehold_core::{Identity, SecretBytes, SecretKind, interaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connector::{MessageError, malformed};
use crate::secret_text::SecretFields;

/// A question to the owner or, for `credentials`, to the vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interaction {
    /// Names the question; its answer carries the same.
    pub request_id: String,
    /// What is asked for.
    pub kind: InteractionKind,
    /// The connector's words.
    pub message: String,
    /// JSON Schema of the answer's `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// How long it waits, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
}

impl Interaction {
    /// The fields the schema names, with whether each is required; in the schema's order of names. Empty without a schema.
    pub fn asked_fields(&self) -> Vec<(String, bool)> {
        let Some(schema) = &self.schema else { return Vec::new() };
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.map_or_else(Vec::new, |all| all.keys().map(|name| (name.clone(), is_required(name))).collect())
    }
}

/// What a connector may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InteractionKind {
    /// Sign-in details.
    Credentials,
    /// A code.
    Otp,
    /// Something a person does elsewhere.
    ManualAction,
}

impl InteractionKind {
    /// The product's word for it; `has_browser` says whether the source's connector uses one.
    pub fn to_core(self, has_browser: bool) -> interaction::InteractionKind {
        match self {
            Self::Credentials => interaction::InteractionKind::Credentials,
            Self::Otp => interaction::InteractionKind::Code,
            Self::ManualAction if has_browser => interaction::InteractionKind::SignIn,
            Self::ManualAction => interaction::InteractionKind::Challenge,
        }
    }
}

/// Which account is signed in, as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityMessage {
    /// The stable key. Compared, after the manifest's normalisation.
    pub key: String,
    /// For the owner's eyes only.
    pub display: String,
}

impl IdentityMessage {
    pub(super) fn checked(self) -> Result<Self, MessageError> {
        if self.key.trim().is_empty() {
            return Err(malformed("IDENTITY", "the key is empty; leave the message out rather than guess".into()));
        }
        Ok(self)
    }
}

impl From<IdentityMessage> for Identity {
    fn from(message: IdentityMessage) -> Self {
        Self { key: message.key, display: message.display }
    }
}

/// A renewed secret of this source. It is sealed and durable before it is acknowledged, and used only after that (R13).
#[derive(Deserialize)]
pub struct CredentialUpdate {
    /// Names the update; its acknowledgement carries the same.
    pub request_id: String,
    /// The kind that was renewed.
    pub kind: SecretKind,
    /// The new values, by the names the manifest's form gives them.
    pub fields: SecretFields,
}

/// The CREDENTIAL_UPDATE message with its line feed, in one allocation that is wiped when dropped.
pub fn credential_update_line(request_id: &str, kind: SecretKind, fields: &SecretFields) -> SecretBytes {
    let head = serde_json::json!({ "type": "CREDENTIAL_UPDATE", "request_id": request_id, "kind": kind });
    let head = head.to_string();
    let mut line = Vec::with_capacity(head.len() + fields.json_capacity() + 16);
    line.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
    line.extend_from_slice(b",\"fields\":");
    fields.write_json(&mut line);
    line.extend_from_slice(b"}\n");
    SecretBytes::new(line)
}
