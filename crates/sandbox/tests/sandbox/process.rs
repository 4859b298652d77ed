//! What a process does to itself; these are not children of a sandbox, but stand for the server.

use std::process::{Command, Output};

use crate::support::LAUNCHER;

#[test]
fn a_hardened_process_cannot_be_looked_into() {
    assert_eq!(said(&run(&["harden"], &[])), "ok dumpable=0 core=0/0");
}

#[test]
fn a_reexecuted_process_keeps_its_arguments_and_no_variable_but_those_named() {
    let output = run(&["reexec", "one argument", "two"], &[("EXAMPLE_PASSWORD", "canary"), ("AGAIN", "no")]);
    assert_eq!(said(&output), "ok AGAIN=yes one argument two");
}

fn run(args: &[&str], env: &[(&str, &str)]) -> Output {
    // Not through the sandbox: what is tested is the process itself.
    #[allow(clippy::disallowed_methods)]
    Command::new(LAUNCHER).args(args).envs(env.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
