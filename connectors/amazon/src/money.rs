//! Amounts as the shops write them: `$1,234.56`, `1.234,56 €`, `EUR 12,34`, `￥1,234`.

use serde::Serialize;

/// An amount of a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Money {
    /// An exact decimal.
    pub(crate) amount: String,
    /// ISO 4217.
    pub(crate) currency: &'static str,
}

/// What a currency is written as. Longer before shorter: the first that occurs counts. A bare `$` is the country's own.
const SIGNS: [(&str, &str); 24] = [
    ("US$", "USD"),
    ("CDN$", "CAD"),
    ("CA$", "CAD"),
    ("AU$", "AUD"),
    ("A$", "AUD"),
    ("MX$", "MXN"),
    ("R$", "BRL"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("￥", "JPY"),
    ("円", "JPY"),
    ("₹", "INR"),
    ("zł", "PLN"),
    ("EUR", "EUR"),
    ("USD", "USD"),
    ("GBP", "GBP"),
    ("CAD", "CAD"),
    ("AUD", "AUD"),
    ("CHF", "CHF"),
    ("PLN", "PLN"),
    ("SEK", "SEK"),
    ("JPY", "JPY"),
    ("INR", "INR"),
];

/// The dollar of a shop, by the end of its host.
const DOLLARS: [(&str, &str); 3] = [(".ca", "CAD"), (".com.au", "AUD"), (".com.mx", "MXN")];

impl Money {
    /// Reads the first amount in `text`, as a shop at `host` writes it. Which of `.` and `,` is the decimal sign depends on the
    /// language of the account, not on the country, so it is told by its place: it stands before the last two digits.
    pub(crate) fn read(text: &str, host: &str) -> Option<Self> {
        let sign = SIGNS.iter().filter_map(|(sign, code)| Some((text.find(sign)?, *code))).min_by_key(|(at, _)| *at);
        let dollar = || DOLLARS.iter().find(|(end, _)| host.ends_with(end)).map_or("USD", |(_, code)| code);
        let currency = sign.map(|(_, code)| code).or_else(|| text.contains('$').then(dollar))?;
        Some(Self { amount: amount(text)?, currency })
    }
}

/// The first number of a text as a decimal with a point.
fn amount(text: &str) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let is_negative = text[..start].trim_end_matches(|c: char| !"-−".contains(c)).ends_with(['-', '−']);
    let is_part = |c: char| c.is_ascii_digit() || ".,'’\u{a0}\u{202f}".contains(c);
    let number = text[start..].split(|c| !is_part(c)).next()?.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (whole, cents) = match number.rfind(['.', ',']).map(|at| number.split_at(at)) {
        Some((whole, cents)) if cents.len() == 3 => (whole, Some(&cents[1..])),
        // A sign before three digits separates thousands; before one or more than three it is none of money's.
        Some((_, rest)) if rest.len() != 4 => return None,
        _ => (number, None),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let minus = if is_negative { "-" } else { "" };
    Some(match cents {
        Some(cents) => format!("{minus}{digits}.{cents}"),
        None => format!("{minus}{digits}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, host: &str) -> Option<(String, &'static str)> {
        Money::read(text, host).map(|money| (money.amount, money.currency))
    }

    fn is(amount: &str, currency: &'static str) -> Option<(String, &'static str)> {
        Some((amount.to_owned(), currency))
    }

    #[test]
    fn each_country_writes_its_own_way() {
        assert_eq!(read("$1,234.56", "www.amazon.com"), is("1234.56", "USD"));
        assert_eq!(read("$12.34", "www.amazon.ca"), is("12.34", "CAD"));
        assert_eq!(read("$12.34", "www.amazon.com.au"), is("12.34", "AUD"));
        assert_eq!(read("CDN$ 12.34", "www.amazon.ca"), is("12.34", "CAD"));
        assert_eq!(read("1.234,56 €", "www.amazon.de"), is("1234.56", "EUR"));
        assert_eq!(read("1\u{202f}234,56\u{a0}€", "www.amazon.fr"), is("1234.56", "EUR"));
        assert_eq!(read("£1,012.00", "www.amazon.co.uk"), is("1012.00", "GBP"));
        assert_eq!(read("￥1,234", "www.amazon.co.jp"), is("1234", "JPY"));
        assert_eq!(read("€1.234", "www.amazon.nl"), is("1234", "EUR"));
    }

    #[test]
    fn the_language_of_the_account_may_be_another_than_the_countrys() {
        assert_eq!(read("€1,234.56", "www.amazon.de"), is("1234.56", "EUR"));
        assert_eq!(read("EUR 12,34", "www.amazon.de"), is("12.34", "EUR"));
        assert_eq!(read("US$12,34", "www.amazon.es"), is("12.34", "USD"));
    }

    #[test]
    fn the_first_amount_counts_and_a_refund_is_negative() {
        assert_eq!(read("$39.99 $39.99", "www.amazon.com"), is("39.99", "USD"));
        assert_eq!(read("-$5.00", "www.amazon.com"), is("-5.00", "USD"));
        assert_eq!(read("−5,00 €", "www.amazon.de"), is("-5.00", "EUR"));
        assert_eq!(read("Total: $0.00.", "www.amazon.com"), is("0.00", "USD"));
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in ["", "free", "12.34", "$", "$1.2", "$1.23456"] {
            assert_eq!(read(text, "www.amazon.com"), None, "{text}");
        }
    }
}
