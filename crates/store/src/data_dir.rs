//! The data directory: one server at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::reserve::Reserve;
use crate::{OpenError, restoring};

/// A data directory held by this process. The databases opened in it keep it held until the last of them is dropped.
#[derive(Clone, Debug)]
pub struct DataDir {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    path: PathBuf,
    /// The lock is the system's own on this open file, so it ends with the process, however that ends.
    lock: File,
    reserve: Reserve,
}

impl DataDir {
    /// Makes the directory if need be (mode 0700, also where it was wider), and takes it for this process alone.
    pub fn open(path: &Path) -> Result<DataDir, OpenError> {
        let failed = |operation, path: &Path, source| OpenError::Io { operation, path: path.to_owned(), source };
        match fs::metadata(path) {
            Ok(found) if !found.is_dir() => return Err(OpenError::NotADirectory { path: path.to_owned() }),
            Ok(_) => {}
            Err(_) => DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|e| failed("making the data directory", path, e))?,
        }
        fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(|e| failed("making the data directory private", path, e))?;
        let path = path.canonicalize().map_err(|e| failed("finding the data directory", path, e))?;
        let lock = take_lock(&path)?;
        if path.join(restoring::PART).exists() {
            return Err(OpenError::HalfRestored { path });
        }
        let blobs = path.join("blobs");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&blobs)
            .map_err(|e| failed("making the directory of files", &blobs, e))?;
        let reserve = Reserve::new(&path);
        Ok(DataDir { held: Arc::new(Held { path, lock, reserve }) })
    }

    /// Where it is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.held.path
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.path().join("blobs")
    }

    pub(crate) fn reserve(&self) -> &Reserve {
        &self.held.reserve
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is just being started has a copy of it until it becomes another program.
        // Should it fail, closing still gives it up a moment later.
        let _ = self.lock.unlock();
    }
}

pub(crate) fn take_lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("lock");
    let failed = |operation, source| OpenError::Io { operation, path: path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| failed("opening the lock", e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Who holds it is a courtesy; that it is held is what counts.
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(OpenError::InUse { path: directory.to_owned(), pid });
        }
        Err(TryLockError::Error(e)) => return Err(failed("locking the data directory", e)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(|e| failed("writing the lock", e))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_and_told_who_holds_it() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let held = DataDir::open(dir.path()).expect("first");
        match DataDir::open(dir.path()) {
            Err(OpenError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("expected InUse, got {other:?}"),
        }
        drop(held);
        DataDir::open(dir.path()).expect("free again");
    }

    #[test]
    fn the_directory_is_private_and_must_be_one() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let wide = dir.path().join("wide");
        fs::create_dir(&wide).expect("made");
        fs::set_permissions(&wide, Permissions::from_mode(0o755)).expect("widened");
        DataDir::open(&wide).expect("opened");
        assert_eq!(fs::metadata(&wide).expect("there").permissions().mode() & 0o777, 0o700);

        let file = dir.path().join("file");
        fs::write(&file, "x").expect("written");
        assert!(matches!(DataDir::open(&file), Err(OpenError::NotADirectory { .. })));
    }
}
