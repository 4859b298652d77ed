//! What a run says when it cannot go on: only a refused sign-in may ask the owner for another password.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::harness::{PASSWORD, Run, Server, Settings, everything};

fn assert_failed(run: &Run, code: &str, hint: &str) {
    let done = run.done();
    assert_eq!(done["status"], "failed", "{}", run.log);
    assert_eq!((done["error"]["code"].as_str(), hint_of(run)), (Some(code), Some(hint.to_owned())), "{done}");
    assert_eq!(done["error"]["retryable"], hint == "retry_by_runtime");
    assert!(run.of_type("STATE").is_empty() && run.of_type("RECORD").is_empty());
    let said = format!("{:?} {}", run.messages, run.log);
    assert!(!said.contains(PASSWORD) && !said.contains("wrong-password"));
}

fn hint_of(run: &Run) -> Option<String> {
    let hint = &run.done()["error"]["recovery_hint"];
    hint.as_str().or(hint["action"].as_str()).map(str::to_owned)
}

#[test]
fn a_wrong_password_is_submitted_once_and_asks_for_another() {
    let mut server = Server::with_demo_mail();
    let run = server.settings().run_with_password(&everything(), "wrong-password");
    assert_failed(&run, "authentication_failed", "refresh_credentials");
    assert!(run.of_type("IDENTITY").is_empty());
    server.dovecot.stop();
    assert_eq!(server.dovecot.log().matches("Password mismatch").count(), 1, "{}", server.dovecot.log());
}

#[test]
fn a_changed_password_is_refused_and_the_new_one_works() {
    let mut server = Server::with_demo_mail();
    server.settings().run(&everything()).expect_success();
    server.dovecot.set_password("maria@example.test", "another").unwrap();
    assert_failed(&server.settings().run(&everything()), "authentication_failed", "refresh_credentials");
    server.settings().run_with_password(&everything(), "another").expect_success();
}

#[test]
fn starttls_is_used_and_its_absence_is_no_reason_to_go_on_unprotected() {
    let server = Server::with_demo_mail();
    let starttls = |port| Settings::new("localhost", port, "starttls").with("MAILBOX_CA_PEM", &server.dovecot.ca_pem);
    starttls(server.dovecot.imap_port).run(&everything()).expect_success();
    let port = fake(&["* OK IMAP4rev1 ready", "f1 BAD what?"]);
    let run = starttls(port).run(&everything());
    assert_failed(&run, "encryption_failed", "retry_by_runtime");
    assert!(run.of_type("INTERACTION").is_empty(), "no password is asked for before the connection is safe");
}

#[test]
fn text_smuggled_in_before_encryption_is_refused() {
    let port = fake(&["* OK IMAP4rev1 ready", "f1 OK go\r\n* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] believe me"]);
    let run = Settings::new("localhost", port, "starttls").run(&everything());
    assert_failed(&run, "unexpected_answer", "retry_on_connector_upgrade");
}

#[test]
fn an_unknown_authority_is_not_a_wrong_password() {
    let server = Server::with_demo_mail();
    let run = server.settings().with("MAILBOX_CA_PEM", "").run(&everything());
    assert_failed(&run, "encryption_failed", "retry_by_runtime");
    let why = run.done()["error"]["message"].to_string();
    assert!(why.contains("give that authority's certificate"), "{why}");
    assert!(run.of_type("INTERACTION").is_empty());
    let port = server.dovecot.imap_port.to_string();
    let run = server.settings().with("MAILBOX_PORT", &port).run(&everything());
    assert_failed(&run, "encryption_failed", "retry_by_runtime");
    let why = run.done()["error"]["message"].to_string();
    assert!(why.contains("does not speak TLS on this port"), "{why}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let server = Server::with_demo_mail();
    let run = server.settings().with("MAILBOX_HOST", "127.0.0.2").run(&everything());
    // Dovecot listens on 127.0.0.1 alone, so the way to it under another name is a relay.
    assert_failed(&run, "unreachable", "retry_by_runtime");
    let relayed = server
        .settings()
        .with("MAILBOX_HOST", "127.0.0.2")
        .with("MAILBOX_PORT", &relay(server.dovecot.imaps_port).to_string());
    assert_failed(&relayed.run(&everything()), "encryption_failed", "retry_by_runtime");
}

#[test]
fn a_server_that_is_away_is_tried_again_later() {
    let mut server = Server::with_demo_mail();
    server.dovecot.stop();
    assert_failed(&server.settings().run(&everything()), "unreachable", "retry_by_runtime");
}

#[test]
fn a_server_that_cannot_judge_a_password_now_has_not_refused_it() {
    const READY: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready";
    for refusal in ["f1 NO [UNAVAILABLE] later", "f1 NO [LIMIT] too many", "* BYE [INUSE] not now"] {
        let run = Settings::new("127.0.0.1", fake(&[READY, "+ ", refusal]), "plain").run(&everything());
        assert_failed(&run, "server_unavailable", "retry_by_runtime");
    }
    let run = Settings::new("127.0.0.1", fake(&["* BYE overloaded"]), "plain").run(&everything());
    assert_failed(&run, "server_unavailable", "retry_by_runtime");
    let run = Settings::new("127.0.0.1", fake(&[READY, "+ "]), "plain").run(&everything());
    assert_failed(&run, "connection_broken", "retry_by_runtime");
}

#[test]
fn a_refused_login_command_is_a_wrong_password_too() {
    let port = fake(&["* OK [CAPABILITY IMAP4rev1] ready", "+ go", "+ go", "f1 NO Invalid credentials"]);
    let run = Settings::new("127.0.0.1", port, "plain").run_with_password(&everything(), "wrong-password");
    assert_failed(&run, "authentication_failed", "refresh_credentials");
}

#[test]
fn a_server_that_takes_no_password_here_is_a_matter_of_settings() {
    let port = fake(&["* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready"]);
    let run = Settings::new("127.0.0.1", port, "plain").run(&everything());
    assert_failed(&run, "not_allowed", "manual_action_required");
}

#[test]
fn a_missing_setting_is_named() {
    let run = Settings::new("", 993, "tls").run(&everything());
    assert_failed(&run, "setting", "not_retriable");
    assert!(run.done()["error"]["message"].as_str().unwrap().contains("host"));
}

/// A server that says its lines, each after one line of the client's but the first, and then closes.
fn fake(lines: &[&'static str]) -> u16 {
    let lines = lines.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut requests = BufReader::new(client.try_clone().unwrap()).lines();
        for (index, line) in lines.iter().enumerate() {
            if index > 0 && requests.next().is_none() {
                return;
            }
            let _ = client.write_all(format!("{line}\r\n").as_bytes());
        }
    });
    port
}

fn relay(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
        let (mut from, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut back));
        let _ = std::io::copy(&mut client, &mut server);
    });
    port
}
