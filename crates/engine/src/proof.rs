//! Whether a connector's ephemeral mode is proven here: for exactly this connector, this wipe and this browser.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use freehold_browser::{BrowserError, Installed};
use freehold_core::receipt::WIPE_FORMAT;
use freehold_core::{ConnectorName, CredentialMode, Problem, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::catalog::Connector;
use crate::problem::from_store;
use crate::run::Errand;
use crate::server::{Engine, Inner};

/// What a proof is of: it counts for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The connector's folder, by the digest of everything in it.
    pub digest: String,
    /// The format of the wipe.
    pub wipe_format: u32,
    /// The browser's major version.
    pub browser_major: u32,
}

/// What a proof showed, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Of what.
    #[serde(flatten)]
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
    /// The runs it made, by how each ended.
    pub runs: Vec<String>,
    /// What was planted, by name.
    pub planted: Vec<String>,
    /// How much was searched, in words.
    pub searched: Vec<String>,
    /// What was found afterwards, by name and place. Empty is what makes it a proof.
    pub leaks: Vec<String>,
}

impl Proof {
    /// Whether it shows that nothing is left behind.
    pub fn holds(&self) -> bool {
        self.leaks.is_empty() && !self.runs.is_empty() && !self.planted.is_empty()
    }
}

/// Where it is kept which browser is installed.
const BROWSER: &str = "browser_version";

impl Engine {
    /// What a proof of this connector would be of, as all is installed now.
    pub fn subject_of_proof(&self, connector: &ConnectorName) -> Result<Subject, Problem> {
        self.0.subject_of_proof(&self.0.catalog.get(connector)?)
    }

    /// Keeps what a proof of this connector showed. It counts only while connector, wipe and browser are what it was made with.
    pub fn keep_proof(&self, caller: &Caller, connector: &ConnectorName, proof: &Proof) -> Result<(), Problem> {
        caller.must(Permission::Configure)?;
        let inner = &self.0;
        let held = proof.holds().to_string();
        inner.record(
            &caller.actor(),
            Action::ConnectorProve,
            connector.as_str(),
            &[("digest", &proof.subject.digest), ("holds", &held)],
        )?;
        let body = serde_json::to_value(proof).unwrap_or_default();
        inner.data.put_proof(connector.clone(), proof.at, body).map_err(from_store)
    }
}

impl Inner {
    /// The ways to sign in that can be chosen for this connector here. The ephemeral one only where it is proven.
    pub(crate) fn modes(self: &Arc<Self>, connector: &Connector) -> Vec<CredentialMode> {
        let mut modes = connector.declared_modes();
        if modes.contains(&CredentialMode::EphemeralBrowser) && !self.is_proven(connector) {
            modes.retain(|mode| *mode != CredentialMode::EphemeralBrowser);
        }
        modes
    }

    /// Whether the connector's last proof holds, and is of what is installed now.
    pub(crate) fn is_proven(self: &Arc<Self>, connector: &Connector) -> bool {
        match self.proof_of(connector) {
            Ok(proof) => proof.is_some_and(|proof| proof.holds() && self.counts(&proof, connector)),
            Err(problem) => {
                tracing::warn!(%problem, "a proof could not be read");
                false
            }
        }
    }

    pub(crate) fn proof_of(&self, connector: &Connector) -> Result<Option<Proof>, Problem> {
        let body = self.data.proof(&connector.manifest.name).map_err(from_store)?;
        Ok(body.and_then(|body| serde_json::from_value(body).ok()))
    }

    fn counts(self: &Arc<Self>, proof: &Proof, connector: &Connector) -> bool {
        // The cheap half first: the browser may have to be asked.
        proof.subject.digest == connector.digest
            && self.subject_of_proof(connector).is_ok_and(|subject| subject == proof.subject)
    }

    pub(crate) fn subject_of_proof(self: &Arc<Self>, connector: &Connector) -> Result<Subject, Problem> {
        let browser_major = self.browser_major()?;
        Ok(Subject { digest: connector.digest.clone(), wipe_format: WIPE_FORMAT, browser_major })
    }

    /// The major version of the browser that is installed. It is asked only after it changed, which takes a second.
    fn browser_major(self: &Arc<Self>) -> Result<u32, Problem> {
        let installed = Installed::find().map_err(|error| unknown(&error))?;
        let metadata = installed.path().metadata().map_err(|error| unknown(&error.into()))?;
        let is = json!([installed.path(), metadata.size(), metadata.mtime()]);
        let known = self.data.setting(BROWSER).map_err(from_store)?.unwrap_or(Value::Null);
        if known["is"] == is
            && let Some(major) = known["major"].as_u64()
        {
            return Ok(u32::try_from(major).unwrap_or_default());
        }
        let major = self.ask_browser()?;
        self.data.set_setting(BROWSER, json!({ "is": is, "major": major })).map_err(from_store)?;
        Ok(major)
    }

    fn ask_browser(self: &Arc<Self>) -> Result<u32, Problem> {
        let errand = Errand::begin(self);
        self.make_in_run_directory(&self.browser_directory(errand.id()))?;
        let version = self.start_browser(errand.id()).and_then(|chromium| {
            let version = chromium.version().to_owned();
            chromium.close()?;
            Ok(version)
        });
        let version = version.map_err(|error| unknown(&error))?;
        let major = version.split('/').nth(1).and_then(|number| number.split('.').next()?.parse().ok());
        major.ok_or_else(|| unknown(&BrowserError::Gone))
    }
}

fn unknown(error: &BrowserError) -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        format!("Which browser is installed cannot be told: {error}."),
        "See `freehold doctor`.",
    )
}
