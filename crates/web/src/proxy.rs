//! What a proxy in front says of who asks, and when it is believed: `Forwarded` (RFC 7239) or the `X-Forwarded-` headers, from the
//! addresses the operator named and from nobody else.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use freehold_core::ProblemCode;

use crate::refused::Refused;

const FORWARDED: &str = "forwarded";
const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";

/// An address, or all of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many of the first bits count.
    bits: u8,
}

impl Network {
    fn contains(self, ip: IpAddr) -> bool {
        let same = |ours: u128, theirs: u128, width: u8| {
            let rest = u32::from(width - self.bits);
            ours.checked_shr(rest).unwrap_or(0) == theirs.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, ip) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => same(ours.to_bits().into(), theirs.to_bits().into(), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => same(ours.to_bits(), theirs.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    /// What to write instead.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr =
            address.parse().map_err(|_| "Write an address, as in 10.0.0.2 or fd00::2, or a network, as in 10.0.0.0/24.")?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) => bits.parse().ok().filter(|bits| (1..=width).contains(bits)).ok_or(
                "After the slash comes how many bits of the address count: 1 to 32, or to 128 for IPv6. To trust every address is to trust whoever asks.",
            )?,
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        match self.bits {
            bits if bits == width => write!(f, "{}", self.address),
            bits => write!(f, "{}/{bits}", self.address),
        }
    }
}

/// The proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<Network>);

impl TrustedProxies {
    /// Whether this is the address of one of them.
    pub(crate) fn has(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(ip))
    }

    /// What the proxy at `peer` says of a request; nothing if that is no trusted proxy, or if it says nothing.
    ///
    /// # Errors
    /// Refuses a request with both kinds of header: a proxy writes one of them and hands through the other as its client sent it.
    pub(crate) fn said(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Option<Forwarded>, Refused> {
        if !self.has(peer) || !speaks(headers) {
            return Ok(None);
        }
        let standard = headers.contains_key(FORWARDED);
        if standard && [FOR, PROTO, HOST].iter().any(|name| headers.contains_key(*name)) {
            return Err(Refused::new(
                ProblemCode::BadInput,
                "The proxy in front of Freehold passes on both Forwarded and X-Forwarded headers.",
                "Let the proxy remove the kind that it does not write itself: whoever asks can write anything into it.",
            ));
        }
        let hops = if standard { standard_hops(headers) } else { hops(headers) };
        Ok(Some(self.outermost(hops)))
    }

    /// From the nearest hop outwards, past every trusted proxy: the first other address is the client. What that client itself wrote
    /// stands further out, and is not looked at.
    fn outermost(&self, hops: Vec<Forwarded>) -> Forwarded {
        let mut found = Forwarded::default();
        for hop in hops.into_iter().rev() {
            let goes_on = hop.client.is_some_and(|client| self.has(client));
            found = Forwarded {
                client: hop.client,
                is_secure: hop.is_secure.or(found.is_secure),
                host: hop.host.or(found.host),
            };
            if !goes_on {
                break;
            }
        }
        found
    }
}

/// Whether a request has any such header, from whomever.
pub(crate) fn speaks(headers: &HeaderMap) -> bool {
    [FORWARDED, FOR, PROTO, HOST].iter().any(|name| headers.contains_key(*name))
}

/// What is said of one hop, and in the end of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// Where it came from; nothing if that is not an address.
    pub(crate) client: Option<IpAddr>,
    /// Whether it came over TLS.
    pub(crate) is_secure: Option<bool>,
    /// The host it was sent to, with its port.
    pub(crate) host: Option<String>,
}

/// `X-Forwarded-For` has an entry for each hop. The other two belong to the nearest proxy, which writes them anew or hands through those
/// of a proxy it trusts; of several values the last is its own.
fn hops(headers: &HeaderMap) -> Vec<Forwarded> {
    let last = |name| values(headers, name).last().filter(|value| !value.is_empty()).map(str::to_owned);
    let mut hops: Vec<Forwarded> =
        values(headers, FOR).map(|node| Forwarded { client: address(node), ..Forwarded::default() }).collect();
    if hops.is_empty() {
        hops.push(Forwarded::default());
    }
    if let Some(nearest) = hops.last_mut() {
        nearest.is_secure = last(PROTO).and_then(|proto| is_secure(&proto));
        nearest.host = last(HOST).map(|host| host.to_ascii_lowercase());
    }
    hops
}

/// `for=…;proto=…;host=…`, one element for each hop (RFC 7239, section 4).
fn standard_hops(headers: &HeaderMap) -> Vec<Forwarded> {
    let hop = |element: &str| {
        let mut hop = Forwarded::default();
        for (name, value) in element.split(';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.client = address(value),
                "proto" => hop.is_secure = is_secure(value),
                "host" => hop.host = Some(value.to_ascii_lowercase()),
                _ => {}
            }
        }
        hop
    };
    values(headers, FORWARDED).map(hop).collect()
}

/// The entries of a list, over all headers of that name (RFC 9110, section 5.3). What is not ASCII is an entry that says nothing.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.get_all(name).iter().flat_map(|value| value.to_str().unwrap_or_default().split(',')).map(str::trim)
}

/// `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]` or `[2001:db8::7]:4711`.
fn address(node: &str) -> Option<IpAddr> {
    let ip = match node.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if node.matches(':').count() == 1 => node.split(':').next()?,
        None => node,
    };
    ip.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

fn is_secure(proto: &str) -> Option<bool> {
    match proto.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn trusted() -> TrustedProxies {
        TrustedProxies(["10.0.0.0/24", "fd00::1"].map(|text| text.parse().expect("a network")).to_vec())
    }

    fn said(peer: &str, given: &[(&'static str, &'static str)]) -> Result<Option<Forwarded>, Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        trusted().said(ip(peer), &headers)
    }

    fn client(peer: &str, given: &[(&'static str, &'static str)]) -> Option<IpAddr> {
        said(peer, given).expect("one kind of header").expect("it speaks").client
    }

    #[test]
    fn a_network_is_its_first_bits_and_nothing_else() {
        let proxies = trusted();
        for inside in ["10.0.0.0", "10.0.0.255", "::ffff:10.0.0.7", "fd00::1"] {
            assert!(proxies.has(ip(inside)), "{inside}");
        }
        for outside in ["10.0.1.0", "9.255.255.255", "fd00::2", "::a00:7", "127.0.0.1"] {
            assert!(!proxies.has(ip(outside)), "{outside}");
        }
        for wrong in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/0", "fd00::/129", "10.0.0.0/", "proxy.example"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("10.0.0.2/32".parse::<Network>().expect("one").to_string(), "10.0.0.2");
        assert_eq!("fd00::/8".parse::<Network>().expect("many").to_string(), "fd00::/8");
    }

    #[test]
    fn nobody_else_is_believed() {
        let all = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")];
        for peer in ["10.0.1.1", "127.0.0.1", "192.0.2.7"] {
            assert_eq!(said(peer, &all).expect("not refused"), None, "{peer}");
            assert_eq!(said(peer, &[("forwarded", "for=192.0.2.7")]).expect("not refused"), None, "{peer}");
        }
        assert_eq!(said("10.0.0.1", &[]).expect("not refused"), None);
    }

    #[test]
    fn the_client_is_the_nearest_address_that_is_no_proxy() {
        let of = |value| client("10.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(of("192.0.2.7"), Some(ip("192.0.2.7")));
        // The client wrote the first two itself.
        assert_eq!(of("203.0.113.9, 10.0.0.9, 192.0.2.7"), Some(ip("192.0.2.7")));
        assert_eq!(of("203.0.113.9, 192.0.2.7, fd00::1, 10.0.0.3"), Some(ip("192.0.2.7")));
        // Whoever is behind a hop that says nothing usable is unknown, and not whoever stands further out.
        assert_eq!(of("203.0.113.9, unknown, 10.0.0.3"), None);
        assert_eq!(of("203.0.113.9, "), None);
        assert_eq!(of("10.0.0.5"), Some(ip("10.0.0.5")), "a client in the proxies' own network");
        let twice = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "192.0.2.7:4711")];
        assert_eq!(client("10.0.0.1", &twice), Some(ip("192.0.2.7")));
        let standard =
            "for=203.0.113.9;proto=http, for=\"[2001:db8::7]:4711\";proto=https;host=A.example, for=10.0.0.3;proto=http";
        let said = said("10.0.0.1", &[("forwarded", standard)]).expect("one kind").expect("it speaks");
        let expected =
            Forwarded { client: Some(ip("2001:db8::7")), is_secure: Some(true), host: Some("a.example".to_owned()) };
        assert_eq!(said, expected);
    }

    #[test]
    fn of_several_schemes_and_hosts_the_proxys_own_counts() {
        let given = [
            ("x-forwarded-for", "203.0.113.9, 192.0.2.7"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example, A.example"),
        ];
        let said = said("10.0.0.1", &given).expect("one kind").expect("it speaks");
        assert_eq!((said.is_secure, said.host.as_deref()), (Some(true), Some("a.example")));
    }

    #[test]
    fn both_kinds_at_once_are_refused() {
        let both = [("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "192.0.2.7")];
        assert!(said("10.0.0.1", &both).is_err());
        assert!(said("10.0.1.1", &both).expect("not looked at").is_none());
    }
}
