//! The invariants of ARCHITECTURE.md that are something's absence from the source.

use std::fs;

use freehold_tests::source::{SourceFile, files, lines_with, root, shipped};

/// Fails with every line on which one of `words` is used outside `places`.
fn only_in(words: &[&str], places: &[&str], sources: &[SourceFile]) {
    let used: Vec<_> = sources
        .iter()
        .filter(|file| !places.iter().any(|place| file.path.starts_with(place)))
        .flat_map(|file| words.iter().map(move |word| (file, word)))
        .flat_map(|(file, word)| {
            lines_with(&file.code, word).into_iter().map(move |line| format!("{}:{line}: {word}", file.path))
        })
        .collect();
    assert!(used.is_empty(), "allowed only in {places:?}:\n{}", used.join("\n"));
}

fn all_that_ships() -> Vec<SourceFile> {
    let mut sources = shipped("crates");
    sources.extend(shipped("connectors"));
    sources
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let words = ["env::var", "env::var_os", "env::vars", "env::vars_os", "env::home_dir", "option_env", "getenv", "environ"];
    // A connector is another program: the variables its manifest names are all there is in its environment.
    only_in(&words, &["crates/app/src/config"], &shipped("crates"));
}

#[test]
fn only_the_sandbox_starts_processes() {
    let words =
        ["Command::new", "process::Command", "CommandExt", "execve", "execv", "execveat", "fexecve", "posix_spawn", "fork"];
    only_in(&words, &["crates/sandbox/src/"], &all_that_ships());
}

#[test]
fn only_the_sandbox_has_unsafe_code() {
    only_in(&["unsafe"], &["crates/sandbox/src/"], &all_that_ships());
}

#[test]
fn only_core_looks_at_the_wall_clock() {
    let words = ["Timestamp::now", "SystemTime::now", "Zoned::now", "thread::sleep"];
    only_in(&words, &["crates/core/src/clock.rs"], &shipped("crates"));
}

#[test]
fn only_the_vault_hashes_passphrases() {
    only_in(&["argon2", "Argon2"], &["crates/vault/src/"], &all_that_ships());
}

#[test]
fn only_the_ledger_commits_an_attempt() {
    only_in(&["from_ledger"], &["crates/store/src/", "crates/core/src/attempt.rs"], &all_that_ships());
}

#[test]
fn only_the_store_speaks_sql() {
    let keywords = ["INSERT INTO", "DELETE FROM", "CREATE TABLE", "PRAGMA "];
    let mut found = Vec::new();
    for file in shipped("crates").iter().filter(|file| !file.path.starts_with("crates/store/")) {
        for keyword in keywords {
            found.extend(
                lines_with(&file.shipped, keyword).into_iter().map(|line| format!("{}:{line}: {keyword}", file.path)),
            );
        }
    }
    assert!(found.is_empty(), "SQL outside crates/store:\n{}", found.join("\n"));
}

/// R9: no screen, route or command knows a provider. The connectors' own folders do, and the list of those that come with the binary.
#[test]
fn no_provider_is_named_in_the_shipped_source() {
    let terms = provider_terms();
    assert!(terms.len() >= COMMON_PROVIDERS.len(), "with no terms this scan would pass whatever the source says");
    let mut found = Vec::new();
    for path in files(&root().join("crates"), &["rs", "html", "css", "js", "ts", "json", "sql", "toml"])
        .into_iter()
        .chain(files(&root().join("ui"), &["html", "css", "js", "ts", "json"]))
    {
        let name = path.strip_prefix(root()).expect("under the root").to_string_lossy().into_owned();
        // The list of what comes with the binary, and what brings it in.
        let is_list = ["crates/app/src/bundled.rs", "crates/app/Cargo.toml"].contains(&&*name);
        let is_test = ["/tests/", "/examples/", "/snapshots/"].iter().any(|part| name.contains(part));
        if is_list || is_test || name.ends_with("lock.json") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default().to_lowercase();
        for (connector, term) in &terms {
            found.extend(lines_with(&text, term).iter().map(|line| format!("{name}:{line}: {term:?} of {connector}")));
        }
    }
    assert!(found.is_empty(), "a provider's name where only its manifest may have it:\n{}", found.join("\n"));
}

/// Providers everyone knows: named nowhere, whether a connector for them is here or not.
const COMMON_PROVIDERS: [&str; 8] = ["amazon", "gmail", "github", "outlook", "icloud", "yahoo", "paypal", "fastmail"];

/// Every `provider_terms` entry of every connector here, the tests' own included, in lower case; and the common ones.
fn provider_terms() -> Vec<(String, String)> {
    let mut terms: Vec<_> = COMMON_PROVIDERS.iter().map(|term| ("everyone".to_owned(), (*term).to_owned())).collect();
    let manifests = files(&root().join("connectors"), &["json"]).into_iter().chain(
        root()
            .join("tests/connectors")
            .exists()
            .then(|| files(&root().join("tests/connectors"), &["json"]))
            .into_iter()
            .flatten(),
    );
    for path in manifests.filter(|path| path.file_name().is_some_and(|name| name == "manifest.json")) {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let manifest: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let connector =
            path.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        let own = manifest["provider_terms"].as_array().cloned().unwrap_or_default();
        terms.extend(own.iter().filter_map(|term| term.as_str()).map(|term| (connector.clone(), term.to_lowercase())));
    }
    terms
}

/// A long file is two nouns. The number is a ceiling, not an aim.
#[test]
fn no_file_has_grown_past_reading() {
    const CEILING: usize = 500;
    let long: Vec<_> = all_that_ships()
        .iter()
        .map(|file| (file.shipped.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > CEILING)
        .map(|(lines, path)| format!("{path}: {lines} lines before its tests"))
        .collect();
    assert!(long.is_empty(), "more than {CEILING} lines; split by noun:\n{}", long.join("\n"));
}
