//! What is wrong with a manifest: every problem, each with its place and what to do.

use std::fmt;

use serde::Serialize;

use super::Manifest;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestProblem {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole document.
    pub pointer: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

impl ManifestProblem {
    pub(crate) fn new(pointer: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), problem: problem.into(), fix: fix.into() }
    }
}

impl fmt::Display for ManifestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "manifest.json" } else { &self.pointer };
        write!(f, "{place}: {} {}", sentence(&self.problem), sentence(&self.fix))
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// Every problem of a manifest; never empty.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ManifestErrors(pub Vec<ManifestProblem>);

/// All there is to say about a manifest.
#[derive(Debug)]
pub struct Report {
    /// The manifest, where there is no problem.
    pub manifest: Option<Manifest>,
    /// What keeps it from being used.
    pub problems: Vec<ManifestProblem>,
    /// What is odd but harmless, as a field of Freehold's own sections that Freehold does not know.
    pub warnings: Vec<ManifestProblem>,
}

impl Report {
    /// The manifest, or all its problems.
    pub fn into_result(self) -> Result<Manifest, ManifestErrors> {
        self.manifest.ok_or(ManifestErrors(self.problems))
    }
}
