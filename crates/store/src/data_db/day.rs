//! How many records each day has: kept as they change, so that a stretch of time is counted by its days.

use rusqlite::Connection;

use crate::Result;

/// In milliseconds.
const LENGTH: i64 = 24 * 60 * 60 * 1000;

/// What a transaction changes about the days of a stream.
#[derive(Default)]
pub(super) struct DayChanges(Vec<(i64, i64)>);

impl DayChanges {
    /// As many more records of this time, in milliseconds; or fewer.
    pub(super) fn add(&mut self, emitted_at: i64, change: i64) {
        let day = day_of(emitted_at);
        match self.0.last_mut() {
            // Records mostly come in the order of their time.
            Some((last, sum)) if *last == day => *sum += change,
            _ => self.0.push((day, change)),
        }
    }

    /// Writes them.
    pub(super) fn write(mut self, connection: &Connection, stream: i64) -> Result<()> {
        self.0.sort_unstable_by_key(|(day, _)| *day);
        let mut put = connection.prepare_cached(
            "INSERT INTO record_days (stream, day, count) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        for changes in self.0.chunk_by(|(one, _), (other, _)| one == other) {
            put.execute((stream, changes[0].0, changes.iter().map(|(_, change)| change).sum::<i64>()))?;
        }
        Ok(())
    }
}

const DAYS: &str = "SELECT day, count FROM record_days WHERE stream = ?1 AND day >= ?2 AND day <= ?3 ORDER BY day";
const PART: &str =
    "SELECT count(*) FROM records WHERE stream = ?1 AND data IS NOT NULL AND emitted_at >= ?2 AND emitted_at < ?3";

/// How many records there are from each of these instants to before the next; in milliseconds, in order. It takes as long as there are
/// days, but for those that one of the instants parts: of these, records are counted.
pub(super) fn count_between(connection: &Connection, stream: i64, bounds: &[i64]) -> Result<Vec<u64>> {
    let mut counts = vec![0; bounds.len().saturating_sub(1)];
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { return Ok(counts) };
    let mut days = connection.prepare_cached(DAYS)?;
    let mut part = connection.prepare_cached(PART)?;
    let mut rows = days.query((stream, day_of(*first), day_of(*last)))?;
    while let Some(row) = rows.next()? {
        let (day, mut left): (i64, u64) = (row.get(0)?, row.get(1)?);
        let (mut at, end) = (day * LENGTH, (day + 1) * LENGTH);
        while at < end {
            // How many of the instants are over: the counts' places, from 1.
            let place = bounds.partition_point(|bound| *bound <= at);
            let until = bounds.get(place).copied().unwrap_or(end).min(end);
            let count = if until == end { left } else { part.query_row((stream, at, until), |row| row.get(0))? };
            if let Some(sum) = place.checked_sub(1).and_then(|place| counts.get_mut(place)) {
                *sum += count;
            }
            (at, left) = (until, left.saturating_sub(count));
        }
    }
    Ok(counts)
}

/// How many records the day of an instant has.
pub(super) fn count_beside(connection: &Connection, stream: i64, emitted_at: i64) -> Result<u64> {
    let day = day_of(emitted_at);
    let mut days = connection.prepare_cached(DAYS)?;
    let mut rows = days.query((stream, day, day))?;
    Ok(rows.next()?.map_or(Ok(0), |row| row.get(1))?)
}

fn day_of(millis: i64) -> i64 {
    millis.div_euclid(LENGTH)
}

/// The streams whose days are not those of their records.
pub(super) const WRONG: &str = "SELECT stream FROM \
    (SELECT stream, day, count FROM record_days UNION ALL SELECT stream, day, -count(*) FROM \
     (SELECT stream, (emitted_at - (emitted_at % 86400000 + 86400000) % 86400000) / 86400000 AS day FROM records \
      WHERE data IS NOT NULL AND stream NOT IN (SELECT id FROM removed_streams)) GROUP BY stream, day) GROUP BY stream, day HAVING sum(count) <> 0";

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    /// So many records, in equal parts on some days that are not next to each other.
    fn with_records(number: i64) -> Connection {
        let connection = Connection::open_in_memory().expect("opened");
        for migration in [
            include_str!("../../migrations/data/001.sql"),
            include_str!("../../migrations/data/005.sql"),
            include_str!("../../migrations/data/007.sql"),
        ] {
            connection.execute_batch(migration).expect("made");
        }
        let mut days = DayChanges::default();
        for n in 0..number {
            let at = (n % 20) * 9 * LENGTH + n;
            days.add(at, 1);
            connection
                .prepare_cached("INSERT INTO records VALUES (NULL, 1, ?1, 1, 1, ?2, 0, '{}')")
                .expect("prepared")
                .execute((n.to_string(), at))
                .expect("inserted");
        }
        days.write(&connection, 1).expect("written");
        connection
    }

    /// How much the database does for a statement that it has kept.
    fn steps(connection: &Connection, sql: &str) -> i32 {
        connection.prepare_cached(sql).expect("prepared").reset_status(StatementStatus::VmStep)
    }

    #[test]
    fn counting_takes_as_long_as_there_are_days_whatever_the_number_of_records() {
        let months: Vec<i64> = (0..8).map(|month| month * 30 * LENGTH).collect();
        let took: Vec<i32> = [40, 8_000]
            .into_iter()
            .map(|number| {
                let connection = with_records(number);
                let counts = count_between(&connection, 1, &months).expect("counted");
                assert_eq!(counts.iter().sum::<u64>(), number as u64);
                assert_eq!(steps(&connection, PART), 0, "no day is parted");
                steps(&connection, DAYS)
            })
            .collect();
        assert_eq!(took[0], took[1]);

        // A zone whose midnight is another: of a day that is parted, its records are counted, and no others.
        let connection = with_records(8_000);
        let within: Vec<i64> = months.iter().map(|month| month + 100).collect();
        let counts = count_between(&connection, 1, &within).expect("counted");
        assert_eq!(counts.iter().sum::<u64>(), 8_000 - 5, "five were before the first of them");
        let parted = steps(&connection, PART);
        assert!(parted < 1_000, "{parted} steps for two parted days");
    }

    #[test]
    fn what_is_counted_one_by_one_is_found_by_the_index() {
        let connection = with_records(1);
        let plan: String = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {PART}"))
            .expect("prepared")
            .query_row((1, 0, 1), |row| row.get("detail"))
            .expect("planned");
        assert!(plan.ends_with("INDEX records_newest (stream=? AND emitted_at>? AND emitted_at<?)"), "{plan}");
    }
}
