//! E-mail: a message handed to an SMTP server (RFC 5321), which carries it on.

use std::error::Error as _;

use freehold_core::SecretBytes;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};

use crate::channel::{self, WrongField};
use crate::message::readable;
use crate::send::text;
use crate::{Delivered, Failure, Message, tls};

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte (RFC 8314, port 465).
    Tls,
    /// TLS after STARTTLS, or nothing (RFC 3207, port 587).
    Starttls,
    /// Not at all, to a server on this machine.
    None,
}

impl Security {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Security::Tls => "tls",
            Security::Starttls => "starttls",
            Security::None => "none",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Tls, Self::Starttls, Self::None].into_iter().find(|security| security.as_str() == name)
    }

    fn usual_port(self) -> u16 {
        match self {
            Security::Tls => 465,
            Security::Starttls => 587,
            Security::None => 25,
        }
    }
}

/// An address, by an SMTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The server's host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// Who the message is from.
    pub from: String,
    /// Who it is for.
    pub to: String,
    /// The user name, where the server asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The certificate of an authority of the owner's own, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

impl Email {
    pub(crate) fn read<'v>(typed: impl Fn(&str) -> Option<&'v str>) -> Result<Self, WrongField> {
        let host = typed("host").unwrap_or_default().to_ascii_lowercase();
        if !channel::is_host(&host) {
            return Err(WrongField {
                field: "host",
                what: "The server's name is not one.",
                next: "Write it like mail.example.org.",
            });
        }
        let security = Security::parse(typed("security").unwrap_or("tls")).ok_or(WrongField {
            field: "security",
            what: "There is no such encryption.",
            next: "Use tls, starttls or none.",
        })?;
        if security == Security::None && !channel::is_this_machine(&host) {
            return Err(WrongField {
                field: "security",
                what: "Without encryption your messages and the password would be readable on the way.",
                next: "Choose TLS or STARTTLS; none is for a server on this machine.",
            });
        }
        let port = match typed("port") {
            None => security.usual_port(),
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(WrongField {
                field: "port",
                what: "The port is not one.",
                next: "Write a number from 1 to 65535, or leave it blank.",
            })?,
        };
        let address = |field| {
            let given = typed(field).unwrap_or_default();
            let next = "Write it like name@example.org.";
            given.parse::<Address>().map(|_| given.to_owned()).map_err(|_| WrongField {
                field,
                what: "This is not an e-mail address.",
                next,
            })
        };
        let (from, to) = (address("from")?, address("to")?);
        let authority = channel::authority(typed("authority"))?;
        Ok(Self { host, port, security, from, to, username: typed("username").map(str::to_owned), authority })
    }
}

pub(crate) async fn send(email: &Email, password: Option<&SecretBytes>, message: &Message) -> Result<Delivered, Failure> {
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(email.host.as_str())
        .port(email.port)
        // Not this machine's name, which is nobody's business (RFC 5321, section 4.1.3).
        .hello_name(ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST))
        .tls(match email.security {
            Security::Tls => Tls::Wrapper(parameters(email)?),
            Security::Starttls => Tls::Required(parameters(email)?),
            Security::None => Tls::None,
        });
    if let Some(username) = &email.username {
        let password = password.map(text).unwrap_or_default();
        transport = transport.credentials(Credentials::new(username.clone(), password.to_owned()));
    }
    let sent = transport.build().send(written(email, message)?).await;
    match sent {
        Ok(response) => {
            let words = response.message().collect::<Vec<_>>().join(" ");
            Ok(Delivered { answer: readable(&format!("{} {words}", response.code())) })
        }
        Err(error) => Err(explained(email, &error)),
    }
}

/// The message as it goes over the line.
fn written(email: &Email, message: &Message) -> Result<lettre::Message, Failure> {
    let unsendable =
        |why: String| Failure::lasting(format!("The message cannot be written: {why}."), "Check the channel's addresses.");
    let mailbox = |name: Option<&str>, address: &str| {
        let address: Address = address.parse().map_err(|_| unsendable("an address is not one".to_owned()))?;
        Ok::<_, Failure>(Mailbox::new(name.map(str::to_owned), address))
    };
    let from = mailbox(Some("Freehold"), &email.from)?;
    let domain = from.email.domain().to_owned();
    let builder: MessageBuilder = lettre::Message::builder()
        .from(from)
        .to(mailbox(None, &email.to)?)
        .subject(format!("{}: {}", message.title, message.body))
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .header(ContentType::TEXT_PLAIN);
    let mut written = builder
        .body(format!("{}\r\n{}\r\n\r\n{}\r\n", message.title, message.body, message.link))
        .map_err(|error| unsendable(error.to_string()))?;
    // So that no holiday notice answers it (RFC 3834, section 5).
    let generated = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    written.headers_mut().insert_raw(generated);
    Ok(written)
}

fn parameters(email: &Email) -> Result<TlsParameters, Failure> {
    let unusable = |error: smtp::Error| {
        Failure::lasting("TLS cannot be used with this server.", "Check the server's name.").answered(&error.to_string())
    };
    let mut parameters = TlsParameters::builder(email.host.clone()).certificate_store(CertificateStore::None);
    for authority in tls::authorities(email.authority.as_deref())? {
        // One that cannot be read is one that nothing can be signed with.
        if let Ok(certificate) = Certificate::from_der(authority.to_vec()) {
            parameters = parameters.add_root_certificate(certificate);
        }
    }
    parameters.build_rustls().map_err(unusable)
}

/// What a refusal means. The server's own words are kept beside it.
fn explained(email: &Email, error: &smtp::Error) -> Failure {
    let host = &email.host;
    let words = words_of(error);
    if let Some(code) = error.status() {
        let code = code.to_string();
        let failure = match code.as_str() {
            "535" | "534" | "538" => Failure::lasting(
                format!("{host} refused the user name or the password."),
                "Give them again; many providers want a password made for one program.",
            ),
            "530" | "550" | "554" if email.username.is_none() => Failure::lasting(
                format!("{host} takes no message from somebody who is not signed in."),
                "Give a user name and a password.",
            ),
            "550" | "551" | "553" | "554" | "501" => Failure::lasting(
                format!("{host} refused the message, or one of its addresses."),
                "Check both addresses; its own words say which.",
            ),
            _ if error.is_transient() => {
                Failure::passing(format!("{host} does not take the message for now."), "It will be tried again.")
            }
            _ => Failure::lasting(format!("{host} refused the message."), "Its own words say why."),
        };
        return failure.answered(&words);
    }
    if error.is_tls() || words.contains("certificate") || words.contains("corrupt message") {
        return tls::explained(host, &words);
    }
    if words.contains("STARTTLS") {
        return Failure::lasting(
            format!("{host} offers no STARTTLS on port {}; nothing was sent.", email.port),
            "Choose TLS, or another port.",
        );
    }
    if words.contains("authentication mechanism") {
        return Failure::lasting(
            format!("{host} offers no way to sign in that Freehold knows."),
            "Leave the user name blank, or choose another port.",
        );
    }
    Failure::passing(
        format!("{host} could not be reached on port {}.", email.port),
        "Check its name and port, and whether it is up.",
    )
    .answered(&words)
}

/// An error's words with those of its causes, which say what it was.
fn words_of(error: &smtp::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(of) = cause {
        let more = of.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = of.source();
    }
    words
}
