//! R1: nothing of a provider account's comes from the environment.

use crate::harness::{Deployment, Server, freehold};

const PLANTED: [&str; 4] = ["AMAZON_PASSWORD", "GITHUB_TOKEN", "IMAP_PASSWORD", "IMAP_USERNAME"];
const CANARY: &str = "canary-7f3a91";

#[test]
fn the_server_has_none_of_it_in_its_environment() {
    let deployment = Deployment::new();
    let mut command = deployment.command(&["serve"]);
    for name in PLANTED {
        command.env(name, CANARY);
    }
    let server = Server::start(command);
    let environ = std::fs::read_to_string(format!("/proc/{}/environ", server.pid())).unwrap();
    let names: Vec<&str> = environ.split('\0').filter_map(|entry| entry.split('=').next()).collect();
    assert!(!environ.contains(CANARY), "a value is there: {names:?}");
    assert!(PLANTED.iter().all(|name| !names.contains(name)), "a variable is there: {names:?}");
    let allowed = ["PATH", "LANG", "TZ", "XDG_RUNTIME_DIR", "TERM", "NO_COLOR", ""];
    assert!(names.iter().all(|name| allowed.contains(name) || name.starts_with("FREEHOLD_")), "{names:?}");

    let (_, log) = server.stop();
    assert!(!log.contains(CANARY));
    assert!(PLANTED.iter().all(|name| log.contains(name)), "each is reported by its name: {log}");
}

#[test]
fn doctor_reports_them_by_name_alone() {
    let deployment = Deployment::new();
    let mut command = deployment.command(&["doctor"]);
    let output = command.env("BANK_SESSION_COOKIE", CANARY).env("IMAP_USERNAME", CANARY).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("BANK_SESSION_COOKIE, IMAP_USERNAME"), "{text}");
    assert!(!text.contains(CANARY));
}

#[test]
fn an_unknown_setting_is_refused_and_the_closest_named() {
    let output = freehold().arg("doctor").env("FREEHOLD_DATADIR", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r"
    error: Freehold knows no variable FREEHOLD_DATADIR.
      at: the environment
      next: Did you mean FREEHOLD_DATA_DIR? Correct or unset it; `freehold --help` lists what can be set.
    ");
}

#[test]
fn home_does_not_decide_where_anything_is() {
    let deployment = Deployment::new();
    let elsewhere = deployment.path("elsewhere");
    std::fs::create_dir_all(elsewhere.join(".config/freehold")).unwrap();
    std::fs::write(elsewhere.join(".config/freehold/config.toml"), "this is no configuration").unwrap();
    let output =
        freehold().args(["doctor", "--json"]).env("HOME", &elsewhere).env("XDG_CONFIG_HOME", &elsewhere).output().unwrap();
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
