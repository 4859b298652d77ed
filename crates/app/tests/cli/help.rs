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

/// Every command that a page of the console or the operator's guide names, with its options.
#[test]
fn every_command_that_is_named_exists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![root.join("docs/operator.md"), root.join("README.md")];
    let mut folders = vec![root.join("crates/web/templates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut named = std::collections::BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let in_pages = text.split("<code>freehold ").skip(1).filter_map(|rest| rest.split("</code>").next());
        let in_lines = text.lines().filter_map(|line| line.strip_prefix("freehold "));
        let in_ticks = text.split("`freehold ").skip(1).filter_map(|rest| rest.split('`').next());
        named.extend(in_pages.chain(in_lines).chain(in_ticks).map(|words| words.replace('\n', " ")));
    }
    assert!(named.len() > 15, "{named:?}");
    for words in named {
        let words = words.split('#').next().unwrap_or_default();
        let is_command = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        // What a command takes comes after its name: NAME, a path, an option, or the name that stands for one in an example.
        let mut command: Vec<&str> = words.split_whitespace().take_while(is_command).take(2).collect();
        let known = |command: &[&str]| freehold().args(command).arg("--help").output().unwrap().status.success();
        if command.len() == 2 && known(&command[..1]) && !known(&command) {
            let takes_a_name =
                help(&command[..1]).contains("Usage: freehold ") && !help(&command[..1]).contains("<COMMAND>");
            assert!(takes_a_name, "there is no `freehold {words}`");
            command.truncate(1);
        }
        assert!(command.is_empty() || known(&command), "there is no `freehold {words}`");
        let text = help(&command);
        for option in words.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            assert!(text.contains(option), "`freehold {words}` has no {option}");
        }
    }
}
