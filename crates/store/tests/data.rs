//! Sources, runs, questions, files, sessions.

mod common;

use std::os::unix::fs::PermissionsExt;

use common::{CLOCK, RNG, added_source, at, collecting_run, open_data, queued, record, source};
use freehold_core::id::{SessionId, TokenId};
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{Cause, Counts, Outcome, RunEvent, RunState};
use freehold_core::{InteractionId, ServerId, SourceId};
use freehold_store::{CommitRun, DataDb, InteractionRow, RejectedRow, RunRow, SessionRow, SourceRow, StoreError, TokenRow};
use serde_json::json;

fn question(source: SourceId) -> InteractionRow {
    InteractionRow {
        id: InteractionId::new(&CLOCK, &RNG),
        source,
        run: None,
        kind: InteractionKind::Identity,
        state: InteractionState::Open,
        reason: OwnerReason::LockedOut { until: Some(at(9)) },
        message: "Is this you?".to_owned(),
        schema: None,
        asked_at: at(1),
        deadline: Some(at(100)),
        answered_at: None,
        data: Some(json!({"seen": "a@example.org"})),
    }
}

fn commit(run: freehold_core::RunId, outcome: Outcome) -> CommitRun {
    CommitRun {
        run,
        states: vec![("mail".to_owned(), json!({"uid": 7}))],
        outcome,
        counts: Counts { emitted: 1, added: 1, ..Counts::default() },
        detail: Some("fine".to_owned()),
        source_update: Box::new(|source| {
            source.ever_collected = true;
            source.last_success_at = Some(at(50));
        }),
    }
}

#[test]
fn a_source_survives_the_database_as_it_is() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let row = SourceRow {
        settings: json!({"host": "mail.example.org", "port": 993}).as_object().expect("object").clone(),
        next_due_at: Some(at(5)),
        failures: 3,
        ..source()
    };
    data.insert_source(row.clone()).expect("added");
    assert_eq!(data.source(row.id).expect("read"), Some(row.clone()));
    assert!(matches!(data.insert_source(row.clone()), Err(StoreError::Conflict { .. })));

    let run = collecting_run(&data, row.id);
    data.append(run, row.id, vec![record("mail", "a", "1", 1)]).expect("appended");
    let changed = data.update_source(row.id, |source| source.name = "Other".to_owned()).expect("changed");
    assert_eq!((data.source(row.id).expect("read"), changed.name.as_str()), (Some(changed.clone()), "Other"));
    assert!(data.run(run).expect("read").is_some(), "a change of the source leaves what hangs on it");
    let owner = source().owner;
    assert!(matches!(data.update_source(row.id, move |source| source.owner = owner), Err(StoreError::Conflict { .. })));
}

#[test]
fn a_removed_source_keeps_its_records_only_if_asked() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let row = source();
    data.insert_source(row.clone()).expect("added");
    let run = collecting_run(&data, row.id);
    data.append(run, row.id, vec![record("mail", "a", "1", 1)]).expect("appended");
    assert!(matches!(data.remove_source(row.id, true), Err(StoreError::Conflict { .. })), "a run is under way");
    data.transition(run, RunEvent::Commit, None).expect("committing");
    data.commit_run(commit(run, Outcome::Succeeded)).expect("committed");

    data.remove_source(row.id, true).expect("removed");
    assert_eq!((data.source(row.id).expect("read"), data.sources(row.owner).expect("read")), (None, vec![]));
    assert_eq!(data.removed_sources(row.owner).expect("read").len(), 1);
    assert!(data.record(row.id, "mail", "a").expect("read").is_some());
    data.remove_source(row.id, false).expect("removed with its records");
    assert!(data.record(row.id, "mail", "a").expect("read").is_none());
    assert_eq!((data.removed_sources(row.owner).expect("read"), data.run(run).expect("read")), (vec![], None));
    assert!(matches!(data.remove_source(row.id, false), Err(StoreError::NotFound { .. })));
}

#[test]
fn what_is_due_is_found_only_if_it_can_run() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let add = |next_due_at, paused| {
        let row = SourceRow { next_due_at, paused, ..source() };
        data.insert_source(row.clone()).expect("added");
        row.id
    };
    let (later, first) = (add(Some(at(20)), false), add(Some(at(10)), false));
    let (_paused, _never, _future) = (add(Some(at(1)), true), add(None, false), add(Some(at(99)), false));
    let running = add(Some(at(5)), false);
    collecting_run(&data, running);
    assert_eq!(data.due(at(20), 10).expect("due"), [first, later]);
    assert_eq!(data.due(at(20), 1).expect("due"), [first]);
    assert_eq!(data.due(at(9), 10).expect("due"), []);
    assert_eq!(data.next_due().expect("next"), Some(at(10)));
}

#[test]
fn one_run_at_a_time_per_source_whoever_asks() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let source;
    {
        let data = open_data(dir.path());
        source = added_source(&data);
        let admitted = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| data.insert_run(queued(source)).is_ok())).collect();
            tries.into_iter().map(|each| each.join().expect("joined")).filter(|&ok| ok).count()
        });
        assert_eq!(admitted, 1);
    }
    // The row is the admission: it holds across a restart.
    let data = open_data(dir.path());
    assert!(matches!(data.insert_run(queued(source)), Err(StoreError::Conflict { .. })));
    let run = data.unfinished_run_of(source).expect("read").expect("there").id;
    let end = RunEvent::End { outcome: Outcome::Interrupted, counts: Counts::default() };
    data.transition(run, end, None).expect("ended");
    data.insert_run(queued(source)).expect("free again");
    assert_eq!(data.last_ended(source).expect("read").expect("there").id, run);
}

#[test]
fn a_run_moves_only_as_the_table_of_states_allows() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let run = RunRow { state: RunState::Queued { cause: Cause::Owner, due_at: at(30) }, ..queued(source) };
    data.insert_run(run.clone()).expect("inserted");
    assert_eq!(data.queued_due(at(29)).expect("read"), []);
    assert_eq!(data.queued_due(at(30)).expect("read"), std::slice::from_ref(&run));
    assert_eq!(data.next_queued_at().expect("read"), Some(at(30)));

    let early = data.transition(run.id, RunEvent::Commit, None);
    assert!(matches!(early, Err(StoreError::Conflict { .. })));
    let server = ServerId::new(&CLOCK, &RNG);
    let state = data.transition(run.id, RunEvent::Admit { server }, Some(json!({"why": "asked"}))).expect("admitted");
    assert_eq!(state, RunState::Admitted { server });
    assert_eq!((data.queued_due(at(99)).expect("read"), data.next_queued_at().expect("read")), (vec![], None));
    data.transition(run.id, RunEvent::Collect, None).expect("collecting");
    data.note(run.id, "progress", json!({"count": 3})).expect("noted");
    data.transition(run.id, RunEvent::Batch, None).expect("batch");
    let row = data.run(run.id).expect("read").expect("there");
    assert_eq!(row.state, RunState::Collecting { batch: 1 });
    assert!(row.started_at.is_some() && row.ended_at.is_none());

    let outcome = Outcome::Failed { reason: FailureReason::ConnectorFailed };
    let counts = Counts { emitted: 5, ..Counts::default() };
    data.transition(run.id, RunEvent::End { outcome: outcome.clone(), counts }, None).expect("ended");
    let row = data.run(run.id).expect("read").expect("there");
    assert_eq!((row.outcome, row.counts, row.ended_at.is_some()), (Some(outcome), counts, true));
    let timeline = data.timeline(run.id, 0).expect("timeline");
    let events: Vec<_> = timeline.iter().map(|entry| (entry.seq, entry.event.as_str(), entry.state.as_str())).collect();
    assert_eq!(
        events,
        [
            (1, "queue", "queued"),
            (2, "admit", "admitted"),
            (3, "collect", "collecting"),
            (4, "progress", "collecting"),
            (5, "batch", "collecting"),
            (6, "end", "ended")
        ]
    );
    assert_eq!(timeline[1].note, Some(json!({"why": "asked"})));
    assert_eq!(data.timeline(run.id, 5).expect("timeline").len(), 1);
}

#[test]
fn a_commit_is_all_or_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let run = collecting_run(&data, source);
    // Success is not what a run that is still collecting can end in.
    assert!(matches!(data.commit_run(commit(run, Outcome::Succeeded)), Err(StoreError::Conflict { .. })));
    // Nor does a bug half-way leave half of it.
    let broken = CommitRun { source_update: Box::new(|_| panic!("a bug")), ..commit(run, Outcome::Interrupted) };
    assert!(matches!(data.commit_run(broken), Err(StoreError::Abandoned { .. })));
    assert!(data.cursors(source).expect("read").is_empty());
    let row = data.run(run).expect("read").expect("there");
    assert_eq!((row.state, row.detail), (RunState::Collecting { batch: 0 }, None));
    assert!(!data.source(source).expect("read").expect("there").ever_collected);

    data.transition(run, RunEvent::Commit, None).expect("committing");
    data.commit_run(commit(run, Outcome::Succeeded)).expect("committed");
    assert_eq!(data.cursors(source).expect("read")["mail"], json!({"uid": 7}));
    assert!(data.source(source).expect("read").expect("there").ever_collected);
    assert_eq!(data.run(run).expect("read").expect("there").outcome, Some(Outcome::Succeeded));
}

#[test]
fn at_most_one_question_is_open_per_source() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let (one, other) = (added_source(&data), added_source(&data));
    let first = question(one);
    data.open_interaction(first.clone()).expect("asked");
    assert!(matches!(data.open_interaction(question(one)), Err(StoreError::Conflict { .. })));
    data.open_interaction(question(other)).expect("another source may ask");
    assert_eq!(data.open_interaction_of(one).expect("read"), Some(first.clone()));
    assert_eq!(data.open_interactions().expect("read").len(), 2);

    let answered = data.resolve_interaction(first.id, InteractionState::Answered, at(2)).expect("answered");
    assert_eq!((answered.state, answered.answered_at), (InteractionState::Answered, Some(at(2))));
    let late = data.resolve_interaction(first.id, InteractionState::Answered, at(3));
    assert!(matches!(late, Err(StoreError::Conflict { .. })));
    assert_eq!(data.interaction(first.id).expect("read"), Some(answered));
    data.open_interaction(question(one)).expect("free again");
}

#[test]
fn rejected_records_are_listed_and_cut_to_size() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let source = added_source(&data);
    let run = collecting_run(&data, source);
    let row = |key: &str, data: String| RejectedRow {
        stream: "mail".to_owned(),
        key: key.to_owned(),
        reason: "out_of_scope".to_owned(),
        detail: "The stream was not asked for.".to_owned(),
        data,
    };
    data.reject(run, vec![row("a", "1".to_owned()), row("b", "é".repeat(50_000))]).expect("kept");
    data.reject(run, vec![row("c", "3".to_owned())]).expect("kept");
    assert_eq!(data.rejected_count(run).expect("counted"), 3);
    let rows = data.rejected(run, 2, 1).expect("read");
    assert_eq!(rows.iter().map(|(seq, row)| (*seq, row.key.as_str())).collect::<Vec<_>>(), [(2, "b"), (3, "c")]);
    assert_eq!(rows[0].1.data.len(), 64 * 1024);
    let counts = data.run(run).expect("read").expect("there").counts;
    assert_eq!((counts.emitted, counts.rejected), (3, 3));

    data.append_stderr(run, "first line\n").expect("kept");
    data.append_stderr(run, &"é".repeat(40_000)).expect("kept");
    data.append_stderr(run, "last line").expect("kept");
    let stderr = data.stderr(run).expect("read");
    assert!(stderr.len() <= 64 * 1024 && stderr.ends_with("last line") && !stderr.contains("first"));
}

#[test]
fn a_file_is_had_only_by_way_of_a_source_and_goes_with_its_last_record() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let (one, other) = (added_source(&data), added_source(&data));
    let run = collecting_run(&data, one);
    let put = |data: &DataDb, content: &str| {
        let file = dir.path().join("incoming");
        std::fs::write(&file, content).expect("written");
        let blob = data.put_blob(&file, "text/plain", "a.txt").expect("kept");
        assert!(!file.exists(), "taken over");
        blob
    };
    let blob = put(&data, "hello");
    assert_eq!(blob.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(put(&data, "hello"), blob);
    let path = data.blob_path(&blob.sha256).expect("path");
    assert_eq!(std::fs::read(&path).expect("read"), b"hello");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert!(data.blob_path("../../etc/passwd").is_err());

    data.link_blob(run, "mail", "a", &blob, true).expect("linked");
    assert_eq!(data.blob_of(one, &blob.sha256).expect("read"), None, "held");
    assert!(data.file_bytes(one).expect("measured").is_empty(), "held");
    data.hold(run, one, vec![record("mail", "a", "1", 1)]).expect("held");
    data.release_held(run).expect("released");
    assert_eq!(data.blob_of(one, &blob.sha256).expect("read"), Some(blob.clone()));
    assert_eq!(data.blob_of(other, &blob.sha256).expect("read"), None);

    let second = put(&data, "mine alone");
    data.link_blob(run, "mail", "b", &second, false).expect("linked");
    data.link_blob(run, "mail", "c", &blob, false).expect("linked");
    data.link_blob(run, "notes", "a", &blob, false).expect("linked");
    let bytes = data.file_bytes(one).expect("measured");
    assert_eq!(bytes, [("mail".to_owned(), 5 + 10), ("notes".to_owned(), 5)].into(), "the same content once a stream");
    assert!(data.file_bytes(other).expect("measured").is_empty());
    data.revert_run(run).expect("reverted");
    assert!(!path.exists() && !data.blob_path(&second.sha256).expect("path").exists());
    assert!(matches!(data.link_blob(run, "mail", "b", &second, false), Err(StoreError::NotFound { .. })));
}

#[test]
fn a_file_never_linked_goes_at_the_next_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let file = dir.path().join("incoming");
    std::fs::write(&file, "lost").expect("written");
    let path = {
        let data = open_data(dir.path());
        let blob = data.put_blob(&file, "text/plain", "a.txt").expect("kept");
        data.blob_path(&blob.sha256).expect("path")
    };
    assert!(path.exists());
    drop(open_data(dir.path()));
    assert!(!path.exists());
}

#[test]
fn sessions_and_tokens_are_found_by_hash_until_they_end() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = open_data(dir.path());
    let session = SessionRow {
        id: SessionId::new(&CLOCK, &RNG),
        hash: [1; 32],
        created_at: at(0),
        last_seen_at: at(0),
        reauth_until: None,
        user_agent: "a browser".to_owned(),
        address: Some("192.0.2.7".to_owned()),
    };
    data.insert_session(session.clone()).expect("added");
    assert_eq!(data.session_by_hash(&[1; 32]).expect("read"), Some(session.clone()));
    assert_eq!(data.session_by_hash(&[2; 32]).expect("read"), None);
    data.touch_session(session.id, at(5)).expect("touched");
    data.set_session_reauth(session.id, Some(at(9))).expect("set");
    let found = &data.sessions().expect("read")[0];
    assert_eq!((found.last_seen_at, found.reauth_until), (at(5), Some(at(9))));
    data.delete_session(session.id).expect("ended");
    assert_eq!(data.session_by_hash(&[1; 32]).expect("read"), None);

    let token = TokenRow {
        id: TokenId::new(&CLOCK, &RNG),
        name: "phone".to_owned(),
        hash: [3; 32],
        scopes: vec!["read".to_owned()],
        created_at: at(0),
        last_used_at: None,
        revoked_at: None,
    };
    data.insert_token(token.clone()).expect("added");
    data.touch_token(token.id, at(4)).expect("touched");
    assert_eq!(data.token_by_hash(&[3; 32]).expect("read").expect("there").last_used_at, Some(at(4)));
    data.revoke_token(token.id, at(6)).expect("revoked");
    assert_eq!(data.token_by_hash(&[3; 32]).expect("read"), None);
    assert_eq!(data.tokens().expect("read")[0].revoked_at, Some(at(6)));

    assert_eq!(data.setting("theme").expect("read"), None);
    data.set_setting("theme", json!("dark")).expect("set");
    assert_eq!(data.setting("theme").expect("read"), Some(json!("dark")));
}
