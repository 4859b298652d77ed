//! ntfy: what is published, and what the answers mean. Its server is not in Debian: a stand-in answers with the bytes its own does.

use freehold_core::SecretBytes;
use freehold_notify::{Channel, Ntfy, send};
use serde_json::{Value, json};

use crate::server::{answering, message};

const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n\
    {\"id\":\"hwQ2YpKdmg\",\"time\":1635528741,\"event\":\"message\",\"topic\":\"freehold-x\",\"message\":\"a\"}\n\n";
const REFUSED: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 98\r\n\r\n\
    {\"code\":40301,\"http\":403,\"error\":\"forbidden\",\"link\":\"https://ntfy.example.org/docs/publish/#auth\"}\n";

fn ntfy(port: u16) -> Channel {
    Channel::Ntfy(Ntfy { server: format!("http://127.0.0.1:{port}"), topic: "freehold-x".to_owned(), authority: None })
}

#[test]
fn it_is_published_as_json_with_its_link_and_the_token_in_a_header() {
    let (port, heard) = answering(TAKEN);
    let token = SecretBytes::from("tk_canary".to_owned());
    let delivered = send(&ntfy(port), Some(&token), &message()).expect("taken over");
    assert_eq!(delivered.answer, "200 OK, message hwQ2YpKdmg");
    let request = heard.recv().expect("a request");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer tk_canary"), "{head}");
    let expected = json!({
        "topic": "freehold-x", "title": "Letterbox", "message": "The provider asks for a code.",
        "click": "https://freehold.example.org/interactions/int_1", "priority": 4,
    });
    assert_eq!(serde_json::from_str::<Value>(body).expect("JSON"), expected);
}

#[test]
fn a_refusal_is_explained_in_its_own_words_too() {
    let (port, _heard) = answering(REFUSED);
    let refused = send(&ntfy(port), None, &message()).expect_err("refused");
    assert!(refused.lasting && refused.next.contains("token"), "{refused:?}");
    assert_eq!(refused.answer.as_deref(), Some("403 Forbidden: forbidden"));
}

#[test]
fn what_is_no_ntfy_server_is_not_taken_for_one() {
    let (port, _heard) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome");
    assert!(send(&ntfy(port), None, &message()).expect_err("no ntfy server").what.contains("not an ntfy server"));
    let (port, _heard) = answering(b"SSH-2.0-OpenSSH_9.2\r\n");
    assert!(!send(&ntfy(port), None, &message()).expect_err("no HTTP").what.is_empty());
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_no_longer_than_the_limit() {
    let (port, _heard) = answering(b"");
    let begun = std::time::Instant::now();
    let silent = send(&ntfy(port), None, &message()).expect_err("silent");
    assert!(!silent.lasting && silent.what.contains("in time"), "{silent:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(25), "{:?}", begun.elapsed());
}
