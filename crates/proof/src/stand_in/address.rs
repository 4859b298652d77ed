//! The addresses of the stand-in's pages.

/// Whether an address has a part, as a screen's `url` is compared: with its query only where the part has one itself.
pub(super) fn has_part(address: &str, part: &str) -> bool {
    let compared = if part.contains(['?', '#']) { address } else { address.split(['?', '#']).next().unwrap_or_default() };
    compared.contains(part)
}

/// An address at one of the origins that has that part.
pub(super) fn with_part(part: &str, origins: &[&str]) -> Option<String> {
    // The part may begin within the origin, as in "example.com/account".
    let overlapping = origins.iter().filter_map(|origin| {
        let ends = part.char_indices().map(|(at, _)| at).chain([part.len()]).filter(|at| origin.ends_with(&part[..*at]));
        ends.max().filter(|at| *at > 0).map(|at| format!("{origin}{}", &part[at..]))
    });
    let within = origins.iter().map(|origin| format!("{origin}/"));
    let path = if part.starts_with('/') { part.to_owned() } else { format!("/{part}") };
    let below = origins.iter().filter(|_| !part.contains("://")).map(|origin| format!("{origin}{path}"));
    let mut all = overlapping.chain(within).chain(below);
    all.find(|address| has_part(address, part) && origins.iter().any(|origin| is_at(address, origin)))
}

/// Whether an address is at that very origin.
pub(super) fn is_at(address: &str, origin: &str) -> bool {
    address.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// The address with one parameter more in its query.
pub(super) fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let (page, fragment) = address.split_once('#').map_or((address, None), |(page, fragment)| (page, Some(fragment)));
    let sign = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{page}{sign}{name}={value}{fragment}")
}

/// The value of a parameter in an address's query.
pub(super) fn parameter<'a>(address: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = address.split_once('?')?;
    query.split('#').next()?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The address as a browser asks for it: without fragment, and with a path.
pub(super) fn asked(address: &str) -> String {
    let page = address.split('#').next().unwrap_or_default();
    let host = page.find("://").map_or(0, |at| at + 3);
    match page[host..].find(['/', '?']) {
        None => format!("{page}/"),
        Some(at) if page[host + at..].starts_with('?') => format!("{}/{}", &page[..host + at], &page[host + at..]),
        Some(_) => page.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_for_whatever_part_a_screen_names() {
        let origins = ["https://www.shop.test", "https://login.shop.test"];
        for (part, expected) in [
            ("/orders", Some("https://www.shop.test/orders")),
            ("orders", Some("https://www.shop.test/orders")),
            ("login.shop.test", Some("https://login.shop.test")),
            ("login.shop.test/code", Some("https://login.shop.test/code")),
            ("https://login.shop.test/code", Some("https://login.shop.test/code")),
            ("shop.test/in?step=2", Some("https://www.shop.test/in?step=2")),
            ("?step=code", Some("https://www.shop.test/?step=code")),
            ("#/in", Some("https://www.shop.test/#/in")),
            ("https://elsewhere.test/in", None),
        ] {
            assert_eq!(with_part(part, &origins).as_deref(), expected, "{part}");
        }
    }

    #[test]
    fn a_parameter_comes_before_the_fragment_and_is_found_again() {
        for (address, expected) in [
            ("http://a/b", "http://a/b?at=1"),
            ("http://a/?c=d", "http://a/?c=d&at=1"),
            ("http://a/#/in", "http://a/?at=1#/in"),
        ] {
            let with = with_parameter(address, "at", "1");
            assert_eq!(with, expected);
            assert_eq!(parameter(&with, "at"), Some("1"));
            assert_eq!(parameter(address, "at"), None);
        }
        assert_eq!(asked("http://a:1"), "http://a:1/");
        assert_eq!(asked("http://a?b#c"), "http://a/?b");
    }
}
