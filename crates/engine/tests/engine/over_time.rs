//! Records over time: each part that is counted, given as a list's days, has just these records.

use std::collections::BTreeSet;

use freehold_core::ProblemCode;
use freehold_engine::{Days, RecordFilter, RecordQuery, TimeUnit};

use crate::support::{OWNER, Server};

#[test]
fn what_is_counted_is_what_a_list_of_these_days_has() {
    let server = Server::new();
    let source = server.add("spec_only", &[("note_count", "70")], &[("username", "ada"), ("password", "hunter2-hunter2")]);
    server.ended(source.id);
    while server
        .engine
        .search(&OWNER, &freehold_engine::SearchQuery { text: "note".to_owned(), ..Default::default() })
        .unwrap()
        .waiting
        > 0
    {
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    // A note at each midnight, UTC, from the 1st of January on: elsewhere that is another day, and another month.
    for zone in ["UTC", "Pacific/Auckland", "America/Los_Angeles"] {
        for text in [None, Some("note".to_owned())] {
            let list = |from: &str, to: &str| RecordFilter { text: text.clone(), days: Days::read(from, to, zone).unwrap() };
            let keys = |filter: RecordFilter| -> BTreeSet<String> {
                let query = RecordQuery { filter, limit: 500, ..RecordQuery::default() };
                let page = server.engine.records(&OWNER, source.id, "notes", &query).unwrap();
                assert_eq!(page.total, page.records.len() as u64);
                page.records.into_iter().map(|record| record.key).collect()
            };
            let counts = server.engine.counts(&OWNER, source.id, "notes", &list("", "")).unwrap();
            assert_eq!((counts.unit, counts.zone.as_deref()), (TimeUnit::Month, Some(zone)));
            let mut seen = BTreeSet::new();
            for part in &counts.parts {
                let of_part = keys(list(&part.from.to_string(), &part.to.to_string()));
                assert_eq!(of_part.len() as u64, part.count, "{zone}, {} to {}", part.from, part.to);
                assert!(seen.is_disjoint(&of_part));
                seen.extend(of_part);
            }
            assert_eq!(seen.len(), 70, "all of them, in {zone}");
            // A month further apart, by day.
            let days = server.engine.counts(&OWNER, source.id, "notes", &list("2026-02-01", "2026-02-28")).unwrap();
            assert_eq!((days.unit, days.parts.len()), (TimeUnit::Day, 28));
            assert!(days.parts.iter().all(|part| part.count == 1), "{:?}", days.parts);
        }
    }
    let backwards = Days::read("2026-02-28", "2026-02-01", "UTC").unwrap_err();
    assert_eq!((backwards.code, backwards.at.as_deref()), (ProblemCode::BadInput, Some("to")));
}

#[test]
fn a_list_is_walked_from_record_to_record_and_a_search_too() {
    let server = Server::new();
    let source = server.add("spec_only", &[("note_count", "12")], &[("username", "ada"), ("password", "hunter2-hunter2")]);
    server.ended(source.id);
    let days = RecordFilter { text: None, days: Days::read("2026-01-03", "2026-01-10", "UTC").unwrap() };
    let (mut key, mut walked) = ("note-9".to_owned(), Vec::new());
    loop {
        let beside = server.engine.neighbours(&OWNER, source.id, "notes", &key, &days).unwrap();
        walked.push(key);
        assert_eq!(beside.place, Some((walked.len() as u64, 8)));
        let Some(older) = beside.older else { break };
        key = older.key;
    }
    assert_eq!(walked, (2..10).rev().map(|n| format!("note-{n}")).collect::<Vec<_>>());
    let outside = server.engine.neighbours(&OWNER, source.id, "notes", "note-1", &days).unwrap();
    assert!(outside.newer.is_none() && outside.older.is_none() && outside.place.is_none());
}
