//! A source's one status: computed here from what is known, and shown the same everywhere (R14).

use serde::{Deserialize, Serialize};

use crate::reason::{BrokenReason, FailureReason, OwnerReason, WaitReason};
use crate::run::{Outcome, RunState};
use crate::{CredentialMode, CredentialState, Timestamp};

/// How a source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// Never collected yet, and nothing wrong.
    SettingUp,
    /// Collected, and not due.
    Fresh,
    /// Its next run is due.
    Due,
    /// A run is under way.
    Running,
    /// Only the owner can move it on.
    NeedsOwner {
        /// Why.
        #[serde(flatten)]
        reason: OwnerReason,
    },
    /// It waits, and goes on by itself.
    Waiting {
        /// For what.
        #[serde(flatten)]
        reason: WaitReason,
    },
    /// A person has to look.
    Broken {
        /// At what.
        #[serde(flatten)]
        reason: BrokenReason,
    },
    /// The owner paused it.
    Paused,
}

/// The one action that resolves a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named by what the owner does; `label` is its text")]
pub enum Action {
    None,
    ContinueSetup,
    CollectNow,
    Watch,
    SignIn,
    Answer,
    GiveSignInDetails,
    LookInSecureBrowser,
    TrySavedDetailsOnce,
    CompareAccounts,
    GoToProvider,
    TryAgain,
    ChooseAnotherMode,
    ReviewConnector,
    SeeWhatIsLeft,
    UnlockVault,
    SeeVault,
    SeeRun,
    Resume,
}

impl Action {
    /// The words on the button.
    pub fn label(self) -> &'static str {
        match self {
            Action::None => "",
            Action::ContinueSetup => "Continue setup",
            Action::CollectNow => "Collect now",
            Action::Watch => "Watch",
            Action::SignIn => "Sign in, in the secure browser",
            Action::Answer => "Answer",
            Action::GiveSignInDetails => "Give sign-in details",
            Action::LookInSecureBrowser => "Look in the secure browser",
            Action::TrySavedDetailsOnce => "Try the saved details once more",
            Action::CompareAccounts => "Compare the accounts",
            Action::GoToProvider => "Go to the provider",
            Action::TryAgain => "Try again",
            Action::ChooseAnotherMode => "Choose another way to sign in",
            Action::ReviewConnector => "Review what it now asks for",
            Action::SeeWhatIsLeft => "See what is left",
            Action::UnlockVault => "Unlock the vault",
            Action::SeeVault => "See the vault",
            Action::SeeRun => "See the run",
            Action::Resume => "Resume",
        }
    }

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::None => "none",
            Action::ContinueSetup => "continue_setup",
            Action::CollectNow => "collect_now",
            Action::Watch => "watch",
            Action::SignIn => "sign_in",
            Action::Answer => "answer",
            Action::GiveSignInDetails => "give_sign_in_details",
            Action::LookInSecureBrowser => "look_in_secure_browser",
            Action::TrySavedDetailsOnce => "try_saved_details_once",
            Action::CompareAccounts => "compare_accounts",
            Action::GoToProvider => "go_to_provider",
            Action::TryAgain => "try_again",
            Action::ChooseAnotherMode => "choose_another_mode",
            Action::ReviewConnector => "review_connector",
            Action::SeeWhatIsLeft => "see_what_is_left",
            Action::UnlockVault => "unlock_vault",
            Action::SeeVault => "see_vault",
            Action::SeeRun => "see_run",
            Action::Resume => "resume",
        }
    }
}

/// How the vault is, as far as a source is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultState {
    /// No vault has been made yet.
    Uninitialised,
    /// The key is there, not given.
    Locked,
    /// Open.
    Unlocked,
    /// The key given is another vault's.
    WrongKey,
    /// The vault's own records do not hold together.
    Corrupt,
    /// There is data and no key.
    KeyMissing,
}

impl VaultState {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            VaultState::Uninitialised => "uninitialised",
            VaultState::Locked => "locked",
            VaultState::Unlocked => "unlocked",
            VaultState::WrongKey => "wrong_key",
            VaultState::Corrupt => "corrupt",
            VaultState::KeyMissing => "key_missing",
        }
    }
}

/// Everything the status of one source follows from.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    /// How it signs in.
    pub mode: CredentialMode,
    /// Whether it is collected in a browser.
    pub uses_browser: bool,
    /// Whether its connector takes sign-in details at all.
    pub takes_credential: bool,
    /// Whether the owner paused it.
    pub paused: bool,
    /// Whether a run has ever succeeded.
    pub ever_collected: bool,
    /// How the vault is.
    pub vault: VaultState,
    /// What is known of its sign-in details.
    pub credential: CredentialState,
    /// Why the owner is being asked, if an interaction is open.
    pub asked: Option<OwnerReason>,
    /// The run under way, if one is.
    pub running: Option<RunState>,
    /// Whether a run of it left what could not be shown to be gone.
    pub unwiped: bool,
    /// How the last run ended.
    pub last_outcome: Option<Outcome>,
    /// When it is next due by its schedule; none if it has no schedule.
    pub due_at: Option<Timestamp>,
}

impl Status {
    /// The status that follows from `facts` at `now`.
    pub fn of(facts: &SourceFacts, now: Timestamp) -> Status {
        // Before everything else: it says what may still lie there.
        if facts.unwiped {
            return Status::NeedsOwner { reason: OwnerReason::WipeUnverified };
        }
        if facts.paused {
            return Status::Paused;
        }
        let needs_secret = facts.mode == CredentialMode::StoredCredential && facts.takes_credential;
        // A browser's profile is sealed too.
        let needs_vault = needs_secret || facts.uses_browser && facts.mode != CredentialMode::EphemeralBrowser;
        if needs_vault && let Some(reason) = broken_vault(facts.vault) {
            return Status::Broken { reason };
        }
        if let Some(reason) = &facts.asked {
            return Status::NeedsOwner { reason: reason.clone() };
        }
        match &facts.running {
            None | Some(RunState::Ended { .. }) => {}
            Some(RunState::WaitingForUnlock) => return Status::Waiting { reason: WaitReason::WaitingForUnlock },
            Some(RunState::WaitingForBrowser { place }) => {
                return Status::Waiting { reason: WaitReason::WaitingForBrowser { place: *place } };
            }
            // A retry that is queued for later is the wait its predecessor ended in.
            Some(RunState::Queued { due_at, .. }) if *due_at > now => {}
            Some(_) if facts.ever_collected => return Status::Running,
            Some(_) => return Status::SettingUp,
        }
        // Whoever got in without them does not need them until the session ends.
        let is_in = facts.uses_browser && facts.last_outcome == Some(Outcome::Succeeded);
        if needs_secret && !is_in {
            match facts.credential {
                CredentialState::None if facts.uses_browser => {}
                CredentialState::None if facts.ever_collected || facts.last_outcome.is_some() => {
                    return Status::NeedsOwner { reason: OwnerReason::CredentialMissing };
                }
                CredentialState::Rejected { .. } => {
                    return Status::NeedsOwner { reason: OwnerReason::CredentialRejected };
                }
                CredentialState::Unknown { .. } => return Status::NeedsOwner { reason: OwnerReason::AttemptUnknown },
                _ => {}
            }
        }
        if needs_vault && facts.vault == VaultState::Locked {
            return Status::Waiting { reason: WaitReason::WaitingForUnlock };
        }
        match &facts.last_outcome {
            // Gone by now, or it would have been said above.
            Some(Outcome::NeedsOwner { reason: OwnerReason::WipeUnverified }) => Self::by_schedule(facts, now),
            Some(Outcome::NeedsOwner { reason }) => Status::NeedsOwner { reason: reason.clone() },
            Some(Outcome::Failed { reason }) => reason.clone().into(),
            Some(Outcome::Succeeded | Outcome::Cancelled { .. } | Outcome::Interrupted) | None => {
                Self::by_schedule(facts, now)
            }
        }
    }

    /// Where nothing is wrong.
    fn by_schedule(facts: &SourceFacts, now: Timestamp) -> Status {
        if !facts.ever_collected {
            Status::SettingUp
        } else if facts.due_at.is_some_and(|due_at| due_at <= now) {
            Status::Due
        } else {
            Status::Fresh
        }
    }

    /// The one action that resolves it. `uses_browser` is the source's.
    pub fn action(&self, uses_browser: bool) -> Action {
        match self {
            Status::SettingUp => Action::ContinueSetup,
            Status::Fresh => Action::None,
            Status::Due => Action::CollectNow,
            Status::Running => Action::Watch,
            Status::Paused => Action::Resume,
            Status::NeedsOwner { reason } => match reason {
                OwnerReason::SignInRequired => Action::SignIn,
                OwnerReason::CodeRequired | OwnerReason::Challenge | OwnerReason::Approval => Action::Answer,
                OwnerReason::CredentialMissing | OwnerReason::CredentialRejected => Action::GiveSignInDetails,
                OwnerReason::AttemptUnknown if uses_browser => Action::LookInSecureBrowser,
                OwnerReason::AttemptUnknown => Action::TrySavedDetailsOnce,
                OwnerReason::ConfirmIdentity | OwnerReason::IdentityMismatch | OwnerReason::IdentityUnreadable => {
                    Action::CompareAccounts
                }
                OwnerReason::PasswordExpired => Action::GoToProvider,
                OwnerReason::LockedOut { .. } => Action::TryAgain,
                OwnerReason::SessionNotKept => Action::ChooseAnotherMode,
                OwnerReason::UnknownScreen | OwnerReason::WrongOrigin => Action::LookInSecureBrowser,
                OwnerReason::ConnectorChanged => Action::ReviewConnector,
                OwnerReason::WipeUnverified => Action::SeeWhatIsLeft,
            },
            Status::Waiting { reason } => match reason {
                WaitReason::WaitingForUnlock => Action::UnlockVault,
                WaitReason::WaitingForBrowser { .. } | WaitReason::ProviderDown { .. } | WaitReason::RateLimited { .. } => {
                    Action::None
                }
            },
            Status::Broken { reason } => match reason {
                BrokenReason::VaultWrongKey | BrokenReason::VaultCorrupt | BrokenReason::VaultKeyMissing => Action::SeeVault,
                BrokenReason::ConnectorFailed
                | BrokenReason::ConnectorViolation
                | BrokenReason::DiskFull
                | BrokenReason::SandboxTooWeak => Action::SeeRun,
            },
        }
    }

    /// The status's name in the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Status::SettingUp => "setting_up",
            Status::Fresh => "fresh",
            Status::Due => "due",
            Status::Running => "running",
            Status::NeedsOwner { .. } => "needs_owner",
            Status::Waiting { .. } => "waiting",
            Status::Broken { .. } => "broken",
            Status::Paused => "paused",
        }
    }

    /// The reason's name, where there is one.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Status::NeedsOwner { reason } => Some(reason.as_str()),
            Status::Waiting { reason } => Some(reason.as_str()),
            Status::Broken { reason } => Some(reason.as_str()),
            _ => None,
        }
    }

    /// One sentence for the owner.
    pub fn sentence(&self) -> &'static str {
        match self {
            Status::SettingUp => "Not collected yet.",
            Status::Fresh => "Up to date.",
            Status::Due => "Due to be collected.",
            Status::Running => "Collecting now.",
            Status::Paused => "Paused by you.",
            Status::NeedsOwner { reason } => match reason {
                OwnerReason::SignInRequired => "Nobody is signed in to this account.",
                OwnerReason::CodeRequired => "The provider asks for a code.",
                OwnerReason::Challenge => "The provider asks something only a person can answer.",
                OwnerReason::Approval => "The provider waits for your approval on another device.",
                OwnerReason::CredentialMissing => "No sign-in details are saved for this source.",
                OwnerReason::CredentialRejected => "The provider refused the saved sign-in details.",
                OwnerReason::AttemptUnknown => "The last sign-in was cut off before the provider answered.",
                OwnerReason::ConfirmIdentity => "Is this the right account?",
                OwnerReason::IdentityMismatch => "Another account is signed in than the one you confirmed.",
                OwnerReason::IdentityUnreadable => "Which account is signed in could not be read.",
                OwnerReason::PasswordExpired => "The provider wants a new password set.",
                OwnerReason::LockedOut { .. } => "The provider locked the account.",
                OwnerReason::SessionNotKept => "The provider signs Freehold out again straight away.",
                OwnerReason::UnknownScreen => "The provider shows a page the connector does not know.",
                OwnerReason::WrongOrigin => "A page asked for sign-in details at an address they are not for.",
                OwnerReason::ConnectorChanged => "The connector changed and asks for more than it had.",
                OwnerReason::WipeUnverified => "What a run left could not be shown to be gone.",
            },
            Status::Waiting { reason } => match reason {
                WaitReason::WaitingForUnlock => "Waiting for the vault to be unlocked.",
                WaitReason::WaitingForBrowser { .. } => "Waiting for a free browser.",
                WaitReason::ProviderDown { .. } => "The provider could not be reached. Freehold will try again.",
                WaitReason::RateLimited { .. } => "The provider asked for a pause. Freehold will try again.",
            },
            Status::Broken { reason } => match reason {
                BrokenReason::VaultWrongKey => "The vault's key file belongs to another vault.",
                BrokenReason::VaultCorrupt => "The vault is damaged.",
                BrokenReason::VaultKeyMissing => "The vault's key file is missing.",
                BrokenReason::ConnectorFailed => "The connector failed.",
                BrokenReason::ConnectorViolation => "The connector broke its contract and was stopped.",
                BrokenReason::DiskFull => "The disk is full.",
                BrokenReason::SandboxTooWeak => "This machine cannot isolate the connector well enough.",
            },
        }
    }
}

impl From<FailureReason> for Status {
    fn from(reason: FailureReason) -> Self {
        match reason {
            FailureReason::ProviderDown { retry_at } => Status::Waiting { reason: WaitReason::ProviderDown { retry_at } },
            FailureReason::RateLimited { retry_at } => Status::Waiting { reason: WaitReason::RateLimited { retry_at } },
            FailureReason::ConnectorFailed => Status::Broken { reason: BrokenReason::ConnectorFailed },
            FailureReason::ConnectorViolation => Status::Broken { reason: BrokenReason::ConnectorViolation },
            FailureReason::DiskFull => Status::Broken { reason: BrokenReason::DiskFull },
            FailureReason::SandboxTooWeak => Status::Broken { reason: BrokenReason::SandboxTooWeak },
        }
    }
}

fn broken_vault(state: VaultState) -> Option<BrokenReason> {
    match state {
        VaultState::WrongKey => Some(BrokenReason::VaultWrongKey),
        VaultState::Corrupt => Some(BrokenReason::VaultCorrupt),
        VaultState::KeyMissing => Some(BrokenReason::VaultKeyMissing),
        VaultState::Uninitialised | VaultState::Locked | VaultState::Unlocked => None,
    }
}
