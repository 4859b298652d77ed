//! The only place in Freehold that starts a process, and the only one with unsafe code.
//!
//! A child is started in three steps, because no namespace, uid or filter may ever touch the server itself:
//!
//! 1. [`spawn`] starts the launcher (the server's own binary) as a **supervisor**, which outlives the child, adopts whatever the
//!    child leaves behind, and kills all of it when the child ends, when it is told to, or when the server dies.
//! 2. The supervisor starts the launcher once more, by way of bubblewrap where that works, as the **inside** stage.
//! 3. The inside stage takes on its own uid, limits, Landlock and seccomp, says over a socket what is in force, is sent the
//!    secrets only then, and becomes the program.
//!
//! What is deliberately absent: a way to start a process with an inherited environment, and a secret in an argument list, in a
//! wrapper's environment or in the supervisor.

mod again;
mod bubblewrap;
mod child;
mod display;
mod error;
mod file_access;
mod finding;
mod host;
mod inside;
mod launcher;
mod layers;
mod limits;
mod process;
mod program;
mod spawn;
mod spec;
mod supervisor;
mod syscalls;
mod visible;
mod wire;

pub use again::start_beside;
pub use child::Child;
pub use display::Display;
pub use error::SandboxError;
pub use finding::Finding;
pub use host::{Host, LayerMask};
pub use launcher::{LAUNCH_COMMAND, launcher_main};
pub use layers::Layers;
pub use limits::Limits;
pub use process::{harden_self, reexec};
pub use spawn::spawn;
pub use spec::{ChildSpec, Kind, Strength};
