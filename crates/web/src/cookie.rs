//! The session cookie.

use axum::http::{HeaderMap, HeaderValue, header};
use freehold_core::{ProblemCode, SecretBytes};

use crate::origin::Site;
use crate::refused::Refused;

/// The `__Host-` prefix binds a cookie to this very host over TLS (RFC 6265bis, 4.1.3.2); browsers refuse it on plain loopback.
fn name(site: &Site) -> &'static str {
    if site.is_secure { "__Host-freehold" } else { "freehold" }
}

/// The session token a browser sent to `site`.
pub(crate) fn read(site: &Site, headers: &HeaderMap) -> Option<SecretBytes> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name(site) && !value.is_empty())
        .map(|(_, value)| SecretBytes::new(value.as_bytes().to_vec()))
}

/// The header that gives a browser its session.
pub(crate) fn set(site: &Site, token: &str) -> Result<HeaderValue, Refused> {
    write(site, token, "")
}

/// The header that takes it away again.
pub(crate) fn clear(site: &Site) -> Result<HeaderValue, Refused> {
    write(site, "", "; Max-Age=0")
}

fn write(site: &Site, value: &str, end: &str) -> Result<HeaderValue, Refused> {
    let secure = if site.is_secure { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}", name(site));
    let mut header = HeaderValue::from_str(&text).map_err(|_| {
        Refused::new(ProblemCode::Internal, "The session could not be given to the browser.", "Sign in again.")
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(is_secure: bool) -> Site {
        Site { origin: String::new(), is_secure }
    }

    #[test]
    fn the_cookie_is_as_strict_as_the_line_allows() {
        let text = |value: Result<HeaderValue, Refused>| value.expect("plain text").to_str().expect("plain text").to_owned();
        assert_eq!(text(set(&site(true), "abc")), "__Host-freehold=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(text(set(&site(false), "abc")), "freehold=abc; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(text(clear(&site(false))), "freehold=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }

    #[test]
    fn over_tls_a_cookie_without_the_prefix_counts_for_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("other=1; freehold=abc"));
        assert!(read(&site(false), &headers).is_some());
        assert!(read(&site(true), &headers).is_none());
    }
}
