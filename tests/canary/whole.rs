//! R12 on the real server: secrets are given, used, refused, replaced and forgotten while everything that could hold a copy is
//! scanned: databases with their logs and free pages, logs, temporary folders, environments, command lines, pages and API answers.

use freehold_core::SecretKind;
use freehold_proof::{Canary, Leak, Search, process_tree};
use freehold_tests::provider::{Mood, Provider};
use freehold_tests::random::TestRng;
use freehold_tests::server::Server;

/// The folder, the process tree, and what a person or a program can read.
pub(crate) fn leaks(server: &Server, search: &Search) -> Vec<Leak> {
    let mut leaks = search.in_directory(server.folder()).complete().expect("readable");
    let tree = process_tree(server.pid());
    leaks.extend(search.in_process_table(|id| tree.contains(&id)).complete().expect("readable"));
    for arguments in [
        &["source", "list"][..],
        &["source", "show", "letters"],
        &["credential", "show", "letters"],
        &["runs", "letters"],
        &["audit", "show"],
        &["vault", "status"],
        &["backup", "list"],
        &["records", "letters"],
        &["connector", "list"],
    ] {
        for form in [&["--json"][..], &[]] {
            let said = server.cli(&[form, arguments].concat(), "");
            leaks.extend(
                search.in_bytes(&format!("freehold {arguments:?}"), format!("{}{}", said.out, said.err).as_bytes()).leaks,
            );
        }
    }
    for path in ["/sign-in", "/metrics", "/healthz", "/readyz"] {
        leaks.extend(search.in_bytes(path, server.http(&format!("GET {path}"), &[], "").as_bytes()).leaks);
    }
    let cookie = server.sign_in();
    for path in pages(server) {
        let answer = server.http(&format!("GET {path}"), &[("Cookie", &cookie)], "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        leaks.extend(search.in_bytes(&path, answer.as_bytes()).leaks);
    }
    leaks
}

/// Every page that could know something of the source, and what the API says of it.
fn pages(server: &Server) -> Vec<String> {
    let source = server.json(&["source", "show", "letters"]);
    let own = format!("/sources/{}", source["id"].as_str().expect("an id"));
    let mut pages = vec!["/".to_owned(), "/settings".to_owned(), "/sources/add/stand_in".to_owned(), own.clone()];
    pages.extend(["/settings/vault", "/settings/backup"].map(str::to_owned));
    pages.extend(["setup", "sign-in-details", "change", "remove"].map(|page| format!("{own}/{page}")));
    let runs = server.json(&["runs", "letters"]);
    for id in runs.as_array().expect("a list").iter().filter_map(|run| run["id"].as_str()) {
        pages.push(format!("{own}/runs/{id}"));
        pages.extend(["timeline", "rejected", "log"].map(|part| format!("/api/v1/runs/{id}/{part}")));
    }
    let questions = server.json(&["answer"]);
    pages.extend(
        questions
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|asked| Some(format!("/interactions/{}", asked["id"].as_str()?))),
    );
    pages
}

fn details(username: &str, password: &Canary) -> String {
    serde_json::json!({"username": username, "password": password.value}).to_string()
}

#[test]
fn a_whole_life_of_a_secret_leaves_no_copy() {
    let rng = TestRng::new(77);
    let first = Canary::password("the first password", &rng);
    let wrong = Canary::password("a refused password", &rng);
    let second = Canary::password("the second password", &rng);
    let code = Canary::plain("a code", 20, &rng);
    let mut server = Server::new(&[]);
    // The passphrase and the recovery key are in files the owner made; they are taken out of the scanned folder first.
    let recovery_key = std::fs::read_to_string(server.folder().join("recovery-key")).expect("the key");
    std::fs::remove_file(server.folder().join("recovery-key")).expect("put away");
    let recovery = Canary::known("the recovery key", recovery_key.trim());
    let search = Search::new(&[first.clone(), wrong.clone(), second.clone(), code.clone(), recovery]);
    server.start();

    let provider = Provider::with("maria", &first.value, "maria", &[("1", "hello")]);
    provider.mood(Mood::Silent);
    let port = format!("port={}", provider.port);
    let add =
        ["source", "add", "stand_in", "--name", "letters", "--setting", &port, "--agree", "--no-wait", "--secret-stdin"];
    let said = server.cli(&add, &details("maria", &first));
    assert_eq!(said.code, 0, "{said:?}");
    provider.wait_for(1);
    assert_eq!(leaks(&server, &search), [], "while the connector holds the password");
    provider.mood(Mood::Usual);
    assert_eq!(server.cli(&["run", "letters"], "").code, 0);

    // Refused, replaced, and a code on the way.
    provider.account("maria", &second.value, "maria", &[("1", "hello")]);
    let replace = ["credential", "replace", "letters", "--agree", "--secret-stdin"];
    server.cli(&replace, &details("maria", &wrong));
    assert_eq!(leaks(&server, &search), [], "after a refusal");
    provider.mood(Mood::WantsCode(code.value.clone()));
    let before = provider.submitted().len();
    server.cli(&[&replace[..], &["--no-wait"]].concat(), &details("maria", &second));
    provider.wait_for(before + 1);
    assert_eq!(leaks(&server, &search), [], "while it waits for a code");

    assert_eq!(server.cli(&["backup", "now"], "").code, 0);
    assert_eq!(leaks(&server, &search), [], "with a backup beside it");

    let log = server.log();
    server.stop();
    assert!(!log.is_empty(), "the scanned log is the server's");
    let stopped = search.in_directory(server.folder()).complete().expect("readable");
    assert_eq!(stopped, [], "what a backup of the stopped server would hold");
    assert_eq!(SecretKind::ALL.len(), 7, "a new kind needs its planted leak");
}
