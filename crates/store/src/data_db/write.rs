//! Batches of records into a source's streams: the hot path.

use std::sync::Arc;

use freehold_core::run::Counts;
use freehold_core::{RunId, SourceId, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::day::DayChanges;
use super::{DataDb, run, search};
use crate::Result;
use crate::row::millis;

mod same_json;

/// A record as its connector emitted it.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Its stream; share one `Arc` among the records of a stream.
    pub stream: Arc<str>,
    /// Its key, unique in the stream.
    pub key: String,
    /// Its data: raw JSON, kept as it is.
    pub data: Box<str>,
    /// Its own time, kept to the millisecond.
    pub emitted_at: Timestamp,
    /// Whether it says that the record is gone; `data` is not looked at then.
    pub delete: bool,
}

impl DataDb {
    /// Stores a batch in one transaction and says what became of it. A value equal to the latest one, key order and white space
    /// aside, writes nothing. Batches of 1,000 to 10,000 records are the fastest; bound them by bytes too.
    pub fn append(&self, run: RunId, source: SourceId, records: Vec<NewRecord>) -> Result<Counts> {
        self.check_room()?;
        let seen_at = self.now();
        self.write_soon("storing records", move |connection| {
            let n = run::number_of_unfinished(connection, run)?;
            run::must_be_of(connection, n, source)?;
            let mut writer = RecordWriter::new(connection, n, source, seen_at)?;
            for record in &records {
                let data = if record.delete { None } else { Some(&*record.data) };
                writer.put(&record.stream, &record.key, millis(record.emitted_at), data)?;
            }
            let counts = writer.finish()?;
            run::add_counts(connection, n, &counts)?;
            Ok(counts)
        })
    }
}

/// Writes records of one run within one transaction, and counts.
pub(super) struct RecordWriter<'c> {
    connection: &'c Connection,
    run: i64,
    source: String,
    seen_at: i64,
    insert: CachedStatement<'c>,
    latest: CachedStatement<'c>,
    archive: CachedStatement<'c>,
    replace: CachedStatement<'c>,
    changed: CachedStatement<'c>,
    streams: Vec<Stream>,
    current: usize,
    counts: Counts,
}

/// What a batch changes about one stream.
struct Stream {
    name: String,
    id: i64,
    count: i64,
    bytes: i64,
    history: i64,
    days: DayChanges,
}

/// The latest version of a record that is there already.
struct Latest {
    id: i64,
    emitted_at: i64,
    data: Option<String>,
}

impl<'c> RecordWriter<'c> {
    pub(super) fn new(connection: &'c Connection, run: i64, source: SourceId, seen_at: Timestamp) -> Result<Self> {
        Ok(Self {
            connection,
            run,
            source: source.to_string(),
            seen_at: millis(seen_at),
            insert: connection.prepare_cached(
                "INSERT INTO records (stream, key, version, run, emitted_at, seen_at, data) VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (stream, key) DO NOTHING",
            )?,
            latest: connection.prepare_cached("SELECT id, emitted_at, data FROM records WHERE stream = ?1 AND key = ?2")?,
            archive: connection.prepare_cached(
                "INSERT INTO record_versions (record, version, run, emitted_at, seen_at, data) \
                 SELECT id, version, run, emitted_at, seen_at, data FROM records WHERE id = ?1",
            )?,
            replace: connection.prepare_cached(
                "UPDATE records SET version = version + 1, run = ?2, emitted_at = ?3, seen_at = ?4, data = ?5 WHERE id = ?1",
            )?,
            changed: connection.prepare_cached(search::CHANGED)?,
            streams: Vec::new(),
            current: 0,
            counts: Counts::default(),
        })
    }

    /// Stores one record; no `data` means that it is gone.
    pub(super) fn put(&mut self, stream: &str, key: &str, emitted_at: i64, data: Option<&str>) -> Result<()> {
        self.counts.emitted += 1;
        self.turn_to(stream)?;
        let stream = &mut self.streams[self.current];
        if let Some(data) = data {
            // Most records are new, and then this is the only statement; the unique index finds the others.
            if self.insert.execute((stream.id, key, self.run, emitted_at, self.seen_at, data))? == 1 {
                stream.count += 1;
                stream.history += 1;
                stream.bytes += data.len() as i64;
                stream.days.add(emitted_at, 1);
                self.counts.added += 1;
                return Ok(());
            }
        }
        let latest = |row: &Row<'_>| Ok(Latest { id: row.get(0)?, emitted_at: row.get(1)?, data: row.get(2)? });
        let latest = self.latest.query_row((stream.id, key), latest).optional()?;
        // Deleting what is not there is what a connector does that reports every deletion it ever saw.
        let Some(latest) = latest else {
            self.counts.unchanged += 1;
            return Ok(());
        };
        match (latest.data.as_deref(), data) {
            (None, None) => {
                self.counts.unchanged += 1;
                return Ok(());
            }
            (Some(old), Some(new)) if same_json::same_json(old, new) => {
                self.counts.unchanged += 1;
                return Ok(());
            }
            (Some(old), Some(new)) => {
                stream.bytes += new.len() as i64 - old.len() as i64;
                self.counts.changed += 1;
            }
            (None, Some(new)) => {
                stream.count += 1;
                stream.bytes += new.len() as i64;
                self.counts.added += 1;
            }
            (Some(old), None) => {
                stream.count -= 1;
                stream.bytes -= old.len() as i64;
                self.counts.deleted += 1;
            }
        }
        stream.history += 1;
        if latest.data.is_some() {
            stream.days.add(latest.emitted_at, -1);
        }
        if data.is_some() {
            stream.days.add(emitted_at, 1);
        }
        self.archive.execute([latest.id])?;
        self.replace.execute((latest.id, self.run, emitted_at, self.seen_at, data))?;
        self.changed.execute([latest.id])?;
        Ok(())
    }

    /// Writes the streams' counts and returns the batch's.
    pub(super) fn finish(self) -> Result<Counts> {
        for stream in self.streams {
            add_to_stream(self.connection, stream.id, stream.count, stream.bytes, stream.history)?;
            stream.days.write(self.connection, stream.id)?;
        }
        Ok(self.counts)
    }

    fn turn_to(&mut self, name: &str) -> Result<()> {
        if self.streams.get(self.current).is_some_and(|stream| stream.name == name) {
            return Ok(());
        }
        self.current = match self.streams.iter().position(|stream| stream.name == name) {
            Some(known) => known,
            None => {
                let id = stream_id(self.connection, &self.source, name)?;
                self.streams.push(Stream {
                    name: name.to_owned(),
                    id,
                    count: 0,
                    bytes: 0,
                    history: 0,
                    days: DayChanges::default(),
                });
                self.streams.len() - 1
            }
        };
        Ok(())
    }
}

/// Changes a stream's counts by what a transaction changed about its records.
pub(super) fn add_to_stream(connection: &Connection, id: i64, count: i64, bytes: i64, history: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE streams SET count = count + ?2, bytes = bytes + ?3, history_count = history_count + ?4 WHERE id = ?1",
        )?
        .execute((id, count, bytes, history))?;
    Ok(())
}

fn stream_id(connection: &Connection, source: &str, name: &str) -> Result<i64> {
    // Not the number of a stream that was deleted, as long as there are records of that.
    connection
        .prepare_cached(
            "INSERT INTO streams (id, source, name) VALUES (1 + max(ifnull((SELECT max(id) FROM streams), 0), \
             ifnull((SELECT max(id) FROM removed_streams), 0)), ?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute((source, name))?;
    Ok(connection
        .prepare_cached("SELECT id FROM streams WHERE source = ?1 AND name = ?2")?
        .query_row((source, name), |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use freehold_core::SystemClock;

    use super::*;
    use crate::{DataDir, RecordFilter, StoreError};

    const SOURCE: &str = "src_00000000000000000000000001";
    const RUN: &str = "run_00000000000000000000000001";

    fn open(path: &std::path::Path) -> DataDb {
        DataDb::open(&DataDir::open(path).expect("data directory"), Arc::new(SystemClock)).expect("data.db")
    }

    fn limit_pages(data: &DataDb, pages: u32) {
        data.database
            .on_writer("limiting the file", move |connection| {
                Ok(connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
            })
            .expect("limited");
    }

    #[test]
    fn a_full_disk_loses_nothing_that_was_there() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let source = SourceId::parse(SOURCE).expect("id");
        let run = RunId::parse(RUN).expect("id");
        let big = format!("\"{}\"", "x".repeat(3000));
        let batch = |batch: u32| -> Vec<NewRecord> {
            (0..50)
                .map(|n| NewRecord {
                    stream: "mail".into(),
                    key: format!("{batch}-{n}"),
                    data: big.as_str().into(),
                    emitted_at: Timestamp::UNIX_EPOCH,
                    delete: false,
                })
                .collect()
        };
        let mut stored = 0;
        {
            let data = open(dir.path());
            data.write("adding a run", |connection| {
                Ok(connection.execute_batch(&format!(
                    "INSERT INTO sources VALUES ('{SOURCE}', 'o', 'imap', 'n', 'm', '{{}}', NULL, '{{}}', 0, NULL, NULL, 0, \
                     NULL, 0, NULL, 0, 0); \
                     INSERT INTO runs VALUES (1, '{RUN}', '{SOURCE}', 'owner', '{{\"state\":\"collecting\",\"batch\":0}}', NULL, \
                     0, 0, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL);"
                ))?)
            })
            .expect("added");
            limit_pages(&data, 200);
            let failure = (0..20).find_map(|n| match data.append(run, source, batch(n)) {
                Ok(counts) => {
                    stored += counts.added;
                    None
                }
                Err(e) => Some(e),
            });
            assert!(matches!(failure, Some(StoreError::DiskFull)), "{failure:?}");
            assert!(stored > 0, "a batch fitted");
            assert_eq!(data.count_records(source, "mail", &RecordFilter::default()).expect("counted"), stored);
            assert_eq!(data.run(run).expect("read").expect("there").counts.added, stored);
            data.verify_counts().expect("true");
            limit_pages(&data, 1_000_000);
            stored += data.append(run, source, batch(99)).expect("room again").added;
        }
        let data = open(dir.path());
        assert_eq!(data.count_records(source, "mail", &RecordFilter::default()).expect("counted"), stored);
        data.verify_counts().expect("true");
        data.integrity_check().expect("whole");
    }
}
