//! What a browser sends of a file.

/// How many bytes the file in a multipart body has.
pub(crate) fn file_size(body: &[u8]) -> usize {
    let find = |haystack: &[u8], needle: &[u8]| haystack.windows(needle.len()).position(|part| part == needle);
    let Some(boundary) = find(body, b"\r\n").map(|end| [b"\r\n", &body[..end]].concat()) else { return 0 };
    let Some(start) = find(body, b"filename=").and_then(|at| find(&body[at..], b"\r\n\r\n").map(|head| at + head + 4))
    else {
        return 0;
    };
    find(&body[start..], &boundary).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uploaded_file_is_measured() {
        let body = |file: &str| {
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"proof\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n{file}\r\n--b--\r\n"
            )
        };
        assert_eq!(file_size(body("12345").as_bytes()), 5);
        assert_eq!(file_size(body("").as_bytes()), 0);
        assert_eq!(file_size(b"nothing of the kind"), 0);
    }
}
