//! Measures full-text search, as JSON lines on standard output: `search_bench [RECORDS]` (1,000,000 by default).
//!
//! - `index`: records a second made searchable, beside a bare FTS5 table that is given the same texts and keeps them;
//! - `search`: the first page of 50, newest first, for words of every frequency, the beginning of one, two words and three;
//! - `table`: a page of 50 of the stream, from its newest to its oldest records;
//! - `beside`: what is before and after a record, and its place among all;
//! - `over time`: how many records there are in each of thirty parts of the time.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Outcomes, collecting};
use freehold_core::{SourceId, SystemClock, Timestamp};
use freehold_store::{DataDb, DataDir, NewRecord, RecordFilter, RecordQuery, SearchQuery};
use rusqlite::Connection;
use serde_json::json;

/// Different words, the first ones in most records, as in a language.
const WORDS: u64 = 50_000;
/// Words of one record.
const LENGTH: u64 = 40;
const BATCH: u64 = 5_000;
/// When the first record is from, and how far apart they are, in milliseconds: a million in five years.
const FIRST: i64 = 1_600_000_000_000;
const APART: i64 = 160_000;

#[expect(clippy::print_stdout, reason = "a bench prints")]
fn main() -> Outcomes<()> {
    let records: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let data = DataDb::open(&DataDir::open(dir.path())?, Arc::new(SystemClock))?;
    let source = filled(&data, records)?;

    let began = Instant::now();
    while data.index_records(500)? > 0 {}
    let own = records as f64 / began.elapsed().as_secs_f64();
    let floor = records.min(200_000);
    println!("{}", json!({ "bench": "index", "records_per_second": own as u64, "floor_per_second": bare(floor)? as u64 }));

    let queries = (0..60).map(|n| match n % 6 {
        0 => word(n * 20),
        1 => word(n * n),
        2 => word(n * 700),
        3 => word(n * 31)[..3].to_owned(),
        4 => format!("{} {}", word(n), word(n * 5)),
        _ => format!("{} {} {}", word(n % 7), word(n), word(n * 40)),
    });
    let mut found = 0;
    let searched = times(queries, |text| {
        found += data.search(&SearchQuery { text, limit: 50, ..SearchQuery::default() })?.hits.len();
        Ok(())
    })?;
    println!(
        "{}",
        json!({ "bench": "search", "records": records, "found": found, "p50_ms": searched.0, "p95_ms": searched.1 })
    );

    let last = FIRST + i64::try_from(records)? * APART;
    let places = (0..100).map(|n| format!("{}.{}", last - (last - FIRST) * n / 100, i64::MAX));
    let paged = times(places, |before| {
        let query = RecordQuery { before: Some(before), limit: 50, ..RecordQuery::default() };
        data.records(source, "letters", &query)?;
        Ok(())
    })?;
    println!("{}", json!({ "bench": "table", "records": records, "p50_ms": paged.0, "p95_ms": paged.1 }));

    let all = RecordFilter::default();
    let keys = (0..100).map(|n| format!("{:016x}", records * n / 100));
    let beside = times(keys, |key| {
        data.neighbours(source, "letters", &key, &all)?;
        Ok(())
    })?;
    println!("{}", json!({ "bench": "beside", "records": records, "p50_ms": beside.0, "p95_ms": beside.1 }));

    // Thirty parts whose bounds are an hour off the days that are counted, as they are in most time zones.
    let day = 86_400_000;
    let (begin, part) = (FIRST / day * day + 3_600_000, ((last - FIRST) / 30 / day + 1) * day);
    let bounds = (0..=30).map(|n| Timestamp::from_millisecond(begin + n * part));
    let bounds: Vec<Timestamp> = bounds.collect::<Result<_, _>>()?;
    let counted = times(0..100, |_| {
        data.count_over_time(source, "letters", &all, &bounds)?;
        Ok(())
    })?;
    println!("{}", json!({ "bench": "over time", "records": records, "p50_ms": counted.0, "p95_ms": counted.1 }));
    Ok(())
}

/// Median and 95th percentile in milliseconds.
fn times<T>(asked: impl Iterator<Item = T>, mut ask: impl FnMut(T) -> Outcomes<()>) -> Outcomes<(f64, f64)> {
    let mut all: Vec<Duration> = Vec::new();
    for one in asked {
        let began = Instant::now();
        ask(one)?;
        all.push(began.elapsed());
    }
    all.sort();
    let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
    Ok((ms(all[all.len() / 2]), ms(all[all.len() * 95 / 100])))
}

fn filled(data: &DataDb, records: u64) -> Outcomes<SourceId> {
    let stream = Arc::<str>::from("letters");
    let (source, run) = collecting(data)?;
    for start in (0..records).step_by(usize::try_from(BATCH)?) {
        let record = |n: u64| -> Outcomes<NewRecord> {
            Ok(NewRecord {
                stream: stream.clone(),
                key: format!("{n:016x}"),
                data: format!(r#"{{"subject":"{}","body":"{}"}}"#, text(n, 5), text(n + 7, LENGTH - 5)).into(),
                emitted_at: Timestamp::from_millisecond(FIRST + i64::try_from(n)? * APART)?,
                delete: false,
            })
        };
        data.append(run, source, (start..records.min(start + BATCH)).map(record).collect::<Outcomes<_>>()?)?;
    }
    Ok(source)
}

/// A bare FTS5 table of the same texts: records a second.
fn bare(records: u64) -> Outcomes<f64> {
    let dir = tempfile::tempdir()?;
    let mut connection = Connection::open(dir.path().join("floor.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')",
    )?;
    let mut spent = Duration::ZERO;
    for start in (0..records).step_by(500) {
        let texts: Vec<String> = (start..records.min(start + 500)).map(|n| text(n, LENGTH)).collect();
        let began = Instant::now();
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO words (text) VALUES (?1)")?;
            for text in &texts {
                insert.execute([text])?;
            }
        }
        transaction.commit()?;
        spent += began.elapsed();
    }
    Ok(records as f64 / spent.as_secs_f64())
}

fn text(n: u64, length: u64) -> String {
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let words = (0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Twice folded, so that the first words are the frequent ones.
        let part = (state % 1_000_000) as f64 / 1e6;
        word((part * part * part * part * WORDS as f64) as u64)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The word of that number: of three to six letters.
fn word(n: u64) -> String {
    const SYLLABLES: [&str; 37] = [
        "ba", "be", "bi", "bo", "da", "de", "di", "do", "fa", "fe", "fi", "ga", "ge", "go", "ka", "ke", "ki", "ko", "la",
        "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "no", "ra", "re", "ro", "sa", "se", "so", "ta", "te",
    ];
    let base = SYLLABLES.len() as u64;
    let pick = |number: u64| SYLLABLES[usize::try_from(number % base).unwrap_or(0)];
    format!("{}{}{}", pick(n), pick(n / base), pick(n / base / base))
}
