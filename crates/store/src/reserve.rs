//! Room kept back for the day the disk is full, so that how a run ended, the ledger and the audit chain can still be written.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::{Result, StoreError};

/// Bytes kept back: a few thousand pages, where the end of a run changes about thirty.
pub(crate) const SIZE: u64 = 8 << 20;

/// A file of nothing beside the databases. Given up when one of them says that the disk is full, and made anew before records are
/// stored again: records never use its room, what is said about them does.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    kept: Mutex<bool>,
}

impl Reserve {
    /// The reserve of a directory, not kept yet. What an earlier server kept there is given up: opening the databases needs room.
    pub(crate) fn new(directory: &Path) -> Reserve {
        let reserve = Reserve { path: directory.join("reserve"), kept: Mutex::new(false) };
        reserve.release();
        reserve
    }

    /// Keeps it, if it is not kept already. `DiskFull` where there is no room for it.
    pub(crate) fn keep(&self) -> Result<()> {
        let mut kept = self.kept();
        if !*kept {
            allocate(&self.path).map_err(|e| {
                // Best effort: a part of it would be in the way of what it is kept for.
                let _ = fs::remove_file(&self.path);
                StoreError::io("keeping some room back", &self.path, e)
            })?;
            *kept = true;
        }
        Ok(())
    }

    /// Gives it up.
    pub(crate) fn release(&self) {
        let mut kept = self.kept();
        // Where it cannot be removed, the disk stays as full as it is, and that is what will be said.
        let _ = fs::remove_file(&self.path);
        *kept = false;
    }

    pub(crate) fn is_kept(&self) -> bool {
        *self.kept()
    }

    fn kept(&self) -> MutexGuard<'_, bool> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for twice the room and gives half of it back: what was just given up would otherwise be taken again at once, by the next
/// run, on a disk that is as full as before.
fn allocate(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, 2 * SIZE) {
        // A file system that cannot promise room gets by without.
        Err(Errno::OPNOTSUPP) => Ok(()),
        done => done.map_err(io::Error::from).and_then(|()| file.set_len(SIZE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_its_room_and_gives_it_back() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("reserve");
        let reserve = Reserve::new(directory.path());
        assert!(!reserve.is_kept() && !path.exists());
        reserve.keep().expect("kept");
        assert!(reserve.is_kept());
        assert_eq!(fs::metadata(&path).expect("there").len(), SIZE);
        reserve.release();
        assert!(!reserve.is_kept() && !path.exists());

        reserve.keep().expect("kept again");
        assert!(!Reserve::new(directory.path()).is_kept() && !path.exists(), "the next server begins without it");
    }

    #[test]
    fn where_there_is_no_room_nothing_is_left_of_it() {
        let reserve = Reserve::new(Path::new("/dev/full"));
        assert!(reserve.keep().is_err() && !reserve.is_kept());
    }
}
