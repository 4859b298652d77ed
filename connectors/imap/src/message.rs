//! From a message's bytes to its records. Whatever is broken in it, a record comes out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use mail_parser::decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode};
use mail_parser::{Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::session::Facts;

/// Text and HTML are each kept up to this many bytes, so that a record fits the protocol's line however it is escaped.
const TEXT_LIMIT: usize = 512 << 10;
const SNIPPET_CHARACTERS: usize = 200;

/// One message, as the `messages` stream has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct MessageRecord {
    pub(crate) id: String,
    pub(crate) mailbox: String,
    pub(crate) subject: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) from_email: Option<String>,
    pub(crate) to: Vec<String>,
    pub(crate) cc: Vec<String>,
    pub(crate) bcc: Vec<String>,
    pub(crate) reply_to: Vec<String>,
    /// When its author says it was sent.
    pub(crate) date: Option<Timestamp>,
    /// When the mail server received it.
    pub(crate) received_at: Timestamp,
    pub(crate) message_id: Option<String>,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) references: Vec<String>,
    pub(crate) is_seen: bool,
    pub(crate) is_flagged: bool,
    pub(crate) is_answered: bool,
    pub(crate) is_draft: bool,
    pub(crate) keywords: Vec<String>,
    pub(crate) size_bytes: u32,
    pub(crate) snippet: Option<String>,
    pub(crate) body_text: Option<String>,
    pub(crate) body_html: Option<String>,
    pub(crate) has_attachments: bool,
    /// Why something of the message is not here: `message_too_large`, `text_too_long` or `unreadable`.
    pub(crate) truncated: Option<&'static str>,
}

/// One attachment of a message, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// Its place among the message's attachments, from 1.
    pub(crate) number: usize,
    pub(crate) filename: Option<String>,
    pub(crate) media_type: String,
    pub(crate) content_id: Option<String>,
    pub(crate) is_inline: bool,
    pub(crate) bytes: Vec<u8>,
}

/// What was read of a message: `Whole`, or only its `Beginning` because the rest is over the owner's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Beginning,
}

/// The record and the attachments of one message. Of a beginning no attachments are made: they would be cut.
pub(crate) fn read(mailbox: &str, facts: &Facts, bytes: &[u8], extent: Extent) -> (MessageRecord, Vec<Attachment>) {
    let mut record = MessageRecord {
        id: message_key(bytes, facts.size, extent),
        mailbox: mailbox.to_owned(),
        received_at: facts.received,
        size_bytes: facts.size,
        truncated: (extent == Extent::Beginning).then_some("message_too_large"),
        ..MessageRecord::default()
    };
    note_flags(&mut record, &facts.flags);
    // The parser has panicked on corrupted mail before; one such message must not cost the owner all the others.
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let message = MessageParser::default().parse(bytes)?;
        let mut record = record.clone();
        note_headers(&mut record, &message);
        note_bodies(&mut record, &message);
        record.has_attachments = message.attachment_count() > 0;
        let attachments = match extent {
            Extent::Whole => {
                message.attachments().enumerate().map(|(index, part)| attachment(index + 1, part, &message)).collect()
            }
            Extent::Beginning => Vec::new(),
        };
        Some((record, attachments))
    }));
    parsed.ok().flatten().unwrap_or_else(|| {
        record.truncated = record.truncated.or(Some("unreadable"));
        (record, Vec::new())
    })
}

/// The key by which a message stays itself when it is moved to another folder or the server numbers its mail anew: a hash of its
/// content, or of its beginning and size where only that was read.
fn message_key(bytes: &[u8], size: u32, extent: Extent) -> String {
    let mut hash = Sha256::new();
    hash.update(bytes);
    if extent == Extent::Beginning {
        hash.update(size.to_be_bytes());
    }
    // 128 bits: nobody finds a second message with a given key.
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

fn note_flags(record: &mut MessageRecord, flags: &[String]) {
    for flag in flags {
        match flag.to_ascii_lowercase().as_str() {
            "\\seen" => record.is_seen = true,
            "\\flagged" => record.is_flagged = true,
            "\\answered" => record.is_answered = true,
            "\\draft" => record.is_draft = true,
            // `\Recent` is about this session and `\Deleted` about a later expunge; neither is the owner's word on the message.
            name if name.starts_with('\\') => {}
            _ => record.keywords.push(flag.clone()),
        }
    }
    record.keywords.sort();
}

fn note_headers(record: &mut MessageRecord, message: &Message<'_>) {
    record.subject = message.subject().map(clean);
    let from = message.from().and_then(Address::first);
    record.from_email = from.and_then(|from| from.address()).map(clean);
    record.from = people(message.from()).into_iter().next();
    record.to = people(message.to());
    record.cc = people(message.cc());
    record.bcc = people(message.bcc());
    record.reply_to = people(message.reply_to());
    record.date =
        message.date().filter(|date| date.is_valid()).and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    record.message_id = message.message_id().map(clean);
    record.in_reply_to = ids(message.in_reply_to()).into_iter().next();
    record.references = ids(message.references());
}

fn people(addresses: Option<&Address<'_>>) -> Vec<String> {
    let one = |name: Option<&str>, address: Option<&str>| match (name, address) {
        (Some(name), Some(address)) => Some(clean(&format!("{name} <{address}>"))),
        (name, address) => name.or(address).map(clean),
    };
    let all = addresses.into_iter().flat_map(Address::iter);
    all.filter_map(|person| one(person.name(), person.address())).collect()
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![clean(id)],
        HeaderValue::TextList(ids) => ids.iter().map(|id| clean(id)).collect(),
        _ => Vec::new(),
    }
}

fn note_bodies(record: &mut MessageRecord, message: &Message<'_>) {
    let text: Vec<_> = (0..message.text_body_count()).filter_map(|index| message.body_text(index)).collect();
    let html: Vec<_> =
        message.html_bodies().filter(|part| part.is_text_html()).filter_map(MessagePart::text_contents).collect();
    let (text, html) = (clean(&text.join("\n")), clean(&html.join("\n")));
    record.snippet = Some(snippet(&text)).filter(|snippet| !snippet.is_empty());
    for (kept, whole) in [(&mut record.body_text, text), (&mut record.body_html, html)] {
        let end = (0..=TEXT_LIMIT.min(whole.len())).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
        if end < whole.len() {
            record.truncated = record.truncated.or(Some("text_too_long"));
        }
        *kept = Some(whole[..end].to_owned()).filter(|text| !text.is_empty());
    }
}

fn snippet(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if let Some((end, _)) = out.char_indices().nth(SNIPPET_CHARACTERS) {
            out.truncate(end);
            break;
        }
    }
    out
}

fn attachment(number: usize, part: &MessagePart<'_>, message: &Message<'_>) -> Attachment {
    let media_type = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
    );
    Attachment {
        number,
        filename: part.attachment_name().map(clean),
        media_type,
        content_id: part.content_id().map(clean),
        is_inline: part.content_disposition().is_some_and(|disposition| disposition.is_inline()),
        bytes: part_bytes(part, message),
    }
}

/// The bytes its author attached. The parser turns text into UTF-8, which a file must not be, so text is decoded from the source.
fn part_bytes(part: &MessagePart<'_>, message: &Message<'_>) -> Vec<u8> {
    let source = || message.raw_message().get(part.raw_body_offset() as usize..part.raw_end_offset() as usize);
    let decoded = match (&part.body, part.encoding) {
        (PartType::Text(_) | PartType::Html(_), Encoding::None) => source().map(<[u8]>::to_vec),
        (PartType::Text(_) | PartType::Html(_), Encoding::Base64) => source().and_then(base64_decode),
        (PartType::Text(_) | PartType::Html(_), Encoding::QuotedPrintable) => source().and_then(quoted_printable_decode),
        _ => None,
    };
    decoded.unwrap_or_else(|| part.contents().to_vec())
}

/// NUL is the one character that text columns and many tools cut at.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(bytes: &[u8]) -> Facts {
        let size = u32::try_from(bytes.len()).unwrap();
        Facts {
            uid: 7,
            size,
            received: Timestamp::UNIX_EPOCH,
            flags: vec!["\\Seen".into(), "\\Recent".into(), "$Work".into()],
        }
    }

    fn whole(bytes: &[u8]) -> (MessageRecord, Vec<Attachment>) {
        read("INBOX", &facts(bytes), bytes, Extent::Whole)
    }

    #[test]
    fn headers_flags_and_text_are_read() {
        let (record, attachments) = whole(
            b"From: =?utf-8?Q?Zo=C3=AB?= <zoe@example.test>\r\nTo: a@example.test, Bo <b@example.test>\r\nSubject: Hi\r\n\
              Date: Mon, 4 Nov 2024 08:30:00 +0100\r\nMessage-ID: <1@x>\r\nIn-Reply-To: <0@x>\r\nReferences: <00@x> <0@x>\r\n\r\n\
              Hello,\r\n  world\r\n",
        );
        assert_eq!(record.from.as_deref(), Some("Zoë <zoe@example.test>"));
        assert_eq!(record.from_email.as_deref(), Some("zoe@example.test"));
        assert_eq!(record.to, ["a@example.test", "Bo <b@example.test>"]);
        assert_eq!(record.date.unwrap().to_string(), "2024-11-04T07:30:00Z");
        assert_eq!((record.message_id.as_deref(), record.in_reply_to.as_deref()), (Some("1@x"), Some("0@x")));
        assert_eq!(record.references, ["00@x", "0@x"]);
        assert_eq!(record.snippet.as_deref(), Some("Hello, world"));
        assert!(record.is_seen && !record.is_flagged && !record.has_attachments);
        assert_eq!(record.keywords, ["$Work"]);
        assert_eq!((attachments.len(), record.truncated), (0, None));
    }

    #[test]
    fn anything_at_all_becomes_a_record() {
        for bytes in [
            &b""[..],
            b"\r\n",
            b"\xff\xfe\0",
            b"Subject",
            b"Content-Type: multipart/mixed; boundary=\"\r\n\r\n--",
            b"Date: 99 Foo\r\n\r\n",
        ] {
            let (record, _) = whole(bytes);
            assert_eq!(record.id.len(), 32);
            assert_eq!(record.date, None);
        }
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let long = format!("Subject: x\r\n\r\n{}", "é".repeat(TEXT_LIMIT));
        let (record, _) = whole(long.as_bytes());
        assert_eq!(record.truncated, Some("text_too_long"));
        assert_eq!(record.body_text.unwrap().len(), TEXT_LIMIT);
        assert_eq!(record.snippet.unwrap().chars().count(), SNIPPET_CHARACTERS);
    }

    #[test]
    fn an_attached_text_keeps_its_own_encoding() {
        let part = |encoding: &str, body: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: \
                 text/csv; charset=iso-8859-1\r\nContent-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: \
                 {encoding}\r\n\r\n{body}\r\n--b--\r\n"
            )
        };
        for (encoding, body) in [("base64", "Y2Fm6Q=="), ("quoted-printable", "caf=E9")] {
            let (record, attachments) = whole(part(encoding, body).as_bytes());
            assert!(record.has_attachments);
            assert_eq!(attachments[0].bytes, b"caf\xe9", "{encoding}");
            assert_eq!(
                (attachments[0].filename.as_deref(), attachments[0].media_type.as_str()),
                (Some("a.csv"), "text/csv")
            );
        }
    }

    #[test]
    fn the_key_follows_the_content_alone() {
        let moved =
            read("Archive", &Facts { uid: 99, ..facts(b"Subject: a\r\n\r\nb") }, b"Subject: a\r\n\r\nb", Extent::Whole);
        assert_eq!(moved.0.id, whole(b"Subject: a\r\n\r\nb").0.id);
        assert_ne!(moved.0.id, whole(b"Subject: a\r\n\r\nc").0.id);
    }
}
