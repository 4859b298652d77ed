//! A small server on loopback: HTTP, and HTTPS at the same port, for the first byte of a connection tells them apart.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::site::{Answer, Request};

/// The SHA-256 of the certificate's public key, in base64. The key is no secret: a browser trusts it only where it is told to, for hosts
/// that are answered here.
pub(super) const KEY: &str = "HPiyreWArAOjyorPSAPf0Zs7t0x/Espe6Gi3VmUYabU=";

/// How long a connection may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a request's head, and of what is posted.
const MOST: u64 = 1 << 20;
/// The first byte of a TLS connection.
const HANDSHAKE: u8 = 22;

/// It answers until it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn open(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, answer, tls) = (Arc::clone(&is_over), Arc::new(answer), tls()?);
        std::thread::Builder::new().name("stand-in".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (answer, tls) = (Arc::clone(&answer), Arc::clone(&tls));
                let connection = std::thread::Builder::new().name("stand-in connection".to_owned());
                let handled = connection.spawn(move || {
                    // A browser opens connections that it never uses, and ends others in the middle.
                    if let Err(error) = handle(stream, tls, &*answer) {
                        tracing::trace!(%error, "the stand-in could not answer");
                    }
                });
                if let Err(error) = handled {
                    tracing::warn!(%error, "the stand-in has no thread for a connection");
                }
            }
        })?;
        Ok(Self { address, is_over })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // It waits for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn tls() -> io::Result<Arc<ServerConfig>> {
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("certificate.pem")).map_err(io::Error::other)?];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("key.pem")).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

fn handle(stream: TcpStream, tls: Arc<ServerConfig>, answer: &dyn Fn(&Request) -> Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut first = [0];
    if stream.peek(&mut first)? == 0 {
        return Ok(());
    }
    if first[0] != HANDSHAKE {
        let mut stream = BufReader::new(stream);
        return exchange(&mut stream, "http", answer);
    }
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    exchange(&mut stream, "https", answer)?;
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()
}

fn exchange<S: Read + Write>(
    stream: &mut BufReader<S>,
    scheme: &str,
    answer: &dyn Fn(&Request) -> Answer,
) -> io::Result<()> {
    let Some(request) = read(stream, scheme)? else { return Ok(()) };
    let Answer { status, headers, body } = answer(&request);
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let whole =
        format!("HTTP/1.1 {status} Stand-in\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.get_mut().write_all(whole.as_bytes())?;
    stream.get_mut().flush()
}

/// One request; `None` where there is none, or it is none.
fn read(stream: &mut impl BufRead, scheme: &str) -> io::Result<Option<Request>> {
    let mut stream = stream.take(MOST);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let of = |line: &String| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        lines.iter().skip(1).find_map(of)
    };
    let mut words = lines.first().map(String::as_str).unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0).min(MOST as usize)];
    stream.read_exact(&mut body)?;
    Ok(Some(Request {
        origin: format!("{scheme}://{}", header("host").unwrap_or_default()),
        is_post: method == "POST",
        target: target.to_owned(),
        cookies: header("cookie").unwrap_or_default(),
        purpose: header("sec-fetch-dest"),
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}
