//! Which text of a record can be searched: what a person would read in it. Not ids of machines, hashes or encoded bytes.

use serde_json::Value;

/// Text of one record after this many bytes is not indexed.
const LONGEST: usize = 200_000;
/// A word without a space that is at least so long and of such letters is no word.
const OPAQUE: usize = 32;

/// The text of a record's data, its values separated by spaces. Empty if the data is no JSON.
pub(super) fn of_record(data: &str) -> String {
    let mut text = String::with_capacity(data.len().min(LONGEST));
    if let Ok(value) = serde_json::from_str(data) {
        take(&value, &mut text);
    }
    text
}

fn take(value: &Value, text: &mut String) {
    if text.len() >= LONGEST {
        return;
    }
    match value {
        Value::String(string) if is_opaque(string) => {}
        Value::String(string) => take_string(string, text),
        Value::Number(number) => take_string(&number.to_string(), text),
        Value::Array(values) => values.iter().for_each(|value| take(value, text)),
        Value::Object(fields) => fields.values().for_each(|value| take(value, text)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn take_string(string: &str, text: &mut String) {
    let string = up_to(LONGEST - text.len().min(LONGEST), string);
    if string.contains("</") {
        without_tags(string, text);
    } else {
        spaced(string, text);
    }
    text.push(' ');
}

/// The beginning of a text, at most so many bytes.
pub(super) fn up_to(bytes: usize, text: &str) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Hashes, keys and encoded files: long, without a space, of the letters that hex and base64 are written with.
fn is_opaque(string: &str) -> bool {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    string.len() >= OPAQUE && string.bytes().all(is_code) && string.bytes().any(|byte| byte.is_ascii_digit())
}

/// The text between the tags of a page. What is in a style or a script is none.
fn without_tags(page: &str, text: &mut String) {
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        spaced(before, text);
        text.push(' ');
        let hidden = ["style", "script"]
            .into_iter()
            .find(|name| after.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        let end = match hidden {
            Some(name) => end_of(name, after).unwrap_or(after.len()),
            None => 0,
        };
        rest = after[end..].split_once('>').map_or("", |(_, rest)| rest);
    }
    spaced(rest, text);
}

/// Where the element of that name ends.
fn end_of(name: &str, page: &str) -> Option<usize> {
    let end = format!("</{name}");
    page.as_bytes().windows(end.len()).position(|part| part.eq_ignore_ascii_case(end.as_bytes()))
}

/// The same text with each sign of a script that is written without spaces as a word of its own: two of them in a row are then found as
/// a phrase is.
pub(super) fn spaced(string: &str, text: &mut String) {
    for sign in string.chars() {
        match sign {
            sign if stands_alone(sign) => text.extend([' ', sign, ' ']),
            sign if sign.is_control() => text.push(' '),
            sign => text.push(sign),
        }
    }
}

/// Han, Hiragana and Katakana.
pub(super) fn stands_alone(sign: char) -> bool {
    matches!(sign, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::of_record;

    fn words(data: &str) -> Vec<String> {
        of_record(data).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_a_person_would_read_is_searched() {
        assert_eq!(
            words(r#"{"from":{"name":"Ada Byrne"},"n":12.5,"seen":true,"to":["a@b.test",null]}"#),
            ["Ada", "Byrne", "12.5", "a@b.test"]
        );
        assert_eq!(words(r#"{"h":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b","t":"ok"}"#), ["ok"]);
        assert_eq!(words(r#"{"h":"Donaudampfschifffahrtsgesellschaft"}"#), ["Donaudampfschifffahrtsgesellschaft"]);
        assert_eq!(words("no json"), Vec::<String>::new());
    }

    #[test]
    fn of_a_page_its_text_is() {
        let page =
            r#"{"b":"<p class='x'>Dear <b>Ada</b></p><STYLE>p{color:red}</STYLE><script>if(a<b){}</script>Bye < now"}"#;
        assert_eq!(words(page), ["Dear", "Ada", "Bye"]);
        assert_eq!(words(r#"{"b":"a < b and b > c"}"#), ["a", "<", "b", "and", "b", ">", "c"]);
    }

    #[test]
    fn signs_without_spaces_are_words() {
        assert_eq!(words(r#"{"t":"東京tower"}"#), ["東", "京", "tower"]);
    }
}
