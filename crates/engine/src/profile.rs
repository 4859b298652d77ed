//! A source's browser profile at rest: one sealed file beside the databases, its key in the vault.
//!
//! It is open only during a run, in memory-backed scratch space. A new copy is written beside the old one, and the old one is kept
//! until the new one has opened.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use freehold_browser::profile;
use freehold_core::{ConnectorName, Problem, ProblemCode, SourceId};
use freehold_store::{SourceKeyRow, SourceRow};
use freehold_vault::{KeyPurpose, KeyState, ProfileVault, SourceBinding};
use serde_json::Value;

use crate::audit::Action;
use crate::caller::Caller;
use crate::problem::from_store;
use crate::server::Inner;

const FIRST_GENERATION: u32 = 1;
/// Of the data directory.
const FOLDER: &str = "profiles";
/// What a copy is called until all of it is written.
const UNFINISHED: &str = "new";

impl Inner {
    /// Lays a source's profile out in `directory`; an empty one, and a key for it, if it has none yet. Returns the cookies that were
    /// kept with it.
    pub(crate) fn open_profile(&self, source: &SourceRow, directory: &Path) -> Result<Value, Problem> {
        let Some(vault) = self.profile_vault(source.id, &source.connector)? else {
            self.make_profile_key(source)?;
            return Ok(Value::Null);
        };
        let place = self.profile_place(source.id);
        for path in [&place, &previous(&place)] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unusable(&error)),
            };
            match vault.open(BufReader::new(file)).and_then(|opened| profile::unpack(opened, directory)) {
                Ok(cookies) => {
                    if *path == place {
                        // It has opened, so what it replaced is not needed any more.
                        remove_if_there(&previous(&place)).map_err(|error| unusable(&error))?;
                    }
                    return Ok(cookies);
                }
                Err(error) => {
                    tracing::error!(source = %source.id, %error, "a sealed browser profile does not open");
                    // Half of one must not be taken for a profile.
                    fs::remove_dir_all(directory).map_err(|error| unusable(&error))?;
                }
            }
        }
        Ok(Value::Null)
    }

    /// Seals what is in `directory`, with these cookies, as the source's profile. One whose key was destroyed since it was opened was
    /// signed out meanwhile, and is not brought back.
    pub(crate) fn seal_profile(&self, source: &SourceRow, directory: &Path, cookies: &Value) -> Result<(), Problem> {
        let Some(vault) = self.profile_vault(source.id, &source.connector)? else { return Ok(()) };
        let place = self.profile_place(source.id);
        self.write_profile(&vault, directory, cookies, &place).map_err(|error| unusable(&error))?;
        self.record("freehold", Action::ProfileSeal, &source.id.to_string(), &[])
    }

    fn write_profile(&self, vault: &ProfileVault, directory: &Path, cookies: &Value, place: &Path) -> io::Result<()> {
        let folder = place.parent().unwrap_or(place);
        fs::create_dir_all(folder)?;
        let beside = place.with_extension(UNFINISHED);
        remove_if_there(&beside)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let sealing = vault.seal(io::BufWriter::new(file), &*self.rng)?;
        let file = profile::pack(directory, cookies, sealing)?.finish()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        match fs::rename(place, previous(place)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&beside, place)?;
        File::open(folder)?.sync_all()
    }

    /// Destroys a source's profile: key first, then the files.
    pub(crate) fn destroy_profile(&self, caller: &Caller, source: SourceId) -> Result<(), Problem> {
        let audit = self.audited(&caller.actor(), Action::ProfileDestroy, &source.to_string(), &[]);
        self.vault_db.forget(source, KeyPurpose::Profile.as_str(), audit).map_err(from_store)?;
        for path in self.profile_files(source) {
            remove_if_there(&path).map_err(|error| unusable(&error))?;
        }
        Ok(())
    }

    /// Where sealed copies of a source's profile would be.
    pub(crate) fn profile_files(&self, source: SourceId) -> [PathBuf; 3] {
        let place = self.profile_place(source);
        [previous(&place), place.with_extension(UNFINISHED), place]
    }

    /// Bytes of a source's sealed profile and when it was sealed; none if it has none.
    pub(crate) fn profile_at_rest(&self, source: SourceId) -> Option<(u64, freehold_core::Timestamp)> {
        let metadata = fs::metadata(self.profile_place(source)).ok()?;
        let sealed_at = freehold_core::Timestamp::try_from(metadata.modified().ok()?).ok()?;
        Some((metadata.len(), sealed_at))
    }

    /// Every sealed copy there is, and whose it is by its name.
    pub(crate) fn sealed_profiles(&self) -> Vec<(SourceId, PathBuf)> {
        let entries = fs::read_dir(self.config.data_dir.join(FOLDER)).into_iter().flatten().flatten();
        let own = |path: PathBuf| Some((SourceId::parse(path.file_stem()?.to_str()?).ok()?, path));
        entries.filter_map(|entry| own(entry.path())).collect()
    }

    fn profile_place(&self, source: SourceId) -> PathBuf {
        self.config.data_dir.join(FOLDER).join(format!("{source}.sealed"))
    }

    fn profile_vault(&self, source: SourceId, connector: &ConnectorName) -> Result<Option<ProfileVault>, Problem> {
        let keys = self.wrapped_keys(source, KeyPurpose::Profile)?;
        if keys.is_empty() {
            return Ok(None);
        }
        let binding = SourceBinding { owner: self.owner()?, source, connector: connector.clone() };
        self.door.vault()?.profile_vault(binding, &keys).map(Some).map_err(|error| {
            tracing::error!(%source, %error, "the key of a source's browser profile does not open");
            Problem::new(
                ProblemCode::VaultUnavailable,
                "The key of this source's browser profile does not open with this vault.",
                "Restore vault.db from a backup, or sign the source out and in again.",
            )
        })
    }

    fn make_profile_key(&self, source: &SourceRow) -> Result<(), Problem> {
        let wrapped = self.door.vault()?.new_source_key(source.id, KeyPurpose::Profile, FIRST_GENERATION, &*self.rng);
        let row = SourceKeyRow {
            source: source.id,
            purpose: KeyPurpose::Profile.as_str().to_owned(),
            generation: FIRST_GENERATION,
            state: KeyState::Active.as_str().to_owned(),
            wrapped,
        };
        let audit = self.audited("freehold", Action::ProfileNewKey, &source.id.to_string(), &[]);
        self.vault_db.put_source_key(row, audit).map_err(from_store)
    }
}

/// Removes sealed copies that a dead server had not finished.
pub(crate) fn remove_unfinished(data_dir: &Path) {
    let Ok(entries) = fs::read_dir(data_dir.join(FOLDER)) else { return };
    for path in
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.extension() == Some(UNFINISHED.as_ref()))
    {
        if let Err(error) = remove_if_there(&path) {
            tracing::warn!(file = %path.display(), %error, "an unfinished browser profile could not be removed");
        }
    }
}

fn previous(place: &Path) -> PathBuf {
    place.with_extension("previous")
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unusable(error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::StorageFull {
        return Problem::new(
            ProblemCode::StorageFull,
            "The browser profile does not fit on the disk.",
            "Free some space; what was saved before is kept.",
        );
    }
    Problem::new(
        ProblemCode::StorageFailed,
        format!("The browser profile cannot be read or written: {error}."),
        "Check the data directory and the scratch directory.",
    )
}
