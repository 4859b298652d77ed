//! A connector's manifest: the PDPP manifest's fields plus Freehold's own, checked as a whole before anything is started.

mod check;
mod digest;
mod identity;
mod model;
mod problem;
mod program;
mod schema;
mod sign_in;
mod stream;

use std::path::Path;

use freehold_core::{ConnectorName, CredentialMode, SecretKind};
use serde_json::Value;

pub use digest::{DigestError, FolderDigest, digest};
pub use identity::{IdentityRule, IdentitySource, Normalisation};
pub use model::{
    BindingRequirement, Capabilities, Capture, Delivery, Field, FieldOption, FieldType, RefreshPolicy, RuntimeRequirements,
    Setup,
};
pub use problem::{ManifestErrors, ManifestProblem, Report};
pub use program::{EnvNameProblem, Program, check_env_name};
pub use sign_in::{Fill, LocalText, Means, OneOrMany, Screen, SignIn, SignOut, When};
pub use stream::{Display, Selection, Semantics, Stream};

/// A manifest that passed its check.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The connector's name: its folder's.
    pub name: ConnectorName,
    /// Its version, as its author writes it.
    pub version: String,
    /// Its name as the owner reads it.
    pub display_name: String,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// PDPP's identifier, where it has one.
    pub connector_id: Option<String>,
    /// What is started.
    pub program: Program,
    /// Non-secret per-source settings.
    pub settings: Vec<Field>,
    /// The sign-in details' form and the modes.
    pub setup: Setup,
    /// How a secret reaches the connector, or the page.
    pub credential_delivery: Option<Delivery>,
    /// How to sign in, for the runtime.
    pub sign_in: Option<SignIn>,
    /// How to sign out.
    pub sign_out: Option<SignOut>,
    /// Where the account's identity is read.
    pub identity: Option<IdentityRule>,
    /// Hosts it may reach: `example.com`, `*.example.com`, `example.com:993`; may hold `{setting.NAME}`.
    pub hosts: Vec<String>,
    /// Names and hosts of its provider, which appear nowhere in Freehold's own source.
    pub provider_terms: Vec<String>,
    /// What it needs of the runtime.
    pub runtime_requirements: RuntimeRequirements,
    /// What it can and likes.
    pub capabilities: Capabilities,
    /// What it collects.
    pub streams: Vec<Stream>,
    /// The whole document, with the profile's fields that Freehold does not read.
    pub document: Value,
}

impl Manifest {
    /// Reads and checks `manifest.json` in a connector's folder; the folder's name is the connector's.
    pub fn load(folder: &Path) -> Result<Self, ManifestErrors> {
        check::check_folder(folder).into_result()
    }

    /// Checks a manifest's text.
    pub fn parse(name: ConnectorName, text: &str) -> Result<Self, ManifestErrors> {
        check::check_text(name, text).into_result()
    }

    /// Everything there is to say about a connector's folder, warnings included.
    pub fn report(folder: &Path) -> Report {
        check::check_folder(folder)
    }

    /// The stream of that name.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    /// Whether it uses a browser.
    pub fn has_browser(&self) -> bool {
        self.runtime_requirements.bindings.contains_key(crate::bindings::BROWSER_AUTOMATION)
    }

    /// The modes it supports, in the product's order. Where the manifest does not say: stored credentials if it has a form for
    /// them, the secure browser if it uses a browser. Ephemeral is never assumed. Empty for a connector that needs no sign-in.
    pub fn modes(&self) -> Vec<CredentialMode> {
        if let Some(modes) = &self.setup.modes {
            return modes.clone();
        }
        let stored = self.setup.credential_capture.is_some().then_some(CredentialMode::StoredCredential);
        let streamed = self.has_browser().then_some(CredentialMode::StreamedBrowser);
        stored.into_iter().chain(streamed).collect()
    }

    /// The forms for sign-in details, the main one first.
    pub fn captures(&self) -> impl Iterator<Item = &Capture> {
        self.setup.credential_capture.iter().chain(&self.setup.extra_captures)
    }

    /// The form for that kind of secret.
    pub fn capture(&self, kind: SecretKind) -> Option<&Capture> {
        self.captures().find(|capture| capture.kind == kind)
    }
}
