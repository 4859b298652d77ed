//! Where in a record's text the words are that were searched for.

use rusqlite::Connection;

use super::text::{self, stands_alone};
use crate::Result;

/// A hit begins and ends with these; the text has no such signs.
const MARKS: [char; 2] = ['\u{2}', '\u{3}'];
/// Words on both sides of the first hit together.
const WORDS: u8 = 24;
/// Only the beginning of a text is looked at.
const LOOKED_AT: usize = 50_000;

/// Part of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPart {
    /// Its text.
    pub text: String,
    /// Whether it is what was searched for.
    pub is_hit: bool,
}

/// A snippet of each of these records' data. Where the words are further down, none.
pub(super) fn snippets<'a>(records: impl Iterator<Item = &'a str>, expression: &str) -> Result<Vec<Vec<SnippetPart>>> {
    // The index keeps no text; a small one of these few records, which does, knows the same words.
    let connection = Connection::open_in_memory()?;
    connection.execute_batch("CREATE VIRTUAL TABLE shown USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')")?;
    let mut count: usize = 0;
    {
        let mut insert = connection.prepare("INSERT INTO shown (rowid, text) VALUES (?1, ?2)")?;
        for data in records {
            insert.execute((count, text::up_to(LOOKED_AT, &text::of_record(data))))?;
            count += 1;
        }
    }
    let mut found = vec![Vec::new(); count];
    let mut select =
        connection.prepare("SELECT rowid, snippet(shown, 0, ?2, ?3, '…', ?4) FROM shown WHERE shown MATCH ?1")?;
    let marks = MARKS.map(String::from);
    let mut rows = select.query((expression, &marks[0], &marks[1], WORDS))?;
    while let Some(row) = rows.next()? {
        let (number, marked): (usize, String) = (row.get(0)?, row.get(1)?);
        if let Some(parts) = found.get_mut(number) {
            *parts = parts_of(&marked);
        }
    }
    Ok(found)
}

fn parts_of(marked: &str) -> Vec<SnippetPart> {
    let mut parts = Vec::new();
    let mut push = |text: &str, is_hit| {
        let text = readable(text);
        if !text.is_empty() {
            parts.push(SnippetPart { text, is_hit });
        }
    };
    for piece in marked.split(MARKS[0]) {
        match piece.split_once(MARKS[1]) {
            Some((hit, after)) => {
                push(hit, true);
                push(after, false);
            }
            None => push(piece, false),
        }
    }
    parts
}

/// White space as one space, and none between two signs that are written without.
fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        if !sign.is_whitespace() {
            readable.push(sign);
            continue;
        }
        while signs.next_if(|next| next.is_whitespace()).is_some() {}
        let (before, next) = (readable.chars().next_back(), signs.peek().copied());
        let is_between = before.or(next).is_some() && before.is_none_or(stands_alone) && next.is_none_or(stands_alone);
        if !is_between {
            readable.push(' ');
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_marked_as_it_is_written() {
        let data = r#"{"t":"Über die <b>Brücke</b> und zurück\u0002 am Fluß"}"#;
        let found = snippets([data, r#"{"t":"nothing"}"#].into_iter(), "\"brucke\"*").expect("found");
        let part = |text: &str, is_hit| SnippetPart { text: text.to_owned(), is_hit };
        assert_eq!(found[0], [part("Über die ", false), part("Brücke", true), part(" und zurück am Fluß ", false)]);
        assert_eq!(found[1], []);
    }

    #[test]
    fn signs_without_spaces_stay_without() {
        let found = snippets([r#"{"t":"東京タワー"}"#].into_iter(), "\" 京  タ \"").expect("found");
        let texts: Vec<_> = found[0].iter().map(|part| (&*part.text, part.is_hit)).collect();
        assert_eq!(texts, [("東", false), ("京タ", true), ("ワー", false)]);
    }
}
