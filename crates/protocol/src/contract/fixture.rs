//! What a connector is tested with: settings, answers, and what is expected.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freehold_core::SecretBytes;
use serde::Deserialize;

use crate::Manifest;
use crate::secret_text::SecretFields;

/// Where the fixture is, within a connector's folder.
pub const FIXTURE_PATH: &str = "fixtures/contract.json";

/// The fixture of a connector. Its answers are made up: a real secret has no place in a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// Settings, beside the manifest's defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Answers by the kind of question: `credentials`, `otp`, `manual_action`.
    #[serde(default)]
    pub answers: BTreeMap<String, BTreeMap<String, String>>,
    /// How a full run with them ends.
    #[serde(default)]
    pub expect: Expectation,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// In either way: what it needs is not there when it is tested.
    #[default]
    Any,
    /// It succeeds.
    Succeeded,
    /// It fails properly.
    Failed,
}

/// A fixture that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// It cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no fixture.
    #[error("{} is no fixture of settings, answers and expect", .path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl Fixture {
    /// Reads a connector's fixture; an empty one where it has none.
    pub fn load(folder: &Path) -> Result<Self, FixtureError> {
        let path = folder.join(FIXTURE_PATH);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|source| FixtureError::Shape { path, source }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(FixtureError::Read { path, source }),
        }
    }

    /// Every setting: the fixture's value, else the default, else nothing.
    pub(super) fn settings(&self, manifest: &Manifest) -> BTreeMap<String, String> {
        let value = |field: &crate::manifest::Field| {
            self.settings.get(&field.name).cloned().or_else(|| field.default_text()).unwrap_or_default()
        };
        manifest.settings.iter().map(|field| (field.name.clone(), value(field))).collect()
    }

    /// The answer to that kind of question.
    pub(super) fn answer(&self, kind: &str) -> SecretFields {
        let mut fields = SecretFields::new();
        for (name, value) in self.answers.get(kind).into_iter().flatten() {
            fields.insert(name.clone(), SecretBytes::from(value.clone())).expect("a string is text");
        }
        fields
    }
}
