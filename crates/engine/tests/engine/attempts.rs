//! A secret's use: committed first, never repeated when refused, and asked for only with cause.

use freehold_core::reason::OwnerReason;
use freehold_core::run::Outcome;
use freehold_core::{CredentialState, ProblemCode, SecretKind};
use serde_json::json;

use crate::support::{OWNER, Server};

const REJECTED: Outcome = Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected };

fn takes(server: &Server) -> usize {
    server.engine.audit(&OWNER, 0, 1_000).unwrap().iter().filter(|entry| entry.action == "secret.take").count()
}

#[test]
fn refused_details_are_submitted_once_and_never_again() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "wrong")]).id;
    assert_eq!(server.outcome(source), REJECTED);
    assert!(matches!(server.source(source).credentials[0].state, CredentialState::Rejected { .. }));
    assert_eq!(takes(&server), 1);

    // Not by hand, not by the clock, not by another life of the server.
    server.engine.start_run(&OWNER, source).unwrap();
    assert_eq!(server.outcome(source), REJECTED);
    server.clock.forward(30 * 86_400);
    server.engine.wake();
    let server = server.restart();
    server.engine.start_run(&OWNER, source).unwrap();
    assert_eq!(server.outcome(source), REJECTED);
    assert_eq!(takes(&server), 1);
}

#[test]
fn the_same_details_given_again_are_recognised() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "wrong")]).id;
    server.ended(source);
    let same = server.save(source, SecretKind::UsernamePassword, &[("username", "ada"), ("password", "wrong")]);
    let problem = same.unwrap_err();
    assert_eq!(problem.code, ProblemCode::BadInput);
    assert!(problem.what.contains("same"), "{problem}");
}

#[test]
fn a_replacement_is_verified_before_it_replaces_and_records_stay() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    assert_eq!(server.outcome(source), Outcome::Succeeded);
    let first = server.source(source).last_run;

    server.save(source, SecretKind::UsernamePassword, &[("username", "ada"), ("password", "wrong")]).unwrap();
    server.wait(source, |run| Some(run.id) != first && run.outcome.is_some());
    let view = server.source(source);
    assert!(matches!(view.credentials[0].state, CredentialState::Rejected { .. }));
    assert_eq!(view.credentials[0].replaces, Some(1), "the verified version is still there");
    assert_eq!(view.status.reason(), Some("credential_rejected"));
    assert_eq!(server.count(source, "notes"), 25);

    server.save(source, SecretKind::UsernamePassword, &[("username", "ada"), ("password", "another-one")]).unwrap();
    server.wait(source, |run| run.outcome == Some(Outcome::Succeeded) && Some(run.id) != first);
    let view = server.source(source);
    assert!(matches!(view.credentials[0].state, CredentialState::Verified { .. }));
    assert_eq!((view.credentials[0].version, view.credentials[0].replaces), (Some(3), None));
    assert_eq!(view.status.as_str(), "fresh");
}

#[test]
fn a_secret_in_a_variable_reaches_the_one_child_and_is_judged_like_any_other() {
    let server = Server::new();
    let source = server.add("token_api", &[], &[("secret", "a-token-of-some-length")]).id;
    let run = server.ended(source);
    assert_eq!(run.outcome, Some(Outcome::NeedsOwner { reason: OwnerReason::ConfirmIdentity }), "{:?}", run.detail);
    let refused = server.try_add("token_api", "second", &[], &[("secret", "wrong")]).unwrap().id;
    assert_eq!(server.outcome(refused), REJECTED);
}

#[test]
fn forgetting_leaves_the_records_and_asks_for_details() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    server.ended(source);
    server.engine.forget_credentials(&OWNER, source).unwrap();
    let view = server.source(source);
    assert_eq!(view.status.reason(), Some("credential_missing"));
    assert_eq!(server.count(source, "notes"), 25);
    server.engine.start_run(&OWNER, source).unwrap();
    assert_eq!(server.outcome(source), Outcome::NeedsOwner { reason: OwnerReason::CredentialMissing });
}

#[test]
fn a_renewed_secret_is_sealed_before_it_is_acknowledged_and_used_next_time() {
    let server = Server::new();
    let program = r#"
say(type="INTERACTION", request_id="1", kind="credentials", message="Token?")
token = hear()["data"]["token"]
if token == "the-old-token":
    say(type="CREDENTIAL_UPDATE", request_id="2", kind="token", fields={"token": "the-new-token"})
    assert hear()["status"] == "sealed"
    say(type="CREDENTIAL_UPDATE", request_id="3", kind="cookies", fields={"token": "x"})
    assert hear()["status"] == "refused"
say(type="IDENTITY", key="ada", display="ada")
item(id=token)
done(1)
"#;
    let capture = json!({ "kind": "token", "fields": [
        { "name": "account", "label": "Account", "type": "text", "identity": true },
        { "name": "token", "label": "Token", "type": "password", "secret": true, "required": true }] });
    server.drop_in(
        "renewing",
        json!({ "setup": { "credential_capture": capture }, "credential_delivery": "answered" }),
        program,
    );
    let source = server.add("renewing", &[], &[("account", "ada"), ("token", "the-old-token")]).id;
    let first = server.ended(source);
    assert_eq!(first.outcome, Some(Outcome::Succeeded), "{:?}", first.detail);
    assert_eq!(server.source(source).credentials[0].version, Some(2));

    server.engine.start_run(&OWNER, source).unwrap();
    let second = server.wait(source, |run| run.id != first.id && run.outcome.is_some());
    assert_eq!(second.outcome, Some(Outcome::Succeeded), "{:?}", second.detail);
    assert!(server.engine.record(&OWNER, source, "items", "the-new-token").is_ok());
    let credential = &server.source(source).credentials[0];
    assert!(matches!(credential.state, CredentialState::Verified { .. }));
    assert_eq!((credential.version, credential.replaces), (Some(2), None), "the old one is destroyed");
}
