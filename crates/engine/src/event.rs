//! What just changed, for whoever watches.

use freehold_core::{RunId, SourceId};
use serde::Serialize;

/// One change. It says where to look again, not what is there: the database is the only truth.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A source, its status or its streams changed.
    Source {
        /// Which.
        source: SourceId,
    },
    /// A run moved on.
    Run {
        /// Which.
        run: RunId,
        /// Of which source.
        source: SourceId,
    },
    /// The vault's state changed.
    Vault,
    /// A backup moved on, or when they are made changed.
    Backup,
    /// What the owner is told, or how they are reached, changed.
    Notifications,
}
