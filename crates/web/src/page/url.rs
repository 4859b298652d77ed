//! Addresses of pages.

use std::fmt::Write;

use freehold_core::SourceId;
use freehold_engine::view::CollectedView;

/// One segment of a path, or one value of a query, percent-encoded (RFC 3986: all but the unreserved characters).
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ok = write!(encoded, "%{byte:02X}");
        }
    }
    // These two would be taken for "here" and "one up".
    match encoded.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => encoded,
    }
}

/// A page with a query of those values that are not empty.
pub(crate) fn with_query(page: &str, asked: &[(&str, &str)]) -> String {
    let given = asked.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", segment(value))).collect();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{}", query.join("&")) }
}

/// The page of a source, or of what is left of it.
pub(crate) fn collected(source: &CollectedView) -> String {
    let folder = if source.removed { "removed-sources" } else { "sources" };
    format!("/{folder}/{}", source.id)
}

/// The page of a stream's records.
pub(crate) fn stream(source: SourceId, stream: &str) -> String {
    format!("/sources/{source}/streams/{}", segment(stream))
}

/// A stream's records as a file.
pub(crate) fn exports(source: SourceId, stream: &str) -> String {
    format!("/sources/{source}/exports/{}", segment(stream))
}

/// Where a stream is deleted.
pub(crate) fn delete_stream(source: SourceId, stream: &str) -> String {
    format!("/sources/{source}/delete-stream/{}", segment(stream))
}

/// Where a stream that was left out is collected again.
pub(crate) fn take_in(source: SourceId, stream: &str) -> String {
    format!("/sources/{source}/take-in/{}", segment(stream))
}

/// The page of a record.
pub(crate) fn record(source: SourceId, stream_name: &str, key: &str) -> String {
    format!("{}/{}", stream(source, stream_name), segment(key))
}

/// `next` if it is a page of this server, else the first page. Anything a browser could read as another host is not.
pub(crate) fn next(next: Option<&str>) -> String {
    next.filter(|next| {
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control)
    })
    .unwrap_or("/")
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_slashes_is_one_segment() {
        assert_eq!(segment("INBOX/Work 2:é"), "INBOX%2FWork%202%3A%C3%A9");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn a_query_has_only_what_was_given() {
        assert_eq!(with_query("/", &[("text", ""), ("show", "")]), "/");
        assert_eq!(with_query("/", &[("text", "a&b"), ("show", "running")]), "/?text=a%26b&show=running");
    }

    #[test]
    fn next_never_leaves_this_server() {
        assert_eq!(next(Some("/sources/add?text=a")), "/sources/add?text=a");
        for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\nb"] {
            assert_eq!(next(Some(elsewhere)), "/", "{elsewhere:?}");
        }
        assert_eq!(next(None), "/");
    }
}
