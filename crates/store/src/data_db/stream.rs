//! Deleting a stream: out of everybody's sight in one transaction, off the disk in small pieces afterwards.

use std::collections::BTreeSet;

use freehold_core::SourceId;
use rusqlite::Connection;

use super::{DataDb, record, search, source};
use crate::database::truncate_log_unless_read;
use crate::{Result, StoreError};

/// What there is of a stream, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamContent {
    /// Its records, deleted ones aside.
    pub records: u64,
    /// What records were before, and that they were deleted.
    pub earlier: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Files that no other stream has, each content once.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Files that another stream has, too: they stay.
    pub shared_files: u64,
}

impl DataDb {
    /// What there is of a stream; none if there is no such stream. The time it takes grows with its history and its files.
    pub fn stream_content(&self, source: SourceId, stream: &str) -> Result<Option<StreamContent>> {
        self.read("measuring a stream", |connection| {
            let Some(id) = record::stream_id(connection, source, stream)? else { return Ok(None) };
            let mut content = connection
                .prepare_cached(
                    "SELECT count, history_count - count AS earlier, bytes + (SELECT ifnull(sum(octet_length(v.data)), 0) \
                     FROM records r JOIN record_versions v ON v.record = r.id WHERE r.stream = ?1 AND r.version > 1) AS bytes \
                     FROM streams WHERE id = ?1",
                )?
                .query_row([id], |row| {
                    Ok(StreamContent {
                        records: row.get("count")?,
                        earlier: row.get("earlier")?,
                        bytes: row.get("bytes")?,
                        ..StreamContent::default()
                    })
                })?;
            let mut files = connection.prepare_cached(
                "SELECT b.size, EXISTS (SELECT 1 FROM blob_links o WHERE o.sha256 = l.sha256 \
                 AND (o.source, o.stream) IS NOT (?1, ?2)) AS shared FROM \
                 (SELECT DISTINCT sha256 FROM blob_links WHERE source = ?1 AND stream = ?2) l JOIN blobs b USING (sha256)",
            )?;
            let mut rows = files.query((source.to_string(), stream))?;
            while let Some(row) = rows.next()? {
                if row.get("shared")? {
                    content.shared_files += 1;
                } else {
                    content.files += 1;
                    content.file_bytes += row.get::<_, u64>("size")?;
                }
            }
            Ok(Some(content))
        })
    }

    /// Deletes a stream: its records and all they were before, what of it was rejected, and files that no other record has. The next
    /// run collects it anew, from the beginning, unless it is to be left out. A conflict while a run of its source is under way.
    ///
    /// It is out of sight when this returns; its room on the disk is given back by [`clear_removed`](Self::clear_removed) and
    /// [`give_back`](Self::give_back).
    pub fn remove_stream(&self, source: SourceId, stream: &str, leave_out: bool) -> Result<()> {
        let once = || {
            let stream = stream.to_owned();
            self.write("deleting a stream", move |connection| remove(connection, source, &stream, leave_out))
        };
        match once() {
            // The room kept back for such a day was given up just now, and this is how there is more of it.
            Err(StoreError::DiskFull) => once(),
            done => done,
        }?;
        self.sweep_blobs()
    }

    /// The streams that are left out of what is collected from a source.
    pub fn left_out(&self, source: SourceId) -> Result<BTreeSet<String>> {
        self.read("reading what is left out", |connection| {
            let mut statement = connection.prepare_cached("SELECT stream FROM left_out WHERE source = ?1")?;
            Ok(statement.query_map([source.to_string()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Collects a stream again that was left out: the next run begins from the beginning. A conflict while a run of its source is
    /// under way, and where it is not left out.
    pub fn take_in(&self, source: SourceId, stream: &str) -> Result<()> {
        let stream = stream.to_owned();
        self.write("collecting a stream again", move |connection| {
            source::must_be_idle(connection, source)?;
            let of = (source.to_string(), &stream);
            if connection.execute("DELETE FROM left_out WHERE source = ?1 AND stream = ?2", of)? == 0 {
                return Err(StoreError::conflict(format!("the stream {stream} is collected already")));
            }
            begin_anew(connection, source)
        })
    }

    /// Removes up to `limit` records of streams that were deleted, and says how many. A small piece, so that batches of records hardly
    /// wait for it. `DiskFull` where there is no room for records either.
    pub fn clear_removed(&self, limit: usize) -> Result<usize> {
        let next = self.read("looking for deleted streams", |connection| {
            // By time, which is about the order they were written in, so that one page after the other becomes free.
            let next = |sql| {
                let mut statement = connection.prepare_cached(sql)?;
                Ok::<_, StoreError>(statement.query_map([limit], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?)
            };
            let records = next(
                "SELECT r.id FROM removed_streams s JOIN records r INDEXED BY records_newest ON r.stream = s.id \
                 WHERE r.data IS NOT NULL ORDER BY s.id, r.emitted_at LIMIT ?1",
            )?;
            if !records.is_empty() {
                return Ok(records);
            }
            next("SELECT r.id FROM removed_streams s JOIN records r ON r.stream = s.id LIMIT ?1")
        })?;
        let count = next.len();
        if count > 0 {
            // The log of what is removed takes room first, and what is kept back for how runs end is not for this.
            self.check_room()?;
            self.write_soon("removing records of a deleted stream", move |connection| clear(connection, &next))?;
        }
        Ok(count)
    }

    /// Gives up to `pages` pages that deleted streams left in the database back to the disk, and says whether there is more to do.
    /// To be called once there is nothing left to clear or to index.
    pub fn give_back(&self, pages: u32) -> Result<bool> {
        let is_due = self.read("looking for deleted streams", |connection| {
            Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM removed_streams)", [], |row| row.get::<_, bool>(0))?)
        })?;
        if !is_due {
            return Ok(false);
        }
        self.check_room()?;
        let more = self.database.on_writer("giving room back to the disk", move |connection| {
            let free =
                |connection: &Connection| connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, u64>(0));
            let before = free(connection)?;
            if before > 0 {
                // A row for each page: what is not asked for is not done.
                let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
            }
            let after = free(connection)?;
            // A database from before it could shrink uses the room itself.
            Ok(after > 0 && after < before)
        })?;
        if more {
            return Ok(true);
        }
        self.database.remove_copies()?;
        self.database.on_writer("forgetting deleted streams", |connection| {
            connection.execute(
                "DELETE FROM removed_streams WHERE NOT EXISTS (SELECT 1 FROM records WHERE stream = removed_streams.id) \
                 AND NOT EXISTS (SELECT 1 FROM search_changed)",
                [],
            )?;
            truncate_log_unless_read(connection)
        })?;
        Ok(false)
    }
}

fn remove(connection: &Connection, source: SourceId, stream: &str, leave_out: bool) -> Result<()> {
    source::must_be_idle(connection, source)?;
    if record::stream_id(connection, source, stream)?.is_none() {
        return Err(StoreError::not_found(format!("stream {stream}")));
    }
    let of = (source.to_string(), stream);
    put_away(connection, source, Some(stream))?;
    connection.execute(
        "DELETE FROM rejected_records WHERE stream = ?2 AND run IN (SELECT n FROM runs WHERE source = ?1)",
        (&of.0, of.1),
    )?;
    if leave_out {
        connection.execute("INSERT OR IGNORE INTO left_out (source, stream) VALUES (?1, ?2)", (&of.0, of.1))?;
        connection.execute("DELETE FROM cursors WHERE source = ?1 AND stream = ?2", (&of.0, of.1))?;
        return Ok(());
    }
    begin_anew(connection, source)
}

/// Takes a source's streams, or one of them, and their files out of sight.
pub(super) fn put_away(connection: &Connection, source: SourceId, stream: Option<&str>) -> Result<()> {
    let of = (source.to_string(), stream);
    let put = |sql| connection.execute(sql, (&of.0, of.1));
    put("INSERT INTO removed_streams (id) SELECT id FROM streams WHERE source = ?1 AND (?2 IS NULL OR name = ?2)")?;
    put("DELETE FROM record_days WHERE stream IN (SELECT id FROM streams WHERE source = ?1 AND (?2 IS NULL OR name = ?2))")?;
    put("DELETE FROM streams WHERE source = ?1 AND (?2 IS NULL OR name = ?2)")?;
    put("DELETE FROM blob_links WHERE source = ?1 AND (?2 IS NULL OR stream = ?2)")?;
    Ok(())
}

/// Forgets how far every stream of a source had come: one stream's STATE may say how far another is.
fn begin_anew(connection: &Connection, source: SourceId) -> Result<()> {
    connection.execute("DELETE FROM cursors WHERE source = ?1", [source.to_string()])?;
    Ok(())
}

fn clear(connection: &Connection, records: &[i64]) -> Result<()> {
    let mut versions = connection.prepare_cached("DELETE FROM record_versions WHERE record = ?1")?;
    let mut changed = connection.prepare_cached(search::CHANGED)?;
    let mut remove = connection.prepare_cached("DELETE FROM records WHERE id = ?1")?;
    for id in records {
        versions.execute([id])?;
        changed.execute([id])?;
        remove.execute([id])?;
    }
    search::after_removal(connection)
}
