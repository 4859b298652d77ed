//! What a run in the ephemeral mode has in memory and nowhere else: the sign-in details given for it, and how it left the provider.

use std::collections::BTreeMap;
use std::sync::Arc;

use freehold_core::receipt::SignedOut;
use freehold_core::{CredentialMode, Problem, ProblemCode, RunId, SealedBytes, SecretBytes, SecretKind, SourceId};
use freehold_store::SourceRow;
use freehold_vault::{SecretPayload, SourceBinding, SourceVault};

use crate::caller::{Caller, Permission};
use crate::catalog::Connector;
use crate::problem::{bad_input, from_store};
use crate::run::Credential;
use crate::server::{Engine, Inner, lock};
use crate::view::RunView;
use freehold_core::run::Cause;

/// What one run has in memory. Gone with it.
#[derive(Default)]
pub(crate) struct InMemory {
    given: Option<Given>,
    /// Processes that were at work when it ended.
    pub(crate) processes: u64,
    /// How the provider's own session ended, once that was tried.
    pub(crate) signed_out: Option<SignedOut>,
}

/// Sign-in details given for one run: sealed under a key that is made for them, both in memory only.
pub(crate) struct Given {
    vault: Arc<SourceVault>,
    sealed: BTreeMap<SecretKind, (u32, SealedBytes)>,
}

impl Engine {
    /// Queues a run of a source in the ephemeral mode with sign-in details for that run alone: per kind, the form's fields as typed. They
    /// are held in memory until it ends. Another mode: `conflict`.
    pub fn start_run_with(
        &self,
        caller: &Caller,
        source: SourceId,
        details: BTreeMap<SecretKind, BTreeMap<String, SecretBytes>>,
    ) -> Result<RunView, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let row = inner.source_row(source)?;
        if row.mode != CredentialMode::EphemeralBrowser {
            return Err(Problem::new(
                ProblemCode::Conflict,
                "Only a source that keeps nothing takes sign-in details for one run.",
                "Save them for the source instead, or collect it as usual.",
            ));
        }
        let connector = inner.catalog.get(&row.connector)?;
        let given = inner.hold(&row, &connector, details)?;
        inner.may_start(&row)?;
        let run = inner.queue_run_with(source, Cause::Owner, None, Some(given))?;
        inner.run_view(run)
    }
}

impl Inner {
    /// Checks the form's values and seals them in memory, each as a version of its own that the ledger never saw.
    fn hold(
        &self,
        source: &SourceRow,
        connector: &Connector,
        details: BTreeMap<SecretKind, BTreeMap<String, SecretBytes>>,
    ) -> Result<Given, Problem> {
        let (owner, connector_name) = (source.owner, source.connector.clone());
        let binding = SourceBinding { owner, source: source.id, connector: connector_name };
        let vault = SourceVault::for_one_run(binding, &*self.rng);
        let mut sealed = BTreeMap::new();
        for capture in connector.checked_captures(details, true, true)? {
            let origins = connector.resolved_origins(&source.settings);
            let payload = SecretPayload::new(capture.fields, origins, connector.resolved_hosts(&source.settings));
            let version = self.vault_db.use_secret_version(source.id, capture.kind).map_err(from_store)?;
            let bytes = vault
                .seal(capture.kind, version, &payload, &*self.rng)
                .map_err(|error| bad_input("fields", format!("{error}."), "Check what was pasted."))?;
            sealed.insert(capture.kind, (version, bytes));
        }
        Ok(Given { vault: Arc::new(vault), sealed })
    }

    /// Keeps what is given for a run until the run ends.
    pub(crate) fn keep_given(&self, run: RunId, given: Given) {
        lock(&self.in_memory).entry(run).or_default().given = Some(given);
    }

    /// The sign-in details of that kind that were given for this run.
    pub(crate) fn given(&self, run: RunId, kind: SecretKind) -> Option<Credential> {
        let held = lock(&self.in_memory);
        let given = held.get(&run)?.given.as_ref()?;
        let (version, sealed) = given.sealed.get(&kind)?;
        Some(Credential { kind, version: *version, vault: Arc::clone(&given.vault), given: Some(sealed.clone()) })
    }

    /// The kinds given for a run.
    pub(crate) fn given_kinds(&self, run: RunId) -> Vec<SecretKind> {
        let held = lock(&self.in_memory);
        let given = held.get(&run).and_then(|held| held.given.as_ref());
        given.map(|given| given.sealed.keys().copied().collect()).unwrap_or_default()
    }

    /// Whether the keys of what was given for a run could be written to swap.
    pub(crate) fn given_may_swap(&self, run: RunId) -> bool {
        let held = lock(&self.in_memory);
        held.get(&run).and_then(|held| held.given.as_ref()).is_some_and(|given| !given.vault.is_locked_in_memory())
    }

    /// Notes how a run left the provider, and what was at work then.
    pub(crate) fn note_leaving(&self, run: RunId, signed_out: SignedOut, processes: u64) {
        let mut held = lock(&self.in_memory);
        let held = held.entry(run).or_default();
        (held.signed_out, held.processes) = (Some(signed_out), processes);
    }

    /// Lets go of all that a run has in memory; what was given for it is wiped by that.
    pub(crate) fn let_go(&self, run: RunId) -> InMemory {
        let mut gone = lock(&self.in_memory).remove(&run).unwrap_or_default();
        if let Some(given) = gone.given.take() {
            given.vault.revoke();
        }
        gone
    }

    /// Whether anything of a run is held in memory.
    pub(crate) fn is_in_memory(&self, run: RunId) -> bool {
        lock(&self.in_memory).contains_key(&run)
    }
}
