//! Days as the shops write them: `March 12, 2024`, `12 March 2024`, `12. März 2024`, `12 de marzo de 2024`, `2024年3月12日`.

use jiff::civil::Date;

/// Each month's beginning in each language, in lower case and without accents. Long enough to tell the months of one language apart
/// and short enough for what a language abbreviates; of those that fit, the longest counts.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fev"],
    &["mar", "maer", "mrt", "maa"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mag", "mei"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aou", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott"],
    &["nov"],
    &["dec", "dez", "dic"],
];

/// Reads the day in a text that holds one, in any of the languages.
pub(crate) fn read(text: &str) -> Option<Date> {
    let folded: String = text.to_lowercase().chars().flat_map(without_accent).collect();
    let numbers: Vec<i16> = folded
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().unwrap_or(i16::MAX))
        .collect();
    let is_year = |number: i16| (1990..2100).contains(&number);
    if folded.contains('年') {
        let [year, month, day] = numbers[..] else { return None };
        return Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok();
    }
    let month = folded.split(|c: char| !c.is_alphabetic()).find_map(month)?;
    let (year, day) = match numbers[..] {
        [day, year] if is_year(year) => (year, day),
        [year, day] if is_year(year) => (year, day),
        _ => return None,
    };
    Date::new(year, month, day.try_into().ok()?).ok()
}

/// The month a word names.
fn month(word: &str) -> Option<i8> {
    let fits = |begins: &&str| word.starts_with(begins);
    let longest = |begins: &[&str]| begins.iter().copied().filter(fits).map(str::len).max();
    let best = MONTHS.iter().zip(1..).filter_map(|(begins, number)| Some((longest(begins)?, number))).max();
    best.map(|(_, number)| number)
}

/// A letter without what stands on it. `ä` becomes two, so that `März` is not taken for `Mars`.
fn without_accent(letter: char) -> impl Iterator<Item = char> {
    let plain = match letter {
        'ä' => "ae",
        'à' | 'á' | 'â' => "a",
        'é' | 'è' | 'ê' => "e",
        'í' | 'ì' | 'î' => "i",
        'ó' | 'ò' | 'ô' | 'ö' => "o",
        'ú' | 'ù' | 'û' | 'ü' => "u",
        'ç' => "c",
        _ => "",
    };
    plain.chars().chain(plain.is_empty().then_some(letter))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_is_read_in_every_language() {
        for text in [
            "March 12, 2024",
            "Order placed March 12, 2024",
            "12 March 2024",
            "12. März 2024",
            "12 mars 2024",
            "12 de marzo de 2024",
            "12 marzo 2024",
            "12 maart 2024",
            "Mar 12, 2024",
            "2024年3月12日",
        ] {
            assert_eq!(read(text), Some(date(2024, 3, 12)), "{text}");
        }
    }

    #[test]
    fn every_month_of_every_language_is_itself() {
        let languages = [
            "January February March April May June July August September October November December",
            "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "januari februari maart april mei juni juli augustus september oktober november december",
        ];
        for language in languages {
            for (name, number) in language.split(' ').zip(1..) {
                assert_eq!(read(&format!("5 {name} 2023")), Some(date(2023, number, 5)), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in ["", "March 2024", "12.03.2024", "12 Foo 2024", "31 February 2024", "March 12", "12 March 3024"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
