//! Having a connector's ephemeral mode proven: what does it is handed in, for it needs a Freehold of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use freehold_core::{ConnectorName, CredentialMode, Problem, ProblemCode};
use freehold_protocol::Manifest;
use serde::Serialize;

use crate::caller::{Caller, Permission};
use crate::proof::{Proof, Subject};
use crate::server::{Engine, Inner, lock};

/// Of the scratch directory: where a proof rehearses. It goes with what a dead server left.
pub const PROOF_FOLDER: &str = "p";

/// Makes proofs.
pub trait Prover: Send + Sync {
    /// Proves that runs of this connector leave nothing behind, or finds what they leave. Takes about a minute; `tell` is told what is
    /// being done.
    fn prove(&self, what: &ToProve, tell: &dyn Fn(&str)) -> Result<Shown, Problem>;
}

/// What is to be proven.
pub struct ToProve {
    /// The connector's manifest.
    pub manifest: Manifest,
    /// Its folder, where it did not come with Freehold.
    pub folder: Option<PathBuf>,
}

/// What a proof showed; see [`Proof`].
pub struct Shown {
    /// The runs it made, by how each ended.
    pub runs: Vec<String>,
    /// What was planted, by name.
    pub planted: Vec<String>,
    /// How much was searched, in words.
    pub searched: Vec<String>,
    /// What was found afterwards.
    pub leaks: Vec<String>,
}

/// A proof under way, or the last one that could not be made.
#[derive(Clone, Debug, Serialize)]
pub struct ProvingView {
    /// What is being done; none once it is over.
    pub step: Option<String>,
    /// Why it could not be made, if it could not.
    pub failed: Option<String>,
}

/// The connector's proof and how it stands.
#[derive(Clone, Debug, Serialize)]
pub struct ProofView {
    /// The last proof, for or against.
    pub proof: Option<Proof>,
    /// Whether it shows that nothing is left, of exactly what is installed now.
    pub proven: bool,
    /// The one under way, or the last that could not be made.
    pub proving: Option<ProvingView>,
}

/// The prover, and the proofs under way.
#[derive(Default)]
pub(crate) struct Provings {
    prover: OnceLock<Arc<dyn Prover>>,
    by_connector: Mutex<BTreeMap<ConnectorName, ProvingView>>,
}

impl Engine {
    /// Hands in what makes proofs, once.
    pub fn set_prover(&self, prover: Arc<dyn Prover>) {
        if self.0.provings.prover.set(prover).is_err() {
            tracing::warn!("a second prover was handed in; the first one stays");
        }
    }

    /// Begins to prove a connector's ephemeral mode; [`Engine::proof`] says how that goes. One at a time: else `conflict`.
    pub fn prove(&self, caller: &Caller, name: &ConnectorName) -> Result<ProofView, Problem> {
        caller.must(Permission::Configure)?;
        let inner = &self.0;
        let connector = inner.catalog.get(name)?;
        let conflict = |what: &str, next: &str| Problem::new(ProblemCode::Conflict, what, next);
        if !connector.declared_modes().contains(&CredentialMode::EphemeralBrowser) {
            let what = "This connector's manifest does not support the ephemeral mode.";
            return Err(conflict(what, "Add \"ephemeral_browser\" to setup.modes, if it is your own."));
        }
        let Some(prover) = inner.provings.prover.get().cloned() else {
            return Err(conflict("This Freehold cannot make proofs.", "Use the server's own program."));
        };
        let subject = inner.subject_of_proof(&connector)?;
        let what =
            ToProve { folder: connector.bundled.is_none().then(|| connector.folder.clone()), manifest: connector.manifest };
        inner.provings.begin(name)?;
        let (inner, actor, name) = (Arc::clone(inner), caller.clone(), name.clone());
        let engine = self.clone();
        let (told, proven) = (name.clone(), name.clone());
        self.0.spawn("proof", move || {
            let tell = |step: &str| inner.provings.set(&told, ProvingView { step: Some(step.to_owned()), failed: None });
            let shown = prover.prove(&what, &tell);
            let kept = shown.and_then(|shown| engine.keep_proof(&actor, &proven, &inner.proof(subject, shown)));
            let failed = kept.err().map(|problem| problem.to_string());
            inner.provings.set(&proven, ProvingView { step: None, failed });
        });
        self.proof(caller, &name)
    }

    /// How a connector's proof stands.
    pub fn proof(&self, caller: &Caller, name: &ConnectorName) -> Result<ProofView, Problem> {
        caller.must(Permission::Read)?;
        let connector = self.0.catalog.get(name)?;
        Ok(ProofView {
            proof: self.0.proof_of(&connector)?,
            proven: self.0.is_proven(&connector),
            proving: lock(&self.0.provings.by_connector).get(name).cloned(),
        })
    }
}

impl Inner {
    fn proof(&self, subject: Subject, shown: Shown) -> Proof {
        let Shown { runs, planted, searched, leaks } = shown;
        Proof { subject, at: self.now(), runs, planted, searched, leaks }
    }
}

impl Provings {
    fn begin(&self, name: &ConnectorName) -> Result<(), Problem> {
        let mut all = lock(&self.by_connector);
        if all.values().any(|proving| proving.step.is_some()) {
            let what = "A proof is being made already.";
            return Err(Problem::new(ProblemCode::Conflict, what, "Wait until it is done, about a minute."));
        }
        all.insert(name.clone(), ProvingView { step: Some("beginning".to_owned()), failed: None });
        Ok(())
    }

    fn set(&self, name: &ConnectorName, view: ProvingView) {
        lock(&self.by_connector).insert(name.clone(), view);
    }
}
