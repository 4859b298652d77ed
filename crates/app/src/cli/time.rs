//! Times as a person reads them.

use freehold_core::Timestamp;
use jiff::tz::TimeZone;

/// The instant in this machine's time zone, to the minute.
pub(crate) fn local(instant: Timestamp) -> String {
    instant.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The same, or `never`.
pub(crate) fn local_or_never(instant: Option<Timestamp>) -> String {
    instant.map_or_else(|| "never".to_owned(), local)
}

/// The time of day in this machine's time zone, to the second.
pub(crate) fn time_of_day(instant: Timestamp) -> String {
    instant.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// The name of this machine's time zone, if it has one.
pub(crate) fn zone() -> Option<String> {
    TimeZone::system().iana_name().map(str::to_owned)
}

/// A whole number of seconds in its largest whole unit.
pub(crate) fn interval(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) =
        UNITS.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    match seconds / unit {
        1 => format!("every {name}"),
        count => format!("every {count} {name}s"),
    }
}

/// The seconds in `30m`, `6h` or `1d`.
pub(crate) fn parse_interval(text: &str) -> Result<u64, String> {
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err("write it like 30m, 6h or 1d".to_owned()),
    };
    let count = text[..text.len() - 1].parse::<u64>().map_err(|_| "write it like 30m, 6h or 1d".to_owned())?;
    count.checked_mul(unit).filter(|seconds| *seconds > 0).ok_or_else(|| "that is no interval".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reads_as_it_is_written() {
        assert_eq!(parse_interval("6h"), Ok(21_600));
        assert_eq!(interval(21_600), "every 6 hours");
        assert_eq!(interval(86_400), "every day");
        assert_eq!(interval(90), "every 90 seconds");
        for wrong in ["", "6", "h", "0d", "-1h", "99999999999999999999d"] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }
}
