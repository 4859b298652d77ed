//! What a stream's list of records is narrowed to, on its way from an address and into one.

use freehold_core::Problem;
use freehold_engine::view::{CountView, CountsView};
use freehold_engine::{Days, RecordFilter};
use jiff::civil::Date;

/// As it was typed; what is blank narrows nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrowed {
    /// Words the records contain.
    pub(crate) text: String,
    /// Their first day, like `2026-03-01`.
    pub(crate) from: String,
    /// Their last day.
    pub(crate) to: String,
    /// The time zone whose days those are: the server's if it is blank.
    pub(crate) zone: String,
}

impl Narrowed {
    /// What an address gave, where it gave something.
    pub(crate) fn given(text: Option<String>, from: Option<String>, to: Option<String>, zone: Option<String>) -> Self {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
        Self { text: trimmed(text), from: trimmed(from), to: trimmed(to), zone: trimmed(zone) }
    }

    /// By the clocks of this zone, where it names none itself.
    pub(crate) fn by(mut self, zone: String) -> Self {
        if self.zone.is_empty() {
            self.zone = zone;
        }
        self
    }

    /// For the engine. `bad_input` at the name of what is no day or no zone.
    pub(crate) fn filter(&self) -> Result<RecordFilter, Problem> {
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        Ok(RecordFilter { text, days: Days::read(&self.from, &self.to, &self.zone)? })
    }

    /// Whether it narrows anything.
    pub(crate) fn is_narrowed(&self) -> bool {
        !self.text.is_empty() || self.has_day()
    }

    /// Whether a day is named, so that it matters whose.
    pub(crate) fn has_day(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// For an address that means the same wherever it is opened.
    pub(crate) fn asked(&self) -> [(&'static str, &str); 4] {
        let zone = if self.has_day() { &*self.zone } else { "" };
        [("text", &self.text), ("from", &self.from), ("to", &self.to), ("zone", zone)]
    }

    /// Narrowed further, to a part of the time that was counted: just those records.
    pub(crate) fn to_part(&self, counts: &CountsView, part: &CountView) -> Self {
        let zone = counts.zone.clone().unwrap_or_default();
        Self { text: self.text.clone(), from: part.from.to_string(), to: part.to.to_string(), zone }
    }

    /// What comes after “12 records”; nothing where it is all of them.
    pub(crate) fn words(&self) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!(" that contain “{}”", self.text) };
        let (from, to) = (day(&self.from), day(&self.to));
        let days = match (self.from.is_empty(), self.to.is_empty()) {
            (true, true) => String::new(),
            (false, false) if from == to => format!(" of {from}"),
            (false, false) => format!(" from {from} to {to}"),
            (false, true) => format!(" since {from}"),
            (true, false) => format!(" up to {to}"),
        };
        format!("{text}{days}")
    }
}

/// A day as people read it.
fn day(text: &str) -> String {
    text.parse::<Date>().map_or_else(|_| text.to_owned(), |day| day.strftime("%-d %b %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, from: &str, to: &str) -> String {
        let given = |text: &str| Some(text.to_owned());
        Narrowed::given(given(text), given(from), given(to), None).words()
    }

    #[test]
    fn it_is_told_in_words() {
        assert_eq!(words("", "", ""), "");
        assert_eq!(words(" lake ", "", ""), " that contain “lake”");
        assert_eq!(words("", "2026-03-01", "2026-03-01"), " of 1 Mar 2026");
        assert_eq!(words("lake", "2026-03-01", "2026-03-31"), " that contain “lake” from 1 Mar 2026 to 31 Mar 2026");
        assert_eq!(words("", "2026-03-01", ""), " since 1 Mar 2026");
        assert_eq!(words("", "", "2026-03-01"), " up to 1 Mar 2026");
    }

    #[test]
    fn a_zone_without_a_day_is_no_part_of_an_address() {
        let zone = || Some("Europe/Lisbon".to_owned());
        let of = |from: Option<&str>| Narrowed::given(None, from.map(str::to_owned), None, zone()).asked()[3].1.to_owned();
        assert_eq!((of(None), of(Some("2026-03-01"))), (String::new(), "Europe/Lisbon".to_owned()));
    }
}
