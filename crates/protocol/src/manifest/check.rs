//! The check of a manifest: first its shape, then what its parts mean together. Every problem is reported, not the first.

mod credentials;
mod network;
mod program;
mod screens;
mod streams;

use std::collections::BTreeSet;
use std::path::Path;

use freehold_core::ConnectorName;
use serde::Deserialize;
use serde_json::Value;

use super::problem::{ManifestProblem, Report};
use super::{
    Capabilities, Delivery, Field, IdentityRule, Manifest, Program, RuntimeRequirements, Setup, SignIn, SignOut, Stream,
};

/// The largest manifest that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

pub(crate) fn check_folder(folder: &Path) -> Report {
    let failed = |problem: String, fix: &str| Report {
        manifest: None,
        problems: vec![ManifestProblem::new("", problem, fix)],
        warnings: Vec::new(),
    };
    let folder_name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = match ConnectorName::parse(folder_name) {
        Ok(name) => name,
        Err(error) => return failed(format!("the folder's name is the connector's, and {error}"), "Rename the folder"),
    };
    let path = folder.join("manifest.json");
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            return failed(format!("it is larger than {} MiB", MAX_BYTES >> 20), "Shorten it");
        }
        _ => {}
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => check_text(name, &text),
        Err(error) => failed(
            format!("{} cannot be read: {error}", path.display()),
            "A connector is a folder with manifest.json and a program; name the folder itself",
        ),
    }
}

pub(crate) fn check_text(name: ConnectorName, text: &str) -> Report {
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let problem = ManifestProblem::new("", format!("it is not JSON: {error}"), "Correct it at that place");
            return Report { manifest: None, problems: vec![problem], warnings: Vec::new() };
        }
    };
    let mut problems = super::schema::shape_problems(&document);
    let warnings = super::schema::unknown_fields(&document);
    let parts = Parts::deserialize(&document);
    let manifest = match parts {
        Ok(parts) => {
            let manifest = parts.into_manifest(name, document);
            let mut found = Problems(Vec::new());
            check_meaning(&manifest, &mut found);
            problems.extend(found.0);
            Some(manifest)
        }
        Err(error) if problems.is_empty() => {
            problems.push(ManifestProblem::new(place_of(&error), error.to_string(), "Correct it"));
            None
        }
        Err(_) => None,
    };
    Report { manifest: manifest.filter(|_| problems.is_empty()), problems, warnings }
}

/// Collects problems.
pub(super) struct Problems(Vec<ManifestProblem>);

impl Problems {
    fn add(&mut self, pointer: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) {
        self.0.push(ManifestProblem::new(pointer, problem, fix));
    }
}

fn check_meaning(manifest: &Manifest, problems: &mut Problems) {
    for field in ["name", "connector_key"] {
        if let Some(given) = manifest.document.get(field).and_then(Value::as_str)
            && given != manifest.name.as_str()
        {
            let fix = format!("Write {:?}, or rename the folder to {given:?}", manifest.name.as_str());
            problems.add(
                format!("/{field}"),
                format!("it differs from the folder's name, {:?}", manifest.name.as_str()),
                fix,
            );
        }
    }
    program::check(manifest, problems);
    credentials::check(manifest, problems);
    network::check(manifest, problems);
    streams::check(manifest, problems);
    if let Some(policy) = &manifest.capabilities.refresh_policy
        && let (Some(recommended), Some(minimum)) = (policy.recommended_interval_seconds, policy.minimum_interval_seconds)
        && recommended < minimum
    {
        problems.add(
            "/capabilities/refresh_policy/recommended_interval_seconds",
            format!("it is shorter than minimum_interval_seconds, {minimum}"),
            "Recommend at least the minimum",
        );
    }
}

/// Names that occur before in the list, with their index.
fn repeated<'n>(names: impl Iterator<Item = &'n str>) -> Vec<(usize, &'n str)> {
    let mut seen = BTreeSet::new();
    names.enumerate().filter(|(_, name)| !seen.insert(*name)).collect()
}

/// The typed parts of a document.
#[derive(Deserialize)]
struct Parts {
    version: String,
    display_name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    connector_id: Option<String>,
    program: Program,
    #[serde(default)]
    settings: Vec<Field>,
    #[serde(default)]
    setup: Setup,
    #[serde(default)]
    credential_delivery: Option<Delivery>,
    #[serde(default)]
    sign_in: Option<SignIn>,
    #[serde(default)]
    sign_out: Option<SignOut>,
    #[serde(default)]
    identity: Option<IdentityRule>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    provider_terms: Vec<String>,
    #[serde(default)]
    runtime_requirements: RuntimeRequirements,
    #[serde(default)]
    capabilities: Capabilities,
    streams: Vec<Stream>,
}

impl Parts {
    fn into_manifest(self, name: ConnectorName, document: Value) -> Manifest {
        Manifest {
            name,
            version: self.version,
            display_name: self.display_name,
            description: self.description,
            connector_id: self.connector_id,
            program: self.program,
            settings: self.settings,
            setup: self.setup,
            credential_delivery: self.credential_delivery,
            sign_in: self.sign_in,
            sign_out: self.sign_out,
            identity: self.identity,
            hosts: self.hosts,
            provider_terms: self.provider_terms,
            runtime_requirements: self.runtime_requirements,
            capabilities: self.capabilities,
            streams: self.streams,
            document,
        }
    }
}

/// The section a typed reader's error is about, where its text says so.
fn place_of(error: &serde_json::Error) -> &'static str {
    if error.to_string().contains("page with key") || error.to_string().contains("the key is missing") {
        "/identity"
    } else {
        ""
    }
}
