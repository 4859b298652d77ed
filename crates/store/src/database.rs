//! One database file: a writer thread behind a bounded queue, and a few connections that only read.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::migration;
use crate::{DataDir, OpenError, Result, StoreError};

mod log;

use log::Log;
pub(crate) use log::{truncate_log, truncate_log_unless_read};

/// How many pieces of work may wait for the writer before callers wait to hand theirs over.
const QUEUE: usize = 64;
/// How many reads go on at the same time.
const READERS: usize = 4;
/// How long a connection waits for a lock, which only the end of a long read can hold.
const PATIENCE: Duration = Duration::from_secs(10);

/// What sets one database apart from the other.
pub(crate) struct Kind {
    /// The file's name in the data directory.
    pub(crate) name: &'static str,
    /// Its migrations, in order.
    pub(crate) migrations: &'static [&'static str],
    /// Statements for each new connection that writes; the first sees a file that may still be empty.
    pub(crate) setup: &'static str,
    /// How many pages the log grows to before it is folded into the file.
    pub(crate) fold_after: u32,
}

/// When a transaction counts as done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// On disk before the answer: it outlives a power cut.
    Disk,
    /// With the system: it outlives this process, and after a power cut is there whole or not at all. Whatever is committed to
    /// disk later brings it along, because both are in one log.
    System,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

pub(crate) struct Database {
    path: PathBuf,
    jobs: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Readers,
    dir: DataDir,
}

impl Database {
    pub(crate) fn open(dir: &DataDir, kind: &Kind) -> std::result::Result<Database, OpenError> {
        let path = dir.path().join(kind.name);
        let known = u32::try_from(kind.migrations.len()).unwrap_or(u32::MAX);
        migration::check_not_newer(&path, known)?;
        let mut connection = connect_writer(&path, kind).map_err(|e| OpenError::Database {
            operation: "opening the database",
            path: path.clone(),
            source: StoreError::from(e).during("opening the database"),
        })?;
        migration::migrate(&mut connection, &path, kind.migrations)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(|source| OpenError::Io {
            operation: "making the database private",
            path: path.clone(),
            source,
        })?;
        let mut log = Log::new(dir, &path, kind.fold_after);
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let writer = thread::Builder::new()
            .name(kind.name.to_owned())
            .spawn(move || {
                for job in queue {
                    // A bug in one piece of work, rolled back as it unwinds, must not end every later one.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
                    log.tend(&connection);
                }
            })
            .map_err(|source| OpenError::Io { operation: "starting the database's thread", path: path.clone(), source })?;
        Ok(Database { readers: Readers::new(path.clone()), path, jobs: Some(jobs), writer: Some(writer), dir: dir.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` in one transaction on the writer's thread and waits for it.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.on_writer(operation, move |connection| {
            if durability == Durability::System {
                connection.pragma_update(None, "synchronous", "NORMAL")?;
            }
            let done = in_transaction(connection, work);
            if durability == Durability::System {
                connection.pragma_update(None, "synchronous", "FULL")?;
            }
            done
        })
    }

    /// Gives `work` the writer's connection, outside any transaction.
    pub(crate) fn on_writer<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, wait) = sync_channel(1);
        let dir = self.dir.clone();
        let job: Job = Box::new(move |connection| {
            let done = work(connection);
            if matches!(done, Err(StoreError::DiskFull)) {
                dir.reserve().release();
            }
            // Whoever asked may have gone; the work is done all the same.
            let _ = answer.send(done);
        });
        let abandoned = || StoreError::Abandoned { operation };
        self.jobs.as_ref().ok_or_else(abandoned)?.send(job).map_err(|_| abandoned())?;
        wait.recv().map_err(|_| abandoned())?.map_err(|e| e.during(operation))
    }

    /// Does `work` while nothing is being written.
    pub(crate) fn while_still<T>(&self, operation: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let (held, is_held) = sync_channel(1);
        let (release, released) = sync_channel::<()>(0);
        let abandoned = || StoreError::Abandoned { operation };
        let job: Job = Box::new(move |_| {
            // Whoever waits for it may have gone. Released is also what it is when the other end is dropped.
            let _ = held.send(());
            let _ = released.recv();
        });
        self.jobs.as_ref().ok_or_else(abandoned)?.send(job).map_err(|_| abandoned())?;
        is_held.recv().map_err(|_| abandoned())?;
        let done = work();
        drop(release);
        done
    }

    /// Reads what was committed when it begins.
    pub(crate) fn read<T>(&self, operation: &'static str, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.readers
            .with(|connection| {
                let snapshot = connection.unchecked_transaction()?;
                work(&snapshot)
            })
            .map_err(|e| e.during(operation))
    }

    /// Removes the copies made before migrations: they hold what is to be gone.
    pub(crate) fn remove_copies(&self) -> Result<()> {
        let failed = |e| StoreError::io("removing an old copy of the database", &self.path, e);
        for copy in migration::copies(&self.path).map_err(failed)? {
            std::fs::remove_file(&copy).map_err(failed)?;
        }
        Ok(())
    }

    /// Empties the log into the database file, so that no older page is left in it.
    pub(crate) fn truncate_log(&self) -> Result<()> {
        self.on_writer("emptying the write-ahead log", |connection| truncate_log(connection))
    }
}

fn in_transaction<T>(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn connect_writer(path: &Path, kind: &Kind) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(kind.setup)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
    )?;
    connection.pragma_update(None, "wal_autocheckpoint", kind.fold_after)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl Drop for Database {
    fn drop(&mut self) {
        // The readers go first: the last connection to close, the writer's, then folds the log into the file.
        self.readers.close();
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

impl Readers {
    fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::new(Pool { idle: Vec::new(), open: 0 }), returned: Condvar::new() }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let lent = Lent { readers: self, connection: Some(self.take()?) };
        work(lent.connection.as_ref().ok_or(StoreError::Abandoned { operation: "reading" })?)
    }

    fn take(&self) -> Result<Connection> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = pool.idle.pop() {
                return Ok(connection);
            }
            if pool.open < READERS {
                let connection = connect_reader(&self.path)?;
                pool.open += 1;
                return Ok(connection);
            }
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).idle.clear();
    }
}

/// A connection on loan, which finds its way back whatever happens.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.pool.lock().unwrap_or_else(PoisonError::into_inner).idle.push(connection);
            self.readers.returned.notify_one();
        }
    }
}

pub(crate) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
