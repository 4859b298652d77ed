//! The server's life.

use std::os::unix::fs::PermissionsExt;

use crate::harness::Deployment;

#[test]
fn it_prints_where_it_is_and_stops_when_told() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    assert!(server.announced.contains("http://127.0.0.1:"), "{}", server.announced);
    for (name, mode) in [("run", 0o700), ("run/cli-token", 0o600), ("run/freehold.sock", 0o600), ("data", 0o700)] {
        let found = std::fs::metadata(deployment.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name} is {found:o}");
    }
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!deployment.path("run/freehold.sock").exists());
    let ran = deployment.run(&["source", "list"]);
    assert_eq!(ran.code, 8);
    insta::assert_snapshot!(ran.err, @r"
    error: No Freehold server is running for this configuration.
      at: DIR/run/freehold.sock
      next: Start it with `freehold serve`, or name the configuration it was started with by --config.
    ");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let deployment = Deployment::new();
    let _first = deployment.serve();
    let second = deployment.run(&["serve"]);
    assert_eq!(second.code, 9, "{second:#?}");
    assert!(deployment.run(&["source", "list"]).code != 8, "the first still answers");
}

#[test]
fn a_second_server_cannot_take_over_the_first_ones_socket() {
    let deployment = Deployment::new();
    let _first = deployment.serve();
    let mut command = deployment.command(&["serve"]);
    let output = command.env("FREEHOLD_DATA_DIR", deployment.path("other")).output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(deployment.run(&["source", "list"]).code != 8, "the first still answers");
}

#[test]
fn the_socket_alone_opens_nothing() {
    let deployment = Deployment::new();
    deployment.set_up();
    let _server = deployment.serve();
    deployment.run(&["source", "list"]).succeeded();
    std::fs::write(deployment.path("run/cli-token"), "freehold_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    assert_eq!(deployment.run(&["source", "list"]).code, 4);
}

#[test]
fn it_runs_with_another_vaults_key_and_says_so() {
    let deployment = Deployment::new();
    deployment.set_up();
    let other = Deployment::new();
    other.set_up();
    std::fs::copy(other.path("keys/vault.key"), deployment.path("keys/vault.key")).unwrap();
    let _server = deployment.serve();
    let status = deployment.run(&["vault", "status"]).succeeded();
    assert!(status.out.contains("wrong key"), "{}", status.out);
}

#[test]
fn a_scratch_directory_of_someone_elses_is_refused() {
    let deployment = Deployment::new();
    let elsewhere = deployment.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let link = deployment.path("link");
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    let output = deployment.command(&["serve"]).env("FREEHOLD_SCRATCH_DIR", &link).output().unwrap();
    assert_eq!(output.status.code(), Some(10), "{}", String::from_utf8_lossy(&output.stderr));
}
