//! The two languages of the shops, and how each writes money and dates.

use jiff::civil::Date;

/// A language of the shops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    /// English.
    En,
    /// German.
    De,
}

impl Lang {
    /// From `?lang=` or a cookie: `en`, `de`.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::En),
            "de" => Some(Self::De),
            _ => None,
        }
    }

    /// The first language of an Accept-Language header that the shops have; English without one.
    pub(crate) fn from_accept(header: &str) -> Self {
        let tags = header.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        tags.filter_map(|tag| Self::from_code(tag.split('-').next().unwrap_or_default())).next().unwrap_or(Self::En)
    }

    pub(crate) fn code(self) -> &'static str {
        self.pick("en", "de")
    }

    pub(crate) fn pick(self, en: &'static str, de: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::De => de,
        }
    }

    /// `cents` of a currency as the language writes them: `$1,234.56`, `1.234,56 €`.
    pub(crate) fn money(self, cents: i64, currency: &str) -> String {
        let symbol = match currency {
            "EUR" => "€",
            "USD" => "$",
            "GBP" => "£",
            other => other,
        };
        let (thousands, decimal) = (self.pick(",", "."), self.pick(".", ","));
        let number = format!("{}{decimal}{:02}", grouped(cents / 100, thousands), cents % 100);
        match self {
            Self::En => format!("{symbol}{number}"),
            Self::De => format!("{number} {symbol}"),
        }
    }

    /// A date in words: `March 5, 2024`, `5. März 2024`.
    pub(crate) fn date(self, date: &Date) -> String {
        const EN: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        const DE: [&str; 12] = [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ];
        let month = usize::from(date.month().unsigned_abs()) - 1;
        match self {
            Self::En => format!("{} {}, {}", EN[month], date.day(), date.year()),
            Self::De => format!("{}. {} {}", date.day(), DE[month], date.year()),
        }
    }
}

fn grouped(number: i64, separator: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_dates_are_written_as_each_language_does() {
        assert_eq!(Lang::En.money(123_456, "USD"), "$1,234.56");
        assert_eq!(Lang::De.money(123_456, "EUR"), "1.234,56 €");
        assert_eq!(Lang::De.money(5, "EUR"), "0,05 €");
        let date = jiff::civil::date(2024, 3, 5);
        assert_eq!(Lang::En.date(&date), "March 5, 2024");
        assert_eq!(Lang::De.date(&date), "5. März 2024");
    }

    #[test]
    fn the_first_known_language_wins() {
        assert_eq!(Lang::from_accept("fr-FR, de-DE;q=0.8, en;q=0.5"), Lang::De);
        assert_eq!(Lang::from_accept("en-GB,de"), Lang::En);
        assert_eq!(Lang::from_accept(""), Lang::En);
    }
}
