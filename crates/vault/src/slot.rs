//! Key slots: the ways to ROOT.

use crate::key::Key;

/// What a slot's key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// The key file beside the config.
    KeyFile,
    /// The printed recovery key.
    RecoveryKey,
}

impl SlotKind {
    /// The name in the database and the API; a wrap of ROOT is bound to it.
    pub fn as_str(self) -> &'static str {
        match self {
            SlotKind::KeyFile => "key_file",
            SlotKind::RecoveryKey => "recovery_key",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::KeyFile, Self::RecoveryKey].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The 32 secret bytes that wrap ROOT in one slot, from a [`key_file`](crate::key_file) or a [`RecoveryKey`](crate::RecoveryKey).
pub struct SlotKey(pub(crate) Key);
