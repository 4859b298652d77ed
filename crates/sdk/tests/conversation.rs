//! What a connector written with the SDK says, seen by the session that Freehold itself uses.
#![expect(clippy::disallowed_methods, reason = "looks at secrets and lines as a connector would")]
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::process::ExitCode;

use freehold_protocol::message::{InteractionResponse, Start};
use freehold_protocol::{Manifest, SecretBytes, SecretFields, Session, session};
use freehold_sdk::{Context, Error};
use serde_json::json;

fn manifest() -> Manifest {
    let text = json!({
        "version": "1", "display_name": "Test", "program": {"command": "x"}, "identity": {"message": true},
        "streams": [{
            "name": "notes", "primary_key": ["id"],
            "schema": {"type": "object", "properties": {"id": {"type": "string"}, "text": {"type": "string"}}, "required": ["id"]}
        }]
    });
    let name = serde_json::from_value(json!("test")).unwrap();
    Manifest::parse(name, &text.to_string()).unwrap()
}

fn start(target: serde_json::Value) -> Start {
    serde_json::from_value(json!({
        "run_id": "r1", "collection_mode": "incremental", "scope": {"streams": [target]},
        "state": {"notes": {"last": 3}}, "bindings": {}
    }))
    .unwrap()
}

/// Runs a connector against that input, and returns its exit and its lines.
fn run(input: &[u8], collect: impl FnOnce(&mut Context<'_>) -> Result<(), Error>) -> (ExitCode, Vec<String>) {
    let tmp = tempfile::tempdir().unwrap();
    let mut output = Vec::new();
    let exit = freehold_sdk::run_on(input, &mut output, tmp.path().to_owned(), collect);
    (exit, String::from_utf8(output).unwrap().lines().map(str::to_owned).collect())
}

fn ending(start: &Start, lines: &[String], exit: ExitCode) -> session::Ending {
    let mut session = Session::new(&manifest(), start);
    for (index, line) in lines.iter().enumerate() {
        let event =
            session.line(line.as_bytes(), index as u64 + 1).unwrap_or_else(|violation| panic!("{violation}: {line}"));
        if matches!(event, session::Event::Interaction(_)) {
            assert!(session.answered("q1"));
        }
    }
    session.ending(session::Exit::Code(i32::from(exit != ExitCode::SUCCESS)))
}

#[test]
fn a_run_with_a_question_records_and_a_checkpoint_succeeds() {
    let start = start(json!({"name": "notes"}));
    let mut answer = SecretFields::new();
    answer.insert("password", SecretBytes::from("s3cret\"\n".to_owned())).unwrap();
    let mut input = start.to_line();
    input.extend_from_slice(InteractionResponse::success("q1", answer).to_line().expose());
    let (exit, lines) = run(&input, |ctx| {
        assert_eq!(ctx.state::<serde_json::Value>("notes")?, Some(json!({"last": 3})));
        let login = ctx.credentials("Sign in", &["password"])?;
        assert_eq!(login.get("password").unwrap().expose(), b"s3cret\"\n");
        ctx.identity("ann", "Ann")?;
        ctx.emit("notes", "4", &json!({"id": "4", "text": "hello"}))?;
        ctx.checkpoint("notes", &json!({"last": 4}))
    });
    let ending = ending(&start, &lines, exit);
    assert!(matches!(ending.outcome, session::Outcome::Succeeded), "{:?}", ending.outcome);
    assert_eq!(ending.commit["notes"].get(), r#"{"last":4}"#);
    assert!(!lines.concat().contains("s3cret"));
}

#[test]
fn a_refused_password_ends_with_the_hint_and_keeps_no_checkpoint() {
    let start = start(json!({"name": "notes"}));
    let (exit, lines) = run(&start.to_line(), |ctx| {
        ctx.identity("ann", "Ann")?;
        ctx.checkpoint("notes", &json!({"last": 9}))?;
        Err(Error::credentials_rejected("the library refused the password"))
    });
    let ending = ending(&start, &lines, exit);
    let session::Outcome::Failed { error: Some(error), .. } = ending.outcome else { panic!("{:?}", ending.outcome) };
    assert_eq!(error.recovery_hint, Some(freehold_sdk::RecoveryAction::RefreshCredentials.into()));
    assert!(ending.commit.is_empty());
    assert_eq!(ending.withheld, ["notes"]);
}

#[test]
fn what_was_not_asked_for_is_not_sent() {
    let start = start(json!({"name": "notes", "fields": ["id"], "resources": ["1"]}));
    let (_, lines) = run(&start.to_line(), |ctx| {
        assert!(ctx.emit("notes", "1", &json!({"id": "1", "text": "private"}))?);
        assert!(!ctx.emit("notes", "2", &json!({"id": "2"}))?);
        assert_eq!(ctx.emit("letters", "1", &json!({})).unwrap_err().code(), "out_of_scope");
        Ok(())
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(r#""data":{"id":"1"}"#));
    assert!(lines[1].contains(r#""records_emitted":1"#));
}

#[test]
fn an_input_that_closes_while_an_answer_is_awaited_fails_the_run() {
    let start = start(json!({"name": "notes"}));
    let (exit, lines) = run(&start.to_line(), |ctx| ctx.otp("Code?").map(drop));
    assert_ne!(exit, ExitCode::SUCCESS);
    assert!(lines.last().unwrap().contains(r#""status":"failed""#));
}

#[test]
fn without_start_nothing_is_said() {
    let (exit, lines) = run(b"{\"type\":\"STOP\"}\n", |_| panic!("no run"));
    assert_ne!(exit, ExitCode::SUCCESS);
    assert!(lines.is_empty());
}

#[test]
fn a_blob_is_a_file_of_the_convention() {
    let start = start(json!({"name": "notes"}));
    let tmp = tempfile::tempdir().unwrap();
    let mut output = Vec::new();
    freehold_sdk::run_on(&start.to_line()[..], &mut output, tmp.path().to_owned(), |ctx| {
        let blob = ctx.blob(b"content", Some("a.pdf"), Some("application/pdf"))?;
        assert!(blob.file_name().is_some());
        assert_eq!(std::fs::read(tmp.path().join(&blob.path)).unwrap(), b"content");
        assert_eq!(blob.to_value()["$blob"]["filename"], "a.pdf");
        Ok(())
    });
}
