//! The vault as it is shown.

use freehold_core::Timestamp;
use freehold_core::status::VaultState;
use serde::Serialize;

/// The vault as the owner sees it.
#[derive(Clone, Debug, Serialize)]
pub struct VaultView {
    /// Its state.
    pub state: VaultState,
    /// One sentence.
    pub sentence: String,
    /// Its key slots.
    pub slots: Vec<SlotView>,
    /// Where the key file is, or would be.
    pub key_file: String,
}

impl VaultView {
    /// Whether a key of that kind opens it.
    pub fn has(&self, kind: &str) -> bool {
        self.slots.iter().any(|slot| slot.kind == kind)
    }
}

/// One key slot.
#[derive(Clone, Debug, Serialize)]
pub struct SlotView {
    /// `key_file`, `recovery_key` or `passphrase`.
    pub kind: String,
    /// Whether the owner has shown to hold it.
    pub confirmed: bool,
    /// Since when.
    pub created_at: Timestamp,
}
