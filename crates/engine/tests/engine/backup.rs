//! Backups made while everything goes on, and restored where there is nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use freehold_core::run::{Cause, Outcome};
use freehold_core::status::VaultState;
use freehold_core::{Problem, ProblemCode, SourceId};
use freehold_engine::{
    BackupOutcome, BackupPlan, BackupView, Every, KeyFile, RecordQuery, RestoreKey, Restored, UnlockWith, check_backup,
    restore,
};
use freehold_vault::OsRng;
use serde_json::json;

use crate::support::{OWNER, Server, config, secret};

const OF_VAULT: &str = "amber-meadow-thimble-four";

fn key() -> RestoreKey {
    RestoreKey::Passphrase(secret(OF_VAULT))
}

/// A server whose vault has a passphrase, and a source with records and a file.
fn furnished() -> (Server, SourceId) {
    let server = Server::new();
    server.engine.set_vault_passphrase(&OWNER, &secret(OF_VAULT)).unwrap();
    let program = r#"
say(type="IDENTITY", key="ada", display="ada")
blobs = os.path.join(os.environ["TMPDIR"], "blobs")
os.makedirs(blobs)
with open(os.path.join(blobs, "one"), "w") as file: file.write("hello")
item(id="one", file={"$blob": {"path": "blobs/one", "filename": "one.txt", "media_type": "text/plain"}})
item(id="two")
done(2)
"#;
    server.drop_in("files", json!({ "setup": {} }), program);
    let source = server.add_named("files", "ada");
    assert_eq!(server.outcome(source), Outcome::Succeeded);
    (server, source)
}

/// Makes a backup and waits for its end.
fn back_up(server: &Server) -> BackupView {
    let begun = server.engine.back_up(&OWNER).unwrap();
    ended(server, |backup| backup.id == begun.id)
}

fn ended(server: &Server, wanted: impl Fn(&BackupView) -> bool) -> BackupView {
    loop {
        if let Some(backup) = server.engine.backups(&OWNER).unwrap().backups.into_iter().find(&wanted) {
            return backup;
        }
        server.next_event();
    }
}

fn file_of(backup: &BackupView) -> PathBuf {
    match &backup.outcome {
        BackupOutcome::Made { path, damaged: 0, .. } => path.clone(),
        other => panic!("{other:?}"),
    }
}

/// Restores to the directories of another machine.
fn restored(server: &Server, machine: &Path, file: &Path, key: &RestoreKey) -> Result<Restored, Problem> {
    restore(&config(machine), file, key, server.clock.clone(), &OsRng, &mut |_, _| {})
}

fn machine() -> Arc<tempfile::TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

/// Everything that is in a directory, by path.
fn everything(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            let below = everything(&path);
            [vec![path.display().to_string()], below].concat()
        })
        .collect()
}

#[test]
fn another_machine_goes_on_where_the_backup_was_made() {
    let (server, source) = furnished();
    let other = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    assert_eq!(server.outcome(other), Outcome::Succeeded);
    let file = file_of(&back_up(&server));
    let before = server.engine.records(&OWNER, other, "notes", &RecordQuery::default()).unwrap();

    let machine = machine();
    let found = restored(&server, machine.path(), &file, &key()).unwrap();
    assert_eq!((found.files, found.damaged, found.key_file), (1, 0, Some(KeyFile::Made)));
    assert_eq!(found.sources.len(), 2);
    assert!(found.connectors.iter().any(|connector| connector.name.as_str() == "files"));
    let there = Server::open(machine, Arc::clone(&server.clock)).unwrap();
    assert_eq!(there.engine.vault(&OWNER).unwrap().state, VaultState::Unlocked, "with a key file of its own");
    assert!(there.engine.sessions(&OWNER).unwrap().is_empty());
    assert!(there.engine.backups(&OWNER).unwrap().backups.is_empty(), "their files are on the other machine");

    let after = there.engine.records(&OWNER, other, "notes", &RecordQuery::default()).unwrap();
    assert_eq!(serde_json::to_value(&after).unwrap(), serde_json::to_value(&before).unwrap());
    let record = there.engine.record(&OWNER, source, "items", "one").unwrap();
    let blob = there.engine.blob(&OWNER, source, record.data["file"]["$blob"]["sha256"].as_str().unwrap()).unwrap();
    assert_eq!(std::fs::read_to_string(blob.path).unwrap(), "hello");

    // It signs in again with what was sealed elsewhere, and the chain goes on.
    let last = there.ended(other);
    there.engine.start_run(&OWNER, other).unwrap();
    let run = there.wait(other, |run| run.id != last.id && run.outcome.is_some());
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    assert!(there.engine.verify_audit(&OWNER).unwrap().intact);
    let audit = there.engine.latest_audit(&OWNER, "", None, 100).unwrap();
    assert!(audit.iter().any(|entry| entry.action == "backup.restore"));
}

#[test]
fn a_wrong_key_and_a_directory_in_use_write_nothing() {
    let (server, _) = furnished();
    let file = file_of(&back_up(&server));
    let machine = machine();
    let refused = |key: &RestoreKey| restored(&server, machine.path(), &file, key).err().expect("refused");
    assert_eq!(refused(&RestoreKey::Passphrase(secret("another passphrase"))).code, ProblemCode::Unauthenticated);
    let other = freehold_vault::RecoveryKey::generate(&OsRng).reveal();
    assert_eq!(refused(&RestoreKey::RecoveryKey(other)).code, ProblemCode::Unauthenticated);
    assert_eq!(everything(machine.path()), Vec::<String>::new());

    std::fs::create_dir(machine.path().join("data")).unwrap();
    std::fs::write(machine.path().join("data/letter.txt"), "mine").unwrap();
    assert_eq!(refused(&key()).code, ProblemCode::Conflict);
    assert_eq!(std::fs::read_to_string(machine.path().join("data/letter.txt")).unwrap(), "mine");

    let own = restored(&server, server.dir.path(), &file, &key()).err().expect("refused");
    assert_eq!(own.code, ProblemCode::DataDirectoryInUse);
}

#[test]
fn a_server_that_was_started_and_never_set_up_is_no_obstacle() {
    let (server, source) = furnished();
    let file = file_of(&back_up(&server));
    let machine = machine();
    drop(Server::open(Arc::clone(&machine), Arc::clone(&server.clock)).unwrap());
    restored(&server, machine.path(), &file, &key()).unwrap();
    let there = Server::open(machine, Arc::clone(&server.clock)).unwrap();
    assert_eq!(there.count(source, "items"), 2);
}

#[test]
fn a_backup_cut_off_anywhere_leaves_an_empty_directory() {
    let (server, _) = furnished();
    let whole = std::fs::read(file_of(&back_up(&server))).unwrap();
    let machine = machine();
    let cut = machine.path().join("cut.backup");
    let points = (0..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1, whole.len() - 16, whole.len() - 17]);
    for length in points {
        std::fs::write(&cut, &whole[..length]).unwrap();
        assert!(check_backup(&cut, &key(), &mut |_, _| {}).is_err(), "cut to {length}");
        assert!(restored(&server, machine.path(), &cut, &key()).is_err(), "cut to {length}");
        let left: Vec<String> = everything(&machine.path().join("data"));
        assert!(left.iter().all(|path| path.ends_with("/lock")), "cut to {length}: {left:?}");
        assert!(!machine.path().join("key").exists(), "cut to {length}");
    }
}

#[test]
fn what_was_cut_off_starts_no_server_and_can_be_begun_again() {
    let (server, source) = furnished();
    let file = file_of(&back_up(&server));
    let machine = machine();
    // As a power cut leaves it: some of it laid out, the key file made.
    let part = machine.path().join("data/restore.part");
    std::fs::create_dir_all(&part).unwrap();
    std::fs::write(part.join("vault.db"), "half of one").unwrap();
    std::fs::write(machine.path().join("data/data.db"), "moved already").unwrap();
    freehold_vault::key_file::create(&machine.path().join("key"), &OsRng).unwrap();
    let refused = Server::open(Arc::clone(&machine), Arc::clone(&server.clock)).err().unwrap();
    assert!(refused.next.contains("freehold restore"), "{refused}");

    let found = restored(&server, machine.path(), &file, &key()).unwrap();
    assert_eq!(found.key_file, Some(KeyFile::Used));
    let there = Server::open(machine, Arc::clone(&server.clock)).unwrap();
    assert_eq!((there.count(source, "items"), there.engine.vault(&OWNER).unwrap().state), (2, VaultState::Unlocked));
}

#[test]
fn a_vault_without_a_key_file_is_restored_locked() {
    let (server, _) = furnished();
    server.engine.remove_key_file(&OWNER).unwrap();
    let file = file_of(&back_up(&server));
    let machine = machine();
    assert_eq!(restored(&server, machine.path(), &file, &key()).unwrap().key_file, Some(KeyFile::None));
    let there = Server::open(machine, Arc::clone(&server.clock)).unwrap();
    assert_eq!(there.engine.vault(&OWNER).unwrap().state, VaultState::Locked);
    there.engine.unlock_vault(&OWNER, UnlockWith::Passphrase(secret(OF_VAULT))).unwrap();
}

#[test]
fn a_renewed_recovery_key_opens_what_is_made_from_then_on() {
    let (server, _) = furnished();
    let (shown, asked) = server.engine.new_recovery_key(&OWNER).unwrap();
    let groups: Vec<&str> = shown.reveal().split('-').collect();
    let typed: Vec<_> = asked.iter().map(|group| secret(groups[group - 1])).collect();
    let before = file_of(&back_up(&server));
    let copy = server.dir.path().join("before.backup");
    std::fs::copy(before, &copy).unwrap();
    assert_eq!(server.engine.confirm_new_recovery_key(&OWNER, &[secret("00000")]).unwrap_err().code, ProblemCode::BadInput);
    server.engine.confirm_new_recovery_key(&OWNER, &typed).unwrap();
    server.clock.forward(1);
    let after = file_of(&back_up(&server));
    let new = || RestoreKey::RecoveryKey(secret(shown.reveal()));
    assert!(check_backup(&after, &new(), &mut |_, _| {}).is_ok());
    assert_eq!(check_backup(&copy, &new(), &mut |_, _| {}).err().unwrap().code, ProblemCode::Unauthenticated);
}

#[test]
fn a_file_of_a_record_that_is_damaged_or_gone_is_told_and_costs_nothing_else() {
    let (server, source) = furnished();
    let record = server.engine.record(&OWNER, source, "items", "one").unwrap();
    let sha256 = record.data["file"]["$blob"]["sha256"].as_str().unwrap();
    let path = server.engine.blob(&OWNER, source, sha256).unwrap().path;
    let damaged = || match back_up(&server).outcome {
        BackupOutcome::Made { damaged, files, .. } => (files, damaged),
        other => panic!("{other:?}"),
    };
    std::fs::write(&path, "hellO").unwrap();
    assert_eq!(damaged(), (1, 1));
    std::fs::remove_file(&path).unwrap();
    server.clock.forward(1);
    assert_eq!(damaged(), (0, 1));
}

#[test]
fn a_locked_vault_makes_none_and_one_that_was_due_is_made_once_it_is_open() {
    let (server, _) = furnished();
    let by_schedule = server.add("spec_only", &[], &[("username", "ada"), ("password", "right-password")]).id;
    server.ended(by_schedule);
    let folder = machine();
    let plan =
        BackupPlan { folder: folder.path().join("backups"), every: Every::Day, hour: 3, zone: "UTC".to_owned(), keep: 2 };
    server.engine.set_backup_plan(&OWNER, Some(plan.clone())).unwrap();
    server.engine.lock_vault(&OWNER).unwrap();
    assert_eq!(server.engine.back_up(&OWNER).unwrap_err().code, ProblemCode::VaultLocked);
    server.clock.forward(86_400);
    server.engine.wake();
    // The scheduler has looked what is due, backups first. It stays due, and is made once the vault is open.
    server.wait(by_schedule, |run| run.cause == Cause::Schedule);
    let due = server.engine.backups(&OWNER).unwrap().next_due_at.unwrap();
    server.engine.unlock_vault(&OWNER, UnlockWith::KeyFile).unwrap();
    let waited = ended(&server, |_| true);
    assert!(waited.made_at > due && file_of(&waited).exists());
    // Missed while nothing ran: made at the next start.
    server.clock.forward(3 * 86_400);
    let server = server.restart();
    let first = ended(&server, |backup| backup.id > waited.id);
    assert_eq!(file_of(&first).parent(), Some(plan.folder.as_path()));

    for day in 0..3 {
        let last = server.engine.backups(&OWNER).unwrap().backups[0].id;
        server.clock.forward(86_400);
        server.engine.wake();
        assert!(file_of(&ended(&server, |backup| backup.id > last)).exists(), "day {day}");
    }
    let kept = std::fs::read_dir(&plan.folder).unwrap().count();
    assert_eq!((kept, server.engine.backups(&OWNER).unwrap().backups.len()), (2, 2));
    assert!(server.engine.set_backup_plan(&OWNER, None).unwrap().plan.is_none());
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused_and_one_that_went_away_is_a_failure() {
    let (server, _) = furnished();
    let folder = machine();
    let plan = |folder: PathBuf| BackupPlan { folder, every: Every::Week, hour: 3, zone: "UTC".to_owned(), keep: 2 };
    let refused = |folder| server.engine.set_backup_plan(&OWNER, Some(plan(folder))).unwrap_err();
    assert_eq!(refused("/proc/nowhere".into()).at.as_deref(), Some("folder"));
    assert_eq!(refused(server.dir.path().join("data/backups/mine")).code, ProblemCode::BadInput);
    let place = folder.path().join("backups");
    server.engine.set_backup_plan(&OWNER, Some(plan(place.clone()))).unwrap();
    std::fs::remove_dir(&place).unwrap();
    let failed = back_up(&server);
    assert!(matches!(failed.outcome, BackupOutcome::Failed { .. }), "{failed:?}");
    let told = server.engine.backups(&OWNER).unwrap().failing().unwrap().to_string();
    assert!(told.contains("mounted"), "{told}");
    assert!(!place.exists(), "nothing is written in the place of a disk that is not there");
}
