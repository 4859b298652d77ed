//! The dependency table of ARCHITECTURE.md, held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use freehold_tests::source::root;
use serde_json::Value;

const CORE: &str = "freehold-core";
const PROTOCOL: &str = "freehold-protocol";
const SDK: &str = "freehold-sdk";
const VAULT: &str = "freehold-vault";
const STORE: &str = "freehold-store";
const SANDBOX: &str = "freehold-sandbox";
const BROWSER: &str = "freehold-browser";
const QR: &str = "freehold-qr";
const NOTIFY: &str = "freehold-notify";
const ENGINE: &str = "freehold-engine";
const PROOF: &str = "freehold-proof";
const WEB: &str = "freehold-web";
const APP: &str = "freehold";
const CHROMIUM: &str = "freehold-chromium";
const DOVECOT: &str = "freehold-dovecot";
const PRACTICE: &str = "freehold-practice";
const GENERATOR: &str = "freehold-generator";
const TESTS: &str = "freehold-tests";
const XTASK: &str = "xtask";

/// A member, and the members it may use. Connectors have a rule of their own; the tests of the whole may use everything.
const MAY_USE: [(&str, &[&str]); 18] = [
    (CORE, &[]),
    (PROTOCOL, &[CORE]),
    (SANDBOX, &[CORE]),
    (VAULT, &[CORE]),
    (STORE, &[CORE]),
    (BROWSER, &[CORE, PROTOCOL, SANDBOX]),
    (QR, &[CORE]),
    (NOTIFY, &[CORE]),
    (ENGINE, &[CORE, PROTOCOL, VAULT, STORE, SANDBOX, BROWSER, QR, NOTIFY]),
    (PROOF, &[CORE, PROTOCOL, SANDBOX, BROWSER, ENGINE]),
    (WEB, &[CORE, ENGINE]),
    (APP, &[CORE, PROTOCOL, SANDBOX, BROWSER, VAULT, STORE, ENGINE, PROOF, WEB]),
    (SDK, &[PROTOCOL]),
    (CHROMIUM, &[]),
    (DOVECOT, &[]),
    (PRACTICE, &[]),
    (GENERATOR, &[]),
    (XTASK, &[DOVECOT, PRACTICE]),
];

/// What each connector may use.
const CONNECTOR_MAY_USE: [&str; 2] = [SDK, PROTOCOL];

/// A library, and the only member of the server's that may name it in what ships. A connector is a program of its own.
const ALONE_USE: [(&str, &[&str]); 19] = [
    ("aws-lc-rs", &[VAULT]),
    ("argon2", &[VAULT]),
    ("rusqlite", &[STORE]),
    ("landlock", &[SANDBOX]),
    ("seccompiler", &[SANDBOX]),
    ("jsonschema", &[PROTOCOL]),
    ("png", &[QR]),
    ("zune-jpeg", &[QR]),
    ("image-webp", &[QR]),
    ("rqrr", &[QR]),
    ("axum", &[WEB, PRACTICE]),
    ("askama", &[WEB, PRACTICE]),
    ("tokio-rustls", &[WEB, NOTIFY, PRACTICE]),
    ("lettre", &[NOTIFY]),
    ("clap", &[APP, PRACTICE, XTASK]),
    ("toml", &[APP]),
    ("rcgen", &[APP]),
    ("x509-cert", &[APP]),
    ("tracing-subscriber", &[APP]),
];

struct Member {
    name: String,
    is_connector: bool,
    uses: BTreeSet<String>,
    uses_in_tests: BTreeSet<String>,
}

#[test]
fn each_member_uses_only_what_the_table_allows() {
    let members = members();
    let names: BTreeSet<_> = members.iter().map(|member| member.name.as_str()).collect();
    let connectors: BTreeSet<_> =
        members.iter().filter(|member| member.is_connector).map(|member| member.name.as_str()).collect();
    let table: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    let mut wrong = Vec::new();
    for member in members.iter().filter(|member| member.name != TESTS) {
        let allowed: BTreeSet<&str> = if member.is_connector {
            CONNECTOR_MAY_USE.into_iter().collect()
        } else if let Some(allowed) = table.get(member.name.as_str()) {
            // The one binary brings the connectors that come with it.
            let bundled = connectors.iter().copied().filter(|_| member.name == APP);
            allowed.iter().copied().chain(bundled).collect()
        } else {
            wrong.push(format!("{} has no row in the table", member.name));
            continue;
        };
        let used = member.uses.iter().map(String::as_str).filter(|name| names.contains(name));
        wrong.extend(used.filter(|name| !allowed.contains(name)).map(|name| format!("{} uses {name}", member.name)));
        // A test may also use the fixtures.
        let used = member.uses_in_tests.iter().map(String::as_str).filter(|name| names.contains(name));
        let fixture = |name: &&str| !allowed.contains(name) && ![CHROMIUM, DOVECOT, PRACTICE].contains(name);
        wrong.extend(used.filter(fixture).map(|name| format!("{} uses {name} in its tests", member.name)));
    }
    assert!(wrong.is_empty(), "against ARCHITECTURE.md's table:\n{}", wrong.join("\n"));
    let missing: Vec<_> = table.keys().filter(|name| !names.contains(*name)).collect();
    assert!(missing.is_empty(), "the table has rows for members that do not exist: {missing:?}");
}

#[test]
fn what_one_member_alone_uses_no_other_names() {
    let members = members();
    let mut wrong = Vec::new();
    for (library, allowed) in ALONE_USE {
        let users: BTreeSet<_> = members
            .iter()
            .filter(|member| member.name != TESTS && !member.is_connector && member.uses.contains(library))
            .map(|member| member.name.as_str())
            .collect();
        wrong.extend(users.iter().filter(|user| !allowed.contains(user)).map(|user| format!("{user} uses {library}")));
        if users.is_empty() {
            wrong.push(format!("nobody uses {library}: take it out of the list and of the workspace"));
        }
    }
    assert!(wrong.is_empty(), "used outside its one place:\n{}", wrong.join("\n"));
}

/// The members as `cargo metadata` knows them. Build dependencies count as uses.
fn members() -> Vec<Member> {
    #[expect(clippy::disallowed_methods, reason = "a test asks cargo; nothing of this ships")]
    let mut cargo = std::process::Command::new(env!("CARGO"));
    let output = cargo
        .args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let connectors = root().join("connectors");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let named = |of_tests: bool| {
                let all = package["dependencies"].as_array().into_iter().flatten();
                all.filter(|dependency| (dependency["kind"] == "dev") == of_tests)
                    .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
                    .collect()
            };
            Member {
                name: package["name"].as_str().expect("a name").to_owned(),
                is_connector: package["manifest_path"]
                    .as_str()
                    .is_some_and(|path| std::path::Path::new(path).starts_with(&connectors)),
                uses: named(false),
                uses_in_tests: named(true),
            }
        })
        .collect()
}
