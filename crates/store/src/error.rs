//! What can go wrong, in the two places it can: opening the data directory, and using it.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// The result of using a database.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A database could not do what was asked. Nothing of it was done: every function is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room is left. What was committed before stays.
    #[error("the disk that holds the data directory is full; free some space and try again")]
    DiskFull,
    /// It cannot be done in the present state.
    #[error("{what}")]
    Conflict {
        /// What stands against it, one sentence.
        what: String,
    },
    /// There is no such row.
    #[error("there is no {what}")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// A row or a file does not hold what this version of Freehold wrote.
    #[error("the database is damaged: {what}; restore a backup, or look with `freehold doctor`")]
    Corrupt {
        /// What is wrong.
        what: String,
    },
    /// SQLite refused.
    #[error("{operation} failed in the database: {source}")]
    Sql {
        /// What was being done.
        operation: &'static str,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// A file beside the database could not be used.
    #[error("{operation} failed at {}: {source}", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// A bug ended the work half-way; it was rolled back.
    #[error("{operation} was not done: Freehold has a bug there, please report it")]
    Abandoned {
        /// What was being done.
        operation: &'static str,
    },
}

/// A data directory or a database in it could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server uses the data directory.
    #[error("the data directory {} is in use by {}; stop that one first", path.display(), holder(*pid))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process that holds it, where it said so.
        pid: Option<u32>,
    },
    /// The database was written by a newer Freehold.
    #[error("{} is of a newer Freehold (format {found}, this one knows {known}); start the newer version", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A backup was being restored to it, and that did not come to its end.
    #[error("a backup was being restored to {} and that was cut off; restore it again, nothing of it is lost", path.display())]
    HalfRestored {
        /// The directory.
        path: PathBuf,
    },
    /// A backup cannot be restored to it.
    #[error("{} is not empty, and a backup is restored to an empty data directory only; name another, or move what is there away", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The path names something else.
    #[error("{} is not a directory; name a directory for the data", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A file or directory could not be made or read.
    #[error("{operation} failed at {}: {source}", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The database could not be opened or brought up to date.
    #[error("{operation} failed at {}: {source}", path.display())]
    Database {
        /// What was being done.
        operation: &'static str,
        /// Which database.
        path: PathBuf,
        /// What went wrong.
        source: StoreError,
    },
}

impl StoreError {
    pub(crate) fn conflict(what: impl Into<String>) -> Self {
        StoreError::Conflict { what: what.into() }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        StoreError::NotFound { what: what.into() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        StoreError::Corrupt { what: what.into() }
    }

    pub(crate) fn io(operation: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull,
            _ => StoreError::Io { operation, path: path.into(), source },
        }
    }

    /// Names what was being done, where a database error passed through without saying.
    pub(crate) fn during(self, name: &'static str) -> Self {
        match self {
            StoreError::Sql { operation: "", source } => StoreError::Sql { operation: name, source },
            other => other,
        }
    }

    /// Reads a broken uniqueness rule as the conflict it stands for.
    pub(crate) fn unique_means(self, what: impl FnOnce() -> String) -> Self {
        match &self {
            StoreError::Sql { source: rusqlite::Error::SqliteFailure(failure, _), .. }
                if matches!(failure.extended_code, UNIQUE | PRIMARY_KEY) =>
            {
                StoreError::conflict(what())
            }
            _ => self,
        }
    }
}

const UNIQUE: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
const PRIMARY_KEY: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match &error {
            E::SqliteFailure(failure, text) => match failure.code {
                ErrorCode::DiskFull => StoreError::DiskFull,
                // The index of the log could not grow; it is on the same disk.
                _ if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => StoreError::DiskFull,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    StoreError::corrupt(text.clone().unwrap_or_else(|| failure.to_string()))
                }
                _ => StoreError::Sql { operation: "", source: error },
            },
            E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::IntegralValueOutOfRange(..) => {
                StoreError::corrupt(error.to_string())
            }
            _ => StoreError::Sql { operation: "", source: error },
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another Freehold".to_owned(), |pid| format!("another Freehold (process {pid})"))
}
