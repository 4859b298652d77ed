//! First start, and adding sources that do not fit.

use freehold_core::{CredentialMode, ProblemCode, SecretKind};
use freehold_engine::{Caller, NewOwner, NewSource, RecordQuery};

use crate::support::{OWNER, Server, filled, secret};

#[test]
fn an_owner_is_made_once() {
    let server = Server::new();
    let again = NewOwner { setup_code: secret("AAAA-BBBB"), passphrase: secret("another long passphrase") };
    assert_eq!(server.engine.create_owner(again).err().unwrap().code, ProblemCode::AlreadySetUp);
    assert!(server.engine.setup_code().is_none());
}

#[test]
fn wrong_passphrases_are_slowed_down() {
    let server = Server::new();
    for _ in 0..5 {
        let wrong = server.engine.sign_in(&secret("not the passphrase"), "test", None).err().unwrap();
        assert_eq!(wrong.code, ProblemCode::Unauthenticated);
    }
    let sixth = server.engine.sign_in(&secret(crate::support::PASSPHRASE), "test", None).err().unwrap();
    assert_eq!(sixth.code, ProblemCode::TooManyTries);
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_kept() {
    let server = Server::new();
    let refused = |name: &str, settings: &[(&str, &str)], fields: &[(&str, &str)]| {
        server.try_add("spec_only", name, settings, fields).unwrap_err()
    };
    let good = [("username", "ada"), ("password", "right-password")];
    assert_eq!(refused("", &[], &good).at.as_deref(), Some("name"));
    assert_eq!(refused("notes", &[("note_count", "many")], &good).at.as_deref(), Some("note_count"));
    assert_eq!(refused("notes", &[("colour", "red")], &good).at.as_deref(), Some("colour"));
    assert_eq!(refused("notes", &[], &[("username", "ada")]).at.as_deref(), Some("password"));
    assert_eq!(refused("notes", &[], &[]).at.as_deref(), Some("username"));
    assert!(server.engine.sources(&OWNER).unwrap().is_empty());
}

#[test]
fn nothing_is_saved_without_consent_or_without_the_passphrase() {
    let server = Server::new();
    let new = |consent| NewSource {
        connector: freehold_core::ConnectorName::parse("spec_only").unwrap(),
        name: "notes".into(),
        mode: CredentialMode::StoredCredential,
        settings: Default::default(),
        expected_account: None,
        accept_unverified: false,
        credentials: [(SecretKind::UsernamePassword, filled(&[("username", "ada"), ("password", "right-password")]))].into(),
        consent,
    };
    assert_eq!(server.engine.add_source(&OWNER, new(false)).unwrap_err().at.as_deref(), Some("consent"));
    let stale = Caller::Cli { reauthenticated: false };
    assert_eq!(server.engine.add_source(&stale, new(true)).unwrap_err().code, ProblemCode::ReauthenticationRequired);
    assert!(server.engine.sources(&OWNER).unwrap().is_empty());
}

#[test]
fn removing_a_source_keeps_its_records_unless_asked() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    server.ended(source);
    assert_eq!(
        server.engine.remove_source(&OWNER, source, "wrong name", true).unwrap_err().at.as_deref(),
        Some("confirm_name")
    );
    server.engine.remove_source(&OWNER, source, "spec_only", true).unwrap();
    assert!(server.engine.sources(&OWNER).unwrap().is_empty());
    let check = server.engine.verify_audit(&OWNER).unwrap();
    assert!(check.intact, "{}", check.sentence);
}

#[test]
fn what_a_removed_source_left_is_read_and_deleted_for_good() {
    let server = Server::new();
    let source = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    server.ended(source);
    let before = server.engine.source(&OWNER, source).unwrap();
    assert!(server.engine.removed_sources(&OWNER).unwrap().is_empty());
    assert_eq!(server.engine.delete_removed(&OWNER, source, "spec_only").unwrap_err().code, ProblemCode::NotFound);
    server.engine.remove_source(&OWNER, source, "spec_only", false).unwrap();

    assert_eq!(server.engine.source(&OWNER, source).unwrap_err().code, ProblemCode::NotFound);
    let removed = server.engine.removed_sources(&OWNER).unwrap();
    let counts = |streams: &[freehold_engine::view::StreamView]| -> Vec<(String, u64)> {
        streams.iter().map(|stream| (stream.label.clone(), stream.count)).collect()
    };
    assert_eq!((removed.len(), removed[0].id, removed[0].removed), (1, source, true));
    assert_eq!(removed[0].account.as_deref(), Some("Ada"));
    assert_eq!(counts(&removed[0].streams), counts(&before.streams));
    let stream = &removed[0].streams.iter().find(|stream| stream.count > 0).unwrap().name;
    let page = server.engine.records(&OWNER, source, stream, &RecordQuery::default()).unwrap();
    assert!(!page.records.is_empty());
    let key = &page.records[0].key;
    assert_eq!(server.engine.record(&OWNER, source, stream, key).unwrap().data, page.records[0].data);

    // Its name is free again, and what is called so now is another source.
    let other = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    server.ended(other);
    let stale = Caller::Cli { reauthenticated: false };
    let refused = |caller: &Caller, name: &str| server.engine.delete_removed(caller, source, name).unwrap_err();
    assert_eq!(refused(&stale, "spec_only").code, ProblemCode::ReauthenticationRequired);
    assert_eq!(refused(&OWNER, "another name").at.as_deref(), Some("confirm_name"));
    server.engine.delete_removed(&OWNER, source, "spec_only").unwrap();
    assert!(server.engine.removed_sources(&OWNER).unwrap().is_empty());
    let gone = server.engine.records(&OWNER, source, stream, &RecordQuery::default());
    assert_eq!(gone.unwrap_err().code, ProblemCode::NotFound);
    assert!(server.engine.records(&OWNER, other, stream, &RecordQuery::default()).unwrap().total > 0);
    assert!(server.engine.verify_audit(&OWNER).unwrap().intact);
}

#[test]
fn every_kind_of_secret_has_its_form_and_can_be_sealed() {
    let server = Server::new();
    let field = |name: &str, label: &str| serde_json::json!({ "name": name, "label": label, "type": "textarea", "secret": true, "required": true });
    let extra: Vec<_> = SecretKind::ALL
        .into_iter()
        .filter(|kind| *kind != SecretKind::UsernamePassword)
        .map(|kind| serde_json::json!({ "kind": kind, "fields": [field(kind.as_str(), kind.label())] }))
        .collect();
    let manifest = serde_json::json!({
        "protocol_version": "0.1.0", "connector_key": "every_kind", "version": "1.0.0", "display_name": "Every kind",
        "program": { "command": "python3", "args": ["none.py"] },
        "setup": { "credential_capture": { "kind": "username_password", "fields": [
            { "name": "username", "label": "User", "type": "text", "required": true, "identity": true }, field("password", "Password")
        ] }, "extra_captures": extra },
        "credential_delivery": "answered", "identity": { "message": true },
        "streams": [{ "name": "items", "primary_key": ["id"], "schema": { "type": "object" } }]
    });
    let folder = server.dir.path().join("connectors/every_kind");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    let name = freehold_core::ConnectorName::parse("every_kind").unwrap();
    assert_eq!(server.engine.connector(&name).unwrap().captures.len(), SecretKind::ALL.len());

    let source = server.add("every_kind", &[], &[("username", "ada"), ("password", "right-password")]).id;
    for (kind, good, bad) in [
        (SecretKind::AppPassword, "abcd efgh ijkl mnop", None),
        (SecretKind::Token, "t0ken-t0ken", None),
        (SecretKind::OtpSeed, "otpauth://totp/Shop:ada?secret=JBSWY3DPEHPK3PXP&issuer=Shop", Some("not base32!")),
        (SecretKind::OtpSeed, "JBSW Y3DP EHPK 3PXP", Some("otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1")),
        (SecretKind::RecoveryCodes, "1234-5678\n8765-4321", Some("  \n ")),
        (SecretKind::Cookies, "session=abc; theme=dark", None),
        (SecretKind::OauthTokens, "{\"refresh_token\":\"r3fresh\"}", None),
    ] {
        if let Some(bad) = bad {
            let problem = server.save(source, kind, &[(kind.as_str(), bad)]).unwrap_err();
            assert_eq!((problem.code, problem.at.as_deref()), (ProblemCode::BadInput, Some(kind.as_str())), "{kind:?}");
            assert!(
                !problem.to_string().contains(bad.trim()) || bad.trim().is_empty(),
                "{kind:?}: a refusal quotes what was typed"
            );
        }
        server.save(source, kind, &[(kind.as_str(), good)]).unwrap();
    }
    let kept = server.source(source).credentials;
    assert!(kept.iter().all(|credential| credential.version.is_some()), "{kept:?}");
}
