//! Held batches: durable, and visible nowhere until their run has seen the account it should see (R8).

use freehold_core::run::Counts;
use freehold_core::{RunId, SourceId};
use rusqlite::Connection;

use super::write::RecordWriter;
use super::{DataDb, run};
use crate::row::millis;
use crate::{NewRecord, Result};

impl DataDb {
    /// Keeps a batch back, in order.
    pub fn hold(&self, run: RunId, source: SourceId, records: Vec<NewRecord>) -> Result<()> {
        self.check_room()?;
        self.write_soon("holding records back", move |connection| {
            let n = run::number_of_unfinished(connection, run)?;
            run::must_be_of(connection, n, source)?;
            let mut insert = connection.prepare_cached(
                "INSERT INTO held_records (run, stream, key, emitted_at, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for record in &records {
                let data = if record.delete { None } else { Some(&*record.data) };
                insert.execute((n, &*record.stream, &record.key, millis(record.emitted_at), data))?;
            }
            Ok(())
        })
    }

    /// Stores what a run held back, in order and in one transaction, and says what became of it.
    pub fn release_held(&self, run: RunId) -> Result<Counts> {
        self.check_room()?;
        let seen_at = self.now();
        self.write("releasing held records", move |connection| {
            let n = run::number_of_unfinished(connection, run)?;
            let source = run::source_of(connection, n)?;
            let mut writer = RecordWriter::new(connection, n, source, seen_at)?;
            let mut held = connection
                .prepare_cached("SELECT stream, key, emitted_at, data FROM held_records WHERE run = ?1 ORDER BY n")?;
            let mut rows = held.query([n])?;
            while let Some(row) = rows.next()? {
                let text = |column| row.get_ref(column).and_then(|value| value.as_str().map_err(Into::into));
                let data = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
                writer.put(text(0)?, text(1)?, row.get(2)?, data)?;
            }
            drop(rows);
            let counts = writer.finish()?;
            connection.execute("DELETE FROM held_records WHERE run = ?1", [n])?;
            connection.execute("UPDATE blob_links SET held = 0 WHERE run = ?1 AND held = 1", [n])?;
            run::add_counts(connection, n, &counts)?;
            Ok(counts)
        })
    }

    /// Drops what a run held back. It also happens by itself when a run ends.
    pub fn drop_held(&self, run: RunId) -> Result<()> {
        self.write("dropping held records", move |connection| drop_held(connection, run::number(connection, run)?))?;
        self.sweep_blobs()
    }
}

pub(super) fn drop_held(connection: &Connection, n: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM held_records WHERE run = ?1")?.execute([n])?;
    connection.prepare_cached("DELETE FROM blob_links WHERE run = ?1 AND held = 1")?.execute([n])?;
    Ok(())
}
