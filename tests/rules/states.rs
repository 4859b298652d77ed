//! Every (state, event) pair of a run against the one listed table: nothing moves that is not in it, and nothing in it is refused.

use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{CancelledBy, Cause, Counts, Outcome, Resume, RunEvent, RunState};
use freehold_core::{AttemptId, Clock, InteractionId, ServerId, Timestamp};
use freehold_tests::random::TestRng;
use proptest::prelude::*;

/// From, by what, to. `end!` and `wipe!` are an end and a wipe with any outcome but success, which only a commit leads to; `plan`
/// is the outcome a wipe was begun with.
const TABLE: &[(&str, &str, &str)] = &[
    ("queued", "admit", "admitted"),
    ("admitted", "await_unlock", "waiting_for_unlock"),
    ("admitted", "await_browser", "waiting_for_browser"),
    ("admitted", "open_profile", "opening_profile"),
    ("admitted", "probe", "probing"),
    ("admitted", "collect", "collecting"),
    ("waiting_for_unlock", "open_profile", "opening_profile"),
    ("waiting_for_unlock", "probe", "probing"),
    ("waiting_for_unlock", "collect", "collecting"),
    ("waiting_for_browser", "await_browser", "waiting_for_browser"),
    ("waiting_for_browser", "open_profile", "opening_profile"),
    ("opening_profile", "look", "looking"),
    ("looking", "sign_in", "signing_in"),
    ("looking", "identify", "identifying"),
    ("looking", "ask", "waiting_for_owner"),
    ("signing_in", "look", "looking"),
    ("signing_in", "sign_in", "signing_in"),
    ("signing_in", "identify", "identifying"),
    ("signing_in", "ask", "waiting_for_owner"),
    ("identifying", "collect", "collecting"),
    ("identifying", "ask", "waiting_for_owner"),
    ("probing", "collect", "collecting"),
    ("probing", "ask", "waiting_for_owner"),
    ("collecting", "look", "looking"),
    ("collecting", "batch", "collecting"),
    ("collecting", "commit", "committing"),
    ("collecting", "ask", "waiting_for_owner"),
    ("waiting_for_owner", "answered", "where it was"),
    ("committing", "wipe", "wiping"),
    ("committing", "end", "ended"),
    ("wiping", "end as planned", "ended"),
];

/// Every state but these can be cut short: by a failure, the owner, a crash.
const NOT_CUT_SHORT: [&str; 2] = ["wiping", "ended"];

fn expected(state: &RunState, event: &RunEvent) -> Option<&'static str> {
    let (from, by) = (state.as_str(), event.as_str());
    let listed = |by: &str| TABLE.iter().find(|row| row.0 == from && row.1 == by).map(|row| row.2);
    match (state, event) {
        (RunState::WaitingForOwner { resume, .. }, RunEvent::Answered) => {
            assert_eq!(listed(by), Some("where it was"));
            Some(match resume {
                Resume::Looking => "looking",
                Resume::SigningIn => "signing_in",
                Resume::Identifying => "identifying",
                Resume::Probing => "probing",
                Resume::Collecting { .. } => "collecting",
            })
        }
        (RunState::Wiping { outcome: planned }, RunEvent::End { outcome, .. }) => {
            if outcome == planned {
                listed("end as planned")
            } else {
                (*outcome != Outcome::Succeeded).then_some("ended")
            }
        }
        (_, RunEvent::End { outcome, .. } | RunEvent::Wipe { outcome }) => listed(by).or_else(|| {
            let cut_short = *outcome != Outcome::Succeeded && !NOT_CUT_SHORT.contains(&from);
            cut_short.then_some(if by == "end" { "ended" } else { "wiping" })
        }),
        _ => listed(by),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_listed_transitions_happen(state in states(), event in events()) {
        let wanted = expected(&state, &event);
        let before = format!("{state:?} on {event:?}");
        match (state.after(event), wanted) {
            (Ok(next), Some(name)) => prop_assert_eq!(next.as_str(), name, "{}", before),
            (Err(_), None) => {}
            (Ok(next), None) => prop_assert!(false, "{} became {:?}, which is not listed", before, next),
            (Err(error), Some(name)) => prop_assert!(false, "{} should become {}: {}", before, name, error),
        }
    }

    /// A crash can find a run in any state, so each has to come back from the database exactly.
    #[test]
    fn a_state_survives_the_database(state in states()) {
        let text = serde_json::to_string(&state).expect("a state is JSON");
        prop_assert!(text.contains(&format!("\"state\":\"{}\"", state.as_str())), "{}", text);
        prop_assert_eq!(serde_json::from_str::<RunState>(&text).expect("its own text"), state);
    }

    #[test]
    fn an_ended_run_stays_ended(event in events(), outcome in outcomes()) {
        let ended = RunState::Ended { outcome, counts: Counts::default() };
        prop_assert!(ended.after(event).is_err());
    }
}

/// The random pairs above would pass a table row nobody draws, so each row is also tried by itself.
#[test]
fn every_listed_transition_can_happen() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut left: std::collections::BTreeSet<_> =
        TABLE.iter().map(|row| (row.0, row.1.trim_end_matches(" as planned"))).collect();
    for _ in 0..8_000 {
        let state = states().new_tree(&mut runner).expect("a state").current();
        let event = events().new_tree(&mut runner).expect("an event").current();
        let pair = (state.as_str(), event.as_str());
        if state.after(event).is_ok() {
            left.remove(&pair);
        }
    }
    assert!(left.is_empty(), "listed and never possible: {left:?}");
}

fn now() -> Timestamp {
    Timestamp::from_second(1_764_000_000).expect("in range")
}

struct At;
impl Clock for At {
    fn now(&self) -> Timestamp {
        now()
    }
}

fn attempts() -> impl Strategy<Value = Option<AttemptId>> {
    any::<bool>().prop_map(|some| some.then(|| AttemptId::new(&At, &TestRng::new(1))))
}

fn interaction() -> InteractionId {
    InteractionId::new(&At, &TestRng::new(2))
}

fn server() -> ServerId {
    ServerId::new(&At, &TestRng::new(3))
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => Just(Outcome::Succeeded),
        1 => Just(Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected }),
        1 => Just(Outcome::Failed { reason: FailureReason::ProviderDown { retry_at: Some(now()) } }),
        1 => Just(Outcome::Cancelled { by: CancelledBy::Owner }),
        1 => Just(Outcome::Interrupted),
    ]
}

fn resumes() -> impl Strategy<Value = Resume> {
    prop_oneof![
        Just(Resume::Looking),
        Just(Resume::SigningIn),
        Just(Resume::Identifying),
        Just(Resume::Probing),
        any::<u32>().prop_map(|batch| Resume::Collecting { batch: u64::from(batch) }),
    ]
}

fn states() -> impl Strategy<Value = RunState> {
    prop_oneof![
        Just(RunState::Queued { cause: Cause::Schedule, due_at: now() }),
        Just(RunState::Admitted { server: server() }),
        Just(RunState::OpeningProfile),
        Just(RunState::Looking),
        attempts().prop_map(|attempt| RunState::SigningIn { attempt }),
        Just(RunState::Identifying),
        Just(RunState::Probing),
        any::<u32>().prop_map(|batch| RunState::Collecting { batch: u64::from(batch) }),
        Just(RunState::Committing),
        resumes().prop_map(|resume| RunState::WaitingForOwner { interaction: interaction(), resume }),
        Just(RunState::WaitingForUnlock),
        any::<u32>().prop_map(|place| RunState::WaitingForBrowser { place }),
        outcomes().prop_map(|outcome| RunState::Wiping { outcome }),
        outcomes().prop_map(|outcome| RunState::Ended { outcome, counts: Counts::default() }),
    ]
}

fn events() -> impl Strategy<Value = RunEvent> {
    prop_oneof![
        Just(RunEvent::Admit { server: server() }),
        Just(RunEvent::AwaitUnlock),
        any::<u32>().prop_map(|place| RunEvent::AwaitBrowser { place }),
        Just(RunEvent::OpenProfile),
        Just(RunEvent::Look),
        attempts().prop_map(|attempt| RunEvent::SignIn { attempt }),
        Just(RunEvent::Identify),
        Just(RunEvent::Probe),
        Just(RunEvent::Collect),
        Just(RunEvent::Batch),
        Just(RunEvent::Ask { interaction: interaction() }),
        Just(RunEvent::Answered),
        Just(RunEvent::Commit),
        outcomes().prop_map(|outcome| RunEvent::Wipe { outcome }),
        outcomes().prop_map(|outcome| RunEvent::End { outcome, counts: Counts::default() }),
    ]
}
