//! The write-ahead log of one database: emptied where old pages must not stay, and handled with care while the disk is full.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::{DataDir, Result, StoreError, reserve};

/// The write-ahead log, as the writer tends it.
pub(super) struct Log {
    path: PathBuf,
    fold_after: u32,
    dir: DataDir,
    careful: bool,
}

impl Log {
    pub(super) fn new(dir: &DataDir, path: &Path, fold_after: u32) -> Log {
        Log { path: path.to_owned(), fold_after, dir: dir.clone(), careful: false }
    }

    /// While the disk is full, the log is folded only where the file hardly grows by it. SQLite would fold it regardless, and by
    /// trying take the room that the ends of runs need; where it can be done, the log's own room is used again instead.
    pub(super) fn tend(&mut self, connection: &Connection) {
        let full = !self.dir.reserve().is_kept();
        // Nobody waits for this, and the next piece of work is followed by another try.
        if full != self.careful && connection.pragma_update(None, "wal_autocheckpoint", self.fold_every(full)).is_ok() {
            self.careful = full;
        }
        if full && self.growth(connection).is_ok_and(|bytes| bytes <= reserve::SIZE / 2) {
            let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }

    fn fold_every(&self, full: bool) -> u32 {
        if full { 0 } else { self.fold_after }
    }

    /// By how many bytes the file would grow.
    fn growth(&self, connection: &Connection) -> Result<u64> {
        let pages: u64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let page: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let file = std::fs::metadata(&self.path).map_err(|e| StoreError::io("measuring the database", &self.path, e))?;
        Ok((pages * page).saturating_sub(file.len()))
    }
}

/// Empties the log into the database file, if nobody reads it just now: then the next commits use its room, and nothing waits.
pub(crate) fn truncate_log_unless_read(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let _ = truncate_log(connection);
    Ok(connection.busy_timeout(super::PATIENCE)?)
}

/// Empties the log into the database file.
pub(crate) fn truncate_log(connection: &Connection) -> Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::conflict("the write-ahead log is being read and could not be emptied; try again"));
    }
    Ok(())
}
