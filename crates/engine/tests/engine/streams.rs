//! A stream is deleted: what is lost is said before, and what comes afterwards is what the owner chose.

use freehold_core::ProblemCode;
use freehold_core::run::{Outcome, RunState};
use freehold_engine::{Caller, SearchQuery};
use serde_json::json;

use crate::support::{OWNER, Server};

const DETAILS: [(&str, &str); 2] = [("username", "ada"), ("password", "right-password")];

/// A run that the owner asks for, to its end.
fn collect(server: &Server, source: freehold_core::SourceId) -> freehold_engine::view::RunView {
    let run = server.engine.start_run(&OWNER, source).unwrap().id;
    server.wait(source, |newest| newest.id == run && newest.outcome.is_some())
}

#[test]
fn it_is_left_out_or_collected_anew_as_was_chosen() {
    let server = Server::new();
    let source = server.add("spec_only", &[("note_count", "30")], &DETAILS).id;
    server.ended(source);
    let content = server.engine.stream_content(&OWNER, source, "notes").unwrap();
    assert_eq!((content.records, content.earlier, content.files), (30, 0, 0));
    assert!(content.bytes > 0 && content.can_be_left_out && content.current_run.is_none(), "{content:?}");
    assert_eq!(content.afterwards, "The next run collects it anew, from the beginning.");

    // STATE says that all are collected; without it they come again.
    server.engine.delete_stream(&OWNER, source, "notes", "spec_only", false).unwrap();
    assert_eq!((server.count(source, "notes"), server.count(source, "profile")), (0, 1));
    assert_eq!(server.engine.stream_content(&OWNER, source, "notes").unwrap_err().code, ProblemCode::NotFound);
    let counts = collect(&server, source).counts;
    assert_eq!((counts.added, counts.unchanged, server.count(source, "notes")), (30, 1, 30));

    server.engine.delete_stream(&OWNER, source, "notes", " spec_only ", true).unwrap();
    let counts = collect(&server, source).counts;
    assert_eq!((counts.emitted, server.count(source, "notes")), (1, 0), "it is not even asked for");
    let left_out = |name: &str| server.source(source).streams.iter().any(|stream| stream.name == name && stream.left_out);
    assert!(left_out("notes") && !left_out("profile"));
    let taken_in = || server.engine.take_in(&OWNER, source, "notes");
    taken_in().unwrap();
    assert_eq!(taken_in().unwrap_err().code, ProblemCode::Conflict, "once");
    collect(&server, source);
    assert_eq!(server.count(source, "notes"), 30);

    let done: Vec<String> = server.engine.audit(&OWNER, 0, 1_000).unwrap().into_iter().map(|entry| entry.action).collect();
    let times = |action: &str| done.iter().filter(|done| *done == action).count();
    assert_eq!((times("source.delete_stream"), times("source.take_in")), (2, 1));
    assert!(server.engine.verify_audit(&OWNER).unwrap().intact);
    let found = server.until("the index", || {
        let page = server.engine.search(&OWNER, &SearchQuery { text: "note".to_owned(), ..SearchQuery::default() }).unwrap();
        (page.waiting == 0).then_some(page.total)
    });
    assert_eq!(found, 30, "none of those that were deleted");
}

#[test]
fn nothing_is_deleted_by_mistake() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &DETAILS).id;
    server.ended(source);
    let stale = Caller::Cli { reauthenticated: false };
    let refused = |caller: &Caller, stream: &str, name: &str, leave_out: bool| {
        let problem = server.engine.delete_stream(caller, source, stream, name, leave_out).unwrap_err();
        (problem.code, problem.at)
    };
    let at = |field: &str| (ProblemCode::BadInput, Some(field.to_owned()));
    assert_eq!(refused(&stale, "notes", "spec_only", true).0, ProblemCode::ReauthenticationRequired);
    assert_eq!(refused(&OWNER, "notes", "notes", true), at("confirm_name"));
    assert_eq!(refused(&OWNER, "none", "spec_only", true).0, ProblemCode::NotFound);
    assert_eq!(refused(&OWNER, "profile", "spec_only", true), at("leave_out"), "it tells whose account it is");

    let program = r#"
say(type="IDENTITY", key="ada", display="ada")
item(id="one")
import time
go = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "go")
while not os.path.exists(go): time.sleep(0.01)
done(1)
"#;
    server.drop_in("slow", json!({ "setup": {} }), program);
    let go = server.dir.path().join("connectors/slow/go");
    std::fs::write(&go, "").unwrap();
    let slow = server.add_named("slow", "ada");
    server.ended(slow);
    std::fs::remove_file(&go).unwrap();
    server.engine.start_run(&OWNER, slow).unwrap();
    server.wait(slow, |run| matches!(run.run_state, RunState::Collecting { .. }));
    let content = server.engine.stream_content(&OWNER, slow, "items").unwrap();
    assert!(content.current_run.is_some() && !content.can_be_left_out, "{content:?}");
    let problem = server.engine.delete_stream(&OWNER, slow, "items", "slow", false).unwrap_err();
    assert_eq!(problem.what, "A run of this source is under way.");
    std::fs::write(&go, "").unwrap();
    assert_eq!(server.outcome(slow), Outcome::Succeeded);
    assert_eq!(server.count(slow, "items"), 1);

    assert_eq!(
        server.engine.delete_stream(&OWNER, slow, "items", "slow", true).unwrap_err().at.as_deref(),
        Some("leave_out"),
        "there is nothing else it collects"
    );
    server.engine.remove_source(&OWNER, slow, "slow", false).unwrap();
    let content = server.engine.stream_content(&OWNER, slow, "items").unwrap();
    assert_eq!((content.removed, content.afterwards.as_str()), (true, "The source was removed, so it does not come back."));
    server.engine.delete_stream(&OWNER, slow, "items", "slow", false).unwrap();
    assert!(server.engine.collected(&OWNER, slow).unwrap().streams.iter().all(|stream| stream.count == 0));
}
