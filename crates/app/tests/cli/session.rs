//! The browsers that are signed in, listed and signed out from the terminal.

use crate::harness::{Deployment, PASSPHRASE, Server};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const PHONE: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36";

fn is_signed_in(server: &Server, cookie: &str) -> bool {
    server.http("GET /settings", FIREFOX, &[("Cookie", cookie)], "").starts_with("HTTP/1.1 200")
}

#[test]
fn browsers_are_listed_in_words_and_signed_out_by_name_or_all() {
    let deployment = Deployment::new();
    deployment.set_up();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let server = deployment.serve();
    let run = |arguments: &[&str]| deployment.run(&[&["--passphrase-file", &passphrase], arguments].concat());
    assert_eq!(run(&["session", "list"]).succeeded().out, "No browser is signed in.\n");
    assert_eq!(run(&["session", "sign-out", "--all"]).succeeded().out, "No browser was signed in.\n");

    let (laptop, phone, script) = (server.sign_in(FIREFOX), server.sign_in(PHONE), server.sign_in("curl/8.14.1"));
    let listed = run(&["session", "list"]).succeeded().out;
    for browser in ["Firefox on Linux", "Chrome on Android", "curl/8.14.1"] {
        assert!(listed.lines().any(|line| line.ends_with(browser)), "{listed}");
    }
    let sessions = run(&["--json", "session", "list"]).succeeded().json();
    let of = |browser: &str| {
        let mut all = sessions.as_array().unwrap().iter();
        all.find(|session| session["browser"] == browser).unwrap().clone()
    };
    assert_eq!(of("Chrome on Android")["user_agent"], PHONE, "its own words are there for programs");

    // Without the passphrase nobody is signed out.
    let id = of("Chrome on Android")["id"].as_str().unwrap().to_owned();
    assert_ne!(deployment.run(&["session", "sign-out", &id]).code, 0);
    assert!(is_signed_in(&server, &phone));
    assert_eq!(run(&["session", "sign-out", &id]).succeeded().out, "That browser is signed out.\n");
    assert!(!is_signed_in(&server, &phone) && is_signed_in(&server, &laptop) && is_signed_in(&server, &script));
    let again = run(&["session", "sign-out", &id]);
    assert_eq!(again.code, 3);
    insta::assert_snapshot!(again.err, @r"
    error: There is no such session.
      next: Look at the list of them.
    ");

    assert_eq!(run(&["session", "sign-out", "--all"]).succeeded().out, "All 2 browsers are signed out.\n");
    assert!(!is_signed_in(&server, &laptop) && !is_signed_in(&server, &script));
    let log = run(&["audit", "show", "--limit", "1000"]).succeeded().out;
    let signed_out: Vec<&str> =
        log.lines().filter(|line| line.contains("You, at the terminal  Signed a browser out of the console.")).collect();
    assert_eq!(signed_out.len(), 3, "{log}");
}
