//! What the documents point at is there.

use std::fs;

use freehold_tests::source::{files, root};

#[test]
fn every_link_between_files_leads_somewhere() {
    let mut dead = Vec::new();
    let mut links = 0;
    for path in files(&root(), &["md"]) {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            links += 1;
            let file = target.split('#').next().unwrap_or_default();
            if !path.parent().expect("a file has a folder").join(file).exists() {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(links > 20, "only {links} links found: the search is broken");
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn every_rule_of_the_readme_has_its_row() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    for rule in 1..=15 {
        let row = readme.lines().find(|line| line.starts_with(&format!("| R{rule} |")));
        let row = row.unwrap_or_else(|| panic!("R{rule} has no row"));
        let has_test = row.contains("](tests/");
        // What R10 speaks of does not exist yet, and its row says so; every other rule has its test.
        let is_to_come = rule == 10 && row.contains("with the ephemeral mode");
        assert!(has_test || is_to_come, "R{rule} has neither a test nor a reason: {row}");
    }
}
