//! R1: no account's credential is ever taken from the environment, an `.env`, `~/.netrc` or the configuration: not at setup, not at
//! a re-login, not by the schedule. The real server, started in a hostile environment.

use freehold_proof::{Canary, Leak, Search, process_tree};
use freehold_tests::provider::{Mood, Provider};
use freehold_tests::random::TestRng;
use freehold_tests::server::Server;

/// Names a deployment might have put an account's details under, the stand-in's own fields among them.
const NAMES: [&str; 10] = [
    "AMAZON_USERNAME",
    "AMAZON_PASSWORD",
    "IMAP_USERNAME",
    "IMAP_PASSWORD",
    "GITHUB_TOKEN",
    "STAND_IN_USERNAME",
    "STAND_IN_PASSWORD",
    "USERNAME",
    "PASSWORD",
    "API_KEY",
];

fn planted() -> Vec<Canary> {
    let rng = TestRng::new(101);
    NAMES.iter().map(|name| Canary::plain(name, 24, &rng)).collect()
}

/// A server with every canary in its environment, in an `.env` where it starts, and in the `.netrc` of `$HOME`.
fn hostile(canaries: &[Canary]) -> Server {
    let home = tempfile::tempdir().expect("a folder").keep();
    let mut environment: Vec<(&str, &str)> =
        canaries.iter().map(|canary| (canary.what.as_str(), canary.value.as_str())).collect();
    let home_text = home.to_string_lossy().into_owned();
    environment.push(("HOME", &home_text));
    let server = Server::new(&environment);
    let lines: String = canaries.iter().map(|canary| format!("{}={}\n", canary.what, canary.value)).collect();
    // Outside the folder that is scanned, but where the server's working directory and home look.
    std::fs::write(home.join(".env"), &lines).expect("written");
    let netrc = format!("default login {} password {}\n", canaries[5].value, canaries[6].value);
    std::fs::write(home.join(".netrc"), netrc).expect("written");
    server
}

fn leaks(server: &Server, canaries: &[Canary]) -> Vec<Leak> {
    let search = Search::new(canaries);
    let mut leaks = search.in_directory(server.folder()).complete().expect("readable");
    let tree = process_tree(server.pid());
    leaks.extend(search.in_process_table(|id| tree.contains(&id)).complete().expect("readable"));
    leaks
}

fn add(server: &Server, provider: &Provider, input: &str) -> freehold_tests::server::Said {
    let port = format!("port={}", provider.port);
    let add = ["source", "add", "stand_in", "--name", "letters", "--setting", &port, "--agree"];
    if input.is_empty() { server.cli(&add, "") } else { server.cli(&[&add[..], &["--secret-stdin"]].concat(), input) }
}

const DETAILS: &str = r#"{"username": "maria", "password": "given by the owner"}"#;

#[test]
fn setup_without_details_asks_and_finds_none() {
    let canaries = planted();
    let mut server = hostile(&canaries);
    server.start();
    let provider = Provider::with("maria", "given by the owner", "maria", &[("1", "hello")]);
    let said = add(&server, &provider, "");
    assert_ne!(said.code, 0, "a source without details was accepted: {said:?}");
    assert_eq!(provider.submitted(), [], "and something was submitted for it");
    assert_eq!(server.json(&["source", "list"]).as_array().map(Vec::len), Some(0));
    assert_eq!(leaks(&server, &canaries), []);
}

#[test]
fn re_login_and_schedule_use_what_the_owner_gave_and_nothing_else() {
    let canaries = planted();
    let mut server = hostile(&canaries);
    server.start();
    let provider = Provider::with("maria", "given by the owner", "maria", &[("1", "hello")]);
    assert_eq!(add(&server, &provider, DETAILS).code, 0, "{}", server.log());
    assert_eq!(server.cli(&["run", "letters"], "").code, 0, "a re-login");

    // The schedule's turn: due since yesterday when the server starts.
    server.stop();
    let data = rusqlite::Connection::open(server.folder().join("data/data.db")).expect("data.db");
    assert_eq!(data.execute("UPDATE sources SET next_due_at = next_due_at - 90000000", []).expect("due"), 1);
    drop(data);
    provider.mood(Mood::Silent);
    server.start();
    provider.wait_for(3);
    assert_eq!(leaks(&server, &canaries), [], "while the connector runs: the server, its children, its folders");
    provider.mood(Mood::Usual);

    // Changed at the provider, then forgotten: nothing else steps in.
    provider.account("maria", "changed", "maria", &[("1", "hello")]);
    server.cli(&["run", "letters"], "");
    server.cli(&["run", "letters"], "");
    let forgotten = server.cli(&["credential", "forget", "letters", "--yes"], "");
    server.cli(&["run", "letters"], "");
    for (username, password) in provider.submitted() {
        assert_eq!((username.as_str(), password.as_str()), ("maria", "given by the owner"), "{forgotten:?}");
    }
    assert_eq!(leaks(&server, &canaries), []);
}

#[test]
fn what_was_found_is_reported_by_name_and_never_by_value() {
    let canaries = planted();
    let mut server = hostile(&canaries);
    server.start();
    let doctor = server.cli(&["doctor"], "");
    for name in ["AMAZON_PASSWORD", "GITHUB_TOKEN", "IMAP_PASSWORD"] {
        assert!(doctor.out.contains(name), "doctor does not name {name}: {}", doctor.out);
        assert!(server.log().contains(name), "the log at start does not name {name}");
    }
    let search = Search::new(&canaries);
    assert_eq!(search.in_bytes("doctor", format!("{}{}", doctor.out, doctor.err).as_bytes()).leaks, []);
}

#[test]
fn the_configuration_has_no_place_for_an_account() {
    let canaries = planted();
    let secret = &canaries[6].value;
    for lines in [
        format!("[connector.stand_in]\npassword = \"{secret}\"\n"),
        format!("[connector.stand_in.app]\npassword = \"{secret}\"\n"),
        format!("[sources.letters]\npassword = \"{secret}\"\n"),
        format!("password = \"{secret}\"\n"),
    ] {
        let server = Server::new(&[]);
        server.configure(&lines);
        let said = server.cli(&["serve"], "");
        assert_ne!(said.code, 0, "it started with {lines}");
        assert!(said.err.contains("config.toml"), "it does not say where: {}", said.err);
        assert!(!said.err.contains(secret.as_str()), "and repeats the value");
    }
}
