//! What a connector and Freehold say to each other, and what a connector's manifest may say.
//!
//! Freehold speaks the PDPP Collection Profile v0.1 (one JSON object a line on standard input and output). This crate holds its
//! messages ([`message`]), the line splitter with its limits ([`framing`]), the rules of a run as a pure state machine
//! ([`session`]), the check of each record ([`scope`]), and the manifest with its validation ([`manifest`]). For authors there
//! are [`scaffold`] and [`contract`]. It does no I/O but reading a connector's folder, starts no process, and knows no provider.

pub mod bindings;
pub mod blob;
pub mod contract;
pub mod form;
pub mod framing;
pub mod manifest;
pub mod message;
pub mod recovery;
pub mod scaffold;
pub mod scope;
pub mod secret_text;
pub mod session;
pub mod template;

/// The core's words a connector needs, so that it depends on nothing else of the server.
pub use freehold_core::{Clock, Identity, SecretBytes, SecretKind, SystemClock, Timestamp};
pub use manifest::Manifest;
pub use message::{ConnectorMessage, Start};
pub use scope::RecordChecker;
pub use secret_text::SecretFields;
pub use session::Session;
