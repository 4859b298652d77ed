//! Which addresses this server answers to, and which pages may change things: the defence against DNS rebinding and cross-site
//! requests. Loopback gets no exception.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use freehold_core::ProblemCode;

use crate::app::App;
use crate::config::{Door, WebConfig};
use crate::page::error::{Place, refuse};
use crate::refused::Refused;

/// One address of this server, as the browser that uses it writes it in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// `scheme://host[:port]`, without a default port.
    pub(crate) origin: String,
    /// Whether the browser speaks TLS to it.
    pub(crate) is_secure: bool,
}

/// Every address this deployment has.
fn sites(config: &WebConfig) -> Vec<Site> {
    let (scheme, default_port) = if config.tls { ("https", 443) } else { ("http", 80) };
    let port = if config.port == default_port { String::new() } else { format!(":{}", config.port) };
    let mut sites: Vec<Site> = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .map(|name| Site { origin: format!("{scheme}://{name}{port}"), is_secure: config.tls })
        .collect();
    if let Some(origin) = &config.public_origin {
        let origin = origin.trim_end_matches('/').to_ascii_lowercase();
        let is_secure = origin.starts_with("https://");
        sites.push(Site { origin, is_secure });
    }
    sites
}

/// The address a request was sent to, if it is one of this server's. Exactly one Host header, and it decides.
fn site_of(config: &WebConfig, request: &Request) -> Option<Site> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?.to_ascii_lowercase();
    if hosts.next().is_some() || request.uri().authority().is_some_and(|authority| *authority != *host.as_str()) {
        return None;
    }
    sites(config).into_iter().find(|site| site.origin.split_once("://").is_some_and(|(_, authority)| authority == host))
}

/// Lets in only requests sent to one of this server's addresses, and notes which. The Unix socket has no address to check.
pub(crate) async fn check_host(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if app.door == Door::Tcp {
        let Some(site) = site_of(&app.config, &request) else {
            let refused = Refused::new(
                ProblemCode::Forbidden,
                "This server does not answer to that host name.",
                "Use the address it printed at start, or set public_origin to the one you use.",
            );
            return refuse(&app, Place::of(&request), refused).await;
        };
        request.extensions_mut().insert(site);
    }
    next.run(request).await
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

    use super::*;

    fn config(port: u16, tls: bool, public_origin: Option<&str>) -> WebConfig {
        WebConfig {
            port,
            public_origin: public_origin.map(str::to_owned),
            trusted_proxy: false,
            tls,
            cli_token_hash: [0; 32],
        }
    }

    fn site(config: &WebConfig, host: &str) -> Option<String> {
        let request = Request::builder().uri("/").header(header::HOST, host).body(Body::empty()).expect("a request");
        site_of(config, &request).map(|site| site.origin)
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
        assert_eq!(site(&public, "data.example.org:7070"), None);
    }

    #[test]
    fn two_hosts_or_an_absolute_address_elsewhere_are_refused() {
        let config = config(7070, false, None);
        let mut request =
            Request::builder().uri("/").header(header::HOST, "localhost:7070").body(Body::empty()).expect("a request");
        assert!(site_of(&config, &request).is_some());
        request.headers_mut().append(header::HOST, HeaderValue::from_static("localhost:7070"));
        assert_eq!(site_of(&config, &request), None);
        let request = Request::builder()
            .uri("http://evil.example/")
            .header(header::HOST, "localhost:7070")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(site_of(&config, &request), None);
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
