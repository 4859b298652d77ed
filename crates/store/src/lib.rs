//! Everything Freehold keeps, in two SQLite files of one data directory: every SQL statement and every migration is here.
//!
//! `vault.db` ([`VaultDb`]) holds what is sealed, the attempt ledger and the audit chain. This crate carries sealed bytes and
//! cannot open them. `data.db` ([`DataDb`]) holds the rest: sources, runs, interactions, records, sessions. Each file has a writer
//! thread of its own behind a bounded queue, so that a commit to the ledger never waits behind a batch of records.
//!
//! Every function blocks until its answer is there; call them from threads, never from an async task.

pub mod data_db;
pub mod data_dir;
pub mod error;
pub mod vault_db;

mod database;
mod migration;
mod reserve;
mod restoring;
mod row;
mod snapshot;

pub use data_db::DataDb;
pub use data_db::access::{SessionRow, TokenRow};
pub use data_db::blob::BlobRow;
pub use data_db::commit::CommitRun;
pub use data_db::interaction::InteractionRow;
pub use data_db::neighbour::{Neighbour, Neighbours};
pub use data_db::notification::{
    ChannelRow, DeliveryRow, DeliveryState, MessageKind, MessageRow, NeedChange, NeedNow, NeedRow, NewMessage,
};
pub use data_db::receipt::UnwipedRun;
pub use data_db::record::{Page, RecordFilter, RecordQuery, RecordRow, StreamSummary, VersionRow};
pub use data_db::rejected::RejectedRow;
pub use data_db::run::{RunRow, TimelineEntry};
pub use data_db::search::{Hit, SearchPage, SearchQuery, SnippetPart};
pub use data_db::source::SourceRow;
pub use data_db::span::Span;
pub use data_db::stream::StreamContent;
pub use data_db::write::NewRecord;
pub use data_dir::DataDir;
pub use error::{OpenError, Result, StoreError};
pub use restoring::Restoring;
pub use snapshot::Snapshot;
pub use vault_db::VaultDb;
pub use vault_db::attempt::{AttemptError, AttemptRow, NewAttempt};
pub use vault_db::audit::{AuditHead, AuditMake, AuditRow};
pub use vault_db::meta::{NewVault, OwnerRow, SlotRow};
pub use vault_db::secret::{PutSecret, SecretRow, SecretState, SourceKeyRow};
