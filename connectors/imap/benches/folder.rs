//! Reads a folder of 10,000 messages from a real Dovecot over TLS, and prints how fast, and with how much memory.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first thing that is wrong, and prints"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use freehold_dovecot::{Dovecot, Message, User};

const MESSAGES: u32 = 10_000;

fn main() {
    let (dir, tmp) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let user = User { name: "maria@example.test".to_owned(), password: "demo".to_owned() };
    let dovecot = Dovecot::start(dir.path(), std::slice::from_ref(&user)).unwrap();
    for number in 0..MESSAGES {
        let text = "Words about nothing in particular, as mail often has them.\r\n".repeat(1 + number as usize % 100);
        let mail = format!("From: a@example.test\r\nSubject: {number}\r\nMessage-ID: <{number}@example.test>\r\n\r\n{text}");
        dovecot.deliver(&user.name, "INBOX", &Message::new(mail, 1_700_000_000 + u64::from(number))).unwrap();
    }
    let start = r#"{"type":"START","run_id":"r","collection_mode":"incremental","scope":{"streams":[{"name":"messages"},{"name":"attachments"}]},"state":null,"bindings":{"network":{},"interactive":{}}}"#;
    // The first reading also makes Dovecot build its index, which is not what is measured.
    for reading in ["first", "second"] {
        let began = Instant::now();
        let mut child = command()
            .env_clear()
            .env("TMPDIR", tmp.path())
            .env("MAILBOX_HOST", "localhost")
            .env("MAILBOX_PORT", dovecot.imaps_port.to_string())
            .env("MAILBOX_CA_PEM", &dovecot.ca_pem)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{start}").unwrap();
        let (mut records, mut bytes, mut memory) = (0_u32, 0, String::new());
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
            bytes += line.len();
            if line.starts_with(r#"{"type":"RECORD""#) {
                records += 1;
            } else if line.contains("INTERACTION") {
                let data = format!(r#"{{"username":"{}","password":"{}"}}"#, user.name, user.password);
                writeln!(stdin, r#"{{"type":"INTERACTION_RESPONSE","request_id":"q1","status":"success","data":{data}}}"#)
                    .unwrap();
            } else if line.starts_with(r#"{"type":"DONE""#) {
                let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
                memory = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
                break;
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        drop(stdin);
        assert!(child.wait().unwrap().success());
        assert_eq!(records, MESSAGES);
        println!(
            "{reading} reading: {:.0} messages/s, {} MiB of records, {memory}",
            f64::from(records) / seconds,
            bytes >> 20
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the sandbox has its own benchmark; this one is about the connector")]
fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_freehold-connector-imap"))
}
