//! The certificate browsers are shown, and the newer ones that take its place while the server runs.

mod files;
mod local_ca;
mod x509;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use freehold_core::{Clock, Problem, ProblemCode, Rng, Timestamp};
use freehold_web::Served;
use jiff::SignedDuration;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::config::Tls;
use files::Files;
use local_ca::LocalCa;

/// How often it is looked whether a newer one is there, or has to be made.
const LOOK: Duration = Duration::from_secs(30);
/// One that could not be made is tried again after this; there are days left.
const TRY_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// What the server is shown by, and where the next comes from.
pub(crate) struct Certificate {
    source: Mutex<Source>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    current: Arc<Current>,
    told: watch::Sender<Served>,
}

enum Source {
    Files(Files),
    LocalCa {
        ca: LocalCa,
        /// When the next one is made.
        due: Timestamp,
    },
}

impl Certificate {
    /// Loads it, or makes it for these hosts.
    pub(crate) fn open(
        tls: &Tls,
        local_ca_file: PathBuf,
        hosts: Vec<String>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Arc<Self>, Problem> {
        let (source, key, served) = match tls {
            Tls::Files(named) => {
                let (files, key, certificate) = Files::open(named)?;
                (Source::Files(files), key, Served::Files(certificate))
            }
            Tls::LocalCa => {
                let ca = LocalCa { file: local_ca_file, hosts };
                let issued = ca.issue(clock.now(), &*rng)?;
                (Source::LocalCa { ca, due: issued.due() }, issued.key, served(issued.certificate, issued.authority))
            }
        };
        let current = Arc::new(Current(RwLock::new(key)));
        Ok(Arc::new(Self { source: Mutex::new(source), clock, rng, current, told: watch::Sender::new(served) }))
    }

    /// How the server speaks TLS with it.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(self.current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// What is told of it, now and after each change.
    pub(crate) fn served(&self) -> watch::Receiver<Served> {
        self.told.subscribe()
    }

    /// Takes up renewed ones as they come, for as long as it is polled.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look() {
                Ok(true) => tracing::info!("the renewed TLS certificate is used from now on"),
                Ok(false) => {}
                Err(problem) => tracing::error!(%problem, "the TLS certificate could not be renewed; the old one stays"),
            }
        }
    }

    /// Whether there is another one, which is used from now on. Connections that are open keep theirs.
    fn look(&self) -> Result<bool, Problem> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, served) = match &mut *source {
            Source::Files(files) => match files.look()? {
                None => return Ok(false),
                Some((key, certificate)) => (key, Served::Files(certificate)),
            },
            Source::LocalCa { ca, due } => {
                let now = self.clock.now();
                if now < *due {
                    return Ok(false);
                }
                *due = now + TRY_AGAIN;
                let issued = ca.issue(now, &*self.rng)?;
                *due = issued.due();
                (issued.key, served(issued.certificate, issued.authority))
            }
        };
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = key;
        self.told.send_replace(served);
        Ok(true)
    }
}

fn served(certificate: freehold_web::Certificate, authority: freehold_web::Certificate) -> Served {
    Served::LocalCa { certificate, authority }
}

/// What new connections are shown: the one that was last read or made whole.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn bad(what: String, next: &str) -> Problem {
    Problem::new(ProblemCode::BadInput, what, next)
}

#[cfg(test)]
mod renewal;
