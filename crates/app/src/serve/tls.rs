//! The certificate and key the operator named, and the newer ones that take their place while the server runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use freehold_core::{Problem, ProblemCode};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// The certificate new connections are shown: the one that was last read whole.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    now: RwLock<Shown>,
}

#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    /// When each of the files last changed, as far as that could be seen.
    changed: [Option<SystemTime>; 2],
}

impl Certificate {
    /// Loads it.
    pub(crate) fn load(files: &TlsFiles) -> Result<Arc<Self>, Problem> {
        let changed = changed(files);
        let now = RwLock::new(Shown { key: read(files)?, changed });
        Ok(Arc::new(Self { files: files.clone(), now }))
    }

    /// How the server speaks TLS with it.
    pub(crate) fn server(self: &Arc<Self>) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// Takes up renewed files as they come, for as long as it is polled.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look() {
                Ok(true) => tracing::info!("the renewed TLS certificate is used from now on"),
                Ok(false) => {}
                Err(problem) => tracing::error!(%problem, "the renewed TLS certificate cannot be used; the old one stays"),
            }
        }
    }

    /// Whether there were other files, which are used from now on. Those that cannot be used are not looked at again until they change.
    fn look(&self) -> Result<bool, Problem> {
        let changed = changed(&self.files);
        if self.now.read().unwrap_or_else(PoisonError::into_inner).changed == changed {
            return Ok(false);
        }
        let renewed = read(&self.files);
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        now.changed = changed;
        now.key = renewed?;
        Ok(true)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).key)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn changed(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, Problem> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable("certificate", &files.certificate, &error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable("key", &files.key, &error.to_string()))?;
    CertifiedKey::from_der(chain, key, &default_provider())
        .map(Arc::new)
        .map_err(|error| unusable("certificate", &files.certificate, &error.to_string()))
}

fn unusable(what: &str, path: &Path, reason: &str) -> Problem {
    Problem::new(
        ProblemCode::BadInput,
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
            .args(["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(dir)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    #[test]
    fn renewed_files_are_taken_up_and_broken_ones_are_not() {
        let dir = tempfile::tempdir().expect("a directory");
        make(dir.path());
        let files = TlsFiles { certificate: dir.path().join("certificate.pem"), key: dir.path().join("key.pem") };
        let certificate = Certificate::load(&files).expect("loaded");
        let first = certificate.current();
        assert!(!certificate.look().expect("the same"));

        make(dir.path());
        assert!(certificate.look().expect("renewed"));
        let second = certificate.current();
        assert_ne!(first.cert, second.cert);

        // The certificate came, and its key did not yet.
        let key = std::fs::read(&files.key).expect("the key");
        make(dir.path());
        std::fs::write(&files.key, key).expect("the old key");
        certificate.look().expect_err("they do not belong together");
        assert_eq!(certificate.current().cert, second.cert, "what worked stays");
        make(dir.path());
        assert!(certificate.look().expect("renewed"));
    }
}
