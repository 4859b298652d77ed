//! What this connector asks of a mail server, in IMAP's terms (RFC 3501, with CONDSTORE of RFC 7162 and SPECIAL-USE of RFC 6154
//! where the server has them).

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use imap_proto::{AttributeValue, Capability, MailboxDatum, NameAttribute, Response, ResponseCode, Status, StatusAttribute};
use jiff::Timestamp;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::connection::{Completion, Connection, is_temporary};
use crate::failure::Failure;
use crate::mailbox_name;
use crate::settings::{Security, Server};
use crate::transport::Transport;

/// A mailbox as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mailbox {
    /// The name as the server writes it, for commands.
    pub(crate) raw: String,
    /// The name as a person reads it.
    pub(crate) name: String,
    pub(crate) delimiter: Option<String>,
    /// What the server says it is for: `junk`, `trash`, `sent`, `drafts`, `archive`, `all`, `flagged`.
    pub(crate) special_use: Option<&'static str>,
    pub(crate) selectable: bool,
}

/// A mailbox opened for reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) uidvalidity: u32,
    pub(crate) messages: u32,
    pub(crate) highest_modseq: Option<u64>,
}

/// What is known of a message without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) uid: u32,
    pub(crate) size: u32,
    /// INTERNALDATE: when the server received it.
    pub(crate) received: Timestamp,
    pub(crate) flags: Vec<String>,
}

/// A session with a mail server.
pub(crate) struct Session {
    connection: Connection,
    capabilities: BTreeSet<String>,
}

impl Session {
    /// Connects, and encrypts as the settings say. Nobody is signed in yet.
    pub(crate) fn connect(server: &Server) -> Result<Self, Failure> {
        let mut transport = Transport::connect(&server.host, server.port)?;
        if server.security == Security::Tls {
            transport = transport.encrypt(&server.host, &server.extra_authorities)?;
        }
        let mut session = Self { connection: Connection::new(transport), capabilities: BTreeSet::new() };
        let mut signed_in_already = false;
        let capabilities = &mut session.capabilities;
        session.connection.greeting(|response| {
            signed_in_already = matches!(response, Response::Data { status: Status::PreAuth, .. });
            note_capabilities(response, capabilities);
        })?;
        if signed_in_already {
            let text = "it signs in without asking who".to_owned();
            return Err(Failure::Unexpected { command: "the connection", text });
        }
        if server.security == Security::StartTls {
            session = session.start_tls(server)?;
        }
        if session.capabilities.is_empty() {
            session.ask_capabilities()?;
        }
        Ok(session)
    }

    fn start_tls(mut self, server: &Server) -> Result<Self, Failure> {
        let completion = self.connection.command("STARTTLS", |_| Ok(()))?;
        if completion.status != Status::Ok {
            let detail = format!("the server does not offer STARTTLS: {}", completion.text);
            return Err(Failure::Tls { host: server.host.clone(), detail });
        }
        let transport = self.connection.into_transport()?.encrypt(&server.host, &server.extra_authorities)?;
        // What was said before encryption counts for nothing (RFC 3501 section 6.2.1).
        Ok(Self { connection: Connection::new(transport), capabilities: BTreeSet::new() })
    }

    /// Whether the server takes a password at all: asking for one it would not take helps nobody.
    pub(crate) fn expect_sign_in(&self) -> Result<(), Failure> {
        if self.has("LOGINDISABLED") && !self.has("AUTH=PLAIN") {
            let text = "it takes no password over this connection".to_owned();
            return Err(Failure::NotAllowed { text });
        }
        Ok(())
    }

    /// Signs in, submitting the password exactly once, by the one mechanism the server prefers.
    pub(crate) fn sign_in(&mut self, username: &str, password: &[u8]) -> Result<(), Failure> {
        let completion = if self.has("AUTH=PLAIN") {
            let plain = Zeroizing::new([b"\0", username.as_bytes(), b"\0", password].concat());
            let line = Zeroizing::new(BASE64.encode(&plain));
            self.connection.secret_command("AUTHENTICATE PLAIN", &[line.as_bytes()])?
        } else {
            // Literals carry any byte; quoted strings would not.
            let command = format!("LOGIN {{{}}}", username.len());
            let name = format!("{username} {{{}}}", password.len());
            self.connection.secret_command(&command, &[name.as_bytes(), password])?
        };
        sign_in_result(completion)?;
        self.ask_capabilities()
    }

    /// Every mailbox of the account.
    pub(crate) fn list(&mut self) -> Result<Vec<Mailbox>, Failure> {
        let mut mailboxes = Vec::new();
        let command = if self.has("SPECIAL-USE") && self.has("LIST-EXTENDED") {
            r#"LIST "" "*" RETURN (SPECIAL-USE)"#
        } else {
            r#"LIST "" "*""#
        };
        let completion = self.connection.command(command, |response| {
            if let Response::MailboxData(MailboxDatum::List(list)) = response {
                mailboxes.push(Mailbox {
                    raw: list.name.clone().into_owned(),
                    name: mailbox_name::decode(&list.name),
                    delimiter: list.delimiter.as_deref().map(str::to_owned),
                    special_use: list.name_attributes.iter().find_map(special_use),
                    selectable: !list.name_attributes.iter().any(is_unselectable),
                });
            }
            Ok(())
        })?;
        completion.accepted("LIST")?;
        // A line break in a name would end the command that carries it.
        mailboxes.retain(|mailbox| !mailbox.raw.contains(['\r', '\n', '\0']));
        Ok(mailboxes)
    }

    /// Opens a mailbox for reading only.
    pub(crate) fn examine(&mut self, mailbox: &Mailbox) -> Result<Opened, Failure> {
        let knows_changes = self.has("CONDSTORE");
        let condstore = if knows_changes { " (CONDSTORE)" } else { "" };
        let command = format!("EXAMINE {}{condstore}", mailbox_name::quote(&mailbox.raw));
        let mut opened = Opened::default();
        let completion = self.connection.command(&command, |response| {
            match response {
                Response::MailboxData(MailboxDatum::Exists(messages)) => opened.messages = *messages,
                Response::Data { outcome, .. } => match outcome.code {
                    Some(ResponseCode::UidValidity(value)) => opened.uidvalidity = value,
                    Some(ResponseCode::HighestModSeq(value)) if knows_changes => opened.highest_modseq = Some(value),
                    _ => {}
                },
                _ => {}
            }
            Ok(())
        })?;
        completion.accepted("EXAMINE")?;
        Ok(opened)
    }

    /// The UIDs above `above`, ascending; with a day, only of messages received on it or later by the server's own calendar.
    pub(crate) fn uids_above(&mut self, above: u32, since: Option<Date>) -> Result<Vec<u32>, Failure> {
        let since = since.map_or_else(String::new, |day| format!(" SINCE {}", day.strftime("%-d-%b-%Y")));
        let command = format!("UID SEARCH UID {}:*{since}", above.saturating_add(1));
        let mut uids = Vec::new();
        let completion = self.connection.command(&command, |response| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = response {
                uids.extend_from_slice(found);
            }
            Ok(())
        })?;
        completion.accepted("SEARCH")?;
        // `n:*` always names the last message, even when its UID is below n.
        uids.retain(|uid| *uid > above);
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// The UIDs up to `last` whose flags changed since `modseq`, ascending. The mailbox must be open and know CONDSTORE.
    pub(crate) fn uids_changed_since(&mut self, last: u32, modseq: u64) -> Result<Vec<u32>, Failure> {
        let mut uids = BTreeSet::new();
        let command = format!("UID FETCH 1:{last} (UID) (CHANGEDSINCE {modseq})");
        let completion = self.connection.command(&command, |response| {
            if let Response::Fetch(_, attributes) = response {
                uids.extend(uid_of(attributes).filter(|uid| *uid <= last));
            }
            Ok(())
        })?;
        completion.accepted("FETCH")?;
        Ok(uids.into_iter().collect())
    }

    /// How many messages a mailbox holds, if the server says so without opening it.
    pub(crate) fn message_count(&mut self, mailbox: &Mailbox) -> Result<Option<u32>, Failure> {
        let command = format!("STATUS {} (MESSAGES)", mailbox_name::quote(&mailbox.raw));
        let mut count = None;
        // A refusal only means that the number is not known.
        self.connection.command(&command, |response| {
            if let Response::MailboxData(MailboxDatum::Status { status, .. }) = response {
                count = status.iter().find_map(|attribute| match attribute {
                    StatusAttribute::Messages(messages) => Some(*messages),
                    _ => None,
                });
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// The flags of the newest messages of the open mailbox, at most `count` of its `messages`.
    pub(crate) fn newest_flags(&mut self, messages: u32, count: u32) -> Result<BTreeMap<u32, Vec<String>>, Failure> {
        let command = format!("FETCH {}:* (UID FLAGS)", messages.saturating_sub(count - 1).max(1));
        let mut newest = BTreeMap::new();
        let completion = self.connection.command(&command, |response| {
            if let Response::Fetch(_, attributes) = response
                && let (Some(uid), Some(mut flags)) = (uid_of(attributes), attributes.iter().find_map(flags_of))
            {
                flags.retain(|flag| !flag.eq_ignore_ascii_case("\\Recent"));
                flags.sort();
                newest.insert(uid, flags);
            }
            Ok(())
        })?;
        completion.accepted("FETCH")?;
        Ok(newest)
    }

    /// The facts of some messages; those that are gone, or that the server describes unreadably, are missing from the answer.
    pub(crate) fn facts(&mut self, uids: &[u32]) -> Result<Vec<Facts>, Failure> {
        let command = format!("UID FETCH {} (UID RFC822.SIZE INTERNALDATE FLAGS)", uid_set(uids));
        let mut facts = Vec::with_capacity(uids.len());
        let completion = self.connection.command(&command, |response| {
            if let Response::Fetch(_, attributes) = response {
                facts.extend(read_facts(attributes));
            }
            Ok(())
        })?;
        completion.accepted("FETCH")?;
        Ok(facts)
    }

    /// Hands over whole messages one at a time; one over `limit` bytes is left out, whatever size the server had announced.
    pub(crate) fn bodies(
        &mut self,
        uids: &[u32],
        limit: usize,
        on_message: impl FnMut(u32, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.fetch_body(&format!("UID FETCH {} (UID BODY.PEEK[])", uid_set(uids)), limit, on_message)
    }

    /// Hands over the first `length` bytes of a message.
    pub(crate) fn beginning(
        &mut self,
        uid: u32,
        length: usize,
        on_message: impl FnMut(u32, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.fetch_body(&format!("UID FETCH {uid} (UID BODY.PEEK[]<0.{length}>)"), length, on_message)
    }

    fn fetch_body(
        &mut self,
        command: &str,
        limit: usize,
        mut on_message: impl FnMut(u32, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        // The response is a little longer than the message it carries.
        let completion = self.connection.bounded_command(command, limit.saturating_add(1024), |response| {
            if let Response::Fetch(_, attributes) = response
                && let Some(uid) = uid_of(attributes)
                && let Some(bytes) = attributes.iter().find_map(body_of)
            {
                on_message(uid, bytes)?;
            }
            Ok(())
        })?;
        completion.accepted("FETCH")
    }

    /// Says goodbye; a server that does not answer it is left all the same.
    pub(crate) fn sign_out(mut self) {
        let _ = self.connection.command("LOGOUT", |_| Ok(()));
    }

    fn ask_capabilities(&mut self) -> Result<(), Failure> {
        let mut capabilities = BTreeSet::new();
        let completion = self.connection.command("CAPABILITY", |response| {
            note_capabilities(response, &mut capabilities);
            Ok(())
        })?;
        self.capabilities = capabilities;
        completion.accepted("CAPABILITY")
    }

    fn has(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }
}

/// Tells a rejected password from a server that cannot judge it now (RFC 5530 section 3).
fn sign_in_result(completion: Completion) -> Result<(), Failure> {
    let (code, text) = (completion.code(), completion.text);
    match (completion.status, code.as_str()) {
        (Status::Ok, _) => Ok(()),
        (_, code) if is_temporary(code) => Err(Failure::Unavailable { text }),
        (_, "PRIVACYREQUIRED" | "CONTACTADMIN" | "AUTHORIZATIONFAILED") => Err(Failure::NotAllowed { text }),
        (Status::No, _) => Err(Failure::Rejected { text }),
        _ => Err(Failure::Unexpected { command: "the sign-in", text }),
    }
}

fn note_capabilities(response: &Response<'_>, into: &mut BTreeSet<String>) {
    let capabilities = match response {
        Response::Capabilities(capabilities) => capabilities,
        Response::Data { outcome, .. } => match &outcome.code {
            Some(ResponseCode::Capabilities(capabilities)) => capabilities,
            _ => return,
        },
        _ => return,
    };
    into.extend(capabilities.iter().map(|capability| match capability {
        Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
        Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
        Capability::Atom(name) => name.to_ascii_uppercase(),
    }));
}

fn special_use(attribute: &NameAttribute<'_>) -> Option<&'static str> {
    match attribute {
        NameAttribute::All => Some("all"),
        NameAttribute::Archive => Some("archive"),
        NameAttribute::Drafts => Some("drafts"),
        NameAttribute::Flagged => Some("flagged"),
        NameAttribute::Junk => Some("junk"),
        NameAttribute::Sent => Some("sent"),
        NameAttribute::Trash => Some("trash"),
        _ => None,
    }
}

fn is_unselectable(attribute: &NameAttribute<'_>) -> bool {
    match attribute {
        NameAttribute::NoSelect => true,
        NameAttribute::Extension(name) => name.eq_ignore_ascii_case("\\NonExistent"),
        _ => false,
    }
}

fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

fn body_of<'a>(attribute: &'a AttributeValue<'_>) -> Option<&'a [u8]> {
    match attribute {
        AttributeValue::BodySection { section: None, data: Some(bytes), .. } => Some(bytes),
        _ => None,
    }
}

fn flags_of(attribute: &AttributeValue<'_>) -> Option<Vec<String>> {
    match attribute {
        AttributeValue::Flags(names) => Some(names.iter().map(|name| name.clone().into_owned()).collect()),
        _ => None,
    }
}

fn read_facts(attributes: &[AttributeValue<'_>]) -> Option<Facts> {
    let (mut size, mut received, mut flags) = (None, None, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Rfc822Size(bytes) => size = Some(*bytes),
            AttributeValue::InternalDate(date) => received = Some(internal_date(date)),
            _ => flags = flags.or_else(|| flags_of(attribute)),
        }
    }
    Some(Facts { uid: uid_of(attributes)?, size: size?, received: received?, flags: flags? })
}

/// Reads `17-Jul-1996 02:44:25 -0700`; a date that is none becomes the beginning of 1970, so that its message is still kept.
fn internal_date(text: &str) -> Timestamp {
    Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", text.trim()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Ascending UIDs as a sequence set: `1:3,7`.
fn uid_set(uids: &[u32]) -> String {
    let runs = uids.chunk_by(|one, next| *next == one.wrapping_add(1));
    let parts = runs.filter_map(|run| match run {
        [] => None,
        [uid] => Some(uid.to_string()),
        [first, .., last] => Some(format!("{first}:{last}")),
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uid_sets_are_short() {
        assert_eq!(uid_set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
    }

    #[test]
    fn internal_dates_keep_their_zone() {
        assert_eq!(internal_date(" 7-Jul-1996 02:44:25 -0700").to_string(), "1996-07-07T09:44:25Z");
        assert_eq!(internal_date("someday"), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn only_a_plain_refusal_means_a_wrong_password() {
        let result = |status, text: &str| sign_in_result(Completion { status, text: text.to_owned() });
        for text in [
            "[AUTHENTICATIONFAILED] Authentication failed.",
            "[EXPIRED] Change it",
            "Invalid credentials",
            "[ALERT] app password",
        ] {
            assert!(matches!(result(Status::No, text), Err(Failure::Rejected { .. })), "{text}");
        }
        for text in ["[UNAVAILABLE] Temporary", "[LIMIT] Too many", "[INUSE] busy", "[SERVERBUG] oh"] {
            assert!(matches!(result(Status::No, text), Err(Failure::Unavailable { .. })), "{text}");
        }
        assert!(matches!(result(Status::No, "[PRIVACYREQUIRED] TLS"), Err(Failure::NotAllowed { .. })));
        assert!(matches!(result(Status::Bad, "what?"), Err(Failure::Unexpected { .. })));
    }
}
