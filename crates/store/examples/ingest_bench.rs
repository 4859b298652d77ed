//! Measures what the store costs above bare SQLite, as JSON lines on standard output.
//!
//! `ingest_bench [RECORDS] [BATCH] [ordered|scrambled]` (1,000,000, 5,000 and `ordered` by default: whether keys ascend) writes the same
//! records four ways into files in the system's temporary directory, each way with the same pragmas, but that the store's own files can
//! shrink:
//! - `floor_two_tables`: the textbook layout by rusqlite alone, a table of current values and one of history, each with the data;
//! - `floor_same_rows`: the store's own tables and indexes, filled with bare inserts;
//! - `append`: [`DataDb::append`], with its look-ups, counts and writer thread, up to the commit that ends the run;
//! - `append_beside_index`: the same, while a thread makes the records searchable as the engine does during a run.
//!
//! Then it asks which of 100,000 sources are due. Making the records is not timed.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Outcomes, collecting, source};
use freehold_core::run::{Counts, Outcome, RunEvent};
use freehold_core::{Clock, SystemClock, Timestamp};
use freehold_store::{CommitRun, DataDb, DataDir, NewRecord};
use rusqlite::Connection;
use serde_json::json;

/// Records made searchable at once, and how much longer the index then rests: the engine's, while a run is under way.
const INDEXED: usize = 500;
const GIVES_WAY: u32 = 8;

const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16000; \
    PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;";

#[expect(clippy::print_stdout, reason = "a bench prints")]
fn main() -> Outcomes<()> {
    let mut arguments = std::env::args().skip(1);
    let records: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let batch: u64 = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let load = Load { records, batch, scrambled: arguments.next().is_some_and(|text| text == "scrambled") };

    let mut floors = Vec::new();
    for (name, floor) in
        [("floor_two_tables", floor_two_tables as fn(&Path, &Load) -> _), ("floor_same_rows", floor_same_rows)]
    {
        let measured = measure(name, &load, floor)?;
        println!("{}", measured.line);
        floors.push((name, measured.rate));
    }
    let append = measure("append", &load, append)?;
    println!("{}", append.line);
    let beside = measure("append_beside_index", &load, append_beside_index)?;
    println!("{}", beside.line);
    println!("{}", json!({"bench": "beside_index", "ratio": round(beside.rate / append.rate)}));
    for (name, floor) in floors {
        println!("{}", json!({"bench": "ingest_ratio", "floor": name, "ratio": round(append.rate / floor)}));
    }
    println!("{}", due(100_000)?);
    Ok(())
}

struct Load {
    records: u64,
    batch: u64,
    scrambled: bool,
}

struct Measured {
    rate: f64,
    line: serde_json::Value,
}

/// Runs one way of writing and describes it: records a second, the last tenth against the first, peak resident memory.
fn measure(name: &str, load: &Load, write: impl FnOnce(&Path, &Load) -> Outcomes<Vec<Duration>>) -> Outcomes<Measured> {
    let dir = tempfile::tempdir()?;
    // Resets the peak, so that each way is measured by itself.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let times = write(dir.path(), load)?;
    let total: Duration = times.iter().sum();
    let tenth = (times.len() / 10).max(1);
    let first: Duration = times[..tenth].iter().sum();
    let last: Duration = times[times.len() - tenth..].iter().sum();
    let slowest = times.iter().max().copied().unwrap_or_default();
    let rate = load.records as f64 / total.as_secs_f64();
    let bytes: u64 =
        std::fs::read_dir(dir.path())?.filter_map(|entry| entry.ok()?.metadata().ok()).map(|found| found.len()).sum();
    let line = json!({
        "bench": "ingest", "way": name, "records": load.records, "batch": load.batch, "scrambled_keys": load.scrambled, "records_per_second": rate as u64,
        "last_tenth_to_first": round(first.as_secs_f64() / last.as_secs_f64()),
        "slowest_batch_ms": slowest.as_millis() as u64, "peak_rss_mib": peak_rss_mib()?, "files_mib": bytes >> 20,
    });
    Ok(Measured { rate, line })
}

fn floor_two_tables(dir: &Path, load: &Load) -> Outcomes<Vec<Duration>> {
    let mut connection = Connection::open(dir.join("floor.db"))?;
    connection.execute_batch(PRAGMAS)?;
    connection.execute_batch(
        "CREATE TABLE current (stream INTEGER, key TEXT, data TEXT, emitted_at INTEGER, run INTEGER, PRIMARY KEY (stream, key));
         CREATE TABLE history (id INTEGER PRIMARY KEY, stream INTEGER, key TEXT, data TEXT, seen_at INTEGER, run INTEGER);",
    )?;
    batches(load, |made| {
        let transaction = connection.transaction()?;
        {
            let mut current = transaction.prepare_cached("INSERT INTO current VALUES (1, ?1, ?2, ?3, 1)")?;
            let mut history = transaction.prepare_cached("INSERT INTO history VALUES (NULL, 1, ?1, ?2, ?3, 1)")?;
            for record in &made {
                let at = record.emitted_at.as_millisecond();
                current.execute((&record.key, &*record.data, at))?;
                history.execute((&record.key, &*record.data, at))?;
            }
        }
        Ok(transaction.commit()?)
    })
}

fn floor_same_rows(dir: &Path, load: &Load) -> Outcomes<Vec<Duration>> {
    let mut connection = Connection::open(dir.join("floor.db"))?;
    connection.execute_batch(PRAGMAS)?;
    connection.execute_batch(include_str!("../migrations/data/001.sql"))?;
    batches(load, |made| {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO records (stream, key, version, run, emitted_at, seen_at, data) VALUES (1, ?1, 1, 1, ?2, ?2, ?3)",
            )?;
            for record in &made {
                insert.execute((&record.key, record.emitted_at.as_millisecond(), &*record.data))?;
            }
        }
        Ok(transaction.commit()?)
    })
}

fn append(dir: &Path, load: &Load) -> Outcomes<Vec<Duration>> {
    appended(&DataDb::open(&DataDir::open(dir)?, Arc::new(SystemClock))?, load, &AtomicBool::new(false))
}

/// The index has no time of its own: it goes on only while that of a batch is taken.
fn append_beside_index(dir: &Path, load: &Load) -> Outcomes<Vec<Duration>> {
    let data = DataDb::open(&DataDir::open(dir)?, Arc::new(SystemClock))?;
    let (is_timed, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let index = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let rest = if is_timed.load(Ordering::Relaxed) && data.index_records(INDEXED)? > 0 {
                    began.elapsed() * GIVES_WAY
                } else {
                    Duration::from_micros(100)
                };
                std::thread::park_timeout(rest);
            }
            Ok::<(), freehold_store::StoreError>(())
        });
        let times = appended(&data, load, &is_timed);
        is_over.store(true, Ordering::Relaxed);
        index.join().map_err(|_| "the index's thread failed")??;
        times
    })
}

fn appended(data: &DataDb, load: &Load, is_timed: &AtomicBool) -> Outcomes<Vec<Duration>> {
    let (source, run) = collecting(data)?;
    let mut counts = Counts::default();
    let mut times = batches(load, |made| {
        is_timed.store(true, Ordering::Relaxed);
        let stored = data.append(run, source, made)?;
        is_timed.store(false, Ordering::Relaxed);
        counts.emitted += stored.emitted;
        counts.added += stored.added;
        Ok(())
    })?;
    let started = Instant::now();
    data.transition(run, RunEvent::Commit, None)?;
    data.commit_run(CommitRun {
        run,
        states: vec![("orders".to_owned(), json!({"after": load.records}))],
        outcome: Outcome::Succeeded,
        counts,
        detail: None,
        source_update: Box::new(|source| source.ever_collected = true),
    })?;
    if let Some(last) = times.last_mut() {
        *last += started.elapsed();
    }
    if counts.added != load.records {
        return Err(format!("{} records given, {} added", load.records, counts.added).into());
    }
    Ok(times)
}

/// Makes the records batch by batch, and times only what `write` does with each.
fn batches(load: &Load, mut write: impl FnMut(Vec<NewRecord>) -> Outcomes<()>) -> Outcomes<Vec<Duration>> {
    let stream: Arc<str> = "orders".into();
    let mut times = Vec::new();
    for start in (0..load.records).step_by(usize::try_from(load.batch)?) {
        let made: Vec<NewRecord> = (start..load.records.min(start + load.batch))
            .map(|n| record(&stream, n, load.scrambled))
            .collect::<Outcomes<_>>()?;
        let started = Instant::now();
        write(made)?;
        times.push(started.elapsed());
    }
    Ok(times)
}

/// A record of about 300 bytes. Times ascend; keys do, or come in no order.
fn record(stream: &Arc<str>, n: u64, scrambled_keys: bool) -> Outcomes<NewRecord> {
    let scrambled = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let key = format!("{:016x}", if scrambled_keys { scrambled } else { n });
    let data = format!(
        r#"{{"id":"{key}","number":{n},"title":"An order of several things, number {n}","state":"delivered","currency":"EUR","total_cents":{},"placed_at":"2026-03-14T09:26:53Z","address":{{"name":"A. Person","street":"Long Street 12","city":"Somewhere","country":"DE"}},"note":"{:032x}"}}"#,
        scrambled % 100_000,
        u128::from(scrambled) * 3,
    );
    let emitted_at = Timestamp::from_millisecond(1_700_000_000_000 + i64::try_from(n)? * 250)?;
    Ok(NewRecord { stream: stream.clone(), key, data: data.into(), emitted_at, delete: false })
}

/// Times what the scheduler asks when one source in a hundred is due.
fn due(sources: u64) -> Outcomes<serde_json::Value> {
    let dir = tempfile::tempdir()?;
    let data_dir = DataDir::open(dir.path())?;
    // Through a connection of its own: a commit to disk for each of 100,000 sources is not what is measured.
    drop(DataDb::open(&data_dir, Arc::new(SystemClock))?);
    let now = SystemClock.now();
    let mut connection = Connection::open(dir.path().join("data.db"))?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(
            "INSERT INTO sources (id, owner, connector, name, mode, settings, identity, paused, next_due_at, failures, \
             created_at, ever_collected) VALUES (?1, ?2, 'imap', 'n', 'stored_credential', '{}', '{\"state\":\"unconfirmed\"}', \
             0, ?3, 0, 0, 0)",
        )?;
        for n in 0..sources {
            let row = source(n)?;
            let at = now.as_millisecond() + if n % 100 == 0 { -1_000 } else { 1_000_000 + i64::try_from(n)? };
            insert.execute((row.id.to_string(), row.owner.to_string(), at))?;
        }
    }
    transaction.commit()?;
    drop(connection);
    let data = DataDb::open(&data_dir, Arc::new(SystemClock))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        let due = data.due(now, 100)?;
        let next = data.next_due()?;
        times.push(started.elapsed());
        if due.len() != 100 || next.is_none() {
            return Err("the scheduler missed what is due".into());
        }
    }
    times.sort();
    Ok(json!({
        "bench": "due", "sources": sources, "due": sources / 100,
        "p50_us": times[times.len() / 2].as_micros() as u64, "p99_us": times[times.len() * 99 / 100].as_micros() as u64,
    }))
}

fn peak_rss_mib() -> Outcomes<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok())
        .ok_or("no VmHWM in /proc/self/status")?;
    Ok(kib >> 10)
}

fn round(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}
