//! Something a run, or a source, needs from the owner now.

use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InteractionKind {
    /// Sign in, in the secure browser.
    SignIn,
    /// A code the provider sent or shows elsewhere.
    Code,
    /// Something only a person can do: a captcha, a question.
    Challenge,
    /// A yes on another device.
    Approval,
    /// Sign-in details.
    Credentials,
    /// Whether this is the right account.
    Identity,
    /// A changed connector asks for more than it had.
    WiderHosts,
}

impl InteractionKind {
    /// Every kind.
    pub const ALL: [InteractionKind; 7] = [
        InteractionKind::SignIn,
        InteractionKind::Code,
        InteractionKind::Challenge,
        InteractionKind::Approval,
        InteractionKind::Credentials,
        InteractionKind::Identity,
        InteractionKind::WiderHosts,
    ];

    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            InteractionKind::SignIn => "sign_in",
            InteractionKind::Code => "code",
            InteractionKind::Challenge => "challenge",
            InteractionKind::Approval => "approval",
            InteractionKind::Credentials => "credentials",
            InteractionKind::Identity => "identity",
            InteractionKind::WiderHosts => "wider_hosts",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Where an interaction stands. `Open` is the only state that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InteractionState {
    /// Waiting for the owner.
    Open,
    /// The owner answered it.
    Answered,
    /// Its deadline passed.
    Expired,
    /// Whoever asked no longer needs it.
    Withdrawn,
}

impl InteractionState {
    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            InteractionState::Open => "open",
            InteractionState::Answered => "answered",
            InteractionState::Expired => "expired",
            InteractionState::Withdrawn => "withdrawn",
        }
    }

    /// The state of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Answered, Self::Expired, Self::Withdrawn].into_iter().find(|state| state.as_str() == name)
    }

    /// Whether an interaction in this state may become `next`.
    pub fn may_become(self, next: InteractionState) -> bool {
        self == InteractionState::Open && next != InteractionState::Open
    }
}
