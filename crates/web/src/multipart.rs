//! `multipart/form-data` (RFC 7578) as browsers send it, out of memory that is wiped into memory that is wiped. The parsers there are
//! hand out buffers of their own.

use axum::http::{HeaderMap, header};
use memchr::memmem;
use zeroize::Zeroizing;

/// The boundary that the headers announce, if the body is of this type.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = value.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    // As many as RFC 2046, section 5.1.1, allows.
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

/// The parts by name, in their order; a file counts as its content. `None` if the body is not whole.
pub(crate) fn parse(body: &[u8], boundary: &str) -> Option<Vec<(String, Zeroizing<Vec<u8>>)>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut fields = Vec::new();
    // The first delimiter has no line before it.
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let head = memmem::find(part, b"\r\n\r\n")?;
        let (head, content) = (&part[..head], &part[head + 4..]);
        let end = memmem::find(content, delimiter.as_bytes())?;
        fields.push((name(head)?, Zeroizing::new(content[..end].to_vec())));
        rest = &content[end + delimiter.len()..];
    }
    rest.starts_with(b"--").then_some(fields)
}

/// The name in `Content-Disposition: form-data; name="…"; filename="…"`.
fn name(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (header, value) = line.split_once(':')?;
        header.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (_, after) = disposition.split_once("; name=\"")?;
    after.split_once('"').map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Option<Vec<(String, String)>> {
        let text = |(name, value): (String, Zeroizing<Vec<u8>>)| (name, String::from_utf8_lossy(&value).into_owned());
        parse(body.as_bytes(), "b0undary").map(|fields| fields.into_iter().map(text).collect())
    }

    #[test]
    fn a_form_is_read_as_browsers_send_it() {
        let form = "--b0undary\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\notp_seed\r\n\
            --b0undary\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n\
            --b0undary\r\ncontent-disposition: form-data; name=\"picture.x\"; filename=\"a; name=\"\r\n\
            Content-Type: image/png\r\n\r\n\u{89}PNG\r\n\r\n--b0unda\r\n--b0undary--\r\n";
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [field("kind", "otp_seed"), field("empty", ""), field("picture.x", "\u{89}PNG\r\n\r\n--b0unda")];
        assert_eq!(parsed(form).as_deref(), Some(&expected[..]));
        assert_eq!(parsed("--b0undary--\r\n"), Some(Vec::new()));
        for end in 0..form.len() - 4 {
            assert_eq!(form.get(..end).and_then(parsed), None, "cut off after {end} bytes");
        }
    }

    #[test]
    fn the_boundary_is_the_announced_one() {
        let boundary = |value: &str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().expect("a value"))]);
            boundary(&headers)
        };
        assert_eq!(boundary("multipart/form-data; boundary=----WebKit7MA4").as_deref(), Some("----WebKit7MA4"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"x y\"").as_deref(), Some("x y"));
        for other in [
            "multipart/mixed; boundary=x",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=",
        ] {
            assert_eq!(boundary(other), None, "{other}");
        }
    }
}
