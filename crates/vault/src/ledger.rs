//! The rules of the attempt ledger (R5): whether a secret may be submitted once more. Pure: the database runs them inside the
//! transaction that commits the attempt.

use std::time::Duration;

use freehold_core::{SecretKind, Timestamp, attempt::AttemptState};

/// One earlier attempt of the source, as the ledger has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptFact {
    /// The kind of secret that was used.
    pub kind: SecretKind,
    /// Its version.
    pub version: u32,
    /// How it ended, or that it has not.
    pub state: AttemptState,
    /// When it was committed.
    pub at: Timestamp,
    /// Whether the owner, seeing that its outcome is unknown, has asked for this version to be tried once more.
    pub owner_asked_again: bool,
}

/// How the secret is about to reach the provider (the manifest's `credential_delivery`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Typed into the provider's page by the runtime.
    Typed,
    /// Given to the connector, which asked.
    Answered,
    /// Given to the connector in its environment.
    Env,
}

/// Why a secret may not be submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The provider refused exactly this version. Nothing brings it back.
    #[error("the provider refused these sign-in details before, and they are never submitted again: give new ones")]
    Rejected,
    /// An earlier attempt's outcome is unknown, and the owner has not asked for another.
    #[error("what became of the last sign-in with these details is not known: look first, then try them once more")]
    Unknown,
    /// The last sign-in is too recent for an automatic one.
    #[error("the last sign-in was less than 15 minutes ago: the next automatic one may be at {until}")]
    TooSoon {
        /// When it may be tried.
        until: Timestamp,
    },
    /// There were too many sign-ins within a day for an automatic one.
    #[error("there were four sign-ins within a day: the next automatic one may be at {until}")]
    TooMany {
        /// When it may be tried.
        until: Timestamp,
    },
}

/// Whether version `version` of the source's `kind` may be submitted at `now`. `history` is the source's attempts, in any order;
/// `automatic` says that no person asked for this sign-in.
///
/// A rejected version is never submitted again. One whose outcome is unknown, or still open, is not repeated unless the owner
/// asked, once for each such attempt, or it was accepted since. Automatic sign-ins of delivery `typed` are at least 15 minutes
/// apart, and at most four within 24 hours, whatever the version. The limits count attempts of the same kind, so that the
/// password and the code of one sign-in are not taken for two. A single code of a kind that holds many is judged by its index or
/// time step, not by these rules.
pub fn may_submit(
    history: &[AttemptFact],
    kind: SecretKind,
    version: u32,
    delivery: Delivery,
    automatic: bool,
    now: Timestamp,
) -> Result<(), Denied> {
    let of_kind = || history.iter().filter(|fact| fact.kind == kind);
    let of_version = || of_kind().filter(|fact| fact.version == version);
    if of_version().any(|fact| fact.state == AttemptState::Rejected) {
        return Err(Denied::Rejected);
    }
    let last_accepted = of_version().filter(|fact| fact.state == AttemptState::Accepted).map(|fact| fact.at).max();
    let unsettled = |fact: &AttemptFact| match fact.state {
        AttemptState::Submitted => true,
        AttemptState::Unknown => !fact.owner_asked_again && last_accepted.is_none_or(|accepted| accepted <= fact.at),
        AttemptState::Accepted | AttemptState::Rejected | AttemptState::Unjudged => false,
    };
    if of_version().any(unsettled) {
        return Err(Denied::Unknown);
    }
    if delivery != Delivery::Typed || !automatic {
        return Ok(());
    }
    let mut times: Vec<Timestamp> = of_kind().map(|fact| fact.at).collect();
    times.sort_unstable_by(|one, other| other.cmp(one));
    let soon = times.first().map(|last| later(*last, APART)).filter(|until| *until > now);
    let many = times.get(A_DAY_S_LIMIT - 1).map(|oldest| later(*oldest, DAY)).filter(|until| *until > now);
    match (soon, many) {
        (Some(soon), many) if many.is_none_or(|many| many < soon) => Err(Denied::TooSoon { until: soon }),
        (_, Some(until)) => Err(Denied::TooMany { until }),
        (_, None) => Ok(()),
    }
}

const APART: Duration = Duration::from_secs(15 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const A_DAY_S_LIMIT: usize = 4;

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use AttemptState::{Accepted, Rejected, Submitted, Unjudged, Unknown};

    use super::*;

    const KIND: SecretKind = SecretKind::UsernamePassword;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_767_268_800 + minute * 60).expect("a time")
    }

    fn fact(state: AttemptState, version: u32, at: i64) -> AttemptFact {
        AttemptFact { kind: KIND, version, state, at: minute(at), owner_asked_again: false }
    }

    fn asked_again(fact: AttemptFact) -> AttemptFact {
        AttemptFact { owner_asked_again: true, ..fact }
    }

    fn by_schedule(history: &[AttemptFact], delivery: Delivery, at: i64) -> Result<(), Denied> {
        may_submit(history, KIND, 2, delivery, true, minute(at))
    }

    fn by_owner(history: &[AttemptFact]) -> Result<(), Denied> {
        may_submit(history, KIND, 2, Delivery::Typed, false, minute(100_000))
    }

    #[test]
    fn a_rejected_version_is_never_submitted_again_by_anyone() {
        for delivery in [Delivery::Typed, Delivery::Answered, Delivery::Env] {
            for automatic in [true, false] {
                for history in [
                    vec![fact(Rejected, 2, 0)],
                    vec![fact(Accepted, 2, 0), fact(Rejected, 2, 1)],
                    vec![fact(Rejected, 2, 0), fact(Accepted, 2, 1)],
                    vec![asked_again(fact(Rejected, 2, 0))],
                ] {
                    let verdict = may_submit(&history, KIND, 2, delivery, automatic, minute(100_000));
                    assert_eq!(verdict, Err(Denied::Rejected), "{history:?}");
                }
            }
        }
        assert_eq!(by_owner(&[fact(Rejected, 1, 0)]), Ok(()), "another version");
        let other_kind = AttemptFact { kind: SecretKind::Token, ..fact(Rejected, 2, 0) };
        assert_eq!(by_owner(&[other_kind]), Ok(()), "another kind");
    }

    #[test]
    fn an_unknown_outcome_is_repeated_once_for_each_time_the_owner_asks() {
        let lost = fact(Unknown, 2, 0);
        assert_eq!(by_owner(&[lost]), Err(Denied::Unknown));
        assert_eq!(by_schedule(&[lost], Delivery::Answered, 100_000), Err(Denied::Unknown));
        assert_eq!(by_owner(&[asked_again(lost)]), Ok(()));
        assert_eq!(by_owner(&[asked_again(lost), fact(Unknown, 2, 5)]), Err(Denied::Unknown), "it was lost again");
        assert_eq!(by_owner(&[asked_again(lost), fact(Rejected, 2, 5)]), Err(Denied::Rejected));
        assert_eq!(by_owner(&[asked_again(lost), fact(Accepted, 2, 5)]), Ok(()));
        assert_eq!(by_owner(&[lost, fact(Accepted, 2, 5)]), Ok(()), "accepted since");
        assert_eq!(by_owner(&[fact(Accepted, 2, 0), fact(Unknown, 2, 5)]), Err(Denied::Unknown), "accepted before");
        assert_eq!(by_owner(&[fact(Unknown, 1, 0)]), Ok(()), "another version");
    }

    #[test]
    fn an_attempt_still_open_stops_the_next() {
        assert_eq!(by_owner(&[fact(Submitted, 2, 0)]), Err(Denied::Unknown));
        assert_eq!(by_owner(&[asked_again(fact(Submitted, 2, 0))]), Err(Denied::Unknown));
    }

    #[test]
    fn an_attempt_the_provider_did_not_judge_may_be_repeated() {
        assert_eq!(by_schedule(&[fact(Unjudged, 2, 0)], Delivery::Answered, 1), Ok(()));
        assert_eq!(by_schedule(&[fact(Unjudged, 2, 0)], Delivery::Typed, 1), Err(Denied::TooSoon { until: minute(15) }));
    }

    #[test]
    fn automatic_typed_sign_ins_are_fifteen_minutes_apart() {
        let history = [fact(Accepted, 1, 0)];
        assert_eq!(by_schedule(&history, Delivery::Typed, 14), Err(Denied::TooSoon { until: minute(15) }));
        assert_eq!(by_schedule(&history, Delivery::Typed, 15), Ok(()));
        assert_eq!(by_schedule(&history, Delivery::Answered, 1), Ok(()), "the schedule decides");
        assert_eq!(by_schedule(&history, Delivery::Env, 1), Ok(()), "the schedule decides");
        assert_eq!(may_submit(&history, KIND, 2, Delivery::Typed, false, minute(1)), Ok(()), "the owner is there");
        let code = AttemptFact { kind: SecretKind::OtpSeed, ..history[0] };
        assert_eq!(by_schedule(&[code], Delivery::Typed, 1), Ok(()), "the code of the same sign-in");
    }

    #[test]
    fn automatic_typed_sign_ins_are_four_a_day() {
        const DAY: i64 = 24 * 60;
        let history: Vec<AttemptFact> = [60, 0, 90, 30].map(|at| fact(Accepted, 2, at)).to_vec();
        assert_eq!(by_schedule(&history, Delivery::Typed, 120), Err(Denied::TooMany { until: minute(DAY) }));
        assert_eq!(
            by_schedule(&history, Delivery::Typed, 95),
            Err(Denied::TooMany { until: minute(DAY) }),
            "the longer wait"
        );
        assert_eq!(by_schedule(&history, Delivery::Typed, DAY - 1), Err(Denied::TooMany { until: minute(DAY) }));
        assert_eq!(by_schedule(&history, Delivery::Typed, DAY), Ok(()));
        assert_eq!(by_schedule(&history[..3], Delivery::Typed, 120), Ok(()));
        assert_eq!(by_owner(&history), Ok(()));
    }
}
