//! Which addresses this server answers to, and which pages may change things: the defence against DNS rebinding and cross-site
//! requests. Loopback gets no exception.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use freehold_core::ProblemCode;

use crate::app::{App, Connection};
use crate::config::{Door, WebConfig};
use crate::headers;
use crate::page::error::{Place, refuse};
use crate::proxy::{Forwarded, speaks};
use crate::refused::Refused;

/// One address of this server, as the browser that uses it writes it in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// `scheme://host[:port]`, without a default port.
    pub(crate) origin: String,
    /// Whether the browser speaks TLS to it.
    pub(crate) is_secure: bool,
}

impl Site {
    fn new(origin: String) -> Self {
        Self { is_secure: origin.starts_with("https://"), origin }
    }

    fn has_authority(&self, authority: &str) -> bool {
        let (scheme, own) = self.origin.split_once("://").unwrap_or_default();
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        own == authority.strip_suffix(default_port).unwrap_or(authority)
    }
}

/// Whoever sent a request, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its address: the connection's own, or what a trusted proxy says.
    pub(crate) address: Option<IpAddr>,
    /// Whether it is this very machine, with nobody in between.
    pub(crate) is_here: bool,
}

/// Where a request was sent to, and by whom.
fn found(config: &WebConfig, request: &Request) -> Result<(Site, Client), Refused> {
    let peer = request.extensions().get::<Connection>().and_then(|connection| connection.peer);
    let said = match peer {
        Some(peer) => config.trusted_proxies.said(peer, request.headers())?,
        None => None,
    };
    let host = host(request).ok_or_else(elsewhere)?;
    match (said, peer) {
        (Some(said), _) => Ok((site_behind_proxy(config, &host, &said)?, Client { address: said.client, is_here: false })),
        (None, Some(peer)) if !config.addresses.tls && !peer.is_loopback() && !config.trusted_proxies.has(peer) => {
            Err(Refused::new(
                ProblemCode::Forbidden,
                "Only the proxies of this server's configuration may talk to it without TLS.",
                "Open the public address; or name the proxy's own address in trusted_proxies.",
            ))
        }
        (None, _) => {
            let site = site_of(config, &host).ok_or_else(elsewhere)?;
            // A proxy that is not named makes everyone come from here, and shows itself by the name asked for or by what it writes.
            let is_here = peer.is_some_and(|peer| peer.is_loopback() && !config.trusted_proxies.has(peer))
                && config.addresses.own_origins().contains(&site.origin)
                && !speaks(request.headers());
            Ok((site, Client { address: peer, is_here }))
        }
    }
}

/// The host a request names. Exactly one Host header, and an absolute address agrees with it.
fn host(request: &Request) -> Option<String> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?.to_ascii_lowercase();
    let agrees = request.uri().authority().is_none_or(|authority| *authority == *host.as_str());
    (hosts.next().is_none() && agrees).then_some(host)
}

/// The address of this server that is meant by `host`.
fn site_of(config: &WebConfig, host: &str) -> Option<Site> {
    config.addresses.origins().into_iter().map(Site::new).find(|site| site.has_authority(host))
}

/// A trusted proxy stands in front of the public origin and of no other: what it says has to fit that.
fn site_behind_proxy(config: &WebConfig, host: &str, said: &Forwarded) -> Result<Site, Refused> {
    let site = config.addresses.public_origin().map(Site::new).ok_or_else(elsewhere)?;
    if !site.has_authority(said.host.as_deref().unwrap_or(host)) {
        return Err(elsewhere());
    }
    if said.is_secure.is_some_and(|is_secure| is_secure != site.is_secure) {
        return Err(Refused::new(
            ProblemCode::Forbidden,
            "You came to the proxy by plain HTTP, where your passphrase could be read on the way.",
            format!("Open {}/, and let the proxy send everyone there.", site.origin),
        ));
    }
    Ok(site)
}

fn elsewhere() -> Refused {
    Refused::new(
        ProblemCode::Forbidden,
        "This server does not answer to that host name.",
        "Use the address it printed at start, or set public_origin to the one you use.",
    )
}

/// Lets in only requests sent to one of this server's addresses, and notes which, and who sent them. The Unix socket has no address to
/// check.
pub(crate) async fn check_host(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if app.door == Door::Cli {
        request.extensions_mut().insert(Client { address: None, is_here: true });
        return next.run(request).await;
    }
    let (site, client) = match found(&app.config, &request) {
        Ok(found) => found,
        Err(refused) => return refuse(&app, Place::of(&request), refused).await,
    };
    let stays_secure = headers::stays_secure(&app.config, &site);
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(site);
    let mut response = next.run(request).await;
    if let Some(stays_secure) = stays_secure {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, stays_secure);
    }
    response
}

/// Refuses what another site's page asked for: every change, and everything but a plain visit.
pub(crate) fn check_cross_site(site: &Site, method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
    let changes = !(method == Method::GET || method == Method::HEAD);
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let from_elsewhere = text("sec-fetch-site").is_some_and(|value| !matches!(value, "same-origin" | "none"));
    let is_visit = text("sec-fetch-mode") == Some("navigate");
    // A program with a token is no browser, has no cookie to abuse, and sends no Origin; whoever sends one has to fit.
    let origin_fits = match text("origin") {
        Some(origin) => origin == site.origin,
        None => headers.contains_key(header::AUTHORIZATION),
    };
    if (from_elsewhere && (changes || !is_visit)) || (changes && !origin_fits) {
        return Err(Refused::new(
            ProblemCode::Forbidden,
            "This request did not come from a page of this server.",
            "Open the page here and do it again.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::HeaderValue;
    use tokio::sync::watch;

    use super::*;
    use crate::config::Addresses;
    use crate::proxy::TrustedProxies;
    use crate::served::Served;

    fn config(port: u16, tls: bool, public_origin: Option<&str>) -> WebConfig {
        WebConfig {
            addresses: Addresses {
                listen: ([127, 0, 0, 1], port).into(),
                public_origin: public_origin.map(str::to_owned),
                tls,
            },
            trusted_proxies: TrustedProxies(vec!["10.0.0.0/24".parse().expect("a network")]),
            served: watch::channel(Served::Plain).1,
            cli_token_hash: [0; 32],
        }
    }

    /// A request from `peer`, with these headers.
    fn request(peer: &str, given: &[(&str, &str)]) -> Request {
        let request = Request::builder().uri("/");
        let request = given.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(Body::empty()).expect("a request");
        let (peer, stopping) = (Some(peer.parse().expect("an address")), watch::channel(false).1);
        request.extensions_mut().insert(Connection { peer, stopping });
        request
    }

    fn site(config: &WebConfig, host: &str) -> Option<String> {
        found(config, &request("127.0.0.1", &[("host", host)])).ok().map(|(site, _)| site.origin)
    }

    #[test]
    fn only_the_servers_own_names_with_its_own_port_are_answered() {
        let plain = config(7070, false, None);
        for own in ["localhost:7070", "127.0.0.1:7070", "[::1]:7070", "LOCALHOST:7070"] {
            assert!(site(&plain, own).is_some(), "{own}");
        }
        for foreign in [
            "localhost",
            "localhost:7071",
            "evil.example",
            "evil.example:7070",
            "127.0.0.1.evil.example:7070",
            "0.0.0.0:7070",
        ] {
            assert_eq!(site(&plain, foreign), None, "{foreign}");
        }
        assert_eq!(site(&config(443, true, None), "localhost").as_deref(), Some("https://localhost"));
        let public = config(7070, false, Some("https://Data.Example.org/"));
        assert_eq!(site(&public, "data.example.org").as_deref(), Some("https://data.example.org"));
        assert_eq!(site(&public, "data.example.org:443").as_deref(), Some("https://data.example.org"));
        assert_eq!(site(&public, "data.example.org:7070"), None);
    }

    #[test]
    fn two_hosts_or_an_absolute_address_elsewhere_are_refused() {
        let config = config(7070, false, None);
        let own = ("host", "localhost:7070");
        assert!(found(&config, &request("127.0.0.1", &[own])).is_ok());
        assert!(found(&config, &request("127.0.0.1", &[own, own])).is_err());
        let mut absolute = request("127.0.0.1", &[own]);
        *absolute.uri_mut() = "http://evil.example/".parse().expect("an address");
        assert!(found(&config, &absolute).is_err());
    }

    #[test]
    fn what_a_trusted_proxy_says_counts_and_fits_the_public_origin() {
        let config = config(7070, false, Some("https://data.example.org"));
        let (upstream, host) = (("host", "127.0.0.1:7070"), ("x-forwarded-host", "data.example.org"));
        let (client, https) = (("x-forwarded-for", "203.0.113.9, 192.0.2.7"), ("x-forwarded-proto", "https"));
        let (site, from) = found(&config, &request("10.0.0.1", &[upstream, host, client, https])).expect("let in");
        assert_eq!(site, Site { origin: "https://data.example.org".to_owned(), is_secure: true });
        assert_eq!(from, Client { address: Some([192, 0, 2, 7].into()), is_here: false });
        let own = ("host", "data.example.org");
        assert!(found(&config, &request("10.0.0.1", &[own, client, https])).is_ok(), "the Host handed through");
        let refused = |given: &[(&str, &str)]| found(&config, &request("10.0.0.1", given)).expect_err("refused").0.what;
        assert!(refused(&[own, client, ("x-forwarded-proto", "http")]).contains("plain HTTP"));
        assert!(refused(&[upstream, client, https]).contains("does not answer"), "loopback is not what a proxy is for");
        assert!(refused(&[own, client, ("x-forwarded-host", "evil.example")]).contains("does not answer"));
    }

    #[test]
    fn what_anyone_else_says_changes_nothing() {
        let config = config(7070, false, Some("https://data.example.org"));
        let claims =
            [("x-forwarded-host", "data.example.org"), ("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")];
        let given = [&[("host", "localhost:7070")], &claims[..]].concat();
        let (site, from) = found(&config, &request("127.0.0.1", &given)).expect("let in");
        assert_eq!(site, Site { origin: "http://localhost:7070".to_owned(), is_secure: false });
        assert_eq!(from.address, Some([127, 0, 0, 1].into()));
        assert!(!from.is_here, "something is in between");
        let given = [&[("host", "evil.example")], &claims[..]].concat();
        assert!(found(&config, &request("127.0.0.1", &given)).is_err());
        // Without TLS nobody else is answered at all, whatever they say.
        let given = [&[("host", "data.example.org")], &claims[..]].concat();
        let refused = found(&config, &request("192.0.2.7", &given)).expect_err("refused").0;
        assert!(refused.next.contains("trusted_proxies"), "{refused}");
    }

    #[test]
    fn this_machine_is_whoever_comes_to_a_loopback_name_with_nobody_between() {
        let config = config(7070, false, Some("https://data.example.org"));
        let is_here = |given: &[(&str, &str)]| found(&config, &request("127.0.0.1", given)).expect("let in").1.is_here;
        assert!(is_here(&[("host", "localhost:7070")]));
        assert!(!is_here(&[("host", "data.example.org")]), "a proxy that is not named");
        assert!(!is_here(&[("host", "localhost:7070"), ("x-forwarded-for", "192.0.2.7")]));
    }

    #[test]
    fn a_change_needs_this_sites_own_page() {
        let site = Site { origin: "http://localhost:7070".to_owned(), is_secure: false };
        let check = |method: Method, given: &[(&'static str, &'static str)]| {
            let headers: HeaderMap = given
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            check_cross_site(&site, &method, &headers).is_ok()
        };
        let own = ("origin", "http://localhost:7070");
        assert!(check(Method::POST, &[own, ("sec-fetch-site", "same-origin")]));
        assert!(check(Method::POST, &[own]));
        assert!(!check(Method::POST, &[]));
        assert!(!check(Method::POST, &[("origin", "null")]));
        assert!(!check(Method::POST, &[("origin", "http://localhost:7071")]));
        assert!(!check(Method::POST, &[("origin", "https://localhost:7070")]));
        assert!(!check(Method::POST, &[own, ("sec-fetch-site", "same-site")]));
        assert!(check(Method::POST, &[("authorization", "Bearer x")]));
        assert!(!check(Method::DELETE, &[("authorization", "Bearer x"), ("origin", "http://evil.example")]));
        assert!(check(Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]));
        assert!(!check(Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(!check(Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")]));
        assert!(check(Method::GET, &[]));
    }
}
