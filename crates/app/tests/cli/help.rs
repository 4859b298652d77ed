//! What a newcomer reads first.

use crate::harness::{Ran, freehold};

fn help(arguments: &[&str]) -> String {
    let output = freehold().args(arguments).arg("--help").output().unwrap();
    Ran::of(output, std::path::Path::new("/nowhere")).succeeded().out
}

#[test]
fn the_first_page_names_every_command_and_every_variable() {
    insta::assert_snapshot!("help", help(&[]));
}

#[test]
fn adding_a_source_says_what_can_be_given() {
    insta::assert_snapshot!("help-source-add", help(&["source", "add"]));
}

#[test]
fn no_option_takes_a_secret() {
    let commands = [
        vec!["init"],
        vec!["owner", "reset"],
        vec!["source", "add"],
        vec!["credential", "save"],
        vec!["credential", "replace"],
        vec!["run"],
        vec!["answer"],
        vec!["owner", "passphrase"],
        vec!["vault", "unlock"],
        vec!["vault", "set-passphrase"],
        vec!["vault", "renew-recovery-key"],
        vec!["backup", "check"],
        vec!["restore"],
        vec!["token", "create"],
    ];
    for command in commands {
        let text = help(&command);
        for word in ["--password <", "--passphrase <", "--secret <", "--token <", "--recovery-key <", "--code <"] {
            assert!(!text.contains(word), "{command:?} takes {word}");
        }
    }
}

#[test]
fn a_mistyped_command_is_answered_with_the_closest() {
    let output = freehold().args(["sources", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("'source'"));
}
