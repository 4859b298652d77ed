//! Questions a run asks, and answers that come late.

use freehold_core::run::Outcome;
use freehold_core::{ProblemCode, SourceId};
use freehold_engine::{Answer, Caller, Permission};

use serde_json::json;

use crate::support::{OWNER, Server, filled};

/// A source that asks for a code and takes 123456, of a connector dropped in while the server runs.
fn added(server: &Server) -> SourceId {
    let program = r#"
say(type="INTERACTION", request_id="1", kind="otp", message="Sent to •••42", timeout_seconds=60,
    schema={"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]})
answer = hear()
if answer["status"] != "success" or answer["data"]["code"] != "123456":
    say(type="DONE", status="failed", records_emitted=0,
        error={"code": "no_code", "message": "No right code came.", "retryable": False})
    sys.stdin.read(); sys.exit(1)
say(type="IDENTITY", key="ada", display="Ada")
item(id="1")
done(1)
"#;
    let asks = json!({
        "runtime_requirements": { "bindings": { "interactive": { "required": true } } },
        "capabilities": { "human_interaction": ["otp"] }
    });
    server.drop_in("coded", asks, program);
    server.add_named("coded", "ada")
}

#[test]
fn a_code_is_asked_for_and_handed_on() {
    let server = Server::new();
    let source = added(&server);
    server.asked(source);
    let view = server.source(source);
    assert_eq!(view.status.reason(), Some("code_required"));
    let question = server.engine.interaction(&OWNER, view.interaction.unwrap()).unwrap();
    assert_eq!(question.message, "Sent to •••42");
    assert_eq!(question.form.unwrap().fields[0].name, "code");

    // A token with the scope may answer a code, and one without may not.
    let token = |scopes: &[Permission]| {
        let (_, shown) = server.engine.create_token(&OWNER, "phone", scopes).unwrap();
        server.engine.token_caller(&shown.reveal().to_owned().into()).unwrap()
    };
    let fields = || Answer::Fields(filled(&[("code", "123456")]));
    let reader: Caller = token(&[Permission::Read]);
    assert_eq!(server.engine.answer(&reader, question.id, fields()).unwrap_err().code, ProblemCode::Forbidden);
    let empty = Answer::Fields(filled(&[("code", "")]));
    assert_eq!(server.engine.answer(&OWNER, question.id, empty).unwrap_err().code, ProblemCode::BadInput);
    server.engine.answer(&token(&[Permission::Answer]), question.id, fields()).unwrap();

    let run = server.ended(source);
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    assert_eq!(server.count(source, "items"), 1);
    let late = server.engine.answer(&OWNER, question.id, fields()).unwrap_err();
    assert_eq!(late.code, ProblemCode::NoLongerNeeded);
}

#[test]
fn declining_a_code_says_that_a_code_is_needed() {
    let server = Server::new();
    let source = added(&server);
    server.asked(source);
    server.engine.answer(&OWNER, server.source(source).interaction.unwrap(), Answer::No).unwrap();
    server.ended(source);
    assert_eq!(server.source(source).status.reason(), Some("code_required"));
}

#[test]
fn a_question_of_a_cancelled_run_is_withdrawn() {
    let server = Server::new();
    let source = added(&server);
    let run = server.asked(source);
    let question = server.source(source).interaction.unwrap();
    server.engine.cancel_run(&OWNER, run.id).unwrap();
    assert!(matches!(server.outcome(source), Outcome::Cancelled { .. }));
    assert_eq!(server.source(source).interaction, None);
    let late = server.engine.answer(&OWNER, question, Answer::Yes).unwrap_err();
    assert_eq!(late.code, ProblemCode::NoLongerNeeded);
}

#[test]
fn no_ticket_for_a_browser_that_is_not_open_nor_for_a_token_nor_for_an_answered_question() {
    let server = Server::new();
    let source = added(&server);
    server.asked(source);
    let question = server.source(source).interaction.unwrap();
    assert!(!server.engine.interaction(&OWNER, question).unwrap().secure_browser);
    let refused = |caller: &Caller| server.engine.live_ticket(caller, question).err().map(|problem| problem.code);
    assert_eq!(refused(&OWNER), Some(ProblemCode::Conflict), "its run has no browser");
    let (_, shown) = server.engine.create_token(&OWNER, "phone", &Permission::SCOPES).unwrap();
    let token = server.engine.token_caller(&shown.reveal().to_owned().into()).unwrap();
    assert_eq!(refused(&token), Some(ProblemCode::Forbidden));
    assert_eq!(refused(&Caller::Cli { reauthenticated: false }), Some(ProblemCode::ReauthenticationRequired));
    server.engine.answer(&OWNER, question, Answer::Fields(filled(&[("code", "123456")]))).unwrap();
    assert_eq!(refused(&OWNER), Some(ProblemCode::NoLongerNeeded));
    let made_up = "freehold_made-up".to_owned().into();
    assert_eq!(server.engine.live_join(&OWNER, &made_up).err().map(|problem| problem.code), Some(ProblemCode::Forbidden));
    server.ended(source);
}
