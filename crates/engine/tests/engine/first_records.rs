//! From adding a source to its records.

use freehold_core::run::Outcome;
use freehold_engine::RecordQuery;

use crate::support::{OWNER, Server};

#[test]
fn a_source_is_added_and_its_records_are_there() {
    let server = Server::new();
    let source = server.add("spec_only", &[("note_count", "25")], &[("username", "ada"), ("password", "hunter2-hunter2")]);
    let run = server.ended(source.id);
    assert_eq!(run.outcome, Some(Outcome::Succeeded));
    assert_eq!(server.count(source.id, "notes"), 25);
    // The newest by its own time is first, not the one that was fetched last.
    let page = server.engine.records(&OWNER, source.id, "notes", &RecordQuery { limit: 1, ..Default::default() }).unwrap();
    assert_eq!((page.total, page.records[0].title.as_str()), (25, "Note 25"));
    assert_eq!(page.records[0].emitted_at.to_string(), "2026-01-26T00:00:00Z");

    // The next run goes on from the cursor, and keeps what changed nothing as it is.
    server.engine.start_run(&OWNER, source.id).unwrap();
    let second = server.wait(source.id, |next| next.id != run.id && next.outcome.is_some());
    assert_eq!(second.outcome, Some(Outcome::Succeeded));
    assert_eq!((second.counts.added, second.counts.unchanged), (0, 1), "the profile again, and no note");
}
