//! The vault's database: versions, the attempt ledger, forgetting, the audit chain.

mod common;

use std::path::Path;

use common::{CLOCK, RNG, at, open_vault};
use freehold_core::attempt::AttemptState;
use freehold_core::{AttemptId, ConnectorName, OwnerId, RunId, SealedBytes, SecretAddress, SecretKind, SourceId};
use freehold_store::{
    AttemptError, AuditMake, AuditRow, DataDir, NewAttempt, NewVault, OpenError, PutSecret, SecretState, SlotRow,
    SourceKeyRow, StoreError, VaultDb,
};

const KIND: SecretKind = SecretKind::AppPassword;

fn audit(action: &str) -> AuditMake {
    let action = action.to_owned();
    Box::new(move |head| {
        let seq = head.seq + 1;
        let row = AuditRow {
            seq,
            at: at(1),
            actor: "cli".to_owned(),
            action,
            subject: "s".to_owned(),
            detail_json: "{}".to_owned(),
            hash: [u8::try_from(seq).expect("few"); 32],
        };
        (row, Some([9; 32]))
    })
}

fn address(version: u32) -> SecretAddress {
    SecretAddress {
        owner: OwnerId::new(&CLOCK, &RNG),
        source: SourceId::new(&CLOCK, &RNG),
        connector: ConnectorName::parse("imap").expect("name"),
        kind: KIND,
        version,
    }
}

fn put(vault: &VaultDb, address: &SecretAddress, sealed: &[u8]) -> Result<(), StoreError> {
    let has_key = !vault.source_keys(address.source, "secrets").expect("keys").is_empty();
    let new_key = (!has_key).then(|| SourceKeyRow {
        source: address.source,
        purpose: "secrets".to_owned(),
        generation: 1,
        state: "active".to_owned(),
        wrapped: SealedBytes(b"WRAPPED-KEY-CANARY-7f3a".to_vec()),
    });
    let sealed = SealedBytes(sealed.to_vec());
    vault.put_secret(PutSecret { address: address.clone(), sealed, new_key, consent: None, at: at(0) }, audit("put"))
}

fn attempt(address: &SecretAddress) -> NewAttempt {
    NewAttempt {
        id: AttemptId::new(&CLOCK, &RNG),
        address: address.clone(),
        run: RunId::new(&CLOCK, &RNG),
        given: None,
        origin: None,
        step: None,
        code_index: None,
        at: at(2),
    }
}

/// Commits an attempt no rule is against and gives it this answer.
fn tried(vault: &VaultDb, address: &SecretAddress, state: AttemptState) {
    let committed = vault.commit_attempt(attempt(address), Box::new(|_| Ok(())), audit("take")).expect("committed");
    vault.resolve_attempt(committed.id(), state, at(3), audit("resolve")).expect("resolved");
}

fn states(vault: &VaultDb, source: SourceId) -> Vec<(u32, SecretState)> {
    vault.secrets(source).expect("secrets").iter().map(|row| (row.version, row.state)).collect()
}

fn version(address: &SecretAddress, version: u32) -> SecretAddress {
    SecretAddress { version, ..address.clone() }
}

/// Which files of the directory contain these bytes.
fn files_with(dir: &Path, needle: &[u8]) -> Vec<String> {
    std::fs::read_dir(dir)
        .expect("listed")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.is_file())
        .filter(|path| std::fs::read(path).expect("read").windows(needle.len()).any(|part| part == needle))
        .map(|path| path.display().to_string())
        .collect()
}

#[test]
fn a_vault_is_made_once() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    assert_eq!(vault.owner().expect("read"), None);
    let new = || NewVault {
        owner: OwnerId::new(&CLOCK, &RNG),
        passphrase_hash: "$argon2id$first".to_owned(),
        key_check: vec![1, 2, 3],
        slots: vec![SlotRow {
            kind: "recovery_key".to_owned(),
            wrapped: SealedBytes(b"OLD-SLOT-CANARY".to_vec()),
            created_at: at(0),
            confirmed: false,
        }],
        created_at: at(0),
    };
    vault.create_vault(new(), audit("create")).expect("made");
    let owner = vault.owner().expect("read").expect("there");
    assert!(matches!(vault.create_vault(new(), audit("create")), Err(StoreError::Conflict { .. })));
    assert_eq!(vault.owner().expect("read").expect("there"), owner);
    assert_eq!(vault.audit_head().expect("head").0.seq, 1, "what was refused is not in the audit log");

    vault.confirm_slot("recovery_key", audit("confirm")).expect("confirmed");
    assert!(vault.slots().expect("slots")[0].confirmed);
    assert!(matches!(vault.confirm_slot("none", audit("confirm")), Err(StoreError::NotFound { .. })));
    let slot = SlotRow { wrapped: SealedBytes(vec![5]), ..new().slots.remove(0) };
    vault.replace_slot(slot, audit("replace")).expect("replaced");
    assert_eq!(files_with(dir.path(), b"OLD-SLOT-CANARY"), Vec::<String>::new());
    vault.set_passphrase_hash("$argon2id$second", audit("passphrase")).expect("changed");
    assert_eq!(vault.owner().expect("read").expect("there").passphrase_hash, "$argon2id$second");
}

#[test]
fn a_new_version_replaces_the_old_one_only_once_it_is_verified() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    let one = address(1);
    put(&vault, &one, b"SEALED-ONE").expect("saved");
    tried(&vault, &one, AttemptState::Accepted);
    put(&vault, &version(&one, 2), b"SEALED-TWO").expect("saved");
    assert_eq!(states(&vault, one.source), [(1, SecretState::Verified), (2, SecretState::Saved)]);
    // A value never tried makes room for the next; the verified one stays.
    put(&vault, &version(&one, 3), b"SEALED-THREE").expect("saved");
    assert_eq!(states(&vault, one.source), [(1, SecretState::Verified), (3, SecretState::Saved)]);
    assert_eq!(files_with(dir.path(), b"SEALED-TWO"), Vec::<String>::new());
    tried(&vault, &version(&one, 3), AttemptState::Accepted);
    assert_eq!(states(&vault, one.source), [(3, SecretState::Verified)]);
    assert_eq!(files_with(dir.path(), b"SEALED-ONE"), Vec::<String>::new());
}

#[test]
fn no_version_number_is_used_twice() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let one = address(1);
    {
        let vault = open_vault(dir.path());
        assert_eq!(vault.next_secret_version(one.source, KIND).expect("version"), 1);
        put(&vault, &one, b"one").expect("saved");
        assert!(matches!(put(&vault, &one, b"again"), Err(StoreError::Conflict { .. })));
        assert!(matches!(put(&vault, &version(&one, 3), b"gap"), Err(StoreError::Conflict { .. })));
        tried(&vault, &one, AttemptState::Rejected);
        vault.forget(one.source, "secrets", audit("forget")).expect("forgotten");
    }
    let vault = open_vault(dir.path());
    assert_eq!(vault.next_secret_version(one.source, KIND).expect("version"), 2);
    assert!(matches!(put(&vault, &one, b"one"), Err(StoreError::Conflict { .. })));
    assert_eq!(vault.attempts(one.source).expect("ledger").len(), 1, "the ledger outlives the secret");
}

#[test]
fn a_rejected_version_is_never_committed_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let one = address(1);
    {
        let vault = open_vault(dir.path());
        put(&vault, &one, b"one").expect("saved");
        tried(&vault, &one, AttemptState::Rejected);
    }
    let vault = open_vault(dir.path());
    let again = vault.commit_attempt(attempt(&one), Box::new(|_| Ok(())), audit("take"));
    assert!(matches!(again, Err(AttemptError::Refused(_))));
    assert_eq!(vault.attempts(one.source).expect("ledger").len(), 1);
}

#[test]
fn the_rules_see_the_history_and_can_refuse() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    let one = address(1);
    put(&vault, &one, b"SEALED").expect("saved");
    let first = attempt(&one);
    let committed = vault
        .commit_attempt(
            first,
            Box::new(|history| {
                assert!(history.is_empty());
                Ok(())
            }),
            audit("take"),
        )
        .expect("committed");
    assert_eq!((committed.sealed().0.as_slice(), committed.address()), (b"SEALED".as_slice(), &one));
    let unresolved = vault.unresolved_attempts().expect("ledger");
    assert_eq!((unresolved[0].0, unresolved[0].1.state), (one.source, AttemptState::Submitted));

    let id = committed.id();
    let ask = |vault: &VaultDb| vault.ask_again(one.source, KIND, 1, audit("ask again"));
    assert!(matches!(ask(&vault), Err(StoreError::Conflict { .. })), "it is under way");
    vault.resolve_attempt(id, AttemptState::Unknown, at(3), audit("resolve")).expect("resolved");
    assert!(matches!(
        vault.resolve_attempt(id, AttemptState::Accepted, at(4), audit("resolve")),
        Err(StoreError::Conflict { .. })
    ));
    let rule = || -> freehold_store::vault_db::attempt::AttemptCheck {
        Box::new(|history| match history {
            [last] if last.state == AttemptState::Unknown && !last.asked_again => Err("look first".to_owned()),
            _ => Ok(()),
        })
    };
    let head = vault.audit_head().expect("head");
    match vault.commit_attempt(attempt(&one), rule(), audit("take")) {
        Err(AttemptError::Refused(why)) => assert_eq!(why, "look first"),
        other => panic!("expected a refusal, got {other:?}"),
    }
    assert_eq!(vault.audit_head().expect("head"), head);
    ask(&vault).expect("asked");
    vault.commit_attempt(attempt(&one), rule(), audit("take")).expect("once more");
    assert!(vault.secrets(one.source).expect("secrets")[0].last_used_at.is_some());
}

#[test]
fn a_secret_is_found_only_at_its_whole_address() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    let (one, other) = (address(1), address(1));
    put(&vault, &one, b"one").expect("saved");
    put(&vault, &other, b"other").expect("saved");
    let connector = ConnectorName::parse("github").expect("name");
    for wrong in [
        SecretAddress { owner: other.owner, ..one.clone() },
        SecretAddress { source: other.source, ..one.clone() },
        SecretAddress { connector, ..one.clone() },
        SecretAddress { kind: SecretKind::Token, ..one.clone() },
        SecretAddress { version: 2, ..one.clone() },
    ] {
        assert!(matches!(vault.sealed(wrong.clone()), Err(StoreError::NotFound { .. })), "{wrong:?}");
        let taken = vault.commit_attempt(attempt(&wrong), Box::new(|_| Ok(())), audit("take"));
        assert!(matches!(taken, Err(AttemptError::Store(StoreError::NotFound { .. }))), "{wrong:?}");
    }
    assert_eq!(vault.sealed(one).expect("there").0, b"one");
}

#[test]
fn a_time_step_and_a_recovery_code_are_spent_once() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    let seed = SecretAddress { kind: SecretKind::OtpSeed, ..address(1) };
    let codes = SecretAddress { kind: SecretKind::RecoveryCodes, ..seed.clone() };
    put(&vault, &seed, b"seed").expect("saved");
    put(&vault, &codes, b"codes").expect("saved");
    let step = |step| NewAttempt { step: Some(step), ..attempt(&seed) };
    let code = |index| NewAttempt { code_index: Some(index), ..attempt(&codes) };
    for (spent, fresh) in [(step(100), step(101)), (code(0), code(1))] {
        let same = NewAttempt { id: AttemptId::new(&CLOCK, &RNG), address: spent.address.clone(), ..attempt(&seed) };
        let same = NewAttempt { step: spent.step, code_index: spent.code_index, ..same };
        let first = vault.commit_attempt(spent, Box::new(|_| Ok(())), audit("take")).expect("first use");
        vault.resolve_attempt(first.id(), AttemptState::Rejected, at(3), audit("resolve")).expect("resolved");
        assert!(matches!(vault.commit_attempt(same, Box::new(|_| Ok(())), audit("take")), Err(AttemptError::Refused(_))));
        vault.commit_attempt(fresh, Box::new(|_| Ok(())), audit("take")).expect("another code of the same list");
    }
}

#[test]
fn forgetting_leaves_no_byte() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    let (one, other) = (address(1), address(1));
    // Long enough to spill over several pages, so that the free list is looked at too.
    let sealed: Vec<u8> = b"SEALED-CANARY-91be".iter().copied().cycle().take(20_000).collect();
    put(&vault, &one, &sealed).expect("saved");
    put(&vault, &other, b"OTHER-SEALED").expect("saved");
    std::fs::write(dir.path().join("vault.db.before-002"), &sealed).expect("an old copy");
    assert!(!files_with(dir.path(), b"SEALED-CANARY-91be").is_empty(), "the search finds what is there");

    vault.forget(one.source, "secrets", audit("forget")).expect("forgotten");
    assert_eq!(files_with(dir.path(), b"SEALED-CANARY-91be"), Vec::<String>::new());
    assert_eq!(vault.secrets(one.source).expect("secrets"), []);
    assert_eq!(vault.source_keys(one.source, "secrets").expect("keys"), []);
    assert_eq!(vault.sealed(other.clone()).expect("untouched").0, b"OTHER-SEALED");
    vault.integrity_check().expect("whole");
    vault.forget(other.source, "secrets", audit("forget")).expect("forgotten");
    assert_eq!(files_with(dir.path(), b"WRAPPED-KEY-CANARY-7f3a"), Vec::<String>::new());
}

#[test]
fn a_wipe_cut_off_after_the_key_is_finished_at_the_next_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let one = address(1);
    put(&open_vault(dir.path()), &one, b"SEALED-CANARY-55aa").expect("saved");
    let connection = rusqlite::Connection::open(dir.path().join("vault.db")).expect("opened");
    connection.execute("DELETE FROM source_keys", []).expect("key gone");
    drop(connection);
    let vault = open_vault(dir.path());
    assert_eq!(vault.secrets(one.source).expect("secrets"), []);
    assert_eq!(files_with(dir.path(), b"SEALED-CANARY-55aa"), Vec::<String>::new());
}

#[test]
fn the_audit_chain_has_no_gap_and_keeps_its_last_authenticated_head() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    assert_eq!(vault.audit_head().expect("head").0.hash, [0; 32]);
    vault.append_audit(audit("one")).expect("appended");
    let locked = |gap: u64| -> AuditMake {
        let made = audit("two");
        Box::new(move |head| {
            let (row, _) = made(head);
            (AuditRow { seq: row.seq + gap, ..row }, None)
        })
    };
    assert!(matches!(vault.append_audit(locked(1)), Err(StoreError::Conflict { .. })));
    vault.append_audit(locked(0)).expect("appended");
    let (head, mac) = vault.audit_head().expect("head");
    assert_eq!((head.seq, head.hash, mac), (2, [2; 32], None));
    assert_eq!(vault.audit_mac().expect("mac"), Some((1, [9; 32])));
    let actions = |rows: Vec<AuditRow>| rows.into_iter().map(|row| row.action).collect::<Vec<_>>();
    assert_eq!(actions(vault.audit(0, 10).expect("rows")), ["one", "two"]);
    assert_eq!(actions(vault.audit(1, 10).expect("rows")), ["two"]);
    assert_eq!(actions(vault.latest_audit(None, 1).expect("rows")), ["two"]);
}

#[test]
fn a_newer_vault_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("temporary directory");
    drop(open_vault(dir.path()));
    let path = dir.path().join("vault.db");
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection.pragma_update(None, "user_version", 99).expect("made newer");
    drop(connection);
    let before = std::fs::read(&path).expect("read");
    let data_dir = DataDir::open(dir.path()).expect("data directory");
    match VaultDb::open(&data_dir).map(|_| ()) {
        Err(OpenError::Newer { found: 99, known: 3, .. }) => {}
        other => panic!("expected Newer, got {other:?}"),
    }
    assert_eq!(std::fs::read(&path).expect("read"), before);
}

#[test]
fn the_last_key_that_a_person_holds_is_not_removed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let vault = open_vault(dir.path());
    let slot = |kind: &str, confirmed| SlotRow {
        kind: kind.to_owned(),
        wrapped: SealedBytes(vec![1]),
        created_at: at(0),
        confirmed,
    };
    for (kind, confirmed) in [("key_file", true), ("recovery_key", true), ("passphrase", true)] {
        vault.replace_slot(slot(kind, confirmed), audit("slot.put")).expect("put");
    }
    let remove = |kind: &str| vault.remove_slot(kind, audit("slot.remove"));
    remove("passphrase").expect("the recovery key is left");
    assert!(matches!(remove("recovery_key"), Err(StoreError::Conflict { .. })), "a file of the machine is no person");
    remove("key_file").expect("the recovery key is left");
    vault.replace_slot(slot("passphrase", false), audit("slot.put")).expect("put");
    assert!(matches!(remove("recovery_key"), Err(StoreError::Conflict { .. })), "nobody is known to hold the other");
}
