//! A configuration that is wrong is refused with the line, and never quoted.

use crate::harness::Deployment;

fn refused(lines: &str) -> String {
    let ran = Deployment::with(lines).run(&["serve"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    ran.err
}

#[test]
fn a_misspelt_setting_is_named_with_its_line() {
    insta::assert_snapshot!(refused("parallel_run = 2\n"), @r#"
    error: There is no setting "parallel_run" here.
      at: DIR/config.toml:6
      next: Did you mean "parallel_runs"?
    "#);
}

#[test]
fn an_account_secret_is_refused_and_not_shown() {
    for lines in [
        "[connector.imap]\npassword = \"canary-1\"\n",
        "[connector.imap.app]\npassword = \"canary-1\"\n",
        "imap_password = \"canary-1\"\n",
    ] {
        let error = refused(lines);
        assert!(error.contains("freehold credential save"), "{error}");
        assert!(!error.contains("canary-1"), "{error}");
    }
}

#[test]
fn a_key_file_inside_the_data_directory_is_refused() {
    let deployment = Deployment::new();
    let mut command = deployment.command(&["serve"]);
    let output = command.env("FREEHOLD_KEY_FILE", deployment.path("data/vault.key")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("every backup would hold both"));
}

#[test]
fn plain_http_off_loopback_is_refused_with_the_reason() {
    let deployment = Deployment::new();
    let listen = |address: &str| {
        let output = deployment.command(&["serve"]).env("FREEHOLD_LISTEN", address).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    insta::assert_snapshot!(listen("0.0.0.0:0"), @r#"
    error: Plain HTTP to other machines would show your passphrase and your data to the network.
      at: listen = "0.0.0.0:0"
      next: Listen on 127.0.0.1; or set [tls] certificate and key; or, behind a proxy that speaks TLS, set trusted_proxy = true and public_origin.
    "#);
    assert!(listen("somewhere:80").contains("not an address"));
}

#[test]
fn a_proxy_without_the_public_origin_is_refused() {
    let deployment = Deployment::with("trusted_proxy = true\n");
    let output = deployment.command(&["serve"]).env("FREEHOLD_LISTEN", "0.0.0.0:0").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("public_origin is not"));
}
