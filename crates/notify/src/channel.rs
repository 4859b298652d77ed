//! One way out: which server, and who is reached there. Nothing secret is in it; a channel's one secret is kept beside, sealed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Email, Ntfy};

/// The kinds of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A topic on an ntfy server.
    Ntfy,
    /// An address, by an SMTP server.
    Email,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [ChannelKind; 2] = [ChannelKind::Ntfy, ChannelKind::Email];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ChannelKind::Ntfy => "ntfy",
            ChannelKind::Email => "email",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name a person reads.
    pub fn label(self) -> &'static str {
        match self {
            ChannelKind::Ntfy => "ntfy",
            ChannelKind::Email => "E-mail",
        }
    }

    /// The same within a sentence.
    pub fn in_sentence(self) -> &'static str {
        match self {
            ChannelKind::Ntfy => "ntfy",
            ChannelKind::Email => "e-mail",
        }
    }

    /// The field that is sealed.
    pub fn secret_field(self) -> &'static str {
        match self {
            ChannelKind::Ntfy => "token",
            ChannelKind::Email => "password",
        }
    }
}

/// A channel's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    /// A topic on an ntfy server.
    Ntfy(Ntfy),
    /// An address, by an SMTP server.
    Email(Email),
}

/// A field whose value does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {next}")]
pub struct WrongField {
    /// Which.
    pub field: &'static str,
    /// What is wrong, one sentence.
    pub what: &'static str,
    /// What to write, one sentence.
    pub next: &'static str,
}

impl Channel {
    /// The settings as they were typed. `typed` gives a field's text, none where it is blank.
    ///
    /// # Errors
    /// Names the field that does not fit; never quotes it.
    pub fn read<'v>(kind: ChannelKind, typed: impl Fn(&str) -> Option<&'v str>) -> Result<Self, WrongField> {
        match kind {
            ChannelKind::Ntfy => Ntfy::read(typed).map(Channel::Ntfy),
            ChannelKind::Email => Email::read(typed).map(Channel::Email),
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Channel::Ntfy(_) => ChannelKind::Ntfy,
            Channel::Email(_) => ChannelKind::Email,
        }
    }

    /// Who is reached, and by which server: what a person knows it by.
    pub fn label(&self) -> String {
        match self {
            Channel::Ntfy(ntfy) => format!("{} at {}", ntfy.topic, ntfy.host()),
            Channel::Email(email) => format!("{} by {}", email.to, email.host),
        }
    }

    /// Everything that decides where a secret would go: the server, who it is given for, and whose certificates count. A secret is
    /// sealed together with this, so that with other settings it is not sent.
    pub fn destination(&self) -> Vec<String> {
        match self {
            Channel::Ntfy(ntfy) => vec![ntfy.server.clone(), ntfy.authority.clone().unwrap_or_default()],
            Channel::Email(email) => vec![
                format!("{}:{}", email.host, email.port),
                email.security.as_str().to_owned(),
                email.username.clone().unwrap_or_default(),
                email.authority.clone().unwrap_or_default(),
            ],
        }
    }
}

/// Whether a host is this machine, where what is sent in plain text does not leave it. By its name alone: what a resolver answers
/// must not decide that.
pub(crate) fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// A host's name or address.
pub(crate) fn is_host(text: &str) -> bool {
    let is_name = !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !text.starts_with(['.', '-']);
    is_name || text.parse::<IpAddr>().is_ok()
}

/// Certificates in PEM form, as text; blank is none.
pub(crate) fn authority(typed: Option<&str>) -> Result<Option<String>, WrongField> {
    let Some(text) = typed else { return Ok(None) };
    if crate::tls::certificates_in(text).is_ok_and(|found| !found.is_empty()) {
        return Ok(Some(text.trim().to_owned()));
    }
    Err(WrongField {
        field: "authority",
        what: "This is not a certificate in PEM form.",
        next: "Paste it whole, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(kind: ChannelKind, fields: &[(&str, &str)]) -> Result<Channel, &'static str> {
        let fields: BTreeMap<&str, &str> = fields.iter().copied().collect();
        Channel::read(kind, |name| fields.get(name).copied()).map_err(|wrong| wrong.field)
    }

    #[test]
    fn plain_text_goes_to_this_machine_alone() {
        let ntfy = |server| read(ChannelKind::Ntfy, &[("server", server), ("topic", "freehold-x")]);
        for good in
            ["https://ntfy.example.org", "https://ntfy.example.org:8443/", "http://127.0.0.1:8080", "http://[::1]:80"]
        {
            assert!(ntfy(good).is_ok(), "{good}");
        }
        for bad in [
            "http://ntfy.example.org",
            "ntfy.example.org",
            "https://",
            "https://u@h",
            "https://h/x?y",
            "http://127.0.0.1.example.org",
        ] {
            assert_eq!(ntfy(bad), Err("server"), "{bad}");
        }
        let email = |host, security| {
            let fields = [("host", host), ("security", security), ("from", "f@example.org"), ("to", "t@example.org")];
            read(ChannelKind::Email, &fields)
        };
        assert!(email("localhost", "none").is_ok());
        assert!(email("mail.example.org", "tls").is_ok());
        assert_eq!(email("mail.example.org", "none"), Err("security"));
        assert_eq!(email("mail.example.org\r\nRCPT", "tls"), Err("host"));
    }

    #[test]
    fn another_server_is_another_destination() {
        let of = |server| read(ChannelKind::Ntfy, &[("server", server), ("topic", "t")]).expect("fits").destination();
        assert_ne!(of("https://a.example.org"), of("https://b.example.org"));
        let email = |change: &[(&str, &str)]| {
            let fields =
                [("host", "h"), ("security", "tls"), ("from", "f@example.org"), ("to", "t@example.org"), ("username", "u")];
            read(ChannelKind::Email, &[&fields, change].concat()).expect("fits").destination()
        };
        for change in [("host", "i"), ("port", "26"), ("security", "starttls"), ("username", "v")] {
            assert_ne!(email(&[]), email(&[change]), "{change:?}");
        }
        // Who it is for decides nothing about the secret.
        assert_eq!(email(&[]), email(&[("to", "other@example.org")]));
    }
}
