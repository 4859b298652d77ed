//! A run and its states: one collection, from its admission to its end.
//!
//! [`RunState::after`] is the whole table. Each transition is persisted before what it stands for is done, and is an event on the
//! run's timeline; console, CLI, API and tests all read that.

use serde::{Deserialize, Serialize};

use crate::reason::{FailureReason, OwnerReason};
use crate::{AttemptId, InteractionId, ServerId, Timestamp};

/// Why a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The source is being set up, or its sign-in details were replaced.
    Setup,
    /// It was due.
    Schedule,
    /// The owner asked for it.
    Owner,
    /// An earlier run was cut off or found the provider down.
    Retry,
}

/// Who cancelled a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// The owner.
    Owner,
    /// The connector said so itself.
    Connector,
    /// The server is stopping.
    Shutdown,
}

/// How a run ended. An outcome is data, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Everything asked for was collected; it may have been nothing new.
    Succeeded,
    /// Only the owner can move it on.
    NeedsOwner {
        /// Why.
        #[serde(flatten)]
        reason: OwnerReason,
    },
    /// It failed.
    Failed {
        /// Why.
        #[serde(flatten)]
        reason: FailureReason,
    },
    /// It was called off.
    Cancelled {
        /// By whom.
        by: CancelledBy,
    },
    /// The server died while it ran.
    Interrupted,
}

/// What became of the records a run's connector emitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records the connector emitted.
    pub emitted: u64,
    /// Records that are new.
    pub added: u64,
    /// Records whose value changed.
    pub changed: u64,
    /// Records that were there already, the same.
    pub unchanged: u64,
    /// Records deleted.
    pub deleted: u64,
    /// Records put on the run's rejected list.
    pub rejected: u64,
}

/// Where a run goes back to when the owner has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Resume {
    /// To looking which screen shows.
    Looking,
    /// To signing in.
    SigningIn,
    /// To reading the identity.
    Identifying,
    /// To the probe.
    Probing,
    /// To collecting.
    Collecting {
        /// The batch it was at.
        batch: u64,
    },
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Wanted, not started.
    Queued {
        /// Why it is wanted.
        cause: Cause,
        /// Not before this.
        due_at: Timestamp,
    },
    /// Taken up by a server.
    Admitted {
        /// Which life of the server.
        server: ServerId,
    },
    /// Unsealing the browser profile.
    OpeningProfile,
    /// Looking which screen shows.
    Looking,
    /// Signing in.
    SigningIn {
        /// The attempt under way, if one is.
        attempt: Option<AttemptId>,
    },
    /// Reading which account is signed in.
    Identifying,
    /// Collecting, nothing kept, until the account is seen.
    Probing,
    /// Collecting.
    Collecting {
        /// Batches durable so far.
        batch: u64,
    },
    /// Writing the result.
    Committing,
    /// Waiting for the owner.
    WaitingForOwner {
        /// What was asked.
        interaction: InteractionId,
        /// Where it goes on.
        resume: Resume,
    },
    /// Waiting for the vault to be unlocked.
    WaitingForUnlock,
    /// Waiting for a free browser.
    WaitingForBrowser {
        /// Place in the queue, from 1.
        place: u32,
    },
    /// Wiping what an ephemeral run left.
    Wiping {
        /// How the run will end.
        outcome: Outcome,
    },
    /// Over.
    Ended {
        /// How.
        outcome: Outcome,
        /// What became of its records.
        counts: Counts,
    },
}

/// What can happen to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// A server takes it up.
    Admit {
        /// Which life of the server.
        server: ServerId,
    },
    /// The vault is locked.
    AwaitUnlock,
    /// Every browser is in use.
    AwaitBrowser {
        /// Place in the queue, from 1.
        place: u32,
    },
    /// The browser profile is being opened.
    OpenProfile,
    /// The page is looked at.
    Look,
    /// Signing in begins, or goes on with a committed attempt.
    SignIn {
        /// The attempt, once there is one.
        attempt: Option<AttemptId>,
    },
    /// The identity is read.
    Identify,
    /// The connector runs, nothing is kept yet.
    Probe,
    /// The connector runs and its records count.
    Collect,
    /// A batch of records is durable.
    Batch,
    /// The owner is asked.
    Ask {
        /// What.
        interaction: InteractionId,
    },
    /// The owner answered, or the question lapsed.
    Answered,
    /// The connector is done; the result is being written.
    Commit,
    /// The wipe begins.
    Wipe {
        /// How the run will end.
        outcome: Outcome,
    },
    /// It is over.
    End {
        /// How.
        outcome: Outcome,
        /// What became of its records.
        counts: Counts,
    },
}

/// An event that has no place in a state: a bug in the caller, never bad input.
#[derive(Debug, thiserror::Error)]
#[error("a run that is {state} cannot {event}")]
pub struct NoSuchTransition {
    /// The state's name.
    pub state: &'static str,
    /// The event's name.
    pub event: &'static str,
}

impl RunState {
    /// The state after `event`.
    pub fn after(self, event: RunEvent) -> Result<RunState, NoSuchTransition> {
        use RunEvent as E;
        use RunState as S;
        let refused = NoSuchTransition { state: self.as_str(), event: event.as_str() };
        Ok(match (self, event) {
            (S::Queued { .. }, E::Admit { server }) => S::Admitted { server },

            (S::Admitted { .. }, E::AwaitUnlock) => S::WaitingForUnlock,
            (S::Admitted { .. } | S::WaitingForBrowser { .. }, E::AwaitBrowser { place }) => S::WaitingForBrowser { place },
            (S::Admitted { .. } | S::WaitingForUnlock | S::WaitingForBrowser { .. }, E::OpenProfile) => S::OpeningProfile,
            (S::Admitted { .. } | S::WaitingForUnlock, E::Probe) => S::Probing,
            (S::Admitted { .. } | S::WaitingForUnlock | S::Probing | S::Identifying, E::Collect) => {
                S::Collecting { batch: 0 }
            }

            (S::OpeningProfile | S::SigningIn { .. } | S::Collecting { .. }, E::Look) => S::Looking,
            (S::Looking | S::SigningIn { .. }, E::SignIn { attempt }) => S::SigningIn { attempt },
            (S::Looking | S::SigningIn { .. }, E::Identify) => S::Identifying,

            (S::Collecting { batch }, E::Batch) => S::Collecting { batch: batch + 1 },
            (S::Collecting { .. }, E::Commit) => S::Committing,

            (S::Looking, E::Ask { interaction }) => S::WaitingForOwner { interaction, resume: Resume::Looking },
            (S::SigningIn { .. }, E::Ask { interaction }) => S::WaitingForOwner { interaction, resume: Resume::SigningIn },
            (S::Identifying, E::Ask { interaction }) => S::WaitingForOwner { interaction, resume: Resume::Identifying },
            (S::Probing, E::Ask { interaction }) => S::WaitingForOwner { interaction, resume: Resume::Probing },
            (S::Collecting { batch }, E::Ask { interaction }) => {
                S::WaitingForOwner { interaction, resume: Resume::Collecting { batch } }
            }
            (S::WaitingForOwner { resume, .. }, E::Answered) => match resume {
                Resume::Looking => S::Looking,
                Resume::SigningIn => S::SigningIn { attempt: None },
                Resume::Identifying => S::Identifying,
                Resume::Probing => S::Probing,
                Resume::Collecting { batch } => S::Collecting { batch },
            },

            // Success is what a commit, or the wipe after one, ends in; nothing else is.
            (S::Committing, E::Wipe { outcome }) => S::Wiping { outcome },
            (S::Committing, E::End { outcome, counts }) => S::Ended { outcome, counts },
            (S::Wiping { outcome: planned }, E::End { outcome, counts }) if outcome == planned || !outcome.is_success() => {
                S::Ended { outcome, counts }
            }
            (S::Wiping { .. } | S::Ended { .. }, _) => return Err(refused),
            (_, E::Wipe { outcome }) if !outcome.is_success() => S::Wiping { outcome },
            (_, E::End { outcome, counts }) if !outcome.is_success() => S::Ended { outcome, counts },

            _ => return Err(refused),
        })
    }
}

impl RunState {
    /// Whether the run is over.
    pub fn is_ended(&self) -> bool {
        matches!(self, RunState::Ended { .. })
    }

    /// The name in the database, the API and events.
    pub fn as_str(&self) -> &'static str {
        match self {
            RunState::Queued { .. } => "queued",
            RunState::Admitted { .. } => "admitted",
            RunState::OpeningProfile => "opening_profile",
            RunState::Looking => "looking",
            RunState::SigningIn { .. } => "signing_in",
            RunState::Identifying => "identifying",
            RunState::Probing => "probing",
            RunState::Collecting { .. } => "collecting",
            RunState::Committing => "committing",
            RunState::WaitingForOwner { .. } => "waiting_for_owner",
            RunState::WaitingForUnlock => "waiting_for_unlock",
            RunState::WaitingForBrowser { .. } => "waiting_for_browser",
            RunState::Wiping { .. } => "wiping",
            RunState::Ended { .. } => "ended",
        }
    }
}

impl RunEvent {
    /// The name on the timeline.
    pub fn as_str(&self) -> &'static str {
        match self {
            RunEvent::Admit { .. } => "admit",
            RunEvent::AwaitUnlock => "await_unlock",
            RunEvent::AwaitBrowser { .. } => "await_browser",
            RunEvent::OpenProfile => "open_profile",
            RunEvent::Look => "look",
            RunEvent::SignIn { .. } => "sign_in",
            RunEvent::Identify => "identify",
            RunEvent::Probe => "probe",
            RunEvent::Collect => "collect",
            RunEvent::Batch => "batch",
            RunEvent::Ask { .. } => "ask",
            RunEvent::Answered => "answered",
            RunEvent::Commit => "commit",
            RunEvent::Wipe { .. } => "wipe",
            RunEvent::End { .. } => "end",
        }
    }
}

impl Outcome {
    /// Whether everything asked for was collected.
    pub fn is_success(&self) -> bool {
        *self == Outcome::Succeeded
    }

    /// The name in the database and the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::NeedsOwner { .. } => "needs_owner",
            Outcome::Failed { .. } => "failed",
            Outcome::Cancelled { .. } => "cancelled",
            Outcome::Interrupted => "interrupted",
        }
    }
}

impl Cause {
    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Setup => "setup",
            Cause::Schedule => "schedule",
            Cause::Owner => "owner",
            Cause::Retry => "retry",
        }
    }

    /// The cause of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Setup, Self::Schedule, Self::Owner, Self::Retry].into_iter().find(|cause| cause.as_str() == name)
    }
}
