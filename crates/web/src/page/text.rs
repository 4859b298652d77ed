//! Times, counts and names as people read them.

use std::fmt;

use askama::filters::HtmlSafe;
use freehold_core::Timestamp;

/// An instant as a `<time>` element: in UTC here, in the owner's zone once the page's script has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When(pub(crate) Timestamp);

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = self.0;
        write!(f, "<time datetime=\"{instant:.0}\">{} UTC</time>", instant.strftime("%-d %b %Y, %H:%M"))
    }
}

// It writes nothing but digits and letters of its own.
impl HtmlSafe for When {}

/// An instant as [`When`], which the page's script shows as how long ago it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ago(pub(crate) Timestamp);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = self.0;
        write!(f, "<time data-ago datetime=\"{instant:.0}\">{} UTC</time>", instant.strftime("%-d %b %Y, %H:%M"))
    }
}

impl HtmlSafe for Ago {}

/// When something at a provider was, as [`When`]; only the day where it tells no time of day, which is kept as midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dated(pub(crate) Timestamp);

impl fmt::Display for Dated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = self.0;
        if instant.as_millisecond() % DAY == 0 {
            write!(f, "<time datetime=\"{}\">{}</time>", instant.strftime("%Y-%m-%d"), instant.strftime("%-d %b %Y"))
        } else {
            When(instant).fmt(f)
        }
    }
}

impl HtmlSafe for Dated {}

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// A count with its thousands apart: `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `2 records`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Bytes, to three digits: `830 B`, `4.2 kB`, `17 MB`.
pub(crate) fn bytes(number: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut tenths = number.saturating_mul(10);
    let mut unit = "B";
    for larger in units {
        if tenths < 10_000 {
            break;
        }
        tenths = tenths.div_ceil(1000).max(10);
        unit = larger;
    }
    if unit == "B" || tenths >= 100 {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// A stable name as words: `from_address` becomes `From address`.
pub(crate) fn words(name: &str) -> String {
    let spaced = name.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// How often, in words.
pub(crate) fn interval(seconds: Option<u64>) -> String {
    match seconds {
        None => "Only when you ask".to_owned(),
        Some(seconds) if seconds % 86_400 == 0 => every(seconds / 86_400, "day"),
        Some(seconds) if seconds % 3_600 == 0 => every(seconds / 3_600, "hour"),
        Some(seconds) => every(seconds.div_ceil(60), "minute"),
    }
}

/// How often the owner is reminded of a source that keeps nothing, in words.
pub(crate) fn reminder(seconds: Option<u64>) -> String {
    match seconds {
        None => "Never remind me".to_owned(),
        Some(_) => format!("Remind me {}", interval(seconds).to_lowercase()),
    }
}

fn every(number: u64, unit: &str) -> String {
    if number == 1 { format!("Every {unit}") } else { format!("Every {} {unit}s", count(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(bytes(830), "830 B");
        assert_eq!(bytes(4_200), "4.2 kB");
        assert_eq!(bytes(17_300_000), "17 MB");
        assert_eq!(words("from_address"), "From address");
        assert_eq!(interval(Some(3_600)), "Every hour");
        assert_eq!(interval(Some(604_800)), "Every 7 days");
        assert_eq!(interval(None), "Only when you ask");
        assert_eq!(reminder(Some(604_800)), "Remind me every 7 days");
        assert_eq!(reminder(None), "Never remind me");
    }

    #[test]
    fn a_day_is_not_given_a_time_of_day() {
        let dated = |text: &str| Dated(text.parse().expect("a time")).to_string();
        assert_eq!(dated("2026-03-01T00:00:00Z"), "<time datetime=\"2026-03-01\">1 Mar 2026</time>");
        assert_eq!(dated("2026-03-01T00:00:01Z"), "<time datetime=\"2026-03-01T00:00:01Z\">1 Mar 2026, 00:00 UTC</time>");
    }

    #[test]
    fn an_instant_is_exact_in_the_attribute() {
        let instant: Timestamp = "2026-03-01T09:05:30Z".parse().expect("a time");
        assert_eq!(When(instant).to_string(), "<time datetime=\"2026-03-01T09:05:30Z\">1 Mar 2026, 09:05 UTC</time>");
    }
}
