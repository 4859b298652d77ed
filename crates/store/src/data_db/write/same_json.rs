//! Whether two JSON texts are the same value.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// How deep objects and arrays are looked into; below that only equal text is equal.
const DEPTH: u32 = 64;

/// Whether both texts say the same, whatever the order of their members and their white space. Numbers are compared as written: an
/// account number of thirty digits that differs in the last one is another number, though no float can tell.
pub(super) fn same_json(a: &str, b: &str) -> bool {
    a == b || same(a, b, DEPTH)
}

fn same(a: &str, b: &str, depth: u32) -> bool {
    let (a, b) = (a.trim(), b.trim());
    if a == b {
        return true;
    }
    if depth == 0 {
        return false;
    }
    match (a.as_bytes().first(), b.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => both::<BTreeMap<String, &RawValue>>(a, b).is_some_and(|(a, b)| {
            a.len() == b.len()
                && a.iter().zip(&b).all(|((a_name, a), (b_name, b))| a_name == b_name && same(a.get(), b.get(), depth - 1))
        }),
        (Some(b'['), Some(b'[')) => both::<Vec<&RawValue>>(a, b)
            .is_some_and(|(a, b)| a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a.get(), b.get(), depth - 1))),
        (Some(b'"'), Some(b'"')) => both::<String>(a, b).is_some_and(|(a, b)| a == b),
        _ => false,
    }
}

fn both<'a, T: serde::Deserialize<'a>>(a: &'a str, b: &'a str) -> Option<(T, T)> {
    Some((serde_json::from_str(a).ok()?, serde_json::from_str(b).ok()?))
}

#[cfg(test)]
mod tests {
    use super::same_json;

    #[test]
    fn order_and_white_space_do_not_matter() {
        assert!(same_json(r#"{"a":1,"b":[{"c":"é","d":null}]}"#, r#"{ "b": [ {"d":null, "c":"\u00e9"} ], "a": 1 }"#));
    }

    #[test]
    fn every_difference_counts() {
        for (a, b) in [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            ("[1,2]", "[2,1]"),
            ("[1]", "{}"),
            ("100000000000000000000000000001", "100000000000000000000000000002"),
            ("true", "false"),
            (r#""1""#, "1"),
        ] {
            assert!(!same_json(a, b), "{a} {b}");
        }
    }

    #[test]
    fn depth_without_end_is_no_danger() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(100), "]".repeat(100));
        assert!(same_json(&deep("1"), &deep("1")));
        assert!(!same_json(&deep("1"), &deep("2")));
        let bottomless = "[".repeat(1_000_000);
        assert!(!same_json(&bottomless, "[]"));
    }
}
