//! Why a child did not start.

use std::io;
use std::path::PathBuf;

use crate::Layers;

/// Why a child did not start, or could not be stopped. No variant holds a value of an environment variable.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The program is not there, or cannot be run.
    #[error("the program {} cannot be run: {reason}. Install it, or correct `program` in the manifest", program.display())]
    Program {
        /// As the manifest names it.
        program: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The connector's folder cannot be used.
    #[error("the connector's folder {} cannot be used: {source}. Check that it is there and that the server may read it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run's private directory could not be prepared.
    #[error("the run's private directory {} cannot be prepared: {source}. Check that it is there and belongs to the server", path.display())]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The child has a uid of its own, and that uid cannot get to something it needs.
    #[error("a child with its own uid cannot reach {}: other users are shut out at {}. Allow it there (chmod o+rx)", path.display(), at.display())]
    Unreachable {
        /// What the child needs.
        path: PathBuf,
        /// The file or directory whose mode is in the way.
        at: PathBuf,
    },
    /// A variable that may not be set, or not to this.
    #[error("the variable {name} may not be given to a child: {reason}. Remove it from the manifest's `env`")]
    Environment {
        /// The variable's name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The layers on this machine are too weak for a child that receives a secret.
    #[error(
        "this machine confines a child only by {layers}, too little for one that receives a secret. `freehold doctor` says what to \
         install; or set sandbox = \"reduced\" for this source"
    )]
    TooWeak {
        /// What is in force.
        layers: Layers,
    },
    /// The launcher could not be started at all.
    #[error("the launcher could not be started: {source}. The machine may be out of processes or memory")]
    Start {
        /// What the system said.
        source: io::Error,
    },
    /// The launcher ended or fell silent before the child was confined.
    #[error("the sandbox could not be set up: {detail}. `freehold doctor` says what holds on this machine")]
    NotStarted {
        /// What the launcher or bubblewrap said.
        detail: String,
    },
    /// One step failed in the launcher, and so nothing was started.
    #[error("the sandbox could not {step}: {detail}. Nothing was started")]
    Step {
        /// What was being done.
        step: String,
        /// What the system said.
        detail: String,
    },
    /// The child could not be signalled, waited for or killed.
    #[error("the child could not be {action}: {source}")]
    Control {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
