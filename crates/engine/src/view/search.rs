//! What a search finds.

use freehold_core::{SourceId, Timestamp};
use serde::Serialize;

/// A page of records that were found, newest first.
#[derive(Clone, Debug, Serialize)]
pub struct SearchPage {
    /// The records.
    pub hits: Vec<HitView>,
    /// Pass this as `before` for the next page; none at the end.
    pub next: Option<String>,
    /// How many there are.
    pub total: u64,
    /// Whether there are more than `total`.
    pub more: bool,
    /// About how many records, of all sources, were collected and cannot be found yet.
    pub waiting: u64,
}

/// A record that was found.
#[derive(Clone, Debug, Serialize)]
pub struct HitView {
    /// Its source.
    pub source: SourceId,
    /// The source's name.
    pub source_name: String,
    /// Whether the source was removed and its records were kept.
    pub removed: bool,
    /// Its stream.
    pub stream: String,
    /// The stream's label.
    pub stream_label: String,
    /// Its key.
    pub key: String,
    /// What a person would call it.
    pub title: String,
    /// Its own time.
    pub emitted_at: Timestamp,
    /// Where in it; empty if that is far down.
    pub snippet: Vec<SnippetPart>,
}

/// Part of a snippet.
#[derive(Clone, Debug, Serialize)]
pub struct SnippetPart {
    /// Its text.
    pub text: String,
    /// Whether it is what was searched for.
    pub is_hit: bool,
}
