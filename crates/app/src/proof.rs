//! Proofs of the ephemeral mode, by rehearsals of this very program.

use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use freehold_core::{Problem, ProblemCode, SystemClock};
use freehold_engine::{Prover, Shown, ToProve, Windows};
use freehold_proof::Proving;
use freehold_vault::OsRng;

use crate::bundled;

/// Where a connector's folder has the author's own pages.
const FIXTURES: &str = "fixtures";

/// Makes proofs for this server.
pub(crate) struct Rehearsals {
    pub(crate) program: PathBuf,
    pub(crate) connector_dirs: Vec<PathBuf>,
    pub(crate) scratch: PathBuf,
    pub(crate) windows: Windows,
}

impl Prover for Rehearsals {
    fn prove(&self, what: &ToProve, tell: &dyn Fn(&str)) -> Result<Shown, Problem> {
        let proving = Proving {
            manifest: &what.manifest,
            fixtures: what.folder.as_ref().map(|folder| folder.join(FIXTURES)).filter(|fixtures| fixtures.is_dir()),
            connector_dirs: self.connector_dirs.clone(),
            program: self.program.clone(),
            scratch: self.scratch.clone(),
            windows: self.windows == Windows::Private,
            rng: &OsRng,
        };
        let shown = proving.prove(tell).map_err(|error| {
            let next = "See `freehold connector check`, `freehold doctor` and the server's log.";
            Problem::new(ProblemCode::ConnectorInvalid, format!("{error}."), next)
        })?;
        Ok(Shown { runs: shown.runs, planted: shown.planted, searched: shown.searched, leaks: shown.leaks })
    }
}

/// Is a rehearsal, until it is done.
pub(crate) fn rehearse() {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let bundled = bundled::connectors(&program);
    freehold_proof::rehearse(BufReader::new(std::io::stdin()), bundled, Arc::new(SystemClock), Arc::new(OsRng));
}
