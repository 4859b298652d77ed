//! A certificate of its own making for the shop over TLS, made with the `openssl` program.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};

use crate::{PracticeError, at};

const PROGRAM: &str = "/usr/bin/openssl";
const NAMES: &str =
    "subjectAltName=DNS:www.amazon.com,DNS:amazon.com,DNS:www.amazon.de,DNS:amazon.de,DNS:localhost,IP:127.0.0.1";

/// What the TLS listener needs.
pub(crate) struct Certificate {
    pub(crate) tls: Arc<ServerConfig>,
    /// The public key's SHA-256, in base64.
    pub(crate) spki: String,
}

/// The certificate kept in `folder`, made if absent; without a folder, one that nobody keeps.
pub(crate) fn ensure(folder: Option<&Path>) -> Result<Certificate, PracticeError> {
    let Some(folder) = folder else {
        let folder = tempfile::tempdir().map_err(at(Path::new("a temporary folder")))?;
        return ensure(Some(folder.path()));
    };
    fs::create_dir_all(folder).map_err(at(folder))?;
    let (certificate, key) = (folder.join("practice.pem"), folder.join("practice.key"));
    if !certificate.exists() || !key.exists() {
        make(&certificate, &key)?;
    }
    let public = openssl(&["x509", "-in", &certificate.to_string_lossy(), "-noout", "-pubkey"])?;
    let public = SubjectPublicKeyInfoDer::from_pem_slice(&public).map_err(unusable)?;
    let chain = CertificateDer::from_pem_file(&certificate).map_err(unusable)?;
    let key = PrivateKeyDer::from_pem_file(&key).map_err(unusable)?;
    let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .map_err(unusable)?;
    Ok(Certificate { tls: Arc::new(tls), spki: BASE64.encode(&Sha256::digest(&public)) })
}

fn make(certificate: &Path, key: &Path) -> Result<(), PracticeError> {
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let new_key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"];
    let names = [
        "-subj",
        "/CN=Freehold practice",
        "-addext",
        NAMES,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ];
    openssl(&[&new_key[..], &names].concat()).map(drop)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in for a site may start what it needs; no product code depends on it"
)]
fn openssl(arguments: &[&str]) -> Result<Vec<u8>, PracticeError> {
    let output = Command::new(PROGRAM).args(arguments).output().map_err(at(Path::new(PROGRAM)))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(PracticeError::Certificate(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

fn unusable(error: impl std::fmt::Display) -> PracticeError {
    PracticeError::Certificate(error.to_string())
}
