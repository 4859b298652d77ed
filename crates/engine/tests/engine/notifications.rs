//! Reaching the owner: one message for each need, never a storm, nothing twice, nothing in quiet hours.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use freehold_core::{ProblemCode, SecretBytes};
use freehold_engine::view::NotificationsView;
use freehold_engine::{ChannelKind, QuietHours, UnlockWith};
use serde_json::Value;

use crate::support::{OWNER, Server, secret};

/// An ntfy server that takes everything over, or refuses it, and remembers.
struct Ntfy {
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Ntfy {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let hears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let body = loop {
                    let mut chunk = [0; 4096];
                    let read = stream.read(&mut chunk).unwrap();
                    request.extend_from_slice(&chunk[..read]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<Value>(body).ok());
                    if body.is_some() || read == 0 {
                        break body;
                    }
                };
                hears.lock().unwrap().extend(body);
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 12\r\n\r\n{{\"id\":\"abc\"}}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        let text = |value: &Value| format!("{}: {}", value["title"].as_str().unwrap(), value["message"].as_str().unwrap());
        self.heard.lock().unwrap().iter().map(text).collect()
    }

    fn fields(&self, token: &str) -> BTreeMap<String, SecretBytes> {
        let server = format!("http://127.0.0.1:{}", self.port);
        [("server", server.as_str()), ("topic", "freehold-x"), ("token", token)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), secret(value)))
            .collect()
    }

    fn add_to(&self, server: &Server, token: &str) -> freehold_core::id::ChannelId {
        server.engine.save_channel(&OWNER, None, ChannelKind::Ntfy, self.fields(token)).unwrap().id
    }
}

fn seen(server: &Server) -> NotificationsView {
    server.engine.notifications(&OWNER).unwrap()
}

/// The states of all deliveries, the newest first.
fn states(server: &Server) -> Vec<&'static str> {
    seen(server).messages.iter().flat_map(|message| message.deliveries.iter().map(|delivery| delivery.state)).collect()
}

/// Lets time pass, and waits for what that leads to.
fn later(server: &Server, seconds: i64, what: &str, until: impl Fn() -> bool) {
    server.clock.forward(seconds);
    server.engine.wake();
    server.until(what, || until().then_some(()));
}

/// A connector whose sources end needing somebody, at once.
fn needing(server: &Server) {
    let program = "sys.exit(1)";
    server.drop_in("stuck", serde_json::json!({}), program);
}

fn stuck(server: &Server, name: &str) -> freehold_core::SourceId {
    let source = server.add_called("stuck", name, "ada");
    server.until("the run to end", || server.source(source).current_run.is_none().then_some(()));
    assert!(server.source(source).status.as_str() == "broken", "{:?}", server.source(source).status);
    source
}

#[test]
fn a_storm_of_needs_is_one_message_and_a_restart_sends_nothing_again() {
    let mut server = Server::new();
    let ntfy = Ntfy::start("200 OK");
    ntfy.add_to(&server, "tk_canary");
    needing(&server);
    for n in 0..12 {
        stuck(&server, &format!("maria-canary {n}"));
    }
    server.until("the needs to be noted", || (seen(&server).needs.len() == 12).then_some(()));
    assert!(ntfy.heard().is_empty(), "an owner who is there answers first");
    later(&server, 40, "the message", || states(&server) == ["sent"]);
    assert_eq!(ntfy.heard(), ["Freehold: 12 things need you."]);
    let sent = ntfy.heard.lock().unwrap()[0].to_string();
    assert!(sent.contains("http://127.0.0.1:7180/") && !sent.contains("canary"), "{sent}");

    server = server.restart();
    later(&server, 3_700, "everything noted", || seen(&server).needs.len() == 12);
    stuck(&server, "one more");
    server.until("it to be noted", || (seen(&server).needs.len() == 13).then_some(()));
    later(&server, 40, "its message", || states(&server) == ["sent", "sent"]);
    assert_eq!(ntfy.heard(), ["Freehold: 12 things need you.", "stuck: The connector failed."]);
}

#[test]
fn what_is_over_before_it_is_sent_is_not_sent() {
    let server = Server::new();
    let ntfy = Ntfy::start("200 OK");
    ntfy.add_to(&server, "");
    needing(&server);
    let source = stuck(&server, "a");
    server.until("the need to be noted", || (seen(&server).needs.len() == 1).then_some(()));
    server.engine.pause(&OWNER, source).unwrap();
    server.until("it to be over", || seen(&server).needs.is_empty().then_some(()));
    stuck(&server, "b");
    server.until("the other to be noted", || (seen(&server).needs.len() == 1).then_some(()));
    later(&server, 40, "the other's message", || states(&server) == ["sent"]);
    assert_eq!(ntfy.heard(), ["stuck: The connector failed."]);
}

#[test]
fn in_quiet_hours_it_is_held_back_and_sent_at_their_end() {
    let server = Server::new();
    let ntfy = Ntfy::start("200 OK");
    ntfy.add_to(&server, "");
    let hours = |from: i64, to: i64| {
        let time =
            |minutes: i64| (server.engine.now() + jiff::SignedDuration::from_mins(minutes)).strftime("%H:%M").to_string();
        QuietHours::read(&time(from), &time(to), "UTC").unwrap()
    };
    server.engine.set_quiet_hours(&OWNER, Some(hours(-5, 60))).unwrap();
    needing(&server);
    let source = stuck(&server, "a");
    server.until("it to be held", || seen(&server).needs.first()?.held_until);
    server.clock.forward(600);
    server.engine.wake();
    stuck(&server, "b");
    server.until("both to be held", || (seen(&server).needs.len() == 2).then_some(()));
    // Noted in a look of its own, after which the one before is over.
    stuck(&server, "c");
    server.until("a third to be held", || (seen(&server).needs.len() == 3).then_some(()));
    assert!(ntfy.heard().is_empty() && states(&server).is_empty());
    server.engine.pause(&OWNER, source).unwrap();
    later(&server, 3_600, "the messages", || states(&server) == ["sent", "sent"]);
    assert_eq!(ntfy.heard(), ["stuck: The connector failed."; 2], "what was over in the meantime is not told");
}

#[test]
fn a_server_that_fails_is_tried_again_and_given_up_in_sight() {
    let server = Server::new();
    let ntfy = Ntfy::start("500 Internal Server Error");
    ntfy.add_to(&server, "");
    needing(&server);
    stuck(&server, "a");
    server.until("the need to be noted", || (seen(&server).needs.len() == 1).then_some(()));
    server.clock.forward(40);
    for tries in 1..=6 {
        let expected = if tries < 6 { "waiting" } else { "failed" };
        later(&server, 4 * 3_600 - 600, "the next try", || {
            let facts = seen(&server);
            let first = facts.messages.iter().find(|message| message.kind == "need");
            first.is_some_and(|message| message.deliveries[0].tries == tries && message.deliveries[0].state == expected)
        });
    }
}

#[test]
fn a_secret_is_for_its_server_alone_and_waits_for_the_vault() {
    let server = Server::new();
    let ntfy = Ntfy::start("200 OK");
    let id = ntfy.add_to(&server, "tk_canary");
    let view = serde_json::to_string(&seen(&server)).unwrap();
    assert!(!view.contains("canary"), "{view}");
    let other = Ntfy::start("200 OK");
    let refused = server.engine.save_channel(&OWNER, Some(id), ChannelKind::Ntfy, other.fields("")).unwrap_err();
    assert_eq!(refused.at.as_deref(), Some("token"), "a token does not go to another server unasked");
    assert!(server.engine.save_channel(&OWNER, Some(id), ChannelKind::Ntfy, ntfy.fields("")).unwrap().has_secret);

    server.engine.lock_vault(&OWNER).unwrap();
    assert_eq!(server.engine.test_channel(&OWNER, id).unwrap_err().code, ProblemCode::VaultLocked);
    let facts = seen(&server);
    assert!(facts.channels[0].blocked.as_ref().unwrap().contains("vault"));
    // One without a secret goes out all the same.
    let open = other.add_to(&server, "");
    assert!(server.engine.test_channel(&OWNER, open).unwrap().sent);
    assert!(ntfy.heard().is_empty());
    server.engine.unlock_vault(&OWNER, UnlockWith::KeyFile).unwrap();
    assert!(server.engine.test_channel(&OWNER, id).unwrap().sent);
    server.engine.remove_channel(&OWNER, id).unwrap();
    assert_eq!(server.engine.test_channel(&OWNER, id).unwrap_err().code, ProblemCode::NotFound);
}
