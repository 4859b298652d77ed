//! R3: a connector starts with an environment made for it alone, and sees no other source, no vault, no database, no token and no
//! memory of the server. Here with a connector that tries; layer by layer in crates/sandbox.

use std::collections::BTreeMap;
use std::net::TcpListener;

use freehold_core::{ConnectorName, CredentialMode, SecretKind};
use freehold_engine::{Answer, NewSource, RecordQuery};
use freehold_tests::house::{House, secret};
use serde_json::Value;

use crate::LAUNCHER;

/// Runs the misbehaving connector with one sin, and returns what its probes found: by name, the outcome and the detail.
fn probe(house: &House, sin: &str, paths: &str, port: u16) -> BTreeMap<String, (String, String)> {
    let settings = [("sin", Value::from(sin)), ("probe_paths", Value::from(paths)), ("probe_port", Value::from(port))];
    let new = NewSource {
        connector: ConnectorName::parse("misbehaving").expect("a name"),
        name: sin.to_owned(),
        mode: CredentialMode::StoredCredential,
        settings: settings.map(|(name, value)| (name.to_owned(), value)).into(),
        expected_account: Some("tester".to_owned()),
        accept_unverified: false,
        credentials: BTreeMap::from([(SecretKind::Token, BTreeMap::from([("token".to_owned(), secret("a token"))]))]),
        consent: true,
    };
    let source = house.engine().add_source(&house.owner(), new).expect("a source").id;
    let run = house.settled(source);
    if let Some(question) = house.source(source).interaction {
        house.engine().answer(&house.owner(), question, Answer::Yes).expect("its account");
        house.settled(source);
    }
    let query = RecordQuery { limit: 500, ..RecordQuery::default() };
    let page = house.engine().records(&house.owner(), source, "probes", &query).expect("a page");
    assert!(!page.records.is_empty(), "it probed nothing: {run:?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    page.records
        .iter()
        .map(|record| (record.key.clone(), (text(&record.data["outcome"]), text(&record.data["detail"]))))
        .collect()
}

#[test]
fn nothing_of_the_server_or_of_another_source_can_be_read() {
    let house = House::new(LAUNCHER);
    let folder = house.folder().to_string_lossy().into_owned();
    let home = "/root\n/home\n/etc/shadow";
    let paths = format!(
        "{folder}\n{folder}/data/vault.db\n{folder}/data/data.db\n{folder}/config/vault.key\n{folder}/scratch\n{home}"
    );
    let found = probe(&house, "read_others", &paths, 1);
    for (name, (outcome, detail)) in &found {
        if name == "variables" {
            let allowed = ["HOME", "LANG", "LC_CTYPE", "PATH", "PROBE_PATHS", "PROBE_PORT", "PWD", "SIN", "TMPDIR", "TZ"];
            let extra: Vec<_> = detail.split(' ').filter(|name| !allowed.contains(name)).collect();
            assert!(extra.is_empty(), "its environment also has {extra:?}");
        } else {
            assert_eq!(outcome, "refused", "{name}: {detail}");
        }
    }
    assert!(found.len() >= 8, "{found:?}");
}

#[test]
fn the_servers_socket_cannot_be_reached() {
    let house = House::new(LAUNCHER);
    let socket = house.folder().join("freehold.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    // The console's port can be reached, as any host can: it is a session that opens it, not the address.
    let console = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = console.local_addr().expect("an address").port();
    let found = probe(&house, "find_server", &socket.to_string_lossy(), port);
    let (outcome, detail) = &found[&format!("socket {}", socket.display())];
    assert_eq!(outcome, "refused", "{detail}");
}
