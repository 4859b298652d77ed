//! TLS with Freehold's own CA, as an operator meets it.

use std::os::unix::fs::PermissionsExt;

use crate::harness::Deployment;

const LOCAL_CA: &str = "public_origin = \"https://freehold.home.arpa\"\n[tls]\nlocal_ca = true\n";

#[test]
fn a_console_of_its_own_ca_says_what_to_install() {
    let deployment = Deployment::with(LOCAL_CA);
    let server = deployment.serve();
    assert!(server.announced.contains("Console     https://freehold.home.arpa/"), "{}", server.announced);
    let mode = std::fs::metadata(deployment.path("keys/console-ca.pem")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let path = deployment.path("ca.crt");
    let shown = deployment.run(&["tls", "--save-ca", path.to_str().unwrap()]).succeeded().out;
    let told = deployment.run(&["tls", "--json"]).succeeded().json();
    let (fingerprint, pem) =
        (told["authority"]["fingerprint"].as_str().unwrap(), told["authority"]["pem"].as_str().unwrap());
    assert!(shown.contains(fingerprint), "{shown}");
    assert!(shown.contains("https://freehold.home.arpa\n"), "{shown}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), pem);
    // What is there already is somebody's.
    let again = deployment.run(&["tls", "--save-ca", path.to_str().unwrap()]);
    assert_eq!(again.code, 10, "{again:#?}");

    // After a restart it is the same CA, and another certificate.
    drop(server);
    let _server = deployment.serve();
    let after = deployment.run(&["tls", "--json"]).succeeded().json();
    assert_eq!(after["authority"], told["authority"]);
    assert_ne!(after["certificate"]["fingerprint"], told["certificate"]["fingerprint"]);
}

#[test]
fn plain_on_loopback_says_so() {
    let deployment = Deployment::new();
    deployment.set_up();
    let _server = deployment.serve();
    let shown = deployment.run(&["tls"]).succeeded().out;
    assert!(shown.contains("to this machine alone"), "{shown}");
    let refused = deployment.run(&["tls", "--save-ca", "ca.crt"]);
    assert_eq!(refused.code, 5, "{refused:#?}");
    assert!(refused.err.contains("local_ca = true"), "{refused:#?}");
}
