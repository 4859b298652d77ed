//! Whose certificates count: the authorities of this machine, and one the owner gave.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::{ClientConfig, RootCertStore};

use crate::Failure;

/// Where distributions keep the certificates of public authorities: Debian, Fedora, Alpine. Fixed places, so that no variable of
/// the environment can add an authority.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The certificates in a text in PEM form.
pub(crate) fn certificates_in(text: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(text.as_bytes()).collect()
}

/// Every authority that counts: this machine's and those in `extra`.
pub(crate) fn authorities(extra: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut all = Vec::new();
    if let Some(bundle) = AUTHORITIES.iter().find(|path| Path::new(path).exists()) {
        let found = CertificateDer::pem_file_iter(bundle).map_err(|error| {
            Failure::lasting(format!("{bundle} cannot be read: {error}."), "It holds the authorities this machine trusts.")
        })?;
        all.extend(found.filter_map(Result::ok));
    }
    if let Some(extra) = extra {
        all.extend(certificates_in(extra).map_err(|error| {
            Failure::lasting(format!("The channel's own certificate cannot be read: {error}."), "Give it again.")
        })?);
    }
    Ok(all)
}

/// How to speak TLS to a server whose certificate is of one of these authorities.
pub(crate) fn client(extra: Option<&str>) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities(extra)?);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::lasting(format!("TLS cannot be used: {error}."), "See the server's log."))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// What a failed handshake means, where its words are known.
pub(crate) fn explained(host: &str, words: &str) -> Failure {
    if words.contains("UnknownIssuer") {
        return Failure::lasting(
            format!("{host} shows a certificate of an authority that this machine does not know."),
            "If it is a server of your own, give its authority's certificate with the channel.",
        );
    }
    if words.contains("InvalidCertificate") || words.contains("invalid peer certificate") {
        return Failure::lasting(
            format!("The certificate that {host} shows does not hold."),
            "Check the server's name here, and whether its certificate has expired.",
        )
        .answered(words);
    }
    if words.contains("InvalidContentType") || words.contains("corrupt message") {
        return Failure::lasting(
            format!("{host} does not speak TLS on this port."),
            "Choose another port, or another way of encryption.",
        );
    }
    Failure::passing(format!("{host} could not be spoken to over TLS."), "Check its name and port.").answered(words)
}
