//! Keys, seals and the rules about using them: pure cryptography and pure rules. Whoever calls keeps what is returned here in a
//! database; the only file this crate touches is the key file.
//!
//! ```text
//! key file | printed recovery key | passphrase   a slot's key
//!    └ wraps ROOT                           held by an unlocked `Vault`
//!         └ wraps a source's keys           held by a `SourceVault`, for one run or one change
//!              └ seals one secret           `SourceVault::seal`, and `SourceVault::take` for a committed attempt
//! ```
//!
//! ROOT itself seals what is the server's own and no source's: the secrets of its channels of notifications.
//!
//! What is absent on purpose: a function from a source's id to its secret, a way to open it without a committed attempt,
//! an optional part of a context, and `Clone`, `Debug`, `Display` or `Serialize` on anything that holds a key or a secret.

pub mod audit;
pub mod channel;
pub mod key_file;
pub mod ledger;
pub mod one_time_code;
pub mod otp_seed;
pub mod passphrase;
pub mod payload;
pub mod profile_vault;
pub mod recovery_codes;
pub mod recovery_key;
pub mod rng;
pub mod slot;
pub mod source_vault;
pub mod token;
pub mod vault;

mod backup;
mod chunks;
mod context;
mod key;
mod otp_export;
mod sealed;

pub use backup::{BackupError, HumanSlot, SealedBackup};
pub use channel::ChannelSecretError;
pub use chunks::{OpeningStream, SealingStream};
pub use key_file::KeyFileError;
pub use passphrase::{PassphraseError, check_passphrase, hash_passphrase, verify_passphrase};
pub use payload::SecretPayload;
pub use profile_vault::ProfileVault;
pub use recovery_key::{RecoveryKey, RecoveryKeyError};
pub use rng::OsRng;
pub use slot::{SlotKey, SlotKind};
pub use source_vault::{OpenError, SealError, SourceBinding, SourceVault, TakeError};
pub use token::{hash_token, new_token, token_matches};
pub use vault::{KeyCheck, KeyPurpose, KeyState, UnlockError, Vault, WrappedKey};
