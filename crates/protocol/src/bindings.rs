//! What a connector may use of the runtime, matched before anything is started (Collection Profile, section 2).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Manifest;

/// Outbound network.
pub const NETWORK: &str = "network";
/// Questions to the owner are answered.
pub const INTERACTIVE: &str = "interactive";
/// A temporary directory of the run's own.
pub const FILESYSTEM: &str = "filesystem";
/// A managed browser over CDP.
pub const BROWSER_AUTOMATION: &str = "browser_automation";

/// What the runtime offers a run: each binding's descriptor by name.
#[derive(Clone, Debug)]
pub struct Offered(BTreeMap<String, Value>);

/// Bindings a connector needs and this runtime does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connector needs {}, which this Freehold does not offer; use a connector that does without", .missing.join(" and "))]
pub struct MissingBindings {
    /// Their names.
    pub missing: Vec<String>,
}

impl Offered {
    /// What a run without a browser is offered: `network`, `interactive`, and `filesystem` (its own temporary directory).
    pub fn without_browser() -> Self {
        Self([NETWORK, INTERACTIVE, FILESYSTEM].map(|name| (name.to_owned(), json!({}))).into())
    }

    /// The same with a browser at that CDP address.
    #[must_use]
    pub fn with_browser(mut self, ws_url: &str) -> Self {
        self.0.insert(BROWSER_AUTOMATION.to_owned(), json!({ "interface": "cdp", "ws_url": ws_url }));
        self
    }

    /// The descriptors START carries for this connector: those it declares and the runtime has; an error if one it requires is
    /// missing.
    pub fn matching(&self, manifest: &Manifest) -> Result<BTreeMap<String, Value>, MissingBindings> {
        let mut provided = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, requirement) in &manifest.runtime_requirements.bindings {
            match self.0.get(name) {
                Some(descriptor) => drop(provided.insert(name.clone(), descriptor.clone())),
                None if requirement.required => missing.push(name.clone()),
                None => {}
            }
        }
        if missing.is_empty() { Ok(provided) } else { Err(MissingBindings { missing }) }
    }
}
