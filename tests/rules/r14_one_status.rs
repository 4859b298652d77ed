//! R14: one status, computed in one place, with the one action that resolves it.

use freehold_core::reason::{BrokenReason, FailureReason, OwnerReason, WaitReason};
use freehold_core::run::{Cause, Outcome, RunState};
use freehold_core::status::{Action, SourceFacts, Status, VaultState};
use freehold_core::{CredentialMode, CredentialState, Timestamp};
use freehold_tests::source::{lines_with, shipped};

/// Status, reason, and the one action: without a browser, with one. The whole of it, row by row.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("setting_up", "", "continue_setup", "continue_setup"),
    ("fresh", "", "none", "none"),
    ("due", "", "collect_now", "collect_now"),
    ("running", "", "watch", "watch"),
    ("needs_owner", "sign_in_required", "sign_in", "sign_in"),
    ("needs_owner", "code_required", "answer", "answer"),
    ("needs_owner", "challenge", "answer", "answer"),
    ("needs_owner", "approval", "answer", "answer"),
    ("needs_owner", "credential_missing", "give_sign_in_details", "give_sign_in_details"),
    ("needs_owner", "credential_rejected", "give_sign_in_details", "give_sign_in_details"),
    ("needs_owner", "attempt_unknown", "try_saved_details_once", "look_in_secure_browser"),
    ("needs_owner", "confirm_identity", "compare_accounts", "compare_accounts"),
    ("needs_owner", "identity_mismatch", "compare_accounts", "compare_accounts"),
    ("needs_owner", "identity_unreadable", "compare_accounts", "compare_accounts"),
    ("needs_owner", "password_expired", "go_to_provider", "go_to_provider"),
    ("needs_owner", "locked_out", "try_again", "try_again"),
    ("needs_owner", "session_not_kept", "choose_another_mode", "choose_another_mode"),
    ("needs_owner", "unknown_screen", "look_in_secure_browser", "look_in_secure_browser"),
    ("needs_owner", "wrong_origin", "look_in_secure_browser", "look_in_secure_browser"),
    ("needs_owner", "connector_changed", "review_connector", "review_connector"),
    ("needs_owner", "wipe_unverified", "see_what_is_left", "see_what_is_left"),
    ("waiting", "waiting_for_unlock", "unlock_vault", "unlock_vault"),
    ("waiting", "waiting_for_browser", "none", "none"),
    ("waiting", "provider_down", "none", "none"),
    ("waiting", "rate_limited", "none", "none"),
    ("broken", "vault_wrong_key", "see_vault", "see_vault"),
    ("broken", "vault_corrupt", "see_vault", "see_vault"),
    ("broken", "vault_key_missing", "see_vault", "see_vault"),
    ("broken", "connector_failed", "see_run", "see_run"),
    ("broken", "connector_violation", "see_run", "see_run"),
    ("broken", "disk_full", "see_run", "see_run"),
    ("broken", "sandbox_too_weak", "see_run", "see_run"),
    ("paused", "", "resume", "resume"),
];

fn now() -> Timestamp {
    Timestamp::from_second(1_764_000_000).expect("in range")
}

/// A status by its names, the way the API writes it.
fn status(name: &str, reason: &str) -> Status {
    let mut json = serde_json::json!({ "status": name });
    if !reason.is_empty() {
        json["reason"] = reason.into();
    }
    if reason == "waiting_for_browser" {
        json["place"] = 1.into();
    }
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{name}/{reason}: {error}"))
}

#[test]
fn each_status_has_the_one_listed_action_and_its_own_sentence() {
    let mut sentences = std::collections::BTreeSet::new();
    for (name, reason, without_browser, with_browser) in TABLE {
        let status = status(name, reason);
        assert_eq!(status.as_str(), *name);
        assert_eq!(status.reason().unwrap_or(""), *reason);
        assert_eq!(status.action(false).as_str(), *without_browser, "{name}/{reason}");
        assert_eq!(status.action(true).as_str(), *with_browser, "{name}/{reason} with a browser");
        assert!(sentences.insert(status.sentence()), "two statuses say {:?}", status.sentence());
        assert_eq!(status.action(false) == Action::None, status.action(false).label().is_empty());
    }
}

/// The table above is complete: `serde` knows every variant's name and says so when it is asked for one that does not exist.
#[test]
fn no_status_and_no_reason_is_missing_from_the_table() {
    for name in ["needs_owner", "waiting", "broken"] {
        let asked = serde_json::json!({ "status": name, "reason": "there is no such reason" });
        let error = serde_json::from_value::<Status>(asked).expect_err("no such reason").to_string();
        let known: Vec<&str> =
            error.split('`').skip(1).step_by(2).filter(|known| *known != "there is no such reason").collect();
        assert!(known.len() >= 4, "serde no longer lists the names: {error}");
        for reason in known {
            assert!(TABLE.iter().any(|row| row.0 == name && row.1 == reason), "{name}/{reason} has no row");
        }
    }
}

fn facts() -> SourceFacts {
    SourceFacts {
        mode: CredentialMode::StoredCredential,
        uses_browser: false,
        takes_credential: true,
        paused: false,
        ever_collected: true,
        vault: VaultState::Unlocked,
        credential: CredentialState::Verified { when: now() },
        asked: None,
        running: None,
        unwiped: false,
        last_outcome: Some(Outcome::Succeeded),
        due_at: None,
    }
}

/// The cause decides: a provider that is down asks the owner for nothing, a refused password asks for the password.
#[test]
fn the_status_follows_from_the_cause() {
    let is = |facts: SourceFacts, name: &str, reason: &str| {
        let status = Status::of(&facts, now());
        assert_eq!((status.as_str(), status.reason().unwrap_or("")), (name, reason), "{facts:?}");
    };
    let failed = |reason| Some(Outcome::Failed { reason });
    is(facts(), "fresh", "");
    is(SourceFacts { due_at: Some(now()), ..facts() }, "due", "");
    is(SourceFacts { ever_collected: false, last_outcome: None, ..facts() }, "setting_up", "");
    is(SourceFacts { running: Some(RunState::Collecting { batch: 1 }), ..facts() }, "running", "");
    is(SourceFacts { paused: true, credential: CredentialState::Rejected { when: now() }, ..facts() }, "paused", "");
    is(SourceFacts { paused: true, unwiped: true, ..facts() }, "needs_owner", "wipe_unverified");
    is(
        SourceFacts { credential: CredentialState::Rejected { when: now() }, ..facts() },
        "needs_owner",
        "credential_rejected",
    );
    is(SourceFacts { credential: CredentialState::Unknown { when: now() }, ..facts() }, "needs_owner", "attempt_unknown");
    is(SourceFacts { credential: CredentialState::None, ..facts() }, "needs_owner", "credential_missing");
    is(SourceFacts { asked: Some(OwnerReason::CodeRequired), ..facts() }, "needs_owner", "code_required");
    is(SourceFacts { vault: VaultState::Locked, ..facts() }, "waiting", "waiting_for_unlock");
    is(SourceFacts { vault: VaultState::WrongKey, ..facts() }, "broken", "vault_wrong_key");
    let down = FailureReason::ProviderDown { retry_at: Some(now()) };
    is(SourceFacts { last_outcome: failed(down.clone()), ..facts() }, "waiting", "provider_down");
    let later = now() + std::time::Duration::from_secs(60);
    let queued = RunState::Queued { cause: Cause::Retry, due_at: later };
    is(SourceFacts { last_outcome: failed(down), running: Some(queued), ..facts() }, "waiting", "provider_down");
    is(SourceFacts { last_outcome: failed(FailureReason::DiskFull), ..facts() }, "broken", "disk_full");
}

/// Only the engine computes a status. The pages, the API and the CLI show what it says, so they cannot disagree.
#[test]
fn no_door_computes_a_status_of_its_own() {
    for file in shipped("crates").iter().filter(|file| !file.path.starts_with("crates/core/")) {
        let computes = !lines_with(&file.code, "Status::of").is_empty() || !lines_with(&file.code, "SourceFacts").is_empty();
        assert!(!computes || file.path.starts_with("crates/engine/"), "{} computes a status", file.path);
    }
}

#[test]
fn waiting_statuses_ask_for_nothing_but_the_vault() {
    for reason in [WaitReason::ProviderDown { retry_at: None }, WaitReason::RateLimited { retry_at: None }] {
        assert_eq!(Status::Waiting { reason }.action(false), Action::None);
    }
    assert_eq!(Status::Broken { reason: BrokenReason::VaultCorrupt }.action(false), Action::SeeVault);
}

/// The same four words (status, reason, action, sentence) at every door of the real server, for a source that is fine and for one
/// that needs its owner.
#[test]
fn every_door_shows_the_same() {
    use freehold_tests::provider::Provider;
    use freehold_tests::server::{PASSPHRASE, Server};

    let mut server = Server::new(&[]);
    server.start();
    let provider = Provider::with("maria", "right", "maria", &[("1", "hello")]);
    for (name, password) in [("fine", "right"), ("refused", "wrong")] {
        let port = format!("port={}", provider.port);
        let add = ["source", "add", "stand_in", "--name", name, "--setting", &port, "--agree", "--secret-stdin"];
        server.cli(&add, &serde_json::json!({"username": "maria", "password": password}).to_string());
    }
    let made = server.json(&["token", "create", "a reader", "--scope", "read"]);
    let bearer = format!("Bearer {}", made["token"].as_str().expect("a token, shown once"));
    let origin = server.origin();
    let form = format!("passphrase={}", PASSPHRASE.replace(' ', "+"));
    let headers = [
        ("Origin", origin.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let signed_in = server.http("POST /sign-in", &headers, &form);
    let cookie =
        signed_in.lines().find_map(|line| line.to_lowercase().starts_with("set-cookie:").then(|| line[11..].trim()));
    let cookie = cookie.unwrap_or_else(|| panic!("no session: {signed_in}")).split(';').next().expect("a pair").to_owned();

    for (name, expected) in [("fine", ("fresh", "")), ("refused", ("needs_owner", "credential_rejected"))] {
        let cli = server.json(&["source", "show", name]);
        let (status, reason) = (cli["status"].as_str().expect("a status"), cli["reason"].as_str().unwrap_or(""));
        assert_eq!((status, reason), expected);
        let id = cli["id"].as_str().expect("an id");
        let answer = server.http(&format!("GET /api/v1/sources/{id}"), &[("Authorization", &bearer)], "");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        let api: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        for field in ["status", "reason", "action", "sentence"] {
            assert_eq!(api[field], cli[field], "{name}: {field}");
        }
        let sentence = cli["sentence"].as_str().expect("a sentence");
        let page = server.http(&format!("GET /sources/{id}"), &[("Cookie", &cookie)], "");
        // The sign's shape is the status by name; the sentence is there where there is a reason for one.
        assert!(page.contains(&format!("class=\"sign is-{status}\"")), "{name}: the console's sign is not {status}: {page}");
        assert!(reason.is_empty() || page.contains(sentence), "{name}: the console does not say {sentence:?}: {page}");
        let shown = server.cli(&["source", "show", name], "");
        assert!(shown.out.contains(sentence), "{name}: the terminal does not say {sentence:?}: {}", shown.out);
        let label = status_of(&cli).action(false).label();
        assert!(page.contains(label), "{name}: the console does not offer {label:?}");
    }
}

fn status_of(view: &serde_json::Value) -> Status {
    serde_json::from_value(view.clone()).expect("a source's view holds its status")
}
