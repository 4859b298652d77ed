//! A certificate authority and a server certificate for one directory, made with the `openssl` that Dovecot's package brings.

use std::fs;
use std::path::Path;

use super::{DovecotError, at, run};

/// Returns the authority's certificate (PEM), making it and the server's certificate if they are absent.
pub(crate) fn ensure(dir: &Path) -> Result<String, DovecotError> {
    let ca = dir.join("ca.pem");
    if !ca.exists() {
        make(dir)?;
    }
    fs::read_to_string(&ca).map_err(at(&ca))
}

fn make(dir: &Path) -> Result<(), DovecotError> {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let empty = dir.join("openssl.cnf");
    // The system's own openssl.cnf would add extensions of its choosing.
    fs::write(&empty, "[req]\ndistinguished_name = none\n[none]\n").map_err(at(&empty))?;
    let new_key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"];
    let config = path("openssl.cnf");
    let (ca, ca_key, server, server_key) = (path("ca.pem"), path("ca.key"), path("server.pem"), path("server.key"));
    let authority = [
        "-config",
        &config,
        "-subj",
        "/CN=Freehold demo authority",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-keyout",
        &ca_key,
        "-out",
        &ca,
    ];
    run("/usr/bin/openssl", &[&new_key[..], &authority].concat())?;
    let leaf = [
        "-config",
        &config,
        "-subj",
        "/CN=localhost",
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "extendedKeyUsage=serverAuth",
        "-keyout",
        &server_key,
        "-out",
        &server,
    ];
    run("/usr/bin/openssl", &[&new_key[..], &leaf].concat()).map(drop)
}
