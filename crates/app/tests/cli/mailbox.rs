//! From an empty machine to records of a real mailbox, by the command line alone.

use std::time::{Duration, Instant};

use freehold_dovecot::{Dovecot, User, demo};

use crate::harness::{Deployment, PASSPHRASE, Ran};

const USER: &str = "maria@example.test";
const PASSWORD: &str = "canary-app-password-52";

struct Mailbox {
    dovecot: Dovecot,
    _dir: tempfile::TempDir,
}

impl Mailbox {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let user = User { name: USER.to_owned(), password: PASSWORD.to_owned() };
        let dovecot = Dovecot::start(dir.path(), &[user]).unwrap();
        demo::fill(&dovecot, USER).unwrap();
        Self { dovecot, _dir: dir }
    }

    fn add(&self, deployment: &Deployment, password: &str) -> Ran {
        let secret = deployment.secret_file("secret", &format!("username={USER}\npassword={password}\n"));
        let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
        let port = format!("port={}", self.dovecot.imaps_port);
        let ca = format!("ca_pem={}", self.dovecot.ca_pem);
        deployment.run(&[
            "source",
            "add",
            "imap",
            "--name",
            "My mail",
            "--setting",
            "host=127.0.0.1",
            "--setting",
            &port,
            "--setting",
            &ca,
            "--secret-file",
            &secret,
            "--agree",
            "--passphrase-file",
            &passphrase,
        ])
    }
}

#[test]
fn a_mailbox_becomes_records() {
    let mailbox = Mailbox::start();
    let deployment = Deployment::new();
    deployment.set_up();
    let server = deployment.serve();

    let added = mailbox.add(&deployment, PASSWORD);
    let added = if added.code == 20 { confirm_account(&deployment) } else { added };
    added.succeeded();

    let expected = demo::messages(USER).len();
    let page = deployment.run(&["--json", "records", "My mail", "messages", "--limit", "500"]).succeeded().json();
    let records = page["records"].as_array().unwrap();
    assert!(!records.is_empty() && records.len() <= expected, "{} of {expected}", records.len());
    assert_eq!(page["total"], records.len());

    let key = records[0]["key"].as_str().unwrap();
    let record = deployment.run(&["records", "My mail", "messages", key]).succeeded();
    assert!(record.out.contains(key) && record.out.contains("subject"), "{}", record.out);
    let day = &records[0]["emitted_at"].as_str().unwrap()[..10];
    let days =
        |from: &str, to: &str| deployment.run(&["--json", "records", "My mail", "messages", "--from", from, "--to", to]);
    let of_time = |from: &str, to: &str| days(from, to).succeeded().json()["total"].as_u64().unwrap();
    let since = of_time(day, "9999-12-31");
    assert!((1..records.len() as u64).contains(&since), "{since} since {day}");
    let before = deployment.run(&["records", "My mail", "messages", "--to", "1999-12-31"]).succeeded();
    assert_eq!(before.out.trim(), "There are no such records.");
    let exported = deployment.run(&["records", "My mail", "messages", "--export", "jsonl", "--from", day]).succeeded();
    assert_eq!(exported.out.lines().count() as u64, since, "the same as in the list");
    let wrong = days("yesterday", "");
    assert!(wrong.code != 0 && wrong.err.contains("There is no such day"), "{wrong:#?}");
    let listed = deployment.run(&["source", "list"]).succeeded();
    assert!(listed.out.contains("fresh"), "{}", listed.out);

    let again = deployment.run(&["run", "My mail"]).succeeded();
    assert!(again.out.contains("Nothing new"), "{}", again.out);

    for command in [
        ["source", "show", "My mail"].as_slice(),
        &["credential", "show", "My mail"],
        &["--json", "source", "show", "My mail"],
        &["audit", "show"],
        &["runs", "My mail"],
    ] {
        let ran = deployment.run(command).succeeded();
        assert!(!ran.out.contains(PASSWORD), "{command:?} shows the secret");
    }
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains(PASSWORD));
}

#[test]
fn a_wrong_password_asks_once_and_a_new_one_mends_it() {
    let mailbox = Mailbox::start();
    let deployment = Deployment::new();
    deployment.set_up();
    let _server = deployment.serve();

    let added = mailbox.add(&deployment, "not-the-password");
    assert_eq!(added.code, 20, "{added:#?}");
    assert!(added.out.contains("freehold credential replace 'My mail'"), "{}", added.out);
    let shown = deployment.run(&["credential", "show", "My mail"]).succeeded();
    assert!(shown.out.contains("rejected"), "{}", shown.out);

    let secret = deployment.secret_file("secret", &format!("{{\"username\": \"{USER}\", \"password\": \"{PASSWORD}\"}}"));
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let replaced = deployment.run(&[
        "credential",
        "replace",
        "My mail",
        "--secret-file",
        &secret,
        "--agree",
        "--passphrase-file",
        &passphrase,
    ]);
    let replaced = if replaced.code == 20 { confirm_account(&deployment) } else { replaced };
    replaced.succeeded();
    let shown = deployment.run(&["credential", "show", "My mail"]).succeeded();
    assert!(shown.out.contains("verified"), "{}", shown.out);
}

/// Says yes to the one open question.
fn confirm_account(deployment: &Deployment) -> Ran {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let open = deployment.run(&["--json", "answer"]).succeeded().json();
        if let Some(id) = open[0]["id"].as_str() {
            return deployment.run(&[
                "answer",
                id,
                "--yes",
                "--passphrase-file",
                &deployment.path("passphrase").display().to_string(),
            ]);
        }
        assert!(Instant::now() < deadline, "no question was asked");
    }
}
