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
      next: Listen on 127.0.0.1; or set [tls] local_ca = true, or its certificate and key; or, behind a proxy that speaks TLS, set trusted_proxies and public_origin.
    "#);
    assert!(listen("somewhere:80").contains("not an address"));
}

#[test]
fn a_proxy_without_the_public_origin_is_refused() {
    insta::assert_snapshot!(refused("trusted_proxies = [\"10.0.0.2\"]\n"), @r"
    error: trusted_proxies is set, and public_origin is not: Freehold cannot tell which address people open.
      at: trusted_proxies
      next: Set public_origin to the address people open, as in https://freehold.example.org.
    ");
}

#[test]
fn a_proxy_that_is_no_address_is_refused() {
    let public = "public_origin = \"https://freehold.example.org\"\n";
    insta::assert_snapshot!(refused(&format!("{public}trusted_proxies = [\"10.0.0.2\", \"0.0.0.0/0\"]\n")), @r#"
    error: This is not the address of a proxy, or a network.
      at: trusted_proxies = ["0.0.0.0/0"]
      next: After the slash comes how many bits of the address count: 1 to 32, or to 128 for IPv6. To trust every address is to trust whoever asks.
    "#);
}

#[test]
fn two_certificates_are_refused_with_their_line() {
    let lines = "[tls]\nlocal_ca = true\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
    insta::assert_snapshot!(refused(lines), @r"
    error: [tls] names a certificate of yours and asks for one of Freehold's own CA.
      at: DIR/config.toml:6
      next: Keep certificate and key, or local_ca = true, and not both.
    ");
}
