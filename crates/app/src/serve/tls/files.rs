//! The certificate and key the operator named.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use freehold_core::Problem;
use freehold_web::Certificate;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{bad, x509};
use crate::config::TlsFiles;

/// The files, and when each of them last changed, as far as that could be seen.
pub(super) struct Files {
    named: TlsFiles,
    changed: [Option<SystemTime>; 2],
}

impl Files {
    /// Reads them.
    pub(super) fn open(named: &TlsFiles) -> Result<(Self, Arc<CertifiedKey>, Certificate), Problem> {
        let changed = changed(named);
        let (key, certificate) = read(named)?;
        Ok((Self { named: named.clone(), changed }, key, certificate))
    }

    /// What is in them, if they changed. Those that cannot be used are not looked at again until they change once more.
    pub(super) fn look(&mut self) -> Result<Option<(Arc<CertifiedKey>, Certificate)>, Problem> {
        let changed = changed(&self.named);
        if self.changed == changed {
            return Ok(None);
        }
        self.changed = changed;
        read(&self.named).map(Some)
    }
}

fn changed(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
}

fn read(files: &TlsFiles) -> Result<(Arc<CertifiedKey>, Certificate), Problem> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable("certificate", &files.certificate, &error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable("key", &files.key, &error.to_string()))?;
    let key = CertifiedKey::from_der(chain, key, &default_provider())
        .map_err(|error| unusable("certificate", &files.certificate, &error.to_string()))?;
    let certificate = key
        .cert
        .first()
        .and_then(|leaf| x509::read(leaf))
        .ok_or_else(|| unusable("certificate", &files.certificate, "it is not an X.509 certificate"))?;
    Ok((Arc::new(key), certificate))
}

fn unusable(what: &str, path: &Path, reason: &str) -> Problem {
    bad(
        format!("The TLS {what} cannot be used: {reason}."),
        "Name files in PEM form that belong together and that Freehold's user may read, in [tls].",
    )
    .at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate and key of its own kind, in place of those there are.
    #[expect(clippy::disallowed_methods, reason = "a test makes the certificates an operator would bring")]
    fn make(dir: &Path) {
        let made = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(dir)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    #[test]
    fn renewed_files_are_taken_up_and_broken_ones_are_not() {
        let dir = tempfile::tempdir().expect("a directory");
        make(dir.path());
        let named = TlsFiles { certificate: dir.path().join("certificate.pem"), key: dir.path().join("key.pem") };
        let (mut files, first, certificate) = Files::open(&named).expect("loaded");
        assert_eq!(certificate.hosts, ["localhost", "127.0.0.1"]);
        assert_eq!(certificate.until.duration_since(certificate.since).as_hours(), 48);
        assert!(files.look().expect("the same").is_none());

        make(dir.path());
        let (second, _) = files.look().expect("readable").expect("renewed");
        assert_ne!(first.cert, second.cert);

        // The certificate came, and its key did not yet.
        let key = std::fs::read(&named.key).expect("the key");
        make(dir.path());
        std::fs::write(&named.key, key).expect("the old key");
        files.look().expect_err("they do not belong together");
        make(dir.path());
        assert!(files.look().expect("readable").is_some());
    }
}
