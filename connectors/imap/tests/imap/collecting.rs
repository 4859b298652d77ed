//! What comes out of a mailbox.

use std::collections::BTreeSet;
use std::path::Path;

use freehold_dovecot::demo;
use freehold_protocol::Manifest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Server, USER, everything, start, start_with};

#[test]
fn the_demo_mailbox_comes_out_whole_and_fits_the_manifest() {
    let server = Server::with_demo_mail();
    let run = server.settings().run(&everything()).expect_success();
    let expected = demo::messages(USER);
    let found: BTreeSet<_> = run
        .records("messages")
        .into_iter()
        .map(|record| (folder_of(record), record["received_at"].clone().to_string()))
        .collect();
    let wanted: BTreeSet<_> =
        expected.iter().map(|placed| (placed.folder.to_owned(), json!(time(placed.message.received)).to_string())).collect();
    assert_eq!(found, wanted);
    assert_eq!(run.records("messages").len(), expected.len());
    let folders: BTreeSet<_> =
        run.records("mailboxes").into_iter().map(|mailbox| mailbox["name"].as_str().unwrap()).collect();
    assert!(folders.contains("Reisen & Meer") && folders.contains("Receipts/Shop"));

    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = Manifest::load(folder).unwrap_or_else(|errors| panic!("{errors}"));
    for stream in &manifest.streams {
        let schema = jsonschema::validator_for(&stream.schema).unwrap();
        let records = run.records(&stream.name);
        assert!(!records.is_empty());
        for record in records {
            schema.validate(record).unwrap_or_else(|error| panic!("{}: {error}: {record}", stream.name));
        }
    }
}

#[test]
fn the_identity_comes_before_the_first_record() {
    let server = Server::with_demo_mail();
    let run = server.settings().run(&everything()).expect_success();
    let position = |kind: &str| run.messages.iter().position(|message| message["type"] == kind).unwrap();
    let identity = &run.messages[position("IDENTITY")];
    assert_eq!(identity["key"], "maria@example.test");
    assert_eq!(identity["display"], USER);
    assert!(position("INTERACTION") < position("IDENTITY") && position("IDENTITY") < position("RECORD"));
    assert_eq!(run.of_type("INTERACTION").len(), 1);
}

#[test]
fn every_encoding_is_read() {
    let server = Server::with_demo_mail();
    let run = server.settings().run(&everything()).expect_success();
    let japanese = run.with_subject("ご予約");
    assert_eq!(japanese["from"], "旅館 <info@ryokan.example>");
    assert_eq!(japanese["body_text"].as_str().unwrap().trim(), "ありがとうございます。");
    assert_eq!((&japanese["is_flagged"], &japanese["is_seen"]), (&json!(true), &json!(true)));
    let latin = run.with_subject("Café fermé");
    assert_eq!((latin["body_text"].as_str().unwrap().trim(), &latin["date"]), ("Le café est fermé.", &Value::Null));
    let newsletter = run.with_subject("Issue 2");
    assert!(newsletter["body_html"].as_str().unwrap().contains("<h2>Story 11</h2>"));
    assert!(newsletter["body_text"].as_str().unwrap().contains("Story 11"));
    assert!(!newsletter["body_text"].as_str().unwrap().contains("color: teal"));
    let garden = run.records("messages").into_iter().find(|record| record["subject"] == "Garden").unwrap();
    assert!(garden["snippet"].as_str().unwrap().starts_with("The tomatoes are finally red – come"));
    let undisclosed = |record: &&Value| record["from"].as_str().is_some_and(|from| from.contains("undisclosed"));
    let broken = run.records("messages").into_iter().find(undisclosed).unwrap();
    assert_eq!((&broken["date"], &broken["message_id"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_attachment_is_the_file_that_was_attached() {
    let server = Server::empty();
    let content: Vec<u8> = (0..100_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let encoded = data_encoding::BASE64_MIME.encode(&content);
    server.deliver(
        "INBOX",
        format!(
            "From: a@example.test\r\nSubject: file\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nhere\r\n--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; \
             filename*=utf-8''%C3%BCber.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}--b--\r\n"
        ),
    );
    let run = server.settings().run(&everything()).expect_success();
    let message = run.with_subject("file");
    let [attachment] = run.records("attachments")[..] else { panic!("one attachment") };
    assert_eq!(attachment["message_id"], message["id"]);
    assert_eq!((&attachment["filename"], &attachment["media_type"]), (&json!("über.zip"), &json!("application/zip")));
    assert_eq!(attachment["size_bytes"], content.len());
    assert_eq!(Sha256::digest(run.blob(attachment)), Sha256::digest(&content));

    let small = server.settings().with("MAILBOX_MAX_ATTACHMENT_BYTES", "99999").run(&everything()).expect_success();
    let [attachment] = small.records("attachments")[..] else { panic!("one attachment") };
    assert_eq!((&attachment["content"], &attachment["left_out"]), (&Value::Null, &json!("attachment_too_large")));
}

#[test]
fn a_message_over_the_limit_keeps_its_beginning_and_memory_stays_bounded() {
    let server = Server::empty();
    let mut large = b"From: a@example.test\r\nSubject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/plain\r\n\r\nthe beginning\r\n--b\r\nContent-Type: application/octet-stream\r\n\
        Content-Disposition: attachment; filename=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    large.extend("QUJD".repeat(19).into_bytes().into_iter().chain(*b"\r\n").cycle().take(80 << 20));
    large.extend(b"\r\n--b--\r\n");
    server.deliver("INBOX", large);
    server.deliver("INBOX", "Subject: small\r\n\r\nx");
    let run = server.settings().with("MAILBOX_MAX_MESSAGE_BYTES", "1000000").run(&everything()).expect_success();
    let record = run.with_subject("large");
    assert_eq!(record["truncated"], "message_too_large");
    assert_eq!(record["body_text"].as_str().unwrap().trim(), "the beginning");
    assert_eq!(record["has_attachments"], true);
    assert!(record["size_bytes"].as_u64().unwrap() > 80 << 20);
    assert_eq!(run.with_subject("small")["truncated"], Value::Null);
    assert!(run.records("attachments").is_empty());
    assert!(run.peak_kib < 40 << 10, "{} KiB", run.peak_kib);
}

#[test]
fn only_the_chosen_folders_are_read() {
    let server = Server::with_demo_mail();
    server.deliver("Junk", "Subject: spam\r\n\r\nx");
    let usual = server.settings().run(&everything()).expect_success();
    assert!(usual.records("messages").iter().all(|record| folder_of(record) != "Junk"));
    let named =
        server.settings().with("MAILBOX_FOLDERS", "inbox\nReisen & Meer\nNowhere").run(&everything()).expect_success();
    let folders: BTreeSet<_> = named.records("messages").into_iter().map(folder_of).collect();
    assert_eq!(folders, BTreeSet::from(["INBOX".to_owned(), "Reisen & Meer".to_owned()]));
    let [skipped] = named.of_type("SKIP_RESULT")[..] else { panic!("one skipped folder") };
    assert_eq!(skipped["reason"], "folder_not_found");
    let all = server.settings().with("MAILBOX_FOLDERS", "all").run(&everything()).expect_success();
    assert!(all.records("messages").iter().any(|record| folder_of(record) == "Junk"));
}

#[test]
fn only_what_is_in_scope_is_emitted() {
    let server = Server::with_demo_mail();
    let settings = server.settings();
    let mailboxes = settings.run(&start(&["mailboxes"], &Value::Null)).expect_success();
    assert_eq!(mailboxes.of_type("RECORD").len(), mailboxes.records("mailboxes").len());

    let fields = json!({"name": "messages", "fields": ["id", "received_at", "subject"], "time_range": {"since": "2025-01-01", "until": "2025-07-01"}});
    let run = settings.run(&start_with(&[fields], &Value::Null)).expect_success();
    let expected =
        demo::messages(USER).into_iter().filter(|placed| (1_735_689_600..1_751_328_000).contains(&placed.message.received));
    assert_eq!(run.of_type("RECORD").len(), expected.count());
    for record in run.records("messages") {
        assert_eq!(record.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "received_at", "subject"]);
    }
    assert!(run.of_type("STATE").is_empty(), "a run with gaps leaves no cursor");

    let key = run.records("messages")[0]["id"].clone();
    let one = settings.run(&start_with(&[json!({"name": "messages", "resources": [key]})], &Value::Null)).expect_success();
    assert_eq!(one.records("messages").len(), 1);

    let since = settings.with("MAILBOX_SINCE", "2026-01-01").run(&everything()).expect_success();
    let expected = demo::messages(USER).into_iter().filter(|placed| placed.message.received >= 1_767_225_600);
    assert_eq!(since.records("messages").len(), expected.count());
}

fn folder_of(record: &Value) -> String {
    record["mailbox"].as_str().unwrap().to_owned()
}

fn time(seconds: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap().to_string()
}
