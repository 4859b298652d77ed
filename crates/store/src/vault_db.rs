//! `vault.db`: key slots, keys, sealed secrets, the attempt ledger, the audit chain.
//!
//! Every commit is on disk before its answer (`synchronous=FULL`), what is deleted is overwritten (`secure_delete`), and where a
//! secret was destroyed the write-ahead log is emptied as well, because it still holds the old pages.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::database::{Database, Durability, Kind};
use crate::{DataDir, OpenError, Result, StoreError};

pub mod attempt;
pub mod audit;
pub mod channel;
pub mod meta;
pub mod secret;

const KIND: Kind = Kind {
    name: VaultDb::FILE,
    migrations: &[
        include_str!("../migrations/vault/001.sql"),
        include_str!("../migrations/vault/002.sql"),
        include_str!("../migrations/vault/003.sql"),
    ],
    setup: "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = ON;",
    fold_after: 1_000,
};

/// The database of what is sealed.
pub struct VaultDb {
    database: Database,
}

impl VaultDb {
    /// Its name in a data directory.
    pub const FILE: &'static str = "vault.db";

    pub(crate) fn path(&self) -> &Path {
        self.database.path()
    }

    pub(crate) fn while_still<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.database.while_still("holding the vault still", work)
    }

    /// Opens it, making it or bringing it up to date if need be.
    pub fn open(dir: &DataDir) -> std::result::Result<VaultDb, OpenError> {
        let vault = VaultDb { database: Database::open(dir, &KIND)? };
        vault.finish_forgetting().map_err(|source| OpenError::Database {
            operation: "finishing a wipe",
            path: vault.database.path().to_owned(),
            source,
        })?;
        Ok(vault)
    }

    /// Reads the whole file and checks that it holds together.
    pub fn integrity_check(&self) -> Result<()> {
        self.read("checking the vault's database", |connection| {
            let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if found == "ok" { Ok(()) } else { Err(StoreError::corrupt(found)) }
        })
    }

    /// Whether the vault in this directory has an owner. Looks without taking the directory, so that a server may be running; what
    /// is not there or cannot be read has none.
    pub fn has_owner_in(directory: &Path) -> bool {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(directory.join(KIND.name), flags)
            .and_then(|connection| connection.query_row("SELECT EXISTS (SELECT 1 FROM vault)", [], |row| row.get(0)))
            .unwrap_or(false)
    }

    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.database.write(operation, Durability::Disk, move |transaction| work(transaction))
    }

    fn read<T>(&self, operation: &'static str, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.database.read(operation, work)
    }
}
