//! The headers every response carries.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::config::{WebConfig, host_of};
use crate::origin::Site;
use crate::served::Served;

/// Nothing is loaded but from this server, nothing runs but its own files, and nobody may put it in a frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds what is missing; a route that needs something stricter or kept longer has set its own.
pub(crate) async fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: under it a browser sends `Origin: null` with a form, which could not be told from a foreign page's.
        // To other sites both send nothing.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// For how long a browser that was here over TLS comes in no other way (RFC 6797): a month, so that a mistake heals by itself.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=2592000";

/// Tells a browser to stay with TLS where that can lock nobody out: at a public name that is Freehold's alone, under a certificate that
/// others vouch for. The rule holds for a host with all its ports, so a name with a port of its own may have other servers beside; and
/// over a warning of a certificate it forbids what would otherwise be the way to Freehold's own CA.
pub(crate) fn stays_secure(config: &WebConfig, site: &Site) -> Option<HeaderValue> {
    let is_vouched_for = matches!(*config.served.borrow(), Served::Files(_) | Served::Proxy);
    let authority = site.origin.strip_prefix("https://")?;
    let is_public_name = host_of(&site.origin) == authority
        && authority.contains('.')
        && !authority.ends_with(|last: char| last.is_ascii_digit());
    let is_public = config.addresses.public_origin().as_deref() == Some(site.origin.as_str());
    (is_vouched_for && is_public && is_public_name).then(|| HeaderValue::from_static(STRICT_TRANSPORT_SECURITY))
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::config::Addresses;
    use crate::proxy::TrustedProxies;
    use crate::served::Certificate;

    fn certificate() -> Certificate {
        let at = |text: &str| text.parse().expect("a time");
        Certificate {
            der: Vec::new(),
            name: String::new(),
            hosts: Vec::new(),
            since: at("2026-03-01T00:00:00Z"),
            until: at("2026-03-31T00:00:00Z"),
        }
    }

    #[test]
    fn a_browser_is_told_to_stay_only_where_it_can_always_come_back() {
        let is_told = |served: Served, public: &str, at: &str| {
            let addresses = Addresses {
                listen: ([127, 0, 0, 1], 7180).into(),
                public_origin: Some(public.to_owned()),
                tls: !matches!(served, Served::Plain | Served::Proxy),
            };
            let config = WebConfig {
                addresses,
                trusted_proxies: TrustedProxies::default(),
                served: watch::channel(served).1,
                cli_token_hash: [0; 32],
            };
            stays_secure(&config, &Site { origin: at.to_owned(), is_secure: at.starts_with("https") }).is_some()
        };
        let files = || Served::Files(certificate());
        let own = || Served::LocalCa { certificate: certificate(), authority: certificate() };
        let name = "https://data.example.org";
        assert!(is_told(files(), name, name));
        assert!(is_told(Served::Proxy, name, name));
        assert!(!is_told(own(), name, name), "a CA that may have to be installed anew");
        assert!(!is_told(files(), name, "https://localhost:7180"));
        for other in ["https://data.example.org:8443", "https://192.0.2.7", "https://[2001:db8::7]", "https://nas"] {
            assert!(!is_told(files(), other, other), "{other}");
        }
        assert!(!is_told(Served::Plain, "http://localhost:7180", "http://localhost:7180"));
    }
}
