//! Times as providers write them: how long an account is locked, or when to come again.

use freehold_core::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, civil};

/// A time further away than this is a misreading.
const FURTHEST: SignedDuration = SignedDuration::from_hours(24 * 31);

/// A time in a page's own words, seen at `now` by a browser in `zone`: an ISO 8601 time, a time of day, or a span such as
/// "15 minutes" or "2 Stunden". `None` where it is none of these.
pub(super) fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let until = written_out(text, zone).or_else(|| span(text, now)).or_else(|| time_of_day(text, now, zone))?;
    (until >= now && until.duration_since(now) <= FURTHEST).then_some(until)
}

/// The header `Retry-After`: seconds, or a date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let until = match text.parse::<i64>() {
        Ok(seconds) => now.checked_add(SignedDuration::from_secs(seconds)).ok()?,
        Err(_) => DateTimeParser::new().parse_timestamp(text).ok()?,
    };
    (until >= now && until.duration_since(now) <= FURTHEST).then_some(until)
}

fn written_out(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local = text.parse::<civil::DateTime>().ok()?;
    zone.to_timestamp(local).ok()
}

/// The first number that a unit of time follows.
fn span(text: &str, now: Timestamp) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| {
        let number: i64 = pair[0].parse().ok()?;
        // The beginnings of the units' names in the languages this was seen in.
        let seconds = match pair[1] {
            unit if ["sec", "sek", "seg"].iter().any(|start| unit.starts_with(start)) => 1,
            unit if unit.starts_with("min") => 60,
            unit if ["hour", "hr", "stunde", "std", "heure", "hora", "ore", "uur"]
                .iter()
                .any(|start| unit.starts_with(start)) =>
            {
                3600
            }
            unit if ["day", "tag", "jour", "dia", "día", "giorn", "dag"].iter().any(|start| unit.starts_with(start)) => {
                86_400
            }
            _ => return None,
        };
        now.checked_add(SignedDuration::from_secs(number.checked_mul(seconds)?)).ok()
    })
}

/// A time of day: the next such.
fn time_of_day(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| c.is_whitespace() || c == ',').peekable();
    while let Some(word) = words.next() {
        let (digits, joined) = word.split_at(word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len()));
        let Some((hour, minute)) = digits.trim_end_matches(['.', ')']).split_once([':', '.']) else { continue };
        let (Ok(hour), Ok(minute)) = (hour.parse::<i8>(), minute.parse::<i8>()) else { continue };
        let half = if joined.is_empty() { words.peek().copied().unwrap_or_default() } else { joined };
        let hour = match half.replace('.', "").as_str() {
            "pm" if hour < 12 => hour + 12,
            "am" if hour == 12 => 0,
            _ => hour,
        };
        let Ok(time) = civil::Time::new(hour, minute, 0, 0) else { continue };
        let day = zone.to_datetime(now).date();
        let today = zone.to_timestamp(day.to_datetime(time)).ok()?;
        return if today >= now { Some(today) } else { zone.to_timestamp(day.tomorrow().ok()?.to_datetime(time)).ok() };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Option<String> {
        let now: Timestamp = "2026-03-05T13:00:00Z".parse().unwrap();
        parse(text, now, &TimeZone::fixed(jiff::tz::offset(1))).map(|until| until.to_string())
    }

    #[test]
    fn each_way_of_saying_when_is_read_and_no_other() {
        for (text, until) in [
            ("2026-03-05T14:30:00Z", Some("2026-03-05T14:30:00Z")),
            ("2026-03-05T14:30", Some("2026-03-05T13:30:00Z")),
            ("Try again in 15 minutes.", Some("2026-03-05T13:15:00Z")),
            ("Versuchen Sie es in 15 Minuten erneut", Some("2026-03-05T13:15:00Z")),
            ("in 2 Stunden", Some("2026-03-05T15:00:00Z")),
            ("Locked until 14:30", Some("2026-03-05T13:30:00Z")),
            ("bis 13:30 Uhr", Some("2026-03-06T12:30:00Z")),
            ("at 2:30 PM today", Some("2026-03-05T13:30:00Z")),
            ("at 2:30pm", Some("2026-03-05T13:30:00Z")),
            ("2026-03-05T10:00:00Z", None),
            ("in 9000 days", None),
            ("99:99", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(seen(text).as_deref(), until, "{text}");
        }
    }

    #[test]
    fn the_header_is_seconds_or_a_date() {
        let now: Timestamp = "2026-03-05T13:00:00Z".parse().unwrap();
        let read = |text| retry_after(text, now).map(|until| until.to_string());
        assert_eq!(read("120").as_deref(), Some("2026-03-05T13:02:00Z"));
        assert_eq!(read("Thu, 05 Mar 2026 14:00:00 GMT").as_deref(), Some("2026-03-05T14:00:00Z"));
        assert_eq!(read("-5"), None);
        assert_eq!(read("later"), None);
    }
}
