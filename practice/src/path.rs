//! Paths of these sites, as they stand in queries.

/// A path as a value in a query.
pub(crate) fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The path itself if it stays on its site; otherwise the front page.
pub(crate) fn own(path: &str) -> &str {
    let stays = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if stays { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_to_another_site() {
        for path in ["//evil.test", "https://evil.test/", "/\\evil.test", "", "/a\r\nset-cookie: a"] {
            assert_eq!(own(path), "/", "{path:?}");
        }
        assert_eq!(own("/orders?year=2024"), "/orders?year=2024");
    }

    #[test]
    fn a_path_in_a_query_is_one_value() {
        assert_eq!(encoded("/orders?year=2024&page=2"), "/orders%3Fyear%3D2024%26page%3D2");
    }
}
