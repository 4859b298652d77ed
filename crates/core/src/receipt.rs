//! Receipts: non-secret evidence of what was removed, what was looked at afterwards, and what that cannot show.

use serde::{Deserialize, Serialize};

use crate::{ConnectorName, ReceiptId, RunId, SourceId, Timestamp};

/// The format of the wipe: what is removed, and what is looked at afterwards. A proof is of one format.
pub const WIPE_FORMAT: u32 = 1;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// Everything of an ephemeral run was removed.
    Wipe,
    /// The browser was signed out and its profile destroyed.
    SignOut,
    /// The saved sign-in details were destroyed.
    Forget,
    /// The source signs in another way now; what the old way kept was destroyed.
    ChangeMode,
    /// The source was removed.
    Remove,
}

impl ReceiptKind {
    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ReceiptKind::Wipe => "wipe",
            ReceiptKind::SignOut => "sign_out",
            ReceiptKind::Forget => "forget",
            ReceiptKind::ChangeMode => "change_mode",
            ReceiptKind::Remove => "remove",
        }
    }
}

/// What there was, or what is left of it. Counts and kinds, no value of anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// Files and directories.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Processes.
    pub processes: u64,
    /// The kinds of secret that were at hand, `profile_key` among them.
    pub secrets: Vec<String>,
}

/// One place that was looked at after the removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Which, by its name: `directories`, `mounts`, `processes`, `secrets`, `profiles`, `memory`.
    pub surface: String,
    /// How many things were looked at there.
    pub items: u64,
    /// How many of them could not be.
    pub unreadable: u64,
}

/// Whether the provider's own session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedOut {
    /// The provider's page said so.
    Yes,
    /// It was tried and the page did not say so.
    NotSeen,
    /// Nobody was signed in.
    NotSignedIn,
    /// There was no browser to do it in: it had ended, or the server had.
    NoBrowser,
    /// The connector does not describe it.
    NotDescribed,
}

/// What was done, on which source, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its id.
    pub id: ReceiptId,
    /// What was done.
    pub kind: ReceiptKind,
    /// The format of the wipe.
    pub format: u32,
    /// On which source, and its name then.
    pub source: SourceId,
    /// The owner's name for it.
    pub source_name: String,
    /// The connector.
    pub connector: ConnectorName,
    /// The connector's folder, by its digest; none if it could not be read any more.
    pub connector_digest: Option<String>,
    /// The run it is of.
    pub run: Option<RunId>,
    /// When.
    pub at: Timestamp,
    /// What there was.
    pub found: Holdings,
    /// The provider's own session.
    pub signed_out: SignedOut,
    /// How often it was removed and looked again.
    pub tries: u32,
    /// What was looked at afterwards.
    pub looked_at: Vec<Looked>,
    /// What is left, in words that name places and no contents. Empty if nothing is.
    pub left: Vec<String>,
    /// What it cannot show.
    pub cannot_show: Vec<String>,
    /// The hash of the audit event that tells of it, in hex.
    pub audit: String,
}

impl Receipt {
    /// Whether nothing was left where it was looked.
    pub fn is_verified(&self) -> bool {
        self.left.is_empty()
    }
}
