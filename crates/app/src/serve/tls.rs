//! The certificate and key the operator named.

use std::path::Path;
use std::sync::Arc;

use freehold_core::{Problem, ProblemCode};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsFiles;

/// Loads them.
pub(crate) fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>, Problem> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable("certificate", &files.certificate, &error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable("key", &files.key, &error.to_string()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unusable("certificate", &files.certificate, &error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn unusable(what: &str, path: &Path, reason: &str) -> Problem {
    Problem::new(
        ProblemCode::BadInput,
        format!("The TLS {what} cannot be used: {reason}."),
        "Name files in PEM form that belong together and that Freehold's user may read, in [tls].",
    )
    .at(path.display().to_string())
}
