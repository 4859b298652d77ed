//! The cookies: the session, for a moment what was just done, and reading any.

use axum::http::{HeaderMap, HeaderValue, header};
use freehold_core::{ProblemCode, SecretBytes};

use crate::origin::Site;
use crate::refused::Refused;

/// What a cookie is for.
#[derive(Clone, Copy)]
pub(crate) enum Cookie {
    /// The session's token.
    Session,
    /// The name of what was just done ([`crate::done`]).
    Done,
}

impl Cookie {
    /// The `__Host-` prefix binds a cookie to this very host over TLS (RFC 6265bis, 4.1.3.2); browsers refuse it on plain loopback.
    fn name(self, site: &Site) -> &'static str {
        match (self, site.is_secure) {
            (Self::Session, true) => "__Host-freehold",
            (Self::Session, false) => "freehold",
            (Self::Done, true) => "__Host-freehold-done",
            (Self::Done, false) => "freehold-done",
        }
    }
}

/// What a browser sent to `site` in a cookie.
pub(crate) fn read<'a>(cookie: Cookie, site: &Site, headers: &'a HeaderMap) -> Option<&'a str> {
    value(cookie.name(site), headers)
}

/// The value of the cookie of that name; none if there is none, or it is empty.
pub(crate) fn value<'a>(name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// The header that gives a browser a cookie, with these attributes at its end. None where `value` does not fit into a header.
pub(crate) fn write(cookie: Cookie, site: &Site, value: &str, end: &str) -> Option<HeaderValue> {
    let secure = if site.is_secure { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}", cookie.name(site));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// The session token a browser sent to `site`.
pub(crate) fn session(site: &Site, headers: &HeaderMap) -> Option<SecretBytes> {
    read(Cookie::Session, site, headers).map(|value| SecretBytes::new(value.as_bytes().to_vec()))
}

/// The header that gives a browser its session.
pub(crate) fn set(site: &Site, token: &str) -> Result<HeaderValue, Refused> {
    write(Cookie::Session, site, token, "").ok_or_else(not_given)
}

/// The header that takes it away again.
pub(crate) fn clear(site: &Site) -> Result<HeaderValue, Refused> {
    write(Cookie::Session, site, "", "; Max-Age=0").ok_or_else(not_given)
}

fn not_given() -> Refused {
    Refused::new(ProblemCode::Internal, "The session could not be given to the browser.", "Sign in again.")
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
        assert!(session(&site(false), &headers).is_some());
        assert!(session(&site(true), &headers).is_none());
    }
}
