//! The binary: what it prints, and when it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

#[expect(clippy::disallowed_methods, reason = "the test of a program has to start it")]
fn start(arguments: &[&str]) -> (Child, Value) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_freehold-practice"));
    let program = program.args(["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]).args(arguments);
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[test]
fn it_says_where_it_is_and_ends_with_its_standard_input() {
    let (mut child, ready) = start(&["--until-stdin-closes"]);
    for name in ["http", "tls"] {
        let address: SocketAddr = ready[name].as_str().unwrap().parse().unwrap();
        assert!(TcpStream::connect(address).is_ok(), "{name}");
    }
    assert_eq!(ready["spki"].as_str().unwrap().len(), 44);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn it_ends_when_it_is_told_to() {
    let (mut child, ready) = start(&[]);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let address: SocketAddr = ready["http"].as_str().unwrap().parse().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_folder_keeps_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let key = || {
        let (mut child, ready) = start(&["--until-stdin-closes", "--folder", folder]);
        drop(child.stdin.take());
        let mut rest = String::new();
        child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success() && rest.is_empty());
        ready["spki"].clone()
    };
    assert_eq!(key(), key());
}
