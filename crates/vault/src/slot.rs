//! Key slots: the ways to ROOT.

use crate::key::Key;

/// What a slot's key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// The key file beside the config.
    KeyFile,
    /// The printed recovery key.
    RecoveryKey,
    /// The vault's own passphrase.
    Passphrase,
}

impl SlotKind {
    /// The name in the database and the API; a wrap of ROOT is bound to it.
    pub fn as_str(self) -> &'static str {
        match self {
            SlotKind::KeyFile => "key_file",
            SlotKind::RecoveryKey => "recovery_key",
            SlotKind::Passphrase => "passphrase",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::KeyFile, Self::RecoveryKey, Self::Passphrase].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a person holds its key, and not a machine.
    pub fn is_held_by_a_person(self) -> bool {
        self != SlotKind::KeyFile
    }
}

/// The 32 secret bytes that wrap ROOT in one slot, from a [`key_file`](crate::key_file), a [`RecoveryKey`](crate::RecoveryKey) or
/// the vault's passphrase.
pub struct SlotKey(pub(crate) Key);
