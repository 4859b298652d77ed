//! What OpenSSL says of the certificates: an implementation that is not ours, and knows nothing of how they were made.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use freehold_vault::OsRng;

use super::super::*;

const NOW: &str = "2026-03-01T08:00:00Z";

struct House {
    dir: tempfile::TempDir,
    ca: LocalCa,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let hosts = ["localhost", "127.0.0.1", "::1", "freehold.home.arpa"].map(str::to_owned).to_vec();
        Self { ca: LocalCa { file: dir.path().join("console-ca.pem"), hosts }, dir }
    }

    fn issue(&self, now: &str) -> Issued {
        self.ca.issue(now.parse().expect("a time"), &OsRng).expect("a certificate")
    }

    /// A certificate made with the CA's own key, for hosts it is not for: what a thief would make.
    fn stolen(&self, hosts: &[&str]) -> Certificate {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let authority = Authority::read(&self.ca.file).expect("readable").expect("there");
        authority.issue(&hosts, NOW.parse().expect("a time"), &OsRng).expect("a certificate").certificate
    }

    /// What `openssl verify` says of a certificate, for a host, at a time.
    fn verify(&self, certificate: &Certificate, authority: &Certificate, host: &str, now: &str) -> Result<(), String> {
        let now: Timestamp = now.parse().expect("a time");
        let (leaf, ca) = (self.dir.path().join("leaf.pem"), self.dir.path().join("ca.pem"));
        std::fs::write(&leaf, certificate.pem()).expect("written");
        std::fs::write(&ca, authority.pem()).expect("written");
        let kind = if host.parse::<IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
        let mut openssl = openssl();
        openssl.args(["verify", "-x509_strict", "-purpose", "sslserver", "-no-CAfile", "-no-CApath", "-no-CAstore"]);
        openssl.args([kind, host, "-attime", &now.as_second().to_string(), "-CAfile"]).arg(&ca).arg(&leaf);
        let output = openssl.output().expect("openssl runs");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test asks an independent program")]
fn openssl() -> Command {
    Command::new("/usr/bin/openssl")
}

#[test]
fn the_console_is_found_at_all_its_hosts_and_at_no_other() {
    let house = House::new();
    let issued = house.issue(NOW);
    let verify = |host| house.verify(&issued.certificate, &issued.authority, host, NOW);
    for host in &house.ca.hosts {
        assert_eq!(verify(host), Ok(()), "{host}");
    }
    for other in ["example.org", "home.arpa", "127.0.0.2"] {
        assert!(verify(other).expect_err(other).contains("mismatch"), "{other}");
    }
    let verify = |now| house.verify(&issued.certificate, &issued.authority, "localhost", now);
    assert!(verify("2026-03-30T08:00:00Z").is_ok());
    assert!(verify("2026-04-01T08:00:00Z").expect_err("over").contains("expired"));
}

#[test]
fn a_stolen_key_makes_nothing_for_another_host() {
    let house = House::new();
    let authority = house.issue(NOW).authority;
    // The control: the same way of making one holds for a host of the console's.
    assert_eq!(house.verify(&house.stolen(&["localhost"]), &authority, "localhost", NOW), Ok(()));
    for other in ["bank.example", "192.0.2.7", "2001:db8::7", "arpa"] {
        let said = house.verify(&house.stolen(&[other]), &authority, other, NOW).expect_err(other);
        assert!(said.contains("permitted subtree violation"), "{other}: {said}");
    }
    // Nor does an own host beside it help.
    let said =
        house.verify(&house.stolen(&["localhost", "bank.example"]), &authority, "localhost", NOW).expect_err("refused");
    assert!(said.contains("permitted subtree violation"), "{said}");
}

#[test]
fn the_ca_says_critically_what_it_is_for() {
    let house = House::new();
    let authority = house.issue(NOW).authority;
    let path = house.dir.path().join("shown.pem");
    std::fs::write(&path, authority.pem()).expect("written");
    let shown = openssl()
        .args(["x509", "-noout", "-text", "-fingerprint", "-sha256", "-in"])
        .arg(&path)
        .output()
        .expect("openssl runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in [
        "Subject: CN = \"Freehold at freehold.home.arpa, 1 Mar 2026\"",
        "X509v3 Name Constraints: critical",
        "DNS:freehold.home.arpa",
        "IP:127.0.0.1/255.255.255.255",
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0",
        "X509v3 Key Usage: critical\n                Certificate Sign\n",
        "TLS Web Server Authentication",
        &authority.fingerprint(),
    ] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    assert_eq!(authority.hosts, house.ca.hosts);
}

#[test]
fn the_ca_stays_while_it_fits_and_is_made_anew_when_it_does_not() {
    let mut house = House::new();
    let first = house.issue(NOW);
    let mode = std::fs::metadata(&house.ca.file).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let second = house.issue("2026-03-21T08:00:00Z");
    assert_eq!(second.authority, first.authority);
    assert_ne!(second.certificate, first.certificate);
    assert_eq!(second.due().to_string(), "2026-04-10T08:00:00Z");
    // A host less: installed on devices already, so it stays. One more: it cannot make what is needed.
    let gone = house.ca.hosts.pop();
    let fewer = house.issue(NOW);
    assert_eq!(fewer.authority, first.authority);
    assert_eq!(fewer.certificate.hosts, house.ca.hosts);
    house.ca.hosts.extend(gone.into_iter().chain(["192.168.1.20".to_owned()]));
    let more = house.issue(NOW);
    assert_ne!(more.authority, first.authority);
    assert_eq!(house.verify(&more.certificate, &more.authority, "192.168.1.20", NOW), Ok(()));
    let late = house.issue("2036-02-20T08:00:00Z");
    assert_ne!(late.authority, more.authority, "it ends before a certificate of it would");
}

#[test]
fn a_file_that_cannot_be_used_is_said_and_left_as_it_is() {
    let house = House::new();
    house.issue(NOW);
    let problem = || house.ca.issue(NOW.parse().expect("a time"), &OsRng).err().expect("a problem").to_string();
    std::fs::set_permissions(&house.ca.file, PermissionsExt::from_mode(0o640)).expect("opened");
    assert!(problem().contains("open to other users (mode 640)"), "{}", problem());
    std::fs::set_permissions(&house.ca.file, PermissionsExt::from_mode(0o600)).expect("closed");
    std::fs::write(&house.ca.file, "-----BEGIN CERTIFICATE-----\n").expect("damaged");
    assert!(problem().contains("is damaged"), "{}", problem());
    assert_eq!(std::fs::read(&house.ca.file).expect("there"), b"-----BEGIN CERTIFICATE-----\n");
}
