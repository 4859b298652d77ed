//! Files that belong to records, kept once by the hash of their content in `blobs/ab/cd…`, mode 0600.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use freehold_core::{RunId, SourceId};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::{DataDb, run};
use crate::{Result, StoreError};

/// Files removed in one transaction: each of those waits for the disk.
const SWEPT_AT_ONCE: usize = 100;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRow {
    /// SHA-256 of its content, 64 hex digits in lower case.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// As the connector said; to be shown, never trusted.
    pub media_type: String,
    /// As the connector said.
    pub filename: String,
}

impl DataDb {
    /// Takes a file over: moved into the data directory, or copied and removed where it lies on another disk. The same content is
    /// kept once. Until it is linked to a record it can be had from nowhere, and goes at the next start.
    pub fn put_blob(&self, file: &Path, media_type: &str, filename: &str) -> Result<BlobRow> {
        self.check_room()?;
        let (sha256, size) = hash(file).map_err(|e| StoreError::io("reading a file of a record", file, e))?;
        self.unlinked().insert(sha256.clone());
        let row = sha256.clone();
        self.write("adding a file", move |connection| {
            connection.prepare_cached("INSERT OR IGNORE INTO blobs (sha256, size) VALUES (?1, ?2)")?.execute((row, size))?;
            Ok(())
        })?;
        let target = self.blob_path(&sha256)?;
        place(file, &target, size).map_err(|e| {
            let error = StoreError::io("keeping a file of a record", &target, e);
            if matches!(error, StoreError::DiskFull) {
                self.dir.reserve().release();
            }
            error
        })?;
        Ok(BlobRow { sha256, size, media_type: media_type.to_owned(), filename: filename.to_owned() })
    }

    /// Links a file to a record of a run's source. With `held`, the link counts once the run's held records are released.
    pub fn link_blob(&self, run: RunId, stream: &str, key: &str, blob: &BlobRow, held: bool) -> Result<()> {
        let (stream, key, row) = (stream.to_owned(), key.to_owned(), blob.clone());
        self.write_soon("linking a file to a record", move |connection| {
            let n = run::number_of_unfinished(connection, run)?;
            let source = run::source_of(connection, n)?.to_string();
            let known = "SELECT EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?1)";
            if !connection.prepare_cached(known)?.query_row([&row.sha256], |row| row.get::<_, bool>(0))? {
                return Err(StoreError::not_found(format!("file {}", row.sha256)));
            }
            connection
                .prepare_cached(
                    "INSERT INTO blob_links (source, stream, key, sha256, run, held, media_type, filename) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                )?
                .execute((source, stream, key, row.sha256, n, held, row.media_type, row.filename))?;
            Ok(())
        })?;
        self.unlinked().remove(&blob.sha256);
        Ok(())
    }

    /// A file, if a record of this source has it: the only way to one.
    pub fn blob_of(&self, source: SourceId, sha256: &str) -> Result<Option<BlobRow>> {
        self.read("reading a file", |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT b.size, l.media_type, l.filename FROM blob_links l JOIN blobs b USING (sha256) \
                     WHERE l.source = ?1 AND l.sha256 = ?2 AND l.held = 0 LIMIT 1",
                )?
                .query_row((source.to_string(), sha256), |row| {
                    Ok(BlobRow {
                        sha256: sha256.to_owned(),
                        size: row.get("size")?,
                        media_type: row.get("media_type")?,
                        filename: row.get("filename")?,
                    })
                })
                .optional()?)
        })
    }

    /// Bytes of the files that belong to a source's records, by stream. Content that several records of a stream have counts once.
    /// The time it takes grows with the source's files.
    pub fn file_bytes(&self, source: SourceId) -> Result<BTreeMap<String, u64>> {
        self.read("measuring a source's files", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT l.stream, sum(b.size) AS bytes FROM \
                 (SELECT DISTINCT sha256, stream FROM blob_links WHERE source = ?1 AND held = 0) l JOIN blobs b USING (sha256) \
                 GROUP BY l.stream",
            )?;
            let rows = statement.query_map([source.to_string()], |row| Ok((row.get("stream")?, row.get("bytes")?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Where a file's content is.
    pub fn blob_path(&self, sha256: &str) -> Result<PathBuf> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !is_hash {
            return Err(StoreError::not_found("file of this hash"));
        }
        Ok(self.dir.blobs().join(&sha256[..2]).join(&sha256[2..]))
    }

    /// Removes files that no record has any more; at the next time, where a copy is being made that may need them.
    pub fn sweep_blobs(&self) -> Result<()> {
        let Ok(_removing) = self.blobs_kept.try_read() else { return Ok(()) };
        let unlinked = self.unlinked().clone();
        let orphans: Vec<String> = self.read("looking for files of no record", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sha256 FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.sha256 = b.sha256)",
            )?;
            let rows = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })?;
        let orphans = orphans.into_iter().filter(|sha256| !unlinked.contains(sha256));
        let orphans = orphans.map(|sha256| Ok((self.blob_path(&sha256)?, sha256))).collect::<Result<Vec<_>>>()?;
        for some in orphans.chunks(SWEPT_AT_ONCE).map(<[_]>::to_vec) {
            self.write("removing files of no record", move |connection| {
                some.iter().try_for_each(|(path, sha256)| remove_orphan(connection, sha256, path))
            })?;
        }
        Ok(())
    }
}

/// Removes the file inside the transaction: should that fail, its row is still there to find it by, and a file that is gone already is
/// no failure.
fn remove_orphan(connection: &Connection, sha256: &str, path: &Path) -> Result<()> {
    let removed = connection
        .prepare_cached("DELETE FROM blobs WHERE sha256 = ?1 AND NOT EXISTS (SELECT 1 FROM blob_links WHERE sha256 = ?1)")?
        .execute([sha256])?;
    if removed == 0 {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("removing a file of no record", path, e)),
        _ => Ok(()),
    }
}

fn hash(file: &Path) -> io::Result<(String, u64)> {
    let mut reader = File::open(file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        size += read as u64;
        hasher.update(&buffer[..read]);
    }
    let hex = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, size))
}

fn place(file: &Path, target: &Path, size: u64) -> io::Result<()> {
    if fs::metadata(target).is_ok_and(|there| there.len() == size) {
        return fs::remove_file(file);
    }
    let directory = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // Always a copy of our own under the final name's neighbour: the given file may have other names that someone can still write to.
    let part = target.with_extension("part");
    let copied = (|| {
        let mut to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        io::copy(&mut File::open(file)?, &mut to)?;
        to.flush()?;
        to.sync_all()?;
        fs::rename(&part, target)?;
        File::open(directory)?.sync_all()
    })();
    if copied.is_err() {
        // Best effort: a part is overwritten by the next try anyway.
        let _ = fs::remove_file(&part);
    }
    copied?;
    fs::remove_file(file)
}
