//! The source's settings, which reach this program as the variables its manifest names.

use jiff::civil::Date;

use crate::failure::Failure;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after a plain greeting.
    StartTls,
    /// None; for a server on this very machine only.
    Plain,
}

/// Where the mailbox is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// Certificates (PEM) trusted besides the system's.
    pub(crate) extra_authorities: String,
}

/// Which mailboxes to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Folders {
    /// All but junk, trash and views of mail that lies elsewhere.
    Usual,
    /// Every one.
    All,
    /// Those named.
    Named(Vec<String>),
}

/// Everything the owner chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) folders: Folders,
    pub(crate) max_message_bytes: usize,
    pub(crate) max_attachment_bytes: usize,
    /// Messages received before this day are left out.
    pub(crate) since: Option<Date>,
}

impl Settings {
    /// Reads the settings through `variable`, which gives a variable's value or nothing.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let value = |name| variable(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        let host = value("MAILBOX_HOST").trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("host", "is missing: enter the mail server's name"));
        }
        let security = match value("MAILBOX_SECURITY").as_str() {
            "" | "tls" => Security::Tls,
            "starttls" => Security::StartTls,
            "plain" if is_loopback(&host) => Security::Plain,
            "plain" => {
                return Err(wrong("security", "can be plain only for a server on this machine: choose tls or starttls"));
            }
            _ => return Err(wrong("security", "must be tls, starttls or plain")),
        };
        let port = number("port", &value("MAILBOX_PORT"), if security == Security::Tls { 993 } else { 143 })?;
        let since = match value("MAILBOX_SINCE").as_str() {
            "" => None,
            day => Some(day.parse().map_err(|_| wrong("since", "is not a day such as 2024-01-31"))?),
        };
        Ok(Self {
            server: Server { host, port, security, extra_authorities: value("MAILBOX_CA_PEM") },
            folders: folders(&value("MAILBOX_FOLDERS")),
            max_message_bytes: number("max_message_bytes", &value("MAILBOX_MAX_MESSAGE_BYTES"), 25 << 20)?,
            max_attachment_bytes: number("max_attachment_bytes", &value("MAILBOX_MAX_ATTACHMENT_BYTES"), 25 << 20)?,
            since,
        })
    }
}

fn folders(text: &str) -> Folders {
    match text {
        "" => Folders::Usual,
        text if text.eq_ignore_ascii_case("all") => Folders::All,
        text => Folders::Named(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn number<T: std::str::FromStr>(name: &'static str, text: &str, default: T) -> Result<T, Failure> {
    if text.is_empty() { Ok(default) } else { text.parse().map_err(|_| wrong(name, "is not a number in its range")) }
}

fn wrong(name: &'static str, problem: &str) -> Failure {
    Failure::Setting { name, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::read(find)
    }

    #[test]
    fn only_the_host_is_needed() {
        let settings = read(&[("MAILBOX_HOST", " Mail.Example.test. ")]).unwrap();
        assert_eq!(settings.server.host, "mail.example.test");
        assert_eq!((settings.server.port, settings.server.security), (993, Security::Tls));
        assert_eq!(settings.folders, Folders::Usual);
        assert!(matches!(read(&[]), Err(Failure::Setting { name: "host", .. })));
    }

    #[test]
    fn an_unprotected_connection_stays_on_this_machine() {
        let plain = |host| read(&[("MAILBOX_HOST", host), ("MAILBOX_SECURITY", "plain")]);
        assert_eq!(plain("127.0.0.1").unwrap().server.port, 143);
        assert!(matches!(plain("mail.example.test"), Err(Failure::Setting { name: "security", .. })));
        assert!(matches!(plain("127.0.0.1.example.test"), Err(Failure::Setting { name: "security", .. })));
    }

    #[test]
    fn folders_are_named_one_a_line() {
        let settings = read(&[("MAILBOX_HOST", "h"), ("MAILBOX_FOLDERS", "INBOX\n Work, private \n\n")]).unwrap();
        assert_eq!(settings.folders, Folders::Named(vec!["INBOX".to_owned(), "Work, private".to_owned()]));
    }

    #[test]
    fn a_wrong_value_is_named() {
        let wrong = |name, value| read(&[("MAILBOX_HOST", "h"), (name, value)]);
        assert!(matches!(wrong("MAILBOX_PORT", "70000"), Err(Failure::Setting { name: "port", .. })));
        assert!(matches!(wrong("MAILBOX_SINCE", "31.1.2024"), Err(Failure::Setting { name: "since", .. })));
    }
}
