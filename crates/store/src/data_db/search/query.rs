//! What a person types into a search box, as an expression of the index. Nothing that can be typed is an error.

use super::text::{spaced, stands_alone};

/// Further words say nothing more.
const MOST: usize = 20;

/// Words that all have to be there, "several in a row", and -those that must not be. The last word may go on. `None` if there is no
/// letter or digit in it, or only what must not be there.
pub(super) fn expression(typed: &str) -> Option<String> {
    let terms = terms(typed);
    let last = terms.iter().rposition(|term| !term.excluded);
    let is_word = |term: &Term| !term.quoted && (term.text.chars().count() > 1 || term.text.chars().all(stands_alone));
    let quoted = |(place, term): (usize, &Term)| {
        // A quoted text is taken word by word, whatever is in it.
        let mut phrase = String::from("\"");
        spaced(&term.text, &mut phrase);
        phrase.push('"');
        if Some(place) == last && is_word(term) {
            phrase.push('*');
        }
        phrase
    };
    let of = |excluded: bool| -> Vec<String> {
        terms.iter().enumerate().filter(|(_, term)| term.excluded == excluded).map(quoted).collect()
    };
    let (wanted, unwanted) = (of(false), of(true));
    match (wanted.is_empty(), unwanted.is_empty()) {
        (true, _) => None,
        (false, true) => Some(wanted.join(" AND ")),
        (false, false) => Some(format!("({}) NOT ({})", wanted.join(" AND "), unwanted.join(" OR "))),
    }
}

struct Term {
    text: String,
    quoted: bool,
    excluded: bool,
}

fn terms(typed: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut rest = typed.trim_start();
    while !rest.is_empty() && terms.len() < MOST {
        let excluded = rest.starts_with('-');
        rest = rest.strip_prefix('-').unwrap_or(rest);
        let (quoted, end) = match rest.strip_prefix('"') {
            Some(inner) => {
                rest = inner;
                (true, inner.find('"').unwrap_or(inner.len()))
            }
            None => (false, rest.find(|sign: char| sign.is_whitespace() || sign == '"').unwrap_or(rest.len())),
        };
        let text = rest[..end].replace('"', " ");
        rest = &rest[end..];
        if quoted {
            rest = rest.strip_prefix('"').unwrap_or(rest);
        }
        rest = rest.trim_start();
        if text.chars().any(char::is_alphanumeric) {
            terms.push(Term { text, quoted, excluded });
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn words_phrases_and_what_must_not_be_there() {
        let is = |typed: &str, expected: &str| assert_eq!(expression(typed).as_deref(), Some(expected), "{typed}");
        is("tide", "\"tide\"*");
        is("  the tide ", "\"the\" AND \"tide\"*");
        is("\"the tide\" table", "\"the tide\" AND \"table\"*");
        is("tide -\"low water\" -x", "(\"tide\"*) NOT (\"low water\" OR \"x\")");
        is("a", "\"a\"");
        is("maria@example.test", "\"maria@example.test\"*");
        is("NEAR(a b) OR c* ^d {e}:f", "\"NEAR(a\" AND \"b)\" AND \"OR\" AND \"c*\" AND \"^d\" AND \"{e}:f\"*");
        is("un\"clo sed", "\"un\" AND \"clo sed\"");
        for nothing in ["", "  ", "\"\"", "--", "-a", "***", "\"…\""] {
            assert_eq!(expression(nothing), None, "{nothing}");
        }
    }
}
