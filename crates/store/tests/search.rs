//! Searching: what is found, in which order, and that nothing that can be typed is an error.

mod common;

use std::sync::LazyLock;

use common::{added_source, collecting_run, deletion, open_data, record};
use freehold_core::SourceId;
use freehold_store::{DataDb, NewRecord, SearchQuery};
use proptest::prelude::*;

struct Library {
    _dir: tempfile::TempDir,
    data: DataDb,
    source: SourceId,
}

impl Library {
    fn of(records: Vec<NewRecord>) -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let data = open_data(dir.path());
        let source = added_source(&data);
        let library = Self { _dir: dir, data, source };
        library.add(records);
        library.index();
        library
    }

    fn add(&self, records: Vec<NewRecord>) {
        let run = collecting_run(&self.data, self.source);
        self.data.append(run, self.source, records).expect("appended");
        let end = freehold_core::run::RunEvent::End {
            outcome: freehold_core::run::Outcome::Interrupted,
            counts: freehold_core::run::Counts::default(),
        };
        self.data.transition(run, end, None).expect("ended");
    }

    fn index(&self) {
        while self.data.index_records(2).expect("indexed") > 0 {}
        self.data.verify_index().expect("true");
    }

    fn query(&self, text: &str) -> SearchQuery {
        SearchQuery { text: text.to_owned(), limit: 50, ..SearchQuery::default() }
    }

    fn keys(&self, query: &SearchQuery) -> Vec<String> {
        self.data.search(query).expect("searched").hits.into_iter().map(|hit| hit.record.key).collect()
    }

    fn found(&self, text: &str) -> Vec<String> {
        self.keys(&self.query(text))
    }
}

fn letters() -> Library {
    Library::of(vec![
        record("mail", "old", r#"{"subject":"The tide tables","from":"ada@byrne.test","n":4711}"#, 1),
        record("mail", "new", r#"{"subject":"Zürich im Herbst","body":"<p>Über den <b>Fluß</b></p>","tags":["tide"]}"#, 9),
        record("mail", "mid", r#"{"subject":"東京の天気","hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"}"#, 5),
        record("notes", "note", r#"{"text":"a table for two"}"#, 7),
    ])
}

#[test]
fn words_are_found_however_they_are_typed() {
    let library = letters();
    assert_eq!(library.found("tide"), ["new", "old"], "newest first");
    assert_eq!(library.found("TIDE tab"), ["old"], "the last word may go on");
    assert_eq!(library.found("\"tide tables\""), ["old"]);
    assert_eq!(library.found("\"tables tide\""), Vec::<String>::new());
    assert_eq!(library.found("tide -zurich"), ["old"]);
    assert_eq!(library.found("zurich uber"), ["new"], "without the marks on letters");
    assert_eq!(library.found("ada@byrne.test"), ["old"]);
    assert_eq!(library.found("4711"), ["old"]);
    assert_eq!(library.found("天気"), ["mid"], "signs that are written without spaces");
    assert_eq!(library.found("9f86d0"), Vec::<String>::new(), "a hash is no word");
    assert_eq!(library.found("s1"), Vec::<String>::new(), "nor is the index's own word for a stream");
}

#[test]
fn a_search_stays_where_it_is_asked_to() {
    let library = letters();
    let within = |source, stream: &str| SearchQuery {
        source: Some(source),
        stream: (!stream.is_empty()).then(|| stream.to_owned()),
        ..library.query("tab")
    };
    assert_eq!(library.found("tab"), ["note", "old"]);
    assert_eq!(library.keys(&within(library.source, "")), ["note", "old"]);
    assert_eq!(library.keys(&within(library.source, "notes")), ["note"]);
    assert_eq!(library.keys(&within(library.source, "none")), Vec::<String>::new());
    let other = added_source(&library.data);
    assert_eq!(library.keys(&within(other, "")), Vec::<String>::new());
    assert_eq!(library.data.count_found(&within(library.source, ""), 100).expect("counted"), 2);
    assert_eq!(library.data.count_found(&library.query("tab"), 1).expect("counted"), 1, "up to a bound");
}

#[test]
fn pages_follow_each_other_without_gap_or_double() {
    let records = (0..25).map(|n| record("mail", &format!("k{n:02}"), r#"{"t":"same"}"#, n / 4)).collect();
    let library = Library::of(records);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = library.data.search(&SearchQuery { before, limit: 4, ..library.query("same") }).expect("a page");
        seen.extend(page.hits.into_iter().map(|hit| hit.record.key));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).rev().map(|n| format!("k{n:02}")).collect::<Vec<_>>());
}

#[test]
fn what_changed_or_went_is_found_as_it_is_now() {
    let library = letters();
    library.add(vec![record("mail", "old", r#"{"subject":"Low water"}"#, 20), deletion("notes", "note", 21)]);
    assert_eq!(library.data.waiting_for_index().expect("counted"), 2);
    library.index();
    assert_eq!(
        (library.found("water"), library.found("tide"), library.found("table")),
        (vec!["old".to_owned()], vec!["new".to_owned()], vec![])
    );
    library.data.remove_source(library.source, false).expect("removed");
    assert_eq!(library.found("water"), Vec::<String>::new(), "gone at once");
    library.index();
    library.add_source_again();
}

impl Library {
    /// Ids are given again after a removal; what gets them is found all the same.
    fn add_source_again(&self) {
        let source = added_source(&self.data);
        let run = collecting_run(&self.data, source);
        self.data.append(run, source, vec![record("mail", "next", r#"{"t":"water"}"#, 1)]).expect("appended");
        self.index();
        assert_eq!(self.found("water"), ["next"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_can_be_typed_is_an_error(text in any::<String>(), signs in "[\"*:^(){}+\\-a ANDORNEAT\u{0}\u{2}\u{3}東]{0,24}") {
        static LIBRARY: LazyLock<Library> = LazyLock::new(letters);
        let library = &*LIBRARY;
        for typed in [text, signs] {
            let page = library.data.search(&library.query(&typed));
            prop_assert!(page.is_ok(), "{:?}: {:?}", typed, page);
            prop_assert!(library.data.count_found(&library.query(&typed), 9).is_ok());
        }
    }
}
