//! How the console is served, and the certificate it shows, in one place for the page, the API and the CLI.

use std::fmt::Write;

use data_encoding::BASE64;
use freehold_core::Timestamp;
use jiff::SignedDuration;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::WebConfig;

/// From here on to its end, the operator's own certificate calls for somebody. One that Freehold makes is renewed well before.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How the console is served. It changes while the server runs, when a certificate is renewed.
#[derive(Clone, Debug)]
pub enum Served {
    /// Plain HTTP, on loopback.
    Plain,
    /// Plain HTTP to a proxy, which speaks TLS.
    Proxy,
    /// TLS, with the operator's own certificate.
    Files(Certificate),
    /// TLS, with a certificate of Freehold's own CA.
    LocalCa {
        /// What browsers are shown.
        certificate: Certificate,
        /// What made it, and what browsers are to trust.
        authority: Certificate,
    },
}

/// A certificate, in DER, and what people want to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its bytes.
    pub der: Vec<u8>,
    /// Its own name: the common name of its subject, where it has one.
    pub name: String,
    /// The hosts it is for; of a CA, those it can make certificates for.
    pub hosts: Vec<String>,
    /// From when on it holds.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Certificate {
    /// SHA-256 of the whole of it, in pairs as browsers show it.
    pub fn fingerprint(&self) -> String {
        let mut text = String::with_capacity(32 * 3);
        for byte in Sha256::digest(&self.der) {
            let colon = if text.is_empty() { "" } else { ":" };
            // Writing to a string cannot fail.
            let _ok = write!(text, "{colon}{byte:02X}");
        }
        text
    }

    /// In PEM form (RFC 7468).
    pub fn pem(&self) -> String {
        let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
        let base64 = BASE64.encode(&self.der);
        for line in base64.as_bytes().chunks(64) {
            text.extend(line.iter().map(|byte| char::from(*byte)));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
        text
    }
}

/// All of it, as the API says it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TlsView {
    /// `plain`, `proxy`, `files` or `local_ca`.
    pub(crate) how: &'static str,
    /// The same in a sentence.
    pub(crate) sentence: &'static str,
    /// Every origin that is answered.
    pub(crate) addresses: Vec<String>,
    /// Addresses and networks whose forwarded headers are believed.
    pub(crate) trusted_proxies: Vec<String>,
    /// What browsers are shown; nothing where Freehold speaks no TLS.
    pub(crate) certificate: Option<CertificateView>,
    /// Freehold's own CA, if that made it.
    pub(crate) authority: Option<AuthorityView>,
}

/// A certificate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CertificateView {
    pub(crate) hosts: Vec<String>,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    /// `valid`, `ends_soon` or `over`.
    pub(crate) state: &'static str,
    /// SHA-256, in pairs.
    pub(crate) fingerprint: String,
}

/// Freehold's own CA.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AuthorityView {
    /// What it is called in a list of certificates.
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) certificate: CertificateView,
    /// The certificate itself.
    pub(crate) pem: String,
}

impl TlsView {
    /// How it stands at `now`.
    pub(crate) fn of(config: &WebConfig, now: Timestamp) -> Self {
        let served = config.served.borrow().clone();
        let (how, sentence) = match &served {
            Served::Plain => ("plain", "Plain HTTP, to this machine alone: nothing of it goes over a network."),
            Served::Proxy => {
                ("proxy", "Behind a proxy, which speaks TLS with your browser. Its certificate is kept there, not here.")
            }
            Served::Files(_) => ("files", "TLS, with the certificate that the configuration names."),
            Served::LocalCa { .. } => (
                "local_ca",
                "TLS, with a certificate of Freehold's own CA. A browser accepts it once you have installed the CA there.",
            ),
        };
        let (certificate, authority) = match served {
            Served::Plain | Served::Proxy => (None, None),
            Served::Files(certificate) => (Some(view(&certificate, now, ENDS_SOON)), None),
            Served::LocalCa { certificate, authority } => {
                let made_by = AuthorityView {
                    name: authority.name.clone(),
                    certificate: view(&authority, now, SignedDuration::ZERO),
                    pem: authority.pem(),
                };
                (Some(view(&certificate, now, SignedDuration::ZERO)), Some(made_by))
            }
        };
        Self {
            how,
            sentence,
            addresses: config.addresses.origins(),
            trusted_proxies: config.trusted_proxies.0.iter().map(ToString::to_string).collect(),
            certificate,
            authority,
        }
    }
}

fn view(certificate: &Certificate, now: Timestamp, soon: SignedDuration) -> CertificateView {
    let left = certificate.until.duration_since(now);
    CertificateView {
        hosts: certificate.hosts.clone(),
        since: certificate.since,
        until: certificate.until,
        state: match () {
            () if !left.is_positive() => "over",
            () if left < soon => "ends_soon",
            () => "valid",
        },
        fingerprint: certificate.fingerprint(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        Certificate {
            der: vec![7; 100],
            name: "Freehold".to_owned(),
            hosts: vec!["localhost".to_owned()],
            since: "2026-03-01T00:00:00Z".parse().expect("a time"),
            until: "2026-03-31T00:00:00Z".parse().expect("a time"),
        }
    }

    #[test]
    fn it_is_written_as_others_read_it() {
        let pem = certificate().pem();
        let lines: Vec<&str> = pem.lines().collect();
        assert_eq!(lines[0], "-----BEGIN CERTIFICATE-----");
        assert!(lines.iter().all(|line| line.len() <= 64), "{pem}");
        let body: String = lines[1..lines.len() - 1].concat();
        assert_eq!(BASE64.decode(body.as_bytes()).expect("base64"), certificate().der);
        let fingerprint = certificate().fingerprint();
        assert_eq!(fingerprint.len(), 95);
        assert_eq!(fingerprint.split(':').count(), 32);
    }

    #[test]
    fn its_end_is_seen_coming() {
        let state = |now: &str, soon| view(&certificate(), now.parse().expect("a time"), soon).state;
        assert_eq!(state("2026-03-16T00:00:00Z", ENDS_SOON), "valid");
        assert_eq!(state("2026-03-18T00:00:00Z", ENDS_SOON), "ends_soon");
        assert_eq!(state("2026-03-31T00:00:00Z", ENDS_SOON), "over");
        assert_eq!(state("2026-03-30T23:00:00Z", SignedDuration::ZERO), "valid");
    }
}
