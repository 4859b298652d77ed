//! What a connector says the owner can do about a failure (section 3, Recovery hints).

use freehold_core::reason::{FailureReason, OwnerReason};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The closed vocabulary of recovery actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryAction {
    /// Try again later, nobody need do anything.
    RetryByRuntime,
    /// A newer connector may manage it.
    RetryOnConnectorUpgrade,
    /// The sign-in details were refused.
    RefreshCredentials,
    /// A person has to act at the provider.
    ManualActionRequired,
    /// The provider's pages changed.
    UpdateSelector,
    /// The provider blocks for now.
    UpstreamUnblock,
    /// Trying again is of no use.
    NotRetriable,
    /// The connector does not know.
    Unknown,
}

/// A recovery hint: the action, and whether the connector thinks trying again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RecoveryHint {
    /// What to do. Authoritative: nothing else of the message is read for it.
    pub action: RecoveryAction,
    /// Whether the connector thinks trying again makes sense, where it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
}

impl From<RecoveryAction> for RecoveryHint {
    fn from(action: RecoveryAction) -> Self {
        Self { action, retryable: None }
    }
}

impl<'de> Deserialize<'de> for RecoveryHint {
    /// Reads a bare action or `{action, retryable?}`, and nothing else: any other shape is a violation.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            action: RecoveryAction,
            #[serde(default, deserialize_with = "present")]
            retryable: Option<bool>,
        }
        // By way of a value: a derived reader would take an array for an object.
        let read = |hint: Value| match hint {
            Value::String(_) => serde_json::from_value(hint).ok().map(|action| Self { action, retryable: None }),
            Value::Object(_) => {
                serde_json::from_value(hint).ok().map(|Long { action, retryable }| Self { action, retryable })
            }
            _ => None,
        };
        read(Value::deserialize(deserializer)?)
            .ok_or_else(|| de::Error::custom("a recovery_hint is one of the eight actions, or {action, retryable}"))
    }
}

/// Reads an optional field whose presence counts: an explicit `null` is an error, not an absence.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Why a run did not succeed, in the product's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The owner is needed.
    Owner(OwnerReason),
    /// Nobody's fault, or the connector's.
    Failure(FailureReason),
}

/// What a failed run's `error` means for the owner. A hint decides alone; without one, `retryable` does. `has_browser` says
/// whether the source's connector uses one.
pub fn cause(hint: Option<RecoveryHint>, retryable: bool, has_browser: bool) -> Cause {
    let provider_down = Cause::Failure(FailureReason::ProviderDown { retry_at: None });
    let connector_failed = Cause::Failure(FailureReason::ConnectorFailed);
    match hint.map(|hint| hint.action) {
        Some(RecoveryAction::RefreshCredentials) => Cause::Owner(OwnerReason::CredentialRejected),
        Some(RecoveryAction::RetryByRuntime | RecoveryAction::UpstreamUnblock) => provider_down,
        Some(RecoveryAction::ManualActionRequired) if has_browser => Cause::Owner(OwnerReason::SignInRequired),
        Some(RecoveryAction::ManualActionRequired) => Cause::Owner(OwnerReason::Challenge),
        Some(
            RecoveryAction::RetryOnConnectorUpgrade
            | RecoveryAction::UpdateSelector
            | RecoveryAction::NotRetriable
            | RecoveryAction::Unknown,
        ) => connector_failed,
        None if retryable => provider_down,
        None => connector_failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(json: &str) -> Option<RecoveryHint> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn both_shapes_are_read() {
        assert_eq!(hint(r#""refresh_credentials""#), Some(RecoveryAction::RefreshCredentials.into()));
        assert_eq!(
            hint(r#"{"action":"retry_by_runtime","retryable":true}"#),
            Some(RecoveryHint { action: RecoveryAction::RetryByRuntime, retryable: Some(true) })
        );
    }

    #[test]
    fn every_other_shape_is_refused() {
        for shape in [
            "{}",
            r#"{"retryable":true}"#,
            r#""call_support""#,
            r#"{"action":"call_support"}"#,
            r#"{"action":"unknown","retryable":"yes"}"#,
            r#"{"action":"unknown","retryable":null}"#,
            r#"{"action":"unknown","note":"x"}"#,
            "null",
            "3",
            r#"["unknown"]"#,
        ] {
            assert_eq!(hint(shape), None, "{shape}");
        }
    }

    #[test]
    fn a_hint_decides_alone_and_retryable_only_without_one() {
        let rejected = Cause::Owner(OwnerReason::CredentialRejected);
        for retryable in [true, false] {
            assert_eq!(cause(Some(RecoveryAction::RefreshCredentials.into()), retryable, false), rejected);
            assert_eq!(
                cause(Some(RecoveryAction::Unknown.into()), retryable, true),
                Cause::Failure(FailureReason::ConnectorFailed)
            );
        }
        assert_eq!(cause(None, true, true), Cause::Failure(FailureReason::ProviderDown { retry_at: None }));
        assert_eq!(cause(None, false, true), Cause::Failure(FailureReason::ConnectorFailed));
    }

    #[test]
    fn a_manual_action_is_a_sign_in_only_where_there_is_a_browser() {
        let manual = Some(RecoveryAction::ManualActionRequired.into());
        assert_eq!(cause(manual, true, true), Cause::Owner(OwnerReason::SignInRequired));
        assert_eq!(cause(manual, true, false), Cause::Owner(OwnerReason::Challenge));
    }
}
