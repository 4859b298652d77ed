//! The words of Freehold as types: what the design calls a source, a run, an attempt, a status.
//!
//! Everything here is plain data and pure functions: no I/O, no async, no ambient time or randomness. The one table of states,
//! reasons and actions lives in [`run`], [`reason`] and [`status`], is matched exhaustively, and is what the database, the API,
//! the console and the CLI all name things by.

pub mod attempt;
pub mod clock;
pub mod connector;
pub mod credential;
pub mod id;
pub mod identity;
pub mod interaction;
pub mod problem;
pub mod reason;
pub mod receipt;
pub mod rng;
pub mod run;
pub mod seal;
pub mod secret;
pub mod sign_in;
pub mod status;

pub use attempt::CommittedAttempt;
pub use clock::{Clock, SystemClock};
pub use connector::ConnectorName;
pub use credential::{CredentialMode, CredentialState};
pub use id::{AttemptId, BackupId, InteractionId, OwnerId, ReceiptId, RunId, ServerId, SourceId};
pub use identity::Identity;
pub use problem::{Problem, ProblemCode};
pub use rng::Rng;
pub use seal::{SealedBytes, SecretAddress};
pub use secret::{SecretBytes, SecretKind};

/// An instant, to the nanosecond; stored and sent as RFC 3339 in UTC or as whole milliseconds since 1970.
pub use jiff::Timestamp;
