//! `data.db`: sources, runs, interactions, records, files, sessions, tokens, settings.
//!
//! A commit is on disk before its answer, but for batches of records and for notes on a running run. Those are with the system,
//! and reach the disk at the latest with the commit that ends the run, because SQLite's log is one file written in order: a STATE is
//! never on disk without the records it stands for.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use freehold_core::{Clock, Timestamp};
use rusqlite::Connection;

use crate::database::{Database, Durability, Kind};
use crate::{DataDir, OpenError, Result, StoreError};

pub mod access;
pub mod blob;
pub mod commit;
pub mod counted;
pub mod interaction;
pub mod neighbour;
pub mod notification;
pub mod record;
pub mod rejected;
pub mod run;
pub mod search;
pub mod source;
pub mod span;
pub mod stream;
pub mod write;

mod day;
mod held;
pub(crate) mod receipt;
mod revert;
mod setting;

const KIND: Kind = Kind {
    name: DataDb::FILE,
    migrations: &[
        include_str!("../migrations/data/001.sql"),
        include_str!("../migrations/data/002.sql"),
        include_str!("../migrations/data/003.sql"),
        include_str!("../migrations/data/004.sql"),
        include_str!("../migrations/data/005.sql"),
        include_str!("../migrations/data/006.sql"),
        include_str!("../migrations/data/007.sql"),
    ],
    // What is deleted can be given back to the disk, which is settled when the file is made.
    setup: "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;",
    // 64 MiB: a page of an index that every batch changes, as keys in no order make it, is then written to the file once for many
    // batches.
    fold_after: 16_000,
};

/// The database of everything that is not sealed.
pub struct DataDb {
    database: Database,
    dir: DataDir,
    clock: Arc<dyn Clock>,
    /// Files taken over and not linked to a record yet; a sweep leaves them alone.
    unlinked: Mutex<HashSet<String>>,
    /// Held for reading by whatever removes files, for writing by a copy that needs them all.
    blobs_kept: RwLock<()>,
}

impl DataDb {
    /// Its name in a data directory.
    pub const FILE: &'static str = "data.db";

    pub(crate) fn path(&self) -> &Path {
        self.database.path()
    }

    pub(crate) fn blobs_kept(&self) -> &RwLock<()> {
        &self.blobs_kept
    }

    pub(crate) fn while_still<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.database.while_still("holding the records still", work)
    }

    /// Opens it, making it or bringing it up to date if need be. `clock` says when runs move on and when records are seen.
    pub fn open(dir: &DataDir, clock: Arc<dyn Clock>) -> std::result::Result<DataDb, OpenError> {
        let database = Database::open(dir, &KIND)?;
        let data = DataDb { database, dir: dir.clone(), clock, unlinked: Mutex::default(), blobs_kept: RwLock::default() };
        data.sweep_blobs().map_err(|source| OpenError::Database {
            operation: "removing files nothing refers to",
            path: data.database.path().to_owned(),
            source,
        })?;
        // A disk that is full already is no reason not to start: what is there can be read.
        let _ = data.check_room();
        Ok(data)
    }

    /// Whether there is room for more records. `DiskFull` where there is none but what is kept back for how runs end.
    pub fn check_room(&self) -> Result<()> {
        self.dir.reserve().keep()
    }

    /// Reads the whole file and checks that it holds together.
    pub fn integrity_check(&self) -> Result<()> {
        self.read("checking the database", |connection| {
            let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if found == "ok" { Ok(()) } else { Err(StoreError::corrupt(found)) }
        })
    }

    fn unlinked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unlinked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.database.write(operation, Durability::Disk, move |transaction| work(transaction))
    }

    /// As `write`, for what may be lost in a power cut, whole, without harm.
    fn write_soon<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.database.write(operation, Durability::System, move |transaction| work(transaction))
    }

    fn read<T>(&self, operation: &'static str, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.database.read(operation, work)
    }
}
