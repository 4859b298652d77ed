//! What is kept of a source, stream by stream.

use freehold_core::{ConnectorName, RunId, SourceId, Timestamp};
use serde::Serialize;

use super::RecordTime;

/// One stream of a source, with a count that is always true.
#[derive(Clone, Debug, Serialize)]
pub struct StreamView {
    /// Its name.
    pub name: String,
    /// The name a person reads.
    pub label: String,
    /// Records with a current value.
    pub count: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// Bytes of their files, each content once. Measured where one source is asked for, not in lists of sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// What its records are in the order of.
    pub time: RecordTime,
    /// The newest record's own time.
    pub newest: Option<Timestamp>,
    /// What records were before, and that they were deleted: how many such values are kept.
    pub earlier: u64,
    /// Whether it is left out of what is collected.
    pub left_out: bool,
}

/// What is lost if a stream is deleted.
#[derive(Clone, Debug, Serialize)]
pub struct StreamContentView {
    /// Its source.
    pub source: SourceId,
    /// The source's name, which deleting asks for.
    pub source_name: String,
    /// Its name.
    pub name: String,
    /// The name a person reads.
    pub label: String,
    /// Records with a current value.
    pub records: u64,
    /// What records were before, and that they were deleted.
    pub earlier: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Files that no other record has, each content once.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Files that records of other streams have, too: they stay.
    pub shared_files: u64,
    /// Whether it can be left out of what is collected from then on.
    pub can_be_left_out: bool,
    /// What comes afterwards, where it is not left out: a sentence.
    pub afterwards: String,
    /// Whether its source was removed.
    pub removed: bool,
    /// The run of its source that is under way: until it ends, nothing is deleted.
    pub current_run: Option<RunId>,
}

/// What was collected from a source, whether the source is still there or was removed.
#[derive(Clone, Debug, Serialize)]
pub struct CollectedView {
    /// The source's id.
    pub id: SourceId,
    /// The owner's name for it; a removed one may share it with another.
    pub name: String,
    /// Its connector.
    pub connector: ConnectorName,
    /// The connector's name as a person reads it, where it is still there.
    pub connector_display_name: String,
    /// The account it belonged to, as far as it was confirmed.
    pub account: Option<String>,
    /// Whether the source was removed.
    pub removed: bool,
    /// Its streams.
    pub streams: Vec<StreamView>,
    /// When a run last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// When the source was added.
    pub created_at: Timestamp,
}
