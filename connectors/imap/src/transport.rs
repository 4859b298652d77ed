//! The bytes' way to the server: TCP with time limits, and TLS over it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::failure::Failure;

const CONNECT_LIMIT: Duration = Duration::from_secs(15);
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// Where distributions keep the certificates of public authorities: Debian, Fedora, Alpine. Fixed places, so that no variable of
/// the environment can add an authority.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A connection, encrypted or not yet.
pub(crate) enum Transport {
    Plain(TcpStream),
    Encrypted(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    /// Connects without encryption, trying every address of the host.
    pub(crate) fn connect(host: &str, port: u16) -> Result<Self, Failure> {
        let unreachable = |source| Failure::Unreachable { host: host.to_owned(), port, source };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, port).to_socket_addrs().map_err(unreachable)? {
            match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
                Ok(stream) => {
                    let ready = stream
                        .set_read_timeout(Some(SILENCE_LIMIT))
                        .and_then(|()| stream.set_write_timeout(Some(SILENCE_LIMIT)))
                        .and_then(|()| stream.set_nodelay(true));
                    ready.map_err(unreachable)?;
                    return Ok(Self::Plain(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(unreachable(last))
    }

    /// Encrypts the connection, trusting the system's authorities and those in `extra_authorities` (PEM, may be empty).
    pub(crate) fn encrypt(self, host: &str, extra_authorities: &str) -> Result<Self, Failure> {
        let tls = |detail: String| Failure::Tls { host: host.to_owned(), detail };
        let Self::Plain(mut stream) = self else { return Ok(self) };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(error.to_string()))?;
        let config = client_config(extra_authorities).map_err(tls)?;
        let mut session = ClientConnection::new(Arc::new(config), name).map_err(|error| tls(error.to_string()))?;
        while session.is_handshaking() {
            session.complete_io(&mut stream).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => tls(untrusted(&error)),
                _ => Failure::Broken { doing: "agreeing on encryption", source: error },
            })?;
        }
        Ok(Self::Encrypted(Box::new(StreamOwned::new(session, stream))))
    }
}

/// Why, with what to do about the two usual causes.
fn untrusted(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate is of an authority this machine does not know; for a private mail server, give that authority's \
             certificate in the settings"
                .to_owned()
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS on this port; choose another port, or STARTTLS".to_owned()
        }
        _ => error.to_string(),
    }
}

fn client_config(extra_authorities: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if let Some(bundle) = AUTHORITIES.iter().find(|path| Path::new(path).exists()) {
        let certificates = CertificateDer::pem_file_iter(bundle).map_err(|error| format!("{bundle}: {error}"))?;
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    }
    for certificate in CertificateDer::pem_slice_iter(extra_authorities.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("the extra certificate is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("the extra certificate cannot be used: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Encrypted(stream) => stream.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Encrypted(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}
