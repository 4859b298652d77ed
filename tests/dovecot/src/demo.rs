//! A small, believable mailbox, the same on every machine: two years of letters, receipts and newsletters in five folders, with
//! the encodings, attachments and defects that real mail has.

use data_encoding::BASE64_MIME;
use jiff::fmt::rfc2822;
use jiff::{Timestamp, ToSpan};

use super::{Dovecot, DovecotError, Message};

/// The first message's time: 4 November 2024, 07:30 UTC.
const FIRST: i64 = 1_730_705_400;
const HOUR: i64 = 3600;
/// 8 × 8 pixels, so that a viewer has something to show.
const PICTURE: &[u8] = include_bytes!("lake.png");

/// One message of the demo mailbox and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The folder's name as a person reads it.
    pub folder: &'static str,
    /// The message.
    pub message: Message,
}

/// Delivers the whole demo mailbox to a user.
///
/// # Errors
/// [`DovecotError::File`] if a message cannot be written.
pub fn fill(dovecot: &Dovecot, user: &str) -> Result<(), DovecotError> {
    messages(user).iter().try_for_each(|placed| dovecot.deliver(user, placed.folder, &placed.message))
}

/// The demo mailbox of a user, oldest first; equal for equal users.
#[must_use]
pub fn messages(user: &str) -> Vec<Placed> {
    let mut writer = Writer { user, count: 0, placed: Vec::new() };
    for month in 0..24 {
        writer.month(month);
    }
    writer.rarities();
    writer.placed.sort_by_key(|placed| placed.message.received);
    writer.placed
}

struct Writer<'a> {
    user: &'a str,
    count: u32,
    placed: Vec<Placed>,
}

const FRIENDS: [(&str, &str); 4] = [
    ("Jonas Berg", "jonas@friends.example"),
    ("Aïcha Diallo", "aicha@friends.example"),
    ("Zoë Łukasiewicz", "zoe@friends.example"),
    ("Mum", "mum@family.example"),
];
const TOPICS: [(&str, &str); 6] = [
    ("Sunday lunch?", "Shall we say one o'clock? I can bring the rhubarb cake.\r\n\r\nSee you then"),
    ("Photos from the lake", "The light was wonderful. I put the best ones in the shared album."),
    ("The book you mentioned", "Who wrote it again? The library has three with that title."),
    ("Train times", "The 09:14 still runs on Saturdays, change in Altstadt."),
    ("Garden", "The tomatoes are finally red \u{2013} come and take some before the snails do."),
    ("Running on Thursday", "Ten kilometres, slowly, along the canal. Half past six?"),
];

impl Writer<'_> {
    fn month(&mut self, month: i64) {
        let start = FIRST + month * 730 * HOUR;
        let pick = usize::try_from(month).unwrap_or(0);
        let (name, address) = FRIENDS[pick % FRIENDS.len()];
        let (subject, body) = TOPICS[pick % TOPICS.len()];
        let thread = self.text("INBOX", start, (name, address), subject, body, if month % 3 == 0 { "RS" } else { "S" });
        if month % 3 == 0 {
            self.reply(start + 5 * HOUR, (name, address), subject, &thread);
        }
        self.receipt(start + 90 * HOUR, month);
        if month % 2 == 1 {
            self.newsletter(start + 200 * HOUR, month);
        }
    }

    /// Quoted-printable text, as most personal mail is.
    fn text(&mut self, folder: &'static str, at: i64, from: (&str, &str), subject: &str, body: &str, flags: &str) -> String {
        let id = self.next_id("friends.example");
        let head = self.head(at, from, subject, &id);
        let mail = format!(
            "{head}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n",
            quoted_printable(&format!("{body}\r\n\r\n{}", from.0))
        );
        self.place(folder, mail, at, flags);
        id
    }

    fn reply(&mut self, at: i64, to: (&str, &str), subject: &str, thread: &str) {
        let id = self.next_id("example.test");
        let mail = format!(
            "From: {user}\r\nTo: {to}\r\nDate: {date}\r\nSubject: Re: {subject}\r\nMessage-ID: <{id}>\r\n\
             In-Reply-To: <{thread}>\r\nReferences: <{thread}>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii; format=flowed\r\n\r\nGladly, I will be there.\r\n",
            user = self.user,
            to = person(to),
            date = date(at),
        );
        self.place("Sent", mail, at, "S");
    }

    /// HTML beside text, with a PDF and sometimes a table attached.
    fn receipt(&mut self, at: i64, month: i64) {
        let number = 41_800 + month * 37;
        let id = self.next_id("shop.example");
        let head = self.head(at, ("Corner Shop", "orders@shop.example"), &format!("Your receipt {number}"), &id);
        let total = format!("{}.{:02}", 12 + month * 3 % 50, month * 7 % 100);
        let csv = format!("article;price\r\nflour;2.40\r\ncoffee;8.90\r\ntotal;{total}\r\n");
        let mut parts = format!(
            "--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain; \
             charset=utf-8\r\n\r\nThank you. Receipt {number}, total {total} EUR.\r\n--inner\r\nContent-Type: text/html; \
             charset=utf-8\r\n\r\n<html><body><h1>Thank you</h1><p>Receipt {number}, total <b>{total}&nbsp;&euro;</b></p>\
             </body></html>\r\n--inner--\r\n"
        );
        parts +=
            &attachment("outer", "application/pdf", &format!("receipt-{number}.pdf"), &pdf(&format!("Receipt {number}")));
        if month % 4 == 0 {
            parts += &attachment("outer", "text/csv", "articles.csv", csv.as_bytes());
        }
        let mail = format!("{head}Content-Type: multipart/mixed; boundary=outer\r\n\r\n{parts}--outer--\r\n");
        self.place("Receipts/Shop", mail, at, "S");
    }

    /// HTML only, with the list headers of bulk mail.
    fn newsletter(&mut self, at: i64, month: i64) {
        let id = self.next_id("letter.example");
        let head = self.head(at, ("The Tuesday Letter", "letter@letter.example"), &format!("Issue {}", month + 1), &id);
        let stories: String =
            (0..12).map(|story| format!("<h2>Story {story}</h2><p>Long words about small things.</p>")).collect();
        let mail = format!(
            "{head}List-Id: <tuesday.letter.example>\r\nList-Unsubscribe: <https://letter.example/leave>\r\nPrecedence: bulk\r\n\
             Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            base64(
                format!("<html><head><style>h2 {{ color: teal }}</style></head><body>{stories}</body></html>").as_bytes()
            )
        );
        self.place("Newsletters", mail, at, if month % 4 == 1 { "S" } else { "" });
    }

    /// What real mailboxes also hold: other alphabets, pictures, mail within mail, and mail that is simply broken.
    fn rarities(&mut self) {
        let at = |day: i64| FIRST + day * 24 * HOUR;
        self.japanese(at(45));
        self.picture(at(80));
        self.forwarded(at(120));
        self.broken(at(161));
        self.invitation(at(400));
        let latin1 = b"From: =?iso-8859-1?Q?Andr=E9?= <andre@friends.example>\r\nSubject: =?iso-8859-1?Q?Caf=E9_ferm=E9?=\r\n\
            Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nLe caf\xe9 est ferm\xe9.\r\n";
        self.place("Reisen & Meer", latin1.to_vec(), at(300), "S");
    }

    fn japanese(&mut self, at: i64) {
        let id = self.next_id("ryokan.example");
        let mut mail = format!(
            "From: =?ISO-2022-JP?B?GyRCTjk0WxsoQg==?= <info@ryokan.example>\r\nTo: {}\r\nDate: {}\r\nMessage-ID: <{id}>\r\n\
             Subject: =?ISO-2022-JP?B?GyRCJDRNPUxzGyhC?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n\
             Content-Transfer-Encoding: 7bit\r\n\r\n",
            self.user,
            date(at)
        )
        .into_bytes();
        mail.extend_from_slice(b"\x1b$B$\"$j$,$H$&$4$6$$$^$9!#\x1b(B\r\n");
        self.place("Reisen & Meer", mail, at, "FS");
    }

    fn picture(&mut self, at: i64) {
        let id = self.next_id("friends.example");
        let head = self.head(at, FRIENDS[1], "Une image du lac 🏞", &id);
        let mail = format!(
            "{head}Content-Type: multipart/related; boundary=rel\r\n\r\n--rel\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
             <p>Voilà&nbsp;: <img src=\"cid:lake\"></p>\r\n--rel\r\nContent-Type: image/png\r\nContent-ID: <lake>\r\n\
             Content-Disposition: inline; filename*=utf-8''l%C3%A0c.png\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--rel--\r\n",
            base64(PICTURE)
        );
        self.place("INBOX", mail, at, "FS");
    }

    fn forwarded(&mut self, at: i64) {
        let id = self.next_id("family.example");
        let head = self.head(at, FRIENDS[3], "Fwd: your school report", &id);
        let mail = format!(
            "{head}Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\nContent-Type: text/plain\r\n\r\nLook what I found.\r\n\
             --f\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=report.eml\r\n\r\n\
             From: school@old.example\r\nSubject: Report\r\nDate: Fri, 21 Jun 1996 10:00:00 +0200\r\n\r\nGood, but talks a lot.\r\n\
             --f--\r\n"
        );
        self.place("INBOX", mail, at, "S");
    }

    /// No Message-ID, an impossible date, an unknown charset, an unclosed boundary and broken base64.
    fn broken(&mut self, at: i64) {
        let mail = b"From: undisclosed\r\nDate: Someday, 99 Foo 20xx 25:61\r\nSubject: =?x-unknown?B?////?= \xff\xfe\r\n\
            Content-Type: multipart/mixed; boundary=\"never closed\r\n\r\n--never closed\r\nContent-Type: text/plain; \
            charset=x-martian\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!! not base64 at all\r\n";
        self.place("INBOX", mail.to_vec(), at, "");
    }

    fn invitation(&mut self, at: i64) {
        let id = self.next_id("work.example");
        let head = self.head(at, ("Team Calendar", "calendar@work.example"), "Invitation: review", &id);
        let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:review-1\r\n\
             DTSTART:20251210T090000Z\r\nSUMMARY:Review\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let mail = format!(
            "{head}Content-Type: multipart/mixed; boundary=cal\r\n\r\n--cal\r\nContent-Type: text/plain\r\n\r\nYou are invited.\r\n\
             {}--cal--\r\n",
            attachment("cal", "text/calendar; method=REQUEST", "invite.ics", event.as_bytes())
        );
        self.place("INBOX", mail, at, "");
    }

    fn head(&self, at: i64, from: (&str, &str), subject: &str, id: &str) -> String {
        format!(
            "Received: from mx.example by mail.example.test; {date}\r\nFrom: {from}\r\nTo: {user}\r\nDate: {date}\r\n\
             Subject: {subject}\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n",
            date = date(at),
            from = person(from),
            user = self.user,
            subject = word(subject),
        )
    }

    fn next_id(&mut self, host: &str) -> String {
        self.count += 1;
        format!("demo-{}@{host}", self.count)
    }

    fn place(&mut self, folder: &'static str, mail: impl Into<Vec<u8>>, at: i64, flags: &str) {
        let received = u64::try_from(at).unwrap_or(0) + 4;
        let message = Message { bytes: mail.into(), received, flags: flags.to_owned() };
        self.placed.push(Placed { folder, message });
    }
}

fn person((name, address): (&str, &str)) -> String {
    format!("{} <{address}>", word(name))
}

/// An RFC 2047 encoded word where the text needs one.
fn word(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", data_encoding::BASE64.encode(text.as_bytes())) }
}

fn date(at: i64) -> String {
    let time = Timestamp::UNIX_EPOCH + at.seconds();
    rfc2822::to_string(&time.to_zoned_datetime(jiff::tz::TimeZone::UTC)).unwrap_or_default()
}

fn base64(bytes: &[u8]) -> String {
    BASE64_MIME.encode(bytes)
}

fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    for line in text.split("\r\n") {
        let mut width = 0;
        for byte in line.bytes() {
            let plain = (byte == b' ' || byte.is_ascii_graphic()) && byte != b'=';
            let next = if plain { char::from(byte).to_string() } else { format!("={byte:02X}") };
            if width + next.len() > 72 {
                out.push_str("=\r\n");
                width = 0;
            }
            width += next.len();
            out.push_str(&next);
        }
        out.push_str("\r\n");
    }
    out
}

fn attachment(boundary: &str, media_type: &str, name: &str, bytes: &[u8]) -> String {
    format!(
        "--{boundary}\r\nContent-Type: {media_type}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        base64(bytes)
    )
}

/// The smallest document a PDF reader still opens: one page with one line.
fn pdf(line: &str) -> Vec<u8> {
    let page = format!("BT /F1 24 Tf 72 720 Td ({line}) Tj ET");
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font\
         /Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length {}>>stream\n{page}\nendstream\nendobj\n\
         trailer<</Root 1 0 R>>\n",
        page.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_everywhere_and_as_large_as_promised() {
        let all = messages("maria@example.test");
        assert_eq!(all, messages("maria@example.test"));
        assert_eq!(all.len(), 74);
        let folders: std::collections::BTreeSet<_> = all.iter().map(|placed| placed.folder).collect();
        assert_eq!(
            folders.into_iter().collect::<Vec<_>>(),
            ["INBOX", "Newsletters", "Receipts/Shop", "Reisen & Meer", "Sent"]
        );
    }
}
