//! The CLI's side of the API: HTTP over the server's Unix socket, with the token of this data directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;
use freehold_core::{Problem, ProblemCode, SecretBytes};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::passphrase::Passphrase;
use crate::config::Config;

/// Saving sign-in details and checking the audit chain take seconds at most; a server that needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that answers.
pub(crate) struct Client {
    socket: PathBuf,
    token: HeaderValue,
    passphrase: Passphrase,
    runtime: Runtime,
}

/// An answer of the API.
pub(crate) struct Reply(Bytes);

impl Reply {
    /// The JSON as it came.
    pub(crate) fn json(&self) -> &[u8] {
        &self.0
    }

    /// The answer as what it is.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.0).map_err(|error| {
            Problem::new(
                ProblemCode::Internal,
                format!("The server's answer is not what this program expects: {error}."),
                "Use the same version of Freehold for the server and the command line.",
            )
        })
    }
}

impl Client {
    /// Finds the server of this configuration.
    ///
    /// # Errors
    /// [`ProblemCode::ServerUnreachable`] if none listens, [`ProblemCode::Forbidden`] if its token is not ours to read.
    pub(crate) fn connect(config: &Config, passphrase: Passphrase) -> Result<Self, Problem> {
        let socket = config.socket();
        std::os::unix::net::UnixStream::connect(&socket).map_err(|error| unreachable(&socket, &error))?;
        let path = config.token_file();
        let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|error| {
            Problem::new(
                ProblemCode::Forbidden,
                format!("The server's token for the command line cannot be read: {error}."),
                "Run the command as the user the server runs as.",
            )
            .at(path.display().to_string())
        })?);
        let token = sensitive(Zeroizing::new(format!("Bearer {}", text.trim())).as_str())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            Problem::new(ProblemCode::Internal, format!("The command line could not start: {error}."), "Try again.")
        })?;
        Ok(Self { socket, token, passphrase, runtime })
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str) -> Result<Reply, Problem> {
        self.send(Method::GET, path, &Body::empty())
    }

    /// Changes, and gives the passphrase where the server asks for it.
    pub(crate) fn send(&self, method: Method, path: &str, body: &Body) -> Result<Reply, Problem> {
        match self.runtime.block_on(self.attempt(&method, path, body)) {
            Err(problem) if problem.code == ProblemCode::ReauthenticationRequired && !self.passphrase.is_given() => {
                self.passphrase.give()?;
                self.runtime.block_on(self.attempt(&method, path, body))
            }
            result => result,
        }
    }

    /// Reads something long and writes it as it comes, which takes as long as it takes.
    pub(crate) fn copy(&self, path: &str, out: &mut impl std::io::Write) -> Result<(), Problem> {
        self.runtime.block_on(async {
            let mut body = self.request(&Method::GET, path, &Body::empty()).await?.into_body();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| self.broken_off(&error))?;
                let Ok(piece) = frame.into_data() else { continue };
                out.write_all(&piece).map_err(|error| {
                    Problem::new(
                        ProblemCode::StorageFailed,
                        format!("What came could not be written: {error}."),
                        "Check where it goes, and its free space.",
                    )
                })?;
            }
            Ok(())
        })
    }

    /// Runs something that waits.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The server's event stream: its body yields something whenever something changed.
    pub(crate) async fn events(&self) -> Result<Incoming, Problem> {
        Ok(self.request(&Method::GET, "/events", &Body::empty()).await?.into_body())
    }

    /// As [`Client::get`], for what waits already.
    pub(crate) async fn get_waiting(&self, path: &str) -> Result<Reply, Problem> {
        self.attempt(&Method::GET, path, &Body::empty()).await
    }

    async fn attempt(&self, method: &Method, path: &str, body: &Body) -> Result<Reply, Problem> {
        let exchange = async {
            let response = self.request(method, path, body).await?;
            Ok(Reply(response.into_body().collect().await.map_err(|error| self.broken_off(&error))?.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| {
            Err(Problem::new(
                ProblemCode::ServerUnreachable,
                "The server took the request and did not answer within a minute.",
                "Look at its log; what was asked may still happen.",
            ))
        })
    }

    async fn request(&self, method: &Method, path: &str, body: &Body) -> Result<Response<Incoming>, Problem> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| unreachable(&self.socket, &error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken_off(&error))?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(HOST, "localhost")
            .header(AUTHORIZATION, &self.token);
        if let Some(passphrase) = self.passphrase.header()? {
            request = request.header("Freehold-Passphrase", passphrase);
        }
        if !body.0.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.bytes())).map_err(|error| {
            Problem::new(ProblemCode::BadInput, format!("That cannot be sent: {error}."), "Check the names that were given.")
        })?;
        let response = sender.send_request(request).await.map_err(|error| self.broken_off(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| self.broken_off(&error))?.to_bytes();
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| {
            Problem::new(
                ProblemCode::Internal,
                format!("The server answered with status {status} and no explanation."),
                "Look at the server's log.",
            )
        }))
    }

    fn broken_off(&self, error: &hyper::Error) -> Problem {
        Problem::new(
            ProblemCode::ServerUnreachable,
            format!("The server broke off: {error}."),
            "See whether it is still running, and look at its log.",
        )
        .at(self.socket.display().to_string())
    }
}

/// A request's body. It may hold secrets: wiped when dropped, and when the connection is done with it.
pub(crate) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    /// The value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Problem> {
        // Room for the largest body the server takes, so that no copy of a secret is left behind by a growing vector.
        let mut bytes = Zeroizing::new(Vec::with_capacity(256 * 1024));
        serde_json::to_writer(&mut *bytes, value).map_err(|error| {
            Problem::new(ProblemCode::BadInput, format!("That cannot be sent: {error}."), "Check what was given.")
        })?;
        Ok(Self(bytes))
    }

    fn bytes(&self) -> Bytes {
        Bytes::from_owner(Zeroizing::new(self.0.to_vec()))
    }
}

/// A secret on its way to the server. Serialised only into [`Body`].
pub(crate) struct Outgoing(pub(crate) SecretBytes);

impl Serialize for Outgoing {
    #[expect(
        clippy::disallowed_methods,
        reason = "R12: what the owner typed leaves here, for the vault, in a body that is wiped"
    )]
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text =
            std::str::from_utf8(self.0.expose()).map_err(|_| serde::ser::Error::custom("a secret is not UTF-8 text"))?;
        serializer.serialize_str(text)
    }
}

/// The header that carries the passphrase, on this socket only.
#[expect(
    clippy::disallowed_methods,
    reason = "R12: the passphrase leaves here, for the server's check, over its own socket"
)]
pub(crate) fn passphrase_header(passphrase: &SecretBytes) -> Result<HeaderValue, Problem> {
    sensitive(Zeroizing::new(BASE64.encode(passphrase.expose())).as_str())
}

fn sensitive(text: &str) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Problem::new(ProblemCode::Internal, "The server's token for the command line is damaged.", "Restart the server.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A part of a path, with everything that has a meaning in a URL encoded (RFC 3986, section 2.3).
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn unreachable(socket: &Path, error: &std::io::Error) -> Problem {
    let (what, next) = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            ("The server's socket is not open to this user.".to_owned(), "Run the command as the user the server runs as.")
        }
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => (
            "No Freehold server is running for this configuration.".to_owned(),
            "Start it with `freehold serve`, or name the configuration it was started with by --config.",
        ),
        _ => (format!("The server's socket cannot be used: {error}."), "See whether the server is running."),
    };
    Problem::new(ProblemCode::ServerUnreachable, what, next).at(socket.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_key_stays_one_segment() {
        assert_eq!(segment("INBOX/12 ä?#"), "INBOX%2F12%20%C3%A4%3F%23");
    }
}
