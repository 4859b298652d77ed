//! What a later run brings.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::harness::{Run, Server, Settings, USER, everything, start, start_with};

const STREAMS: [&str; 3] = ["mailboxes", "messages", "attachments"];

#[test]
fn a_later_run_brings_only_what_is_new_or_changed() {
    let server = Server::with_demo_mail();
    brings_only_what_is_new_or_changed(&server, &server.settings());
}

#[test]
fn a_server_without_condstore_is_followed_too() {
    let server = Server::with_demo_mail();
    let port = without_condstore(server.dovecot.imap_port);
    brings_only_what_is_new_or_changed(&server, &Settings::new("127.0.0.1", port, "plain"));
}

fn brings_only_what_is_new_or_changed(server: &Server, settings: &Settings) {
    let first = settings.run(&everything()).expect_success();
    let second = settings.run(&start(&STREAMS, &first.state())).expect_success();
    assert!(second.records("messages").is_empty() && second.records("attachments").is_empty());

    server.deliver("INBOX", "Subject: the new one\r\n\r\nx");
    let third = settings.run(&start(&STREAMS, &second.state())).expect_success();
    assert_eq!(third.records("messages").len(), 1);
    let id = third.with_subject("the new one")["id"].clone();

    server.dovecot.add_flag(USER, "INBOX", "\\Flagged", &["subject", "the new one"]).unwrap();
    let fourth = settings.run(&start(&STREAMS, &third.state())).expect_success();
    assert_eq!(fourth.records("messages").len(), 1);
    let changed = fourth.with_subject("the new one");
    assert_eq!((&changed["id"], &changed["is_flagged"]), (&id, &json!(true)));

    server.dovecot.expunge(USER, "INBOX", &["subject", "the new one"]).unwrap();
    let fifth = settings.run(&start(&STREAMS, &fourth.state())).expect_success();
    assert!(fifth.records("messages").is_empty(), "a record outlives its message");
}

#[test]
fn a_folder_numbered_anew_is_read_again_under_the_same_keys() {
    let server = Server::with_demo_mail();
    // With CONDSTORE a renumbered message also counts as changed, which would hide a UIDVALIDITY that is not looked at.
    let settings = Settings::new("127.0.0.1", without_condstore(server.dovecot.imap_port), "plain");
    let first = settings.run(&everything()).expect_success();
    server.dovecot.bump_uidvalidity(USER, "INBOX").unwrap();
    let second = settings.run(&start(&STREAMS, &first.state())).expect_success();
    let keys = |run: &Run| -> BTreeSet<String> {
        let inbox = run.records("messages").into_iter().filter(|record| record["mailbox"] == "INBOX");
        inbox.map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!keys(&second).is_empty());
    assert_eq!(keys(&second), keys(&first));
    assert_eq!(second.records("messages").len(), keys(&second).len(), "no other folder is read again");
    let third = settings.run(&start(&STREAMS, &second.state())).expect_success();
    assert!(third.records("messages").is_empty());
}

#[test]
fn a_moved_message_stays_the_same_record() {
    let server = Server::with_demo_mail();
    let first = server.settings().run(&everything()).expect_success();
    server.dovecot.move_messages(USER, "INBOX", "Sent", &["subject", "Fwd: your school report"]).unwrap();
    let second = server.settings().run(&start(&STREAMS, &first.state())).expect_success();
    let moved = second.with_subject("Fwd: your school report");
    assert_eq!(moved["id"], first.with_subject("Fwd: your school report")["id"]);
    assert_eq!((&moved["mailbox"], second.records("messages").len()), (&json!("Sent"), 1));
}

#[test]
fn a_message_in_two_folders_is_one_record() {
    let server = Server::empty();
    for folder in ["INBOX", "Archive"] {
        server.deliver(folder, "Message-ID: <1@x>\r\nSubject: twice\r\n\r\nx");
    }
    let run = server.settings().run(&everything()).expect_success();
    assert_eq!(run.with_subject("twice")["mailbox"], "INBOX");
}

#[test]
fn a_run_that_wants_more_reads_again() {
    let server = Server::with_demo_mail();
    let settings = server.settings();
    let late = json!({"name": "messages", "time_range": {"since": "2026-01-01"}});
    let first = settings.run(&start_with(&[late], &Value::Null)).expect_success();
    let later = json!({"name": "messages", "time_range": {"since": "2026-02-01"}});
    assert!(settings.run(&start_with(&[later], &first.state())).expect_success().records("messages").is_empty());
    let all = settings.run(&start(&["messages"], &first.state())).expect_success();
    assert!(all.records("messages").len() > first.records("messages").len());
    let with_attachments = settings.run(&start(&["messages", "attachments"], &all.state())).expect_success();
    assert!(!with_attachments.records("attachments").is_empty());
}

/// A way to the server on which it does not mention CONDSTORE.
fn without_condstore(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || rename_condstore(upstream, client));
        }
    });
    port
}

fn rename_condstore(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut bytes = buffer[..read].to_vec();
        for at in 0..read.saturating_sub(8) {
            if bytes[at..].starts_with(b"CONDSTORE") {
                bytes[at] = b'X';
            }
        }
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
}
