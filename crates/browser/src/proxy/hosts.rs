//! The hosts a connector may reach, and whether an address or a cookie is one of theirs.

use std::net::IpAddr;

/// The host patterns of a manifest: `api.example.com`, `*.example.com` (its subdomains, not itself), `example.com:993`. One without a
/// port means the scheme's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    subdomains: bool,
    host: String,
    port: Option<u16>,
}

/// Where a document is, as seen from the connector's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At one of the hosts, or nowhere: a blank page belongs to whoever opened it.
    Inside,
    /// Outside, but perhaps of the same site as one of the hosts. As a frame it could share a process with the connector's page, and
    /// what a session does to a process it does to all documents in it.
    Related,
    /// Outside, and of another site: Chromium gives it a process, and so a session, of its own.
    Apart,
}

impl Hosts {
    /// From a manifest's patterns, their templates filled in. One that is no pattern matches nothing.
    pub fn new<T: AsRef<str>>(patterns: impl IntoIterator<Item = T>) -> Self {
        Self(patterns.into_iter().filter_map(|pattern| Pattern::read(pattern.as_ref())).collect())
    }

    /// Where the document at that address is. The address is Chromium's own writing of it, or is refused when in doubt.
    pub(super) fn place(&self, url: &str) -> Place {
        if matches!(url, "" | ":" | "about:blank" | "about:srcdoc" | "chrome-error://chromewebdata/")
            || url.starts_with("about:blank#")
        {
            return Place::Inside;
        }
        let Some(address) = Address::read(url.strip_prefix("blob:").unwrap_or(url)) else { return Place::Apart };
        if self.0.iter().any(|pattern| pattern.matches(&address.host, address.port, address.usual_port)) {
            Place::Inside
        } else if self.0.iter().any(|pattern| same_site_perhaps(&pattern.host, &address.host)) {
            Place::Related
        } else {
            Place::Apart
        }
    }

    /// Whether that is an address over HTTP at one of the hosts.
    pub(super) fn has(&self, url: &str) -> bool {
        Address::read(url).is_some_and(|at| self.0.iter().any(|pattern| pattern.matches(&at.host, at.port, at.usual_port)))
    }

    /// Whether `host` or `host:port` is one of them, on any port if none is given.
    pub(super) fn has_authority(&self, authority: &str) -> bool {
        let Some((host, port)) = split_port(authority) else { return false };
        let at = |port| self.0.iter().any(|pattern| pattern.matches(&host, port, 80) || pattern.matches(&host, port, 443));
        match port {
            Some(port) => at(port),
            None => at(80) || at(443),
        }
    }

    /// Whether a cookie of that domain is sent to one of the hosts. With a leading dot it is for everything below the domain too; a
    /// cookie knows no port.
    pub(super) fn has_cookie(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        match domain.strip_prefix('.') {
            None => self.0.iter().any(|pattern| pattern.matches_host(&domain)),
            Some(above) => self.0.iter().any(|pattern| {
                pattern.host == above
                    || is_below(&pattern.host, above)
                    || (pattern.subdomains && is_below(above, &pattern.host))
            }),
        }
    }
}

impl Pattern {
    fn read(pattern: &str) -> Option<Self> {
        let (subdomains, rest) = match pattern.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let (host, port) = split_port(rest)?;
        Some(Self { subdomains, host, port })
    }

    fn matches(&self, host: &str, port: u16, usual: u16) -> bool {
        self.matches_host(host) && port == self.port.unwrap_or(usual)
    }

    fn matches_host(&self, host: &str) -> bool {
        if self.subdomains { is_below(host, &self.host) } else { host == self.host }
    }
}

/// What is needed of an address over HTTP.
struct Address {
    host: String,
    port: u16,
    usual_port: u16,
}

impl Address {
    /// Reads one strictly: what different readers might read differently is none.
    fn read(url: &str) -> Option<Self> {
        if url.bytes().any(|byte| byte <= b' ' || byte == b'\\' || byte == 0x7f) {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let usual_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return None;
        }
        let (host, port) = split_port(authority)?;
        Some(Self { host, port: port.unwrap_or(usual_port), usual_port })
    }
}

/// The host, in lower case, and the port of an authority.
fn split_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']') && host[1..host.len() - 1].parse::<IpAddr>().is_ok();
    let plain = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (bracketed || plain).then(|| (host.to_ascii_lowercase(), port))
}

fn is_below(host: &str, above: &str) -> bool {
    host.strip_suffix(above).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Whether two hosts may be of one site. A site is a public suffix and one label more, so two names of one site share at least their
/// last two labels; where only the suffix has two, this says yes too often, which costs a frame and gives nothing away.
fn same_site_perhaps(one: &str, other: &str) -> bool {
    let end = |host: &str| host.rsplit('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    let is_address = |host: &str| host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    one == other || (!is_address(one) && !is_address(other) && end(one) == end(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(["www.shop.example", "*.cdn.example", "mail.example:8443", "127.0.0.1:8080", "[::1]:81"])
    }

    #[test]
    fn addresses_at_the_hosts_are_inside_and_nothing_else_is() {
        for inside in [
            "https://www.shop.example/orders?x=1#y",
            "http://www.shop.example",
            "https://a.cdn.example/",
            "https://a.b.cdn.example",
            "https://mail.example:8443/",
            "http://127.0.0.1:8080/x",
            "http://[::1]:81/",
            "blob:https://www.shop.example/uuid",
            "about:blank",
            "about:srcdoc",
            "chrome-error://chromewebdata/",
        ] {
            assert_eq!(hosts().place(inside), Place::Inside, "{inside}");
        }
        for (outside, place) in [
            ("https://login.shop.example/", Place::Related),
            ("https://shop.example/", Place::Related),
            ("https://www.shop.example:8443/", Place::Related),
            ("https://cdn.example/", Place::Related),
            ("https://mail.example/", Place::Related),
            ("http://127.0.0.1:8081/", Place::Related),
            ("http://127.0.0.2:8080/", Place::Apart),
            ("https://www.shop.example.evil.test/", Place::Apart),
            ("https://xcdn.example/", Place::Apart),
            ("https://www.shop.example@evil.test/", Place::Apart),
            ("https://evil.test\\@www.shop.example/", Place::Apart),
            ("https://evil.test/www.shop.example", Place::Apart),
            ("https://www.shop.example\t.evil.test/", Place::Apart),
            ("file:///etc/passwd", Place::Apart),
            ("file://www.shop.example/etc/passwd", Place::Apart),
            ("view-source:https://www.shop.example/", Place::Apart),
            ("chrome://settings", Place::Apart),
            ("data:text/html,x", Place::Apart),
            ("javascript:1", Place::Apart),
            ("about:version", Place::Apart),
        ] {
            assert_eq!(hosts().place(outside), place, "{outside}");
            assert!(!hosts().has(outside), "{outside}");
        }
    }

    #[test]
    fn a_cookie_is_of_the_hosts_if_it_would_be_sent_to_one() {
        for (domain, is) in [
            ("www.shop.example", true),
            (".www.shop.example", true),
            (".shop.example", true),
            ("shop.example", false),
            ("login.shop.example", false),
            (".login.shop.example", false),
            (".op.example", false),
            ("a.cdn.example", true),
            (".a.cdn.example", true),
            (".cdn.example", true),
            ("cdn.example", false),
            ("127.0.0.1", true),
            ("localhost", false),
        ] {
            assert_eq!(hosts().has_cookie(domain), is, "{domain}");
        }
    }

    #[test]
    fn what_is_no_pattern_matches_nothing() {
        let none = Hosts::new(["", "*", "*.", "https://x.example", "x.example/path", "x.example:none"]);
        assert_eq!(none, Hosts::default());
        assert_eq!(none.place("https://x.example/"), Place::Apart);
    }
}
