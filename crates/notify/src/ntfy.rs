//! ntfy: a message is published to a topic of a server, and whoever subscribed to the topic gets it
//! (docs.ntfy.sh/publish, "Publish as JSON").

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use freehold_core::SecretBytes;

use crate::channel::{self, WrongField};
use crate::message::readable;
use crate::send::text;
use crate::{Delivered, Failure, Message, tls};

/// Of a server's answer; the rest is not read.
const MOST_ANSWER: usize = 16 * 1024;

/// A topic on an ntfy server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ntfy {
    /// The server's address, without a slash at its end.
    pub server: String,
    /// The topic. On a server that is open to all, whoever knows it can read and write there.
    pub topic: String,
    /// The certificate of an authority of the owner's own, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

impl Ntfy {
    pub(crate) fn read<'v>(typed: impl Fn(&str) -> Option<&'v str>) -> Result<Self, WrongField> {
        let server = typed("server").unwrap_or_default().trim_end_matches('/').to_ascii_lowercase();
        let wrong =
            |what| WrongField { field: "server", what, next: "Write it like https://ntfy.example.org, without a path." };
        let (scheme, authority) = server.split_once("://").ok_or_else(|| wrong("The server's address is not one."))?;
        let uri: Uri = server.parse().map_err(|_| wrong("The server's address is not one."))?;
        let host = uri.host().unwrap_or_default();
        if !channel::is_host(host.trim_matches(['[', ']'])) || authority.contains(['/', '?', '#', '@']) {
            return Err(wrong("The server's address is not one."));
        }
        match scheme {
            "https" => {}
            "http" if channel::is_this_machine(host) => {}
            "http" => return Err(wrong("Plain http would show your messages to the network.")),
            _ => return Err(wrong("The server's address is not one.")),
        }
        let topic = typed("topic").unwrap_or_default();
        let fits = (1..=64).contains(&topic.len())
            && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !fits {
            return Err(WrongField {
                field: "topic",
                what: "The topic is not one.",
                next: "Use up to 64 letters, digits, - and _.",
            });
        }
        let authority = channel::authority(typed("authority"))?;
        Ok(Self { topic: topic.to_owned(), server, authority })
    }

    /// The server's host.
    pub fn host(&self) -> &str {
        self.server.split_once("://").map_or(self.server.as_str(), |(_, authority)| authority)
    }
}

/// What is published.
#[derive(Serialize)]
struct Published<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    click: &'a str,
    priority: u8,
}

pub(crate) async fn send(ntfy: &Ntfy, token: Option<&SecretBytes>, message: &Message) -> Result<Delivered, Failure> {
    /// ntfy's own default, and one above it, with which a phone makes itself heard.
    const USUAL: u8 = 3;
    const HIGH: u8 = 4;
    let body = serde_json::to_vec(&Published {
        topic: &ntfy.topic,
        title: &message.title,
        message: &message.body,
        click: &message.link,
        priority: if message.urgent { HIGH } else { USUAL },
    })
    .map_err(|error| unsendable(&error.to_string()))?;
    let mut request = Request::post("/")
        .header(HOST, ntfy.host())
        .header(USER_AGENT, concat!("freehold/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", text(token)))
            .map_err(|_| Failure::lasting("The token has characters that cannot be sent.", "Give it again."))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| unsendable(&error.to_string()))?;

    let uri: Uri = ntfy.server.parse().map_err(|_| unsendable("its address is not one"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let is_tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| {
        Failure::passing(
            format!("{host} could not be reached on port {port}: {error}."),
            "Check its name and port, and whether it is up.",
        )
    })?;
    if !is_tls {
        return publish(stream, request).await;
    }
    let name = ServerName::try_from(host.clone()).map_err(|_| unsendable("its name is not one"))?;
    let connector = TlsConnector::from(tls::client(ntfy.authority.as_deref())?);
    let stream = connector.connect(name, stream).await.map_err(|error| tls::explained(&host, &error.to_string()))?;
    publish(stream, request).await
}

async fn publish<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Delivered, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| {
        Failure::passing("The connection broke off.", "It will be tried again.").answered(&error.to_string())
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the runtime, which is this sending's own.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status();
    let moved = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(readable);
    let body = Limited::new(response.into_body(), MOST_ANSWER).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    judge(status, moved.as_deref(), &body)
}

/// What an answer means.
fn judge(status: StatusCode, moved: Option<&str>, body: &[u8]) -> Result<Delivered, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        id: Option<String>,
        error: Option<String>,
    }
    let answer = serde_json::from_slice::<Answer>(body).ok();
    if status.is_success() {
        return match answer.and_then(|answer| answer.id) {
            Some(id) => Ok(Delivered { answer: format!("{status}, message {}", readable(&id)) }),
            None => Err(Failure::lasting(
                "Whatever answers at this address is not an ntfy server.",
                "Check the server's address.",
            )
            .answered(&String::from_utf8_lossy(body))),
        };
    }
    let words = answer.and_then(|answer| answer.error).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let said = format!("{status}: {words}");
    let failure = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::lasting(
            "The server does not let Freehold write to this topic.",
            "Give an access token that may, or choose another topic.",
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            Failure::passing("The server wants fewer messages for now.", "It will be tried again.")
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            Failure::lasting("Whatever answers at this address is not an ntfy server.", "Check the server's address.")
        }
        status if status.is_redirection() => Failure::lasting(
            match moved {
                Some(to) => format!("The server is at another address: {to}."),
                None => "The server is at another address.".to_owned(),
            },
            "Give that address; a message is not sent on to where it was not addressed.",
        ),
        status if status.is_server_error() => Failure::passing("The server failed.", "It will be tried again."),
        _ => Failure::lasting("The server refused the message.", "Its own words say why."),
    };
    Err(failure.answered(&said))
}

fn unsendable(why: &str) -> Failure {
    Failure::lasting(format!("The message cannot be sent to this server: {why}."), "Check the channel's settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_pass_is_told_from_what_stays() {
        let judged = |status: u16, body: &str| {
            judge(StatusCode::from_u16(status).expect("a status"), Some("https://other.example.org/"), body.as_bytes())
        };
        assert!(judged(200, r#"{"id":"abc","time":1}"#).is_ok());
        assert!(judged(200, "<html>welcome</html>").expect_err("no ntfy server").lasting);
        for (status, lasting) in
            [(401, true), (403, true), (404, true), (413, true), (301, true), (429, false), (500, false), (502, false)]
        {
            let failure = judged(status, r#"{"code":1,"error":"words of its own"}"#).expect_err("refused");
            assert_eq!(failure.lasting, lasting, "{status}");
            assert!(failure.answer.expect("its words").contains("words of its own"), "{status}");
        }
        assert!(judged(301, "").expect_err("moved").what.contains("https://other.example.org/"));
    }
}
