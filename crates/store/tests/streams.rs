//! Deleting a stream: what goes, what stays, that being cut off changes nothing, and that the disk has its room back.

mod common;

use std::path::Path;

use common::{added_source, at, collecting_run, deletion, open_data, record};
use freehold_core::run::{Counts, Outcome, RunEvent};
use freehold_core::{RunId, SourceId};
use freehold_store::{
    CommitRun, DataDb, NewRecord, RecordFilter, RecordQuery, RejectedRow, SearchQuery, Snapshot, StoreError, StreamContent,
    VaultDb,
};
use serde_json::json;

const SHARED: &str = "in both";

fn keep(data: &DataDb, folder: &Path, run: RunId, stream: &str, key: &str, content: &str) -> String {
    let file = folder.join("file");
    std::fs::write(&file, content).expect("written");
    let blob = data.put_blob(&file, "text/plain", "note.txt").expect("taken over");
    data.link_blob(run, stream, key, &blob, false).expect("linked");
    blob.sha256
}

fn commit(data: &DataDb, run: RunId) {
    data.transition(run, RunEvent::Commit, None).expect("committing");
    let states = ["mail", "notes"].map(|stream| (stream.to_owned(), json!({"seen": 7}))).to_vec();
    data.commit_run(CommitRun {
        run,
        states,
        outcome: Outcome::Succeeded,
        counts: Counts::default(),
        detail: None,
        source_update: Box::new(|source| source.last_success_at = Some(at(9))),
    })
    .expect("committed");
}

/// A source with a stream `mail` that is to go and a stream `notes` that is not.
fn collected(data: &DataDb, folder: &Path) -> SourceId {
    let source = added_source(data);
    let run = collecting_run(data, source);
    let append = |records| data.append(run, source, records).expect("appended");
    append((0..9).map(|n| record("mail", &format!("m{n}"), r#"{"text":"tide one"}"#, n)).collect());
    append(vec![record("mail", "m0", r#"{"text":"tide two"}"#, 20), deletion("mail", "m1", 21)]);
    append((0..4).map(|n| record("notes", &format!("n{n}"), r#"{"text":"tide three"}"#, 30 + n)).collect());
    append(vec![record("notes", "n0", r#"{"text":"tide four"}"#, 40)]);
    keep(data, folder, run, "mail", "m2", "a letter");
    keep(data, folder, run, "mail", "m3", SHARED);
    keep(data, folder, run, "notes", "n1", SHARED);
    let rejected = |stream: &str| RejectedRow {
        stream: stream.to_owned(),
        key: "r".to_owned(),
        reason: "schema_mismatch".to_owned(),
        detail: "no".to_owned(),
        data: "{}".to_owned(),
    };
    data.reject(run, vec![rejected("mail"), rejected("notes")]).expect("rejected");
    commit(data, run);
    source
}

fn found(data: &DataDb, text: &str) -> (u64, usize) {
    let query = SearchQuery { text: text.to_owned(), limit: 100, ..SearchQuery::default() };
    (data.count_found(&query, 1_000).expect("counted"), data.search(&query).expect("searched").hits.len())
}

fn index(data: &DataDb) {
    while data.index_records(3).expect("indexed") > 0 {}
}

/// Everything that is read of a source.
fn picture(data: &DataDb, source: SourceId, stream: &str) -> String {
    let query = RecordQuery { limit: 100, ..RecordQuery::default() };
    let streams = data.streams(source).expect("streams");
    let summary = streams.iter().find(|summary| summary.name == stream);
    let page = data.records(source, stream, &query).expect("records");
    let versions: Vec<_> = page.rows.iter().map(|row| data.versions(source, stream, &row.key).expect("versions")).collect();
    format!("{summary:?} {page:?} {versions:?} {:?}", data.file_bytes(source).expect("measured").get(stream))
}

/// One piece of what is left to do after a deletion, in the engine's order; false once nothing is.
fn step(data: &DataDb) -> bool {
    data.clear_removed(2).expect("cleared") > 0
        || data.index_records(3).expect("indexed") > 0
        || data.give_back(2).expect("given back")
}

fn holds_together(data: &DataDb) {
    data.verify_counts().expect("true");
    data.verify_index().expect("true");
    data.integrity_check().expect("whole");
}

fn files(folder: &Path) -> usize {
    let inside = |folder: &Path| std::fs::read_dir(folder).expect("listed").map(|entry| entry.expect("an entry").path());
    inside(&folder.join("blobs")).filter(|path| path.is_dir()).map(|path| inside(&path).count()).sum()
}

#[test]
fn a_deleted_stream_is_gone_at_once_and_everything_else_stays() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let (source, other) = (collected(&data, dir.path()), collected(&data, dir.path()));
    index(&data);
    assert_eq!(found(&data, "tide"), (24, 24));
    let stay = [(source, "notes"), (other, "mail"), (other, "notes")];
    let before = stay.map(|(source, stream)| picture(&data, source, stream));

    let content = data.stream_content(source, "mail").expect("measured").expect("there");
    let values = |count: u64, text: &str| count * text.len() as u64;
    assert_eq!(
        content,
        StreamContent {
            records: 8,
            earlier: 3,
            bytes: values(10, r#"{"text":"tide one"}"#),
            files: 0,
            file_bytes: 0,
            shared_files: 2
        },
        "the other source has the same two files"
    );
    assert_eq!(data.stream_content(source, "none").expect("measured"), None);
    assert!(matches!(data.remove_stream(source, "none", false), Err(StoreError::NotFound { .. })));
    let run = collecting_run(&data, source);
    assert!(matches!(data.remove_stream(source, "mail", false), Err(StoreError::Conflict { .. })), "a run is under way");
    let end = RunEvent::End { outcome: Outcome::Interrupted, counts: Counts::default() };
    data.transition(run, end, None).expect("ended");
    let last = data.runs(source, 9, None).expect("runs").pop().expect("the first").id;

    data.remove_stream(source, "mail", false).expect("deleted");
    assert_eq!(data.stream_content(source, "mail").expect("measured"), None);
    assert_eq!(data.record(source, "mail", "m0").expect("read"), None);
    assert!(data.versions(source, "mail", "m0").expect("read").is_empty());
    assert_eq!(data.streams(source).expect("read").len(), 1);
    assert_eq!(found(&data, "tide"), (16, 16), "counted as it is found");
    assert!(data.cursors(source).expect("read").is_empty(), "a stream's STATE may say how far another is");
    assert_eq!(data.cursors(other).expect("read").len(), 2);
    let rejected = data.rejected(last, 9, 0).expect("read");
    assert_eq!(rejected.iter().map(|(_, row)| row.stream.as_str()).collect::<Vec<_>>(), ["notes"]);
    data.verify_counts().expect("true");
    assert_eq!(stay.map(|(source, stream)| picture(&data, source, stream)), before);

    // Collected anew before the old records are off the disk.
    let run = collecting_run(&data, source);
    let anew = vec![record("mail", "m0", r#"{"text":"tide five"}"#, 50)];
    assert_eq!(data.append(run, source, anew).expect("appended").added, 1, "nothing of it was there");
    commit(&data, run);
    while step(&data) {}
    assert_eq!(found(&data, "tide"), (17, 17));
    assert_eq!(data.versions(source, "mail", "m0").expect("read").len(), 1);
    assert_eq!(stay.map(|(source, stream)| picture(&data, source, stream)), before);
    holds_together(&data);
}

#[test]
fn files_go_with_the_last_record_that_has_them() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let source;
    {
        let data = open_data(dir.path());
        source = collected(&data, dir.path());
        let content = data.stream_content(source, "mail").expect("measured").expect("there");
        assert_eq!((content.files, content.file_bytes, content.shared_files), (1, 8, 1));
        assert_eq!(files(dir.path()), 2);
        // A copy that is being made needs every file; what goes meanwhile is removed later.
        let vault = VaultDb::open(&freehold_store::DataDir::open(&dir.path().join("other")).expect("directory"));
        let vault = vault.expect("vault.db");
        let copy = Snapshot::take(&vault, &data, &dir.path().join("copy"), &mut |_, _| Ok(())).expect("a copy");
        data.remove_stream(source, "mail", false).expect("deleted");
        assert_eq!(files(dir.path()), 2);
        drop(copy);
    }
    let data = open_data(dir.path());
    assert_eq!(files(dir.path()), 1, "removed at the next start");
    data.remove_stream(source, "notes", false).expect("deleted");
    assert_eq!(files(dir.path()), 0);
}

#[test]
fn being_cut_off_at_any_point_changes_nothing() {
    for steps in 0..40 {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (source, before, done);
        {
            let data = open_data(dir.path());
            source = collected(&data, dir.path());
            index(&data);
            before = picture(&data, source, "notes");
            data.remove_stream(source, "mail", false).expect("deleted");
            done = (0..steps).any(|_| !step(&data));
        }
        let data = open_data(dir.path());
        let holds = || {
            assert_eq!(picture(&data, source, "notes"), before, "after {steps} steps");
            assert_eq!(
                (found(&data, "tide"), data.streams(source).expect("read").len()),
                ((4, 4), 1),
                "after {steps} steps"
            );
        };
        holds();
        while step(&data) {}
        holds();
        holds_together(&data);
        if done {
            return;
        }
    }
    panic!("it does not come to an end");
}

#[test]
fn the_disk_has_its_room_back() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let (source, other) = (added_source(&data), added_source(&data));
    let fill = |source: SourceId, stream: &str, records: u64| {
        let run = collecting_run(&data, source);
        let text = |n: u64| format!(r#"{{"text":"word{} {}"}}"#, n % 1000, "x".repeat(1_000));
        let made: Vec<NewRecord> = (0..records).map(|n| record(stream, &format!("{n}"), &text(n), n as i64)).collect();
        data.append(run, source, made).expect("appended");
        commit(&data, run);
        while data.index_records(500).expect("indexed") > 0 {}
    };
    let size = || {
        let bytes = |name| std::fs::metadata(dir.path().join(name)).expect("there").len();
        (bytes("data.db") + bytes("data.db-wal")) >> 10
    };
    fill(other, "mail", 1_000);
    fill(source, "notes", 100);
    let before = size();
    fill(source, "mail", 10_000);
    assert!(size() > before + 10_000, "{} KiB of {before}", size());
    data.remove_stream(source, "mail", true).expect("deleted");
    while data.clear_removed(500).expect("cleared") > 0
        || data.index_records(500).expect("indexed") > 0
        || data.give_back(500).expect("given back")
    {}
    assert!(size() < before + before / 2, "{} KiB, {before} before it was collected", size());
    assert_eq!(data.left_out(source).expect("read").into_iter().collect::<Vec<_>>(), ["mail"]);

    // A source that is removed with its records goes the same way.
    data.remove_source(other, false).expect("removed");
    while data.clear_removed(500).expect("cleared") > 0
        || data.index_records(500).expect("indexed") > 0
        || data.give_back(500).expect("given back")
    {}
    assert!(size() < before / 2, "{} KiB of {before}", size());
    assert_eq!(data.count_records(source, "notes", &RecordFilter::default()).expect("counted"), 100);
    holds_together(&data);
}

#[test]
fn a_stream_that_is_left_out_is_taken_in_again_from_the_beginning() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = collected(&data, dir.path());
    assert!(matches!(data.take_in(source, "mail"), Err(StoreError::Conflict { .. })));
    data.remove_stream(source, "mail", true).expect("deleted");
    assert_eq!(data.cursors(source).expect("read").keys().collect::<Vec<_>>(), ["notes"]);
    data.take_in(source, "mail").expect("taken in");
    assert!(data.cursors(source).expect("read").is_empty());
    assert!(data.left_out(source).expect("read").is_empty());
}
