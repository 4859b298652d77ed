//! The place a backup is restored to: an empty data directory, filled beside first and put together at the end.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::data_dir::take_lock;
use crate::{DataDb, OpenError, VaultDb};

/// What a data directory is filled in until it is whole. Where it is, no server starts.
pub(crate) const PART: &str = "restore.part";

/// A data directory with nothing in it, held by this process alone.
pub struct Restoring {
    path: PathBuf,
    _lock: File,
}

impl Restoring {
    /// Makes the directory if need be, and takes it. `NotEmpty` where anything is in it but what a server leaves that was never set up,
    /// or what an interrupted restore left; either is removed.
    pub fn begin(path: &Path) -> Result<Restoring, OpenError> {
        let failed = |operation, source| OpenError::Io { operation, path: path.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| failed("making the data directory", error))?;
        let path = path.canonicalize().map_err(|error| failed("finding the data directory", error))?;
        let lock = take_lock(&path)?;
        if !may_be_filled(&path).map_err(|error| failed("looking into the data directory", error))? {
            return Err(OpenError::NotEmpty { path });
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700))
            .map_err(|error| failed("making the data directory private", error))?;
        let restoring = Restoring { path, _lock: lock };
        restoring.empty().map_err(|error| failed("emptying the data directory", error))?;
        Ok(restoring)
    }

    /// Where its content is laid out: as a data directory of its own.
    pub fn part(&self) -> PathBuf {
        self.path.join(PART)
    }

    /// Puts what was laid out in its place. When this returns it is on disk; should it be cut off, no server starts on what is there,
    /// and restoring can begin again.
    pub fn finish(self) -> io::Result<()> {
        let part = self.part();
        for name in ["lock", "reserve"] {
            remove(&part.join(name))?;
        }
        sync_all(&part)?;
        // The vault last: without one a data directory is nobody's.
        let mut names: Vec<_> = fs::read_dir(&part)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
        names.sort_by_key(|name| name.as_encoded_bytes().starts_with(VaultDb::FILE.as_bytes()));
        for name in names {
            fs::rename(part.join(&name), self.path.join(&name))?;
        }
        let directory = File::open(&self.path)?;
        directory.sync_all()?;
        fs::remove_dir(&part)?;
        directory.sync_all()
    }

    /// Gives up: the directory is as empty as it was.
    pub fn abandon(self) {
        // What is left is removed by the next try.
        let _ = self.empty();
        let _ = remove(&self.part());
    }

    /// Removes everything but the lock, what was begun to be filled in last: while that is there, everything else may go.
    fn empty(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.part())?;
        File::open(&self.path)?.sync_all()?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() != "lock" && entry.file_name() != PART {
                remove(&entry.path())?;
            }
        }
        for entry in fs::read_dir(self.part())? {
            remove(&entry?.path())?;
        }
        Ok(())
    }
}

fn may_be_filled(path: &Path) -> io::Result<bool> {
    if path.join(PART).exists() {
        return Ok(true);
    }
    let (vault, data) = (VaultDb::FILE, DataDb::FILE);
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let of_database = |file: &str| name.strip_prefix(file).is_some_and(|rest| matches!(rest, "" | "-wal" | "-shm"));
        let known = match &*name {
            "lock" | "reserve" => true,
            "blobs" | "profiles" | "backups" => fs::read_dir(entry.path())?.next().is_none(),
            _ => of_database(vault) || of_database(data),
        };
        if !known {
            return Ok(false);
        }
    }
    Ok(!VaultDb::has_owner_in(path))
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a directory and all below it to disk.
fn sync_all(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { sync_all(&path)? } else { File::open(&path)?.sync_all()? }
    }
    File::open(directory)?.sync_all()
}
