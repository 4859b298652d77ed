//! Restoring: a backup becomes a data directory, on a machine that has none.
//!
//! It is laid out beside its place, made to fit this machine, and put in its place last. What happened after the backup was made is not
//! known here, and is not guessed: whether a recovery code was used since is the owner's to say.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use freehold_core::{Clock, Problem, ProblemCode, Rng, SecretBytes, Timestamp};
use freehold_store::{DataDb, DataDir, Restoring, SlotRow, VaultDb};
use freehold_vault::key_file::{self, KeyFileError};
use freehold_vault::{BackupError, SealedBackup, SlotKind, UnlockError, Vault};

use super::archive::{self, FORMAT, Name, Note, NotedConnector};
use super::{HISTORY, file_problem};
use crate::audit::{Action, audit_make};
use crate::problem::from_store;
use crate::server::{EngineConfig, Inner, open_problem};
use crate::vault::parse_recovery_key;

/// Where it is kept when this data was restored from a backup.
const RESTORED_AT: &str = "restored_at";

/// What a backup is opened with.
pub enum RestoreKey {
    /// The recovery key, as typed.
    RecoveryKey(SecretBytes),
    /// The passphrase the vault had.
    Passphrase(SecretBytes),
}

/// What opens a backup.
pub struct Asks {
    /// When it was made, by that server's clock.
    pub made_at: Timestamp,
    /// Whether the vault's passphrase does, too; the recovery key always does.
    pub passphrase: bool,
}

/// What became of the key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFile {
    /// A new one was made: the vault opens by itself.
    Made,
    /// The one that was there opens this vault now.
    Used,
    /// The vault had none: it starts locked.
    None,
}

/// What was in a backup.
pub struct Restored {
    /// What instant it is of.
    pub made_at: Timestamp,
    /// The version of Freehold that made it.
    pub freehold: String,
    /// The names of its sources.
    pub sources: Vec<String>,
    /// Files of records.
    pub files: u64,
    /// Of those, the damaged ones.
    pub damaged: u64,
    /// The connectors of its sources, as they were installed.
    pub connectors: Vec<NotedConnector>,
    /// What became of the key file; none where it was only looked at.
    pub key_file: Option<KeyFile>,
    /// How many lists of recovery codes are in doubt now.
    pub codes_in_doubt: usize,
    /// Runs that were to keep nothing and were not wiped yet: what they left is on the machine they ran on.
    pub unwiped: usize,
}

/// Reads what opens a backup.
pub fn what_opens(file: &Path) -> Result<Asks, Problem> {
    let sealed = front(file)?;
    Ok(Asks { made_at: sealed.made_at(), passphrase: sealed.kinds().contains(&SlotKind::Passphrase) })
}

/// Reads a whole backup and writes nothing: whether it could be restored. `tell` hears how many bytes of how many are read.
pub fn check_backup(file: &Path, key: &RestoreKey, tell: &mut dyn FnMut(u64, u64)) -> Result<Restored, Problem> {
    let sealed = front(file)?;
    let made_at = sealed.made_at();
    let vault = unlocked(&sealed, key)?;
    let found = take_out(file, sealed, &vault, None, tell)?;
    let sources = Vec::new();
    Ok(found.restored(made_at, sources, None, 0))
}

/// Restores a backup to the data directory of `config`, which has to be empty. A wrong key writes nothing; one that was cut off can be
/// begun again. `tell` hears how many bytes of how many are read.
pub fn restore(
    config: &EngineConfig,
    file: &Path,
    key: &RestoreKey,
    clock: Arc<dyn Clock>,
    rng: &dyn Rng,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Restored, Problem> {
    let sealed = front(file)?;
    let made_at = sealed.made_at();
    let vault = Arc::new(unlocked(&sealed, key)?);
    let restoring = Restoring::begin(&config.data_dir).map_err(open_problem)?;
    let part = restoring.part();
    let filled = take_out(file, sealed, &vault, Some(&part), tell)
        .and_then(|found| settle(config, &part, found, &vault, made_at, clock, rng));
    match filled {
        Ok(restored) => {
            restoring.finish().map_err(|error| file_problem("Putting the data in its place", &config.data_dir, &error))?;
            Ok(restored)
        }
        Err(problem) => {
            restoring.abandon();
            Err(problem)
        }
    }
}

impl Inner {
    /// When this data was restored from a backup, if it was: what was done elsewhere until then is in no ledger here.
    pub(crate) fn restored_at(&self) -> Result<Option<Timestamp>, Problem> {
        let at = self.data.setting(RESTORED_AT).map_err(from_store)?;
        Ok(at.and_then(|at| at.as_str()?.parse().ok()))
    }
}

/// What an archive held.
struct Found {
    note: Note,
    files: u64,
    damaged: u64,
}

impl Found {
    fn restored(self, made_at: Timestamp, sources: Vec<String>, key_file: Option<KeyFile>, codes: usize) -> Restored {
        Restored {
            made_at,
            freehold: self.note.freehold,
            sources,
            files: self.files,
            damaged: self.damaged,
            connectors: self.note.connectors,
            key_file,
            codes_in_doubt: codes,
            unwiped: 0,
        }
    }
}

/// Makes what was laid out fit this machine, and notes that it was restored.
fn settle(
    config: &EngineConfig,
    part: &Path,
    found: Found,
    vault: &Arc<Vault>,
    made_at: Timestamp,
    clock: Arc<dyn Clock>,
    rng: &dyn Rng,
) -> Result<Restored, Problem> {
    let dir = DataDir::open(part).map_err(open_problem)?;
    let vault_db = VaultDb::open(&dir).map_err(open_problem)?;
    let data = DataDb::open(&dir, Arc::clone(&clock)).map_err(open_problem)?;
    vault_db.integrity_check().and_then(|()| data.integrity_check()).map_err(from_store)?;
    let audited = |action: Action, subject: &str, detail: &[(&str, &str)]| {
        audit_make(Some(Arc::clone(vault)), clock.now(), "restore", action, subject, detail)
    };
    let detail = [("made_at", &*made_at.to_string()), ("by", &*found.note.freehold)];
    let codes = vault_db.doubt_codes(made_at, audited(Action::BackupRestore, "owner", &detail)).map_err(from_store)?;
    let unwiped = data.forget_what_was_of_another_machine().map_err(from_store)?;
    // Their files are on the other machine.
    data.set_setting(HISTORY, serde_json::Value::Null).map_err(from_store)?;
    data.set_setting(RESTORED_AT, clock.now().to_string().into()).map_err(from_store)?;
    let slots = vault_db.slots().map_err(from_store)?;
    let kind = SlotKind::KeyFile;
    let key_file = if slots.iter().any(|slot| slot.kind == kind.as_str()) {
        let (key, made) = match key_file::read(&config.key_file) {
            Ok(key) => (key, KeyFile::Used),
            Err(KeyFileError::Missing { .. }) => {
                (key_file::create(&config.key_file, rng).map_err(|error| key_file_problem(&error))?, KeyFile::Made)
            }
            Err(error) => return Err(key_file_problem(&error)),
        };
        let wrapped = vault.wrap_root(&key, kind, rng);
        let row = SlotRow { kind: kind.as_str().to_owned(), wrapped, created_at: clock.now(), confirmed: true };
        vault_db.replace_slot(row, audited(Action::SlotPut, kind.as_str(), &[])).map_err(from_store)?;
        made
    } else {
        KeyFile::None
    };
    let sources = data.sources(vault.owner()).map_err(from_store)?.into_iter().map(|source| source.name).collect();
    Ok(Restored { unwiped, ..found.restored(made_at, sources, Some(key_file), codes) })
}

fn front(file: &Path) -> Result<SealedBackup<BufReader<File>>, Problem> {
    let opened = File::open(file).map_err(|error| file_problem("Reading the backup", file, &error))?;
    SealedBackup::read(BufReader::new(opened)).map_err(|error| match error {
        BackupError::NotABackup => {
            Problem::new(ProblemCode::BadInput, "This file is not a backup of Freehold.", "Name one that is.")
                .at(file.display().to_string())
        }
        BackupError::Newer { .. } => {
            Problem::new(ProblemCode::DataNewer, format!("{error}."), "Use that Freehold, or a newer one.")
                .at(file.display().to_string())
        }
        BackupError::Damaged => file_problem("Reading the backup", file, &io::ErrorKind::InvalidData.into()),
        BackupError::Io(error) => file_problem("Reading the backup", file, &error),
    })
}

fn unlocked(sealed: &SealedBackup<BufReader<File>>, key: &RestoreKey) -> Result<Vault, Problem> {
    let (unlocked, what, next) = match key {
        RestoreKey::RecoveryKey(typed) => (
            sealed.unlock_by_recovery_key(&parse_recovery_key(typed)?),
            "This recovery key does not open this backup.",
            "Use the one that was valid when the backup was made; one that was renewed since opens newer ones only.",
        ),
        RestoreKey::Passphrase(typed) => (
            sealed.unlock_by_passphrase(typed),
            "This passphrase does not open this backup.",
            "Use the one the vault had when the backup was made, or the recovery key.",
        ),
    };
    let wrong = || Problem::new(ProblemCode::Unauthenticated, what, next);
    match unlocked.ok_or_else(wrong)? {
        Ok(vault) => Ok(vault),
        Err(UnlockError::WrongKey { .. }) => Err(wrong()),
        Err(UnlockError::Corrupt { .. }) => Err(Problem::new(
            ProblemCode::BadInput,
            "The part of this backup that this key opens is damaged.",
            "Try another key, or another backup.",
        )),
    }
}

/// Reads the content, and lays it out in `part` if there is one.
fn take_out(
    file: &Path,
    sealed: SealedBackup<BufReader<File>>,
    vault: &Vault,
    part: Option<&Path>,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Found, Problem> {
    let all = fs::metadata(file).map(|found| found.len()).unwrap_or_default();
    let (mut note, mut files, mut damaged, mut databases, mut done) = (None::<Note>, 0, 0, 0, 0);
    let reading = |name: Name, size: u64, content: &mut dyn io::Read| -> io::Result<()> {
        done += size;
        tell(done.min(all), all);
        if name == Name::Note {
            note =
                serde_json::from_reader(content).map_err(|_| archive::invalid("its first entry is not a note")).map(Some)?;
            return Ok(());
        }
        if note.as_ref().is_none_or(|note| note.format != FORMAT) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "its content is of a newer Freehold"));
        }
        let hash = match part {
            Some(part) => lay_out(&part.join(name.path()), content)?,
            None => archive::copy_hashed(content, &mut io::sink())?,
        };
        match name {
            Name::Vault | Name::Data => databases += 1,
            Name::Blob(sha256) => {
                files += 1;
                damaged += u64::from(hash != sha256);
            }
            Name::Note | Name::Profile(_) => {}
        }
        Ok(())
    };
    let read = vault.open_backup(sealed).and_then(|content| archive::read(content, reading));
    read.map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => {
            Problem::new(ProblemCode::DataNewer, "This backup is of a newer Freehold.", "Use that Freehold, or a newer one.")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
            file_problem("Reading the backup", file, &io::ErrorKind::InvalidData.into())
        }
        _ => file_problem("Restoring", part.unwrap_or(file), &error),
    })?;
    match note {
        Some(note) if databases == 2 => Ok(Found { note, files, damaged }),
        _ => Err(file_problem("Reading the backup", file, &io::ErrorKind::InvalidData.into())),
    }
}

/// Writes one file; returns the hash of its content.
fn lay_out(path: &Path, content: &mut dyn io::Read) -> io::Result<String> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut buffered = BufWriter::with_capacity(64 << 10, file);
    let hash = archive::copy_hashed(content, &mut buffered)?;
    buffered.flush()?;
    Ok(hash)
}

fn key_file_problem(error: &KeyFileError) -> Problem {
    Problem::new(ProblemCode::VaultUnavailable, format!("{error}."), "Move what is there away, and restore again.")
}
