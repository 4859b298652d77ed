//! Looking at records: what a list shows, what is beside a record in it, and how many there are, held against a plain list.

mod common;

use common::{added_source, collecting_run, open_data};
use freehold_core::{SourceId, Timestamp};
use freehold_store::{DataDb, NewRecord, RecordFilter, RecordQuery, Span};
use proptest::prelude::*;

const STREAM: &str = "mail";

/// A record as the model has it.
#[derive(Clone, Debug)]
struct Letter {
    key: String,
    /// Its own time, in halves of a second.
    half: i64,
    has_word: bool,
    is_deleted: bool,
}

fn instant(half: i64) -> Timestamp {
    Timestamp::from_millisecond(half * 500).expect("in range")
}

fn letters() -> impl Strategy<Value = Vec<Letter>> {
    // Few times, so that many share one; some before 1970.
    let letter = (-6..12i64, any::<bool>(), prop::bool::weighted(0.2));
    prop::collection::vec(letter, 1..24).prop_map(|all| {
        let letter = |(n, (half, has_word, is_deleted))| Letter { key: format!("k{n}"), half, has_word, is_deleted };
        all.into_iter().enumerate().map(letter).collect()
    })
}

fn filters() -> impl Strategy<Value = RecordFilter> {
    let second = || prop::option::of((-4..7i64).prop_map(|second| instant(second * 2)));
    (any::<bool>(), second(), second()).prop_map(|(by_text, from, until)| RecordFilter {
        text: by_text.then(|| "tide".to_owned()),
        span: Span { from, until },
    })
}

/// The keys of a list, newest first.
fn listed(letters: &[Letter], filter: &RecordFilter) -> Vec<String> {
    let fits = |letter: &Letter| {
        let at = instant(letter.half);
        let in_span = filter.span.from.is_none_or(|from| at >= from) && filter.span.until.is_none_or(|until| at < until);
        !letter.is_deleted && in_span && (letter.has_word || filter.text.is_none())
    };
    let mut found: Vec<(i64, usize, &Letter)> = letters
        .iter()
        .enumerate()
        .filter(|(_, letter)| fits(letter))
        // A search knows whole seconds; what came later is the newer one among equals.
        .map(|(n, letter)| (if filter.text.is_some() { letter.half.div_euclid(2) } else { letter.half }, n, letter))
        .collect();
    found.sort_by_key(|(time, n, _)| (-time, std::cmp::Reverse(*n)));
    found.into_iter().map(|(.., letter)| letter.key.clone()).collect()
}

fn stored(letters: &[Letter]) -> (tempfile::TempDir, DataDb, SourceId) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let run = collecting_run(&data, source);
    let record = |letter: &Letter, delete| NewRecord {
        stream: STREAM.into(),
        key: letter.key.clone(),
        data: if letter.has_word { r#"{"t":"the tide"}"# } else { r#"{"t":"a hill"}"# }.into(),
        emitted_at: instant(letter.half),
        delete,
    };
    data.append(run, source, letters.iter().map(|letter| record(letter, false)).collect()).expect("appended");
    // Some of what goes was found before.
    let gone: Vec<_> = letters.iter().filter(|letter| letter.is_deleted).collect();
    let (sooner, later) = gone.split_at(gone.len() / 2);
    data.append(run, source, sooner.iter().map(|letter| record(letter, true)).collect()).expect("deleted");
    while data.index_records(100).expect("indexed") > 0 {}
    data.append(run, source, later.iter().map(|letter| record(letter, true)).collect()).expect("deleted");
    (dir, data, source)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_walked_from_record_to_record(letters in letters(), filter in filters()) {
        let (_dir, data, source) = stored(&letters);
        let expected = listed(&letters, &filter);

        let (mut pages, mut query) = (Vec::new(), RecordQuery { filter: filter.clone(), limit: 3, before: None });
        loop {
            let page = data.records(source, STREAM, &query).expect("a page");
            pages.extend(page.rows.into_iter().map(|row| row.key));
            query.before = page.next;
            if query.before.is_none() { break }
        }
        prop_assert_eq!(&pages, &expected, "page by page");

        for (place, key) in expected.iter().enumerate() {
            let beside = data.neighbours(source, STREAM, key, &filter).expect("read").expect("in the list");
            let newer = place.checked_sub(1).map(|place| &expected[place]);
            prop_assert_eq!(beside.newer.as_ref().map(|newer| &newer.key), newer, "before {}", key);
            prop_assert_eq!(beside.older.as_ref().map(|older| &older.key), expected.get(place + 1), "after {}", key);
            prop_assert!(beside.newer.iter().chain(&beside.older).all(|other| other.source == source && other.stream == STREAM));
            // What is gone and still in the index counts until the index has come to it.
            let (at, of) = beside.place.expect("a short list");
            if filter.text.is_none() {
                prop_assert_eq!((at, of), (place as u64 + 1, expected.len() as u64));
            } else {
                prop_assert!(at > place as u64 && at <= of);
            }
        }
        for letter in letters.iter().filter(|letter| !expected.contains(&letter.key)) {
            prop_assert_eq!(data.neighbours(source, STREAM, &letter.key, &filter).expect("read"), None, "{}", letter.key);
        }

        while data.index_records(100).expect("indexed") > 0 {}
        data.verify_counts().expect("true counts");
        prop_assert_eq!(data.count_records(source, STREAM, &filter).expect("counted"), expected.len() as u64);
        if let Some(last) = expected.last() {
            let place = data.neighbours(source, STREAM, last, &filter).expect("read").expect("in the list").place;
            prop_assert_eq!(place, Some((expected.len() as u64, expected.len() as u64)));
        }
    }
    /// Counted between any instants, of which some part a day, some are the same, and some are outside the list.
    #[test]
    fn a_list_is_counted_over_time(
        days in prop::collection::vec((-40..40i64, any::<bool>()), 0..40),
        filter in filters(),
        bounds in prop::collection::vec(-60..60i64, 0..12),
    ) {
        // Times some hours apart, so that a day has several, and the list's span of seconds becomes one of hours too.
        let hours = |hours: i64| instant(hours * 7200 * 5);
        let widen = |at: Option<Timestamp>| at.map(|at| hours(at.as_second() * 6));
        let filter = RecordFilter { span: Span { from: widen(filter.span.from), until: widen(filter.span.until) }, ..filter };
        let letters: Vec<Letter> = days
            .iter()
            .enumerate()
            .map(|(n, (at, has_word))| Letter { key: format!("k{n}"), half: at * 7200 * 5, has_word: *has_word, is_deleted: false })
            .collect();
        let (_dir, data, source) = stored(&letters);
        while data.index_records(100).expect("indexed") > 0 {}
        let mut bounds: Vec<Timestamp> = bounds.into_iter().map(|at| instant(at * 7200 * 4)).collect();
        bounds.sort();

        let listed = listed(&letters, &filter);
        let times: Vec<Timestamp> =
            letters.iter().filter(|letter| listed.contains(&letter.key)).map(|letter| instant(letter.half)).collect();
        let expected: Vec<u64> = bounds
            .windows(2)
            .map(|bound| times.iter().filter(|at| bound[0] <= **at && **at < bound[1]).count() as u64)
            .collect();
        prop_assert_eq!(data.count_over_time(source, STREAM, &filter, &bounds).expect("counted"), expected);
        let ends = times.iter().min().copied().zip(times.iter().max().copied());
        prop_assert_eq!(data.ends(source, STREAM, &filter).expect("read"), ends);
        prop_assert_eq!(data.count_records(source, STREAM, &filter).expect("counted"), times.len() as u64);
    }
}
