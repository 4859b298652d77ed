//! A copy of both databases as they were at one instant, and the files that belong to it, while everything goes on.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLockWriteGuard};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::database::connect_reader;
use crate::{DataDb, Result, StoreError, VaultDb};

/// Pages copied between two words about how far it is.
const PAGES: std::ffi::c_int = 1_024;

/// What was copied. No file of a record is removed while it exists; dropping it removes the copies.
pub struct Snapshot<'a> {
    folder: PathBuf,
    data: &'a DataDb,
    _kept: RwLockWriteGuard<'a, ()>,
}

impl<'a> Snapshot<'a> {
    /// Copies both databases into `folder`, which is made, and in which nothing else is left. `tell` hears how many bytes of how many
    /// are copied, and ends it by an error. Writers go on meanwhile: they are held up only for the instant it is a copy of.
    pub fn take(
        vault: &VaultDb,
        data: &'a DataDb,
        folder: &Path,
        tell: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Snapshot<'a>> {
        remove(folder)?;
        let io = |operation| move |error| StoreError::io(operation, folder, error);
        DirBuilder::new().mode(0o700).create(folder).map_err(io("making a directory for a copy"))?;
        let kept = data.blobs_kept().write().unwrap_or_else(PoisonError::into_inner);
        let snapshot = Snapshot { folder: folder.to_owned(), data, _kept: kept };
        let [of_vault, of_data] = [vault.path(), data.path()].map(connect_reader);
        let sources = [(of_vault?, VaultDb::FILE), (of_data?, DataDb::FILE)];
        vault.while_still(|| data.while_still(|| sources.iter().try_for_each(|(source, _)| begin(source))))?;
        let sizes = sources.iter().map(|(source, _)| size(source)).collect::<Result<Vec<u64>>>()?;
        let (mut before, all) = (0, sizes.iter().sum());
        for ((source, name), size) in sources.iter().zip(sizes) {
            copy(source, &folder.join(name), &mut |done| tell(before + done, all))?;
            before += size;
        }
        Ok(snapshot)
    }

    /// The copy of `vault.db`.
    pub fn vault(&self) -> PathBuf {
        self.folder.join(VaultDb::FILE)
    }

    /// The copy of `data.db`.
    pub fn data(&self) -> PathBuf {
        self.folder.join(DataDb::FILE)
    }

    /// How many files belong to it, and their bytes.
    pub fn blob_totals(&self) -> Result<(u64, u64)> {
        let sql = format!("SELECT count(*), ifnull(sum(size), 0) FROM blobs b WHERE {LINKED}");
        Ok(self.copied()?.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Hands each file that belongs to it to `take`: the hash of its content, its size, and where it is.
    pub fn for_each_blob<E: From<StoreError>>(
        &self,
        mut take: impl FnMut(&str, u64, &Path) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let copied = self.copied()?;
        let sql = format!("SELECT sha256, size FROM blobs b WHERE {LINKED} ORDER BY sha256");
        let mut statement = copied.prepare(&sql).map_err(StoreError::from)?;
        let mut rows = statement.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let read = |row: &rusqlite::Row<'_>| Ok::<_, rusqlite::Error>((row.get::<_, String>(0)?, row.get(1)?));
            let (sha256, size) = read(row).map_err(StoreError::from)?;
            take(&sha256, size, &self.data.blob_path(&sha256)?)?;
        }
        Ok(())
    }

    /// The copy of `data.db`, to be read where it lies: nothing is written beside it.
    fn copied(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut address = "file:".to_owned();
        for byte in self.data().as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'-' | b'_' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => address.push(char::from(*byte)),
                _ => address.push_str(&format!("%{byte:02x}")),
            }
        }
        address.push_str("?immutable=1");
        Ok(Connection::open_with_flags(address, flags)?)
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // What cannot be removed now goes with the next copy, or at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A file that is in a record counts; one just taken over belongs to no record yet.
const LINKED: &str = "EXISTS (SELECT 1 FROM blob_links l WHERE l.sha256 = b.sha256)";

/// Begins to read: from here on the connection sees the database as it is now.
fn begin(source: &Connection) -> Result<()> {
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(())
}

fn size(source: &Connection) -> Result<u64> {
    let number = |name| source.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok(number("page_count")? * number("page_size")?)
}

fn copy(source: &Connection, to: &Path, tell: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
    let io = |operation| move |error| StoreError::io(operation, to, error);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io("making a copy of a database"))?;
    let mut target = Connection::open(to)?;
    // Half a copy is thrown away, so that nothing has to be undone.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let page = source.pragma_query_value(None, "page_size", |row| row.get::<_, u64>(0))?;
    let backup = Backup::new(source, &mut target)?;
    loop {
        let step = backup.step(PAGES)?;
        let progress = backup.progress();
        let done = progress.pagecount - progress.remaining;
        tell(page * u64::try_from(done).unwrap_or(0))?;
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            // The source is read from a state that stands, and nobody else has the target.
            _ => return Err(StoreError::conflict("a database could not be copied: it is locked")),
        }
    }
    drop(backup);
    drop(target);
    File::open(to).and_then(|file| file.sync_all()).map_err(io("writing a copy of a database to disk"))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("removing an earlier copy", folder, error))
        }
        _ => Ok(()),
    }
}
