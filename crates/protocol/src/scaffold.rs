//! A new connector to begin from: a manifest, a small program in Python, and a fixture, which pass the check and the contract.

use freehold_core::ConnectorName;

/// One file of a new connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaffoldFile {
    /// Its path within the connector's folder.
    pub path: &'static str,
    /// Its content.
    pub content: String,
    /// Its permission bits.
    pub mode: u32,
}

const TEMPLATES: [(&str, &str, u32); 4] = [
    ("manifest.json", include_str!("scaffold/manifest.json"), 0o644),
    ("main.py", include_str!("scaffold/main.py"), 0o755),
    (crate::contract::FIXTURE_PATH, include_str!("scaffold/contract.json"), 0o644),
    ("README.md", include_str!("scaffold/README.md"), 0o644),
];

/// The files of a new connector of that name. `display_name` is what the owner reads.
pub fn files(name: &ConnectorName, display_name: &str) -> Vec<ScaffoldFile> {
    // Within a JSON string, so quotes and control characters are escaped; the outer quotes are the template's.
    let quoted = serde_json::to_string(display_name).expect("a string always serialises");
    let filled = |path: &str, template: &str| {
        let title = if path.ends_with(".json") { &quoted[1..quoted.len() - 1] } else { display_name };
        template.replace("@NAME@", name.as_str()).replace("@DISPLAY_NAME@", title)
    };
    TEMPLATES.map(|(path, template, mode)| ScaffoldFile { path, content: filled(path, template), mode }).into()
}
