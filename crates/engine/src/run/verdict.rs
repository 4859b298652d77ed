//! How a run will end: the outcome, why exactly, and what is committed with it.

use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{CancelledBy, Outcome};
use freehold_core::{Problem, ProblemCode};
use serde_json::Value;

/// How a run will end.
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    /// One sentence or two on what exactly went wrong.
    pub(super) detail: Option<String>,
    /// The cursors that are committed with it.
    pub(super) states: Vec<(String, Value)>,
    /// Whether the session ended while the connector was at work, so that a run more may sign in and go on.
    pub(super) session_ended: bool,
}

/// Why a step did not go on: the run's verdict, reached early.
pub(super) type Step<T> = Result<T, Box<Verdict>>;

impl Verdict {
    pub(super) fn succeeded(states: Vec<(String, Value)>) -> Self {
        Self { states, ..Self::of(Outcome::Succeeded, None) }
    }

    pub(super) fn needs_owner(reason: OwnerReason, detail: impl Into<String>) -> Self {
        Self::of(Outcome::NeedsOwner { reason }, Some(detail.into()))
    }

    pub(super) fn failed(reason: FailureReason, detail: impl Into<String>) -> Self {
        Self::of(Outcome::Failed { reason }, Some(detail.into()))
    }

    pub(super) fn cancelled(by: CancelledBy) -> Self {
        Self::of(Outcome::Cancelled { by }, None)
    }

    fn of(outcome: Outcome, detail: Option<String>) -> Self {
        Self { outcome, detail, states: Vec::new(), session_ended: false }
    }

    /// Early, as the error of a [`Step`].
    pub(super) fn stop<T>(self) -> Step<T> {
        Err(Box::new(self))
    }
}

impl From<Problem> for Box<Verdict> {
    /// A part of Freehold could not do its work. The run fails; what was durable stays.
    fn from(problem: Problem) -> Self {
        let reason = match problem.code {
            ProblemCode::StorageFull => FailureReason::DiskFull,
            _ => FailureReason::ConnectorFailed,
        };
        Box::new(Verdict::failed(reason, problem.to_string()))
    }
}
