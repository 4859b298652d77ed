//! Records: counts that are always true, history, held batches, taking a run back.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{added_source, at, collecting_run, deletion, open_data, record};
use freehold_core::run::{CancelledBy, Counts, Outcome, RunEvent};
use freehold_core::{RunId, SourceId};
use freehold_store::{DataDb, NewRecord, RecordFilter, RecordQuery, StoreError};
use proptest::prelude::*;

fn cancel(data: &DataDb, run: RunId) {
    let end = RunEvent::End { outcome: Outcome::Cancelled { by: CancelledBy::Owner }, counts: Counts::default() };
    data.transition(run, end, None).expect("cancelled");
}

fn page(limit: usize) -> RecordQuery {
    RecordQuery { limit, ..RecordQuery::default() }
}

/// Everything a reader can see of a stream, histories included.
fn picture(data: &DataDb, source: SourceId, streams: &[&str], keys: &[&str]) -> String {
    let mut all = format!("{:?}\n", data.streams(source).expect("streams"));
    for stream in streams {
        all += &format!("{:?}\n", data.records(source, stream, &page(1000)).expect("records"));
        for key in keys {
            all += &format!("{:?}\n", data.versions(source, stream, key).expect("versions"));
        }
    }
    all
}

#[test]
fn a_record_keeps_every_value_it_had_and_nothing_twice() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let run = collecting_run(&data, source);
    let append = |records| data.append(run, source, records).expect("appended");

    let first = append(vec![record("orders", "a", r#"{"n":1,"m":2}"#, 1), record("orders", "b", "{}", 2)]);
    assert_eq!(first, Counts { emitted: 2, added: 2, ..Counts::default() });
    let again = append(vec![record("orders", "a", r#"{"m":2, "n":1}"#, 3)]);
    assert_eq!(again, Counts { emitted: 1, unchanged: 1, ..Counts::default() });
    let changed = append(vec![record("orders", "a", r#"{"n":2}"#, 4), deletion("orders", "b", 5)]);
    assert_eq!(changed, Counts { emitted: 2, changed: 1, deleted: 1, ..Counts::default() });
    let back = append(vec![record("orders", "b", "{}", 6), deletion("orders", "never", 7), deletion("orders", "b", 8)]);
    assert_eq!(back, Counts { emitted: 3, added: 1, deleted: 1, unchanged: 1, ..Counts::default() });

    let a = data.record(source, "orders", "a").expect("read").expect("there");
    assert_eq!((a.data.as_str(), a.versions, a.run), (r#"{"n":2}"#, 2, run));
    assert!(a.first_seen_at < a.changed_at);
    assert_eq!(data.record(source, "orders", "b").expect("read"), None);
    let b = data.versions(source, "orders", "b").expect("read");
    let values: Vec<_> = b.iter().map(|version| (version.version, version.data.as_deref())).collect();
    assert_eq!(values, [(4, None), (3, Some("{}")), (2, None), (1, Some("{}"))]);

    let streams = data.streams(source).expect("streams");
    assert_eq!((streams[0].count, streams[0].bytes, streams[0].history_count), (1, 7, 6));
    assert_eq!(streams[0].newest, Some(at(4)));
    data.verify_counts().expect("true");
    let counts = data.run(run).expect("read").expect("there").counts;
    assert_eq!(counts, Counts { emitted: 8, added: 3, changed: 1, unchanged: 2, deleted: 2, rejected: 0 });
}

#[test]
fn pages_go_from_new_to_old_without_gap_or_double() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let run = collecting_run(&data, source);
    // Several records share each time, so that a page can end among them.
    let records = (0..25).map(|n| record("mail", &format!("k{n:02}"), &format!(r#"{{"n":"x{n}%"}}"#), n / 4)).collect();
    data.append(run, source, records).expect("appended");

    let mut seen = Vec::new();
    let mut query = page(4);
    loop {
        let page = data.records(source, "mail", &query).expect("page");
        seen.extend(page.rows.into_iter().map(|row| row.key));
        let Some(next) = page.next else { break };
        query.before = Some(next);
    }
    let expected: Vec<_> = (0..25).rev().map(|n| format!("k{n:02}")).collect();
    assert_eq!(seen, expected);

    assert_eq!(data.count_records(source, "mail", &RecordFilter::default()).expect("counted"), 25);
    let nonsense = RecordQuery { before: Some("nonsense".to_owned()), ..page(1) };
    assert!(data.records(source, "mail", &nonsense).is_err());
}

#[test]
fn held_records_are_visible_nowhere_until_released() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let look = || picture(&data, source, &["mail", "other"], &["a", "b"]);

    let run = collecting_run(&data, source);
    data.append(run, source, vec![record("mail", "a", "1", 1)]).expect("appended");
    let before = look();
    data.hold(run, source, vec![record("mail", "a", "2", 2), record("other", "b", "3", 3)]).expect("held");
    data.hold(run, source, vec![record("mail", "a", "4", 4), deletion("other", "b", 5)]).expect("held");
    assert_eq!(look(), before);
    data.drop_held(run).expect("dropped");
    assert_eq!(data.release_held(run).expect("nothing left"), Counts::default());
    assert_eq!(look(), before);

    data.hold(run, source, vec![record("mail", "a", "2", 2), record("mail", "a", "3", 3)]).expect("held");
    let released = data.release_held(run).expect("released");
    assert_eq!(released, Counts { emitted: 2, changed: 2, ..Counts::default() });
    assert_eq!(data.record(source, "mail", "a").expect("read").expect("there").data, "3");
    data.verify_counts().expect("true");
}

#[test]
fn what_a_run_held_ends_with_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let source;
    let run;
    {
        let data = open_data(dir.path());
        source = added_source(&data);
        run = collecting_run(&data, source);
        data.hold(run, source, vec![record("mail", "a", "1", 1)]).expect("held");
    }
    let data = open_data(dir.path());
    let end = RunEvent::End { outcome: Outcome::Interrupted, counts: Counts::default() };
    data.transition(run, end, None).expect("ended");
    assert!(matches!(data.release_held(run), Err(StoreError::Conflict { .. })));
    let next = collecting_run(&data, source);
    assert_eq!(data.release_held(next).expect("nothing"), Counts::default());
    assert_eq!(data.streams(source).expect("streams"), []);
}

#[test]
fn a_run_writes_to_its_own_source_alone_and_only_while_it_runs() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let (one, other) = (added_source(&data), added_source(&data));
    let run = collecting_run(&data, one);
    let batch = || vec![record("mail", "a", "1", 1)];
    assert!(matches!(data.append(run, other, batch()), Err(StoreError::Conflict { .. })));
    assert!(matches!(data.hold(run, other, batch()), Err(StoreError::Conflict { .. })));
    cancel(&data, run);
    assert!(matches!(data.append(run, one, batch()), Err(StoreError::Conflict { .. })));
    assert!(matches!(data.revert_run(run), Err(StoreError::Conflict { .. })));
}

#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<(usize, usize, Option<u8>)>),
    Hold(Vec<(usize, usize, Option<u8>)>),
    Release,
    Drop,
    Revert,
    NextRun,
    Index(usize),
}

const STREAMS: [&str; 2] = ["mail", "orders"];
const KEYS: [&str; 4] = ["a", "b", "c", "d"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = || prop::collection::vec((0..STREAMS.len(), 0..KEYS.len(), prop::option::of(0..4u8)), 0..6);
    prop::collection::vec(
        prop_oneof![
            4 => change().prop_map(Step::Batch),
            2 => change().prop_map(Step::Hold),
            1 => Just(Step::Release),
            1 => Just(Step::Drop),
            2 => Just(Step::Revert),
            2 => Just(Step::NextRun),
            3 => (1..4usize).prop_map(Step::Index),
        ],
        1..14,
    )
}

fn made(changes: &[(usize, usize, Option<u8>)]) -> Vec<NewRecord> {
    changes
        .iter()
        .map(|&(stream, key, value)| match value {
            Some(value) => record(STREAMS[stream], KEYS[key], &format!("{{\"v\":{}}}", "1".repeat(1 + value as usize)), 1),
            None => deletion(STREAMS[stream], KEYS[key], 2),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any mix of batches, held batches, runs and reverts leaves true counts; a revert restores what was there before the run, to
    /// the last version of the last record; and the current values are those of a plain map.
    #[test]
    fn counts_are_true_and_a_revert_restores(steps in steps()) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let data = open_data(dir.path());
        let source = added_source(&data);
        let look = || picture(&data, source, &STREAMS, &KEYS);
        let mut run = collecting_run(&data, source);
        let mut at_start = look();
        let mut model: BTreeMap<(usize, usize), u8> = BTreeMap::new();
        let mut model_at_start = model.clone();
        let mut held: Vec<(usize, usize, Option<u8>)> = Vec::new();
        let apply = |model: &mut BTreeMap<_, _>, changes: &[(usize, usize, Option<u8>)]| {
            for &(stream, key, value) in changes {
                match value {
                    Some(value) => model.insert((stream, key), value),
                    None => model.remove(&(stream, key)),
                };
            }
        };
        for step in steps {
            match step {
                Step::Batch(changes) => {
                    data.append(run, source, made(&changes)).expect("appended");
                    apply(&mut model, &changes);
                }
                Step::Hold(changes) => {
                    let before = look();
                    data.hold(run, source, made(&changes)).expect("held");
                    prop_assert_eq!(look(), before);
                    held.extend(changes);
                }
                Step::Release => {
                    data.release_held(run).expect("released");
                    apply(&mut model, &held);
                    held.clear();
                }
                Step::Drop => {
                    data.drop_held(run).expect("dropped");
                    held.clear();
                }
                Step::Revert => {
                    data.revert_run(run).expect("reverted");
                    model = model_at_start.clone();
                    held.clear();
                    prop_assert_eq!(look(), at_start.clone());
                }
                Step::NextRun => {
                    cancel(&data, run);
                    held.clear();
                    run = collecting_run(&data, source);
                    at_start = look();
                    model_at_start = model.clone();
                }
                Step::Index(limit) => {
                    prop_assert!(data.index_records(limit).expect("indexed") <= limit);
                }
            }
            data.verify_index().expect("a true index");
            data.verify_counts().expect("true counts");
            for (s, stream) in STREAMS.iter().enumerate() {
                for (k, key) in KEYS.iter().enumerate() {
                    let found = data.record(source, stream, key).expect("read").map(|row| row.data);
                    let expected = model.get(&(s, k)).map(|&value| format!("{{\"v\":{}}}", "1".repeat(1 + value as usize)));
                    prop_assert_eq!(found, expected);
                }
            }
        }
        while data.index_records(3).expect("indexed") > 0 {}
        prop_assert_eq!(data.waiting_for_index().expect("counted"), 0);
        data.verify_index().expect("a true index");
        for (s, stream) in STREAMS.iter().enumerate() {
            for value in 0..4u8 {
                let text = Some(format!("\"{}\"", "1".repeat(1 + value as usize)));
                let found = data.records(source, stream, &RecordQuery { filter: RecordFilter { text, ..RecordFilter::default() }, ..page(10) }).expect("found");
                let keys: BTreeSet<_> = found.rows.into_iter().map(|row| row.key).collect();
                let with_value = model.iter().filter(|((stream, _), kept)| *stream == s && **kept == value);
                prop_assert_eq!(keys, with_value.map(|((_, k), _)| KEYS[*k].to_owned()).collect());
            }
        }
    }
}
