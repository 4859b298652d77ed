//! A backup as a file: in front what it is opened with, then one stream sealed under ROOT.
//!
//! ```text
//! magic "FHBK" | format 1 | length of the head (4) | head | checksum (8) | the sealed stream (see `chunks`)
//!
//! head = length of the owner's id (1) | the id | made at, ms since 1970 (8) | key check (32) | number of slots (1) | slots
//! slot = length of its kind (1) | kind | length of its wrap (4) | ROOT, wrapped for this slot
//! ```
//!
//! Only slots that a person holds are in it: what is opened by a file of the machine that was lost would be no backup, and whoever
//! steals both should not be able to read it. The checksum covers all before it and tells damage from a wrong key; what authenticates
//! the front is the stream, whose context has its hash.

use std::io::{self, Read, Write};

use aws_lc_rs::digest;
use freehold_core::{OwnerId, Rng, SealedBytes, SecretBytes, Timestamp};

use crate::chunks::{OpeningStream, SealingStream};
use crate::context::Context;
use crate::vault::{KeyCheck, Vault};
use crate::{RecoveryKey, SlotKind, UnlockError};

/// Why a file is not taken for a backup, or is not read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It does not begin like one.
    #[error("this file is not a backup of Freehold")]
    NotABackup,
    /// It begins like one, in a format that is not known here.
    #[error("this backup has format {format}, which only a newer Freehold reads")]
    Newer {
        /// Which.
        format: u8,
    },
    /// What is in front of its content does not hold together.
    #[error("this backup is damaged or was cut off at its beginning")]
    Damaged,
    /// It could not be read.
    #[error("the backup cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// A slot that a person holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HumanSlot {
    /// ROOT, wrapped for the recovery key.
    RecoveryKey(SealedBytes),
    /// ROOT, wrapped for the vault's passphrase.
    Passphrase(SealedBytes),
}

impl HumanSlot {
    /// The slot of that kind, if a person holds it.
    pub fn new(kind: SlotKind, wrapped: SealedBytes) -> Option<Self> {
        match kind {
            SlotKind::KeyFile => None,
            SlotKind::RecoveryKey => Some(HumanSlot::RecoveryKey(wrapped)),
            SlotKind::Passphrase => Some(HumanSlot::Passphrase(wrapped)),
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> SlotKind {
        match self {
            HumanSlot::RecoveryKey(_) => SlotKind::RecoveryKey,
            HumanSlot::Passphrase(_) => SlotKind::Passphrase,
        }
    }

    fn wrapped(&self) -> &SealedBytes {
        match self {
            HumanSlot::RecoveryKey(wrapped) | HumanSlot::Passphrase(wrapped) => wrapped,
        }
    }
}

/// A backup whose front has been read; its content has not.
pub struct SealedBackup<R> {
    owner: OwnerId,
    made_at: Timestamp,
    check: KeyCheck,
    slots: Vec<HumanSlot>,
    front: [u8; 32],
    from: R,
}

impl Vault {
    /// Begins a backup that `slots` open, of which there must be one at least. What is written to the stream is its content.
    pub fn seal_backup<W: Write>(
        &self,
        slots: &[HumanSlot],
        made_at: Timestamp,
        mut to: W,
        rng: &dyn Rng,
    ) -> io::Result<SealingStream<W>> {
        if slots.is_empty() {
            return Err(io::Error::other("a backup that nobody could open is not made"));
        }
        let front = front(&self.head(slots, made_at));
        to.write_all(&front)?;
        to.write_all(&checksum(&front))?;
        let front = sha256(&front);
        SealingStream::new(to, self.root(), &Context::Backup { owner: self.owner(), front: &front }, rng)
    }

    /// Opens the content. `InvalidData` where the backup is another vault's, or its front was changed.
    pub fn open_backup<R: Read>(&self, sealed: SealedBackup<R>) -> io::Result<OpeningStream<R>> {
        OpeningStream::new(sealed.from, self.root(), &Context::Backup { owner: self.owner(), front: &sealed.front })
    }

    fn head(&self, slots: &[HumanSlot], made_at: Timestamp) -> Vec<u8> {
        let owner = self.owner().to_string();
        let mut head = vec![owner.len() as u8];
        head.extend_from_slice(owner.as_bytes());
        head.extend_from_slice(&made_at.as_millisecond().to_be_bytes());
        head.extend_from_slice(&self.key_check().to_bytes());
        // One of each kind there can be, with a wrap of some two hundred bytes.
        head.push(slots.len() as u8);
        for slot in slots {
            let (kind, SealedBytes(wrapped)) = (slot.kind().as_str(), slot.wrapped());
            head.push(kind.len() as u8);
            head.extend_from_slice(kind.as_bytes());
            head.extend_from_slice(&(wrapped.len() as u32).to_be_bytes());
            head.extend_from_slice(wrapped);
        }
        head
    }
}

impl<R: Read> SealedBackup<R> {
    /// Reads the front of a backup.
    pub fn read(mut from: R) -> Result<Self, BackupError> {
        let mut start = [0; START];
        read_or(&mut from, &mut start, BackupError::NotABackup)?;
        let [.., format, l0, l1, l2, l3] = start;
        if !start.starts_with(&MAGIC) {
            return Err(BackupError::NotABackup);
        }
        if format != FORMAT {
            return Err(BackupError::Newer { format });
        }
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if length > LONGEST_HEAD {
            return Err(BackupError::Damaged);
        }
        let mut front = vec![0; START + length];
        front[..START].copy_from_slice(&start);
        read_or(&mut from, &mut front[START..], BackupError::Damaged)?;
        let mut expected = [0; CHECKSUM];
        read_or(&mut from, &mut expected, BackupError::Damaged)?;
        if checksum(&front) != expected {
            return Err(BackupError::Damaged);
        }
        let head = Head(&front[START..]).parts().ok_or(BackupError::Damaged)?;
        let (owner, made_at, check, slots) = head;
        Ok(Self { owner, made_at, check, slots, front: sha256(&front), from })
    }

    /// Whose it is.
    pub fn owner(&self) -> OwnerId {
        self.owner
    }

    /// When it was made, by that server's clock.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// What opens it.
    pub fn kinds(&self) -> Vec<SlotKind> {
        self.slots.iter().map(HumanSlot::kind).collect()
    }

    /// Unlocks with the recovery key; none where that does not open it.
    pub fn unlock_by_recovery_key(&self, key: &RecoveryKey) -> Option<Result<Vault, UnlockError>> {
        let slot = self.slots.iter().find(|slot| slot.kind() == SlotKind::RecoveryKey)?;
        Some(Vault::unlock(self.owner, &key.slot_key(), SlotKind::RecoveryKey, slot.wrapped(), &self.check))
    }

    /// Unlocks with the vault's passphrase; none where that does not open it.
    pub fn unlock_by_passphrase(&self, passphrase: &SecretBytes) -> Option<Result<Vault, UnlockError>> {
        let slot = self.slots.iter().find(|slot| slot.kind() == SlotKind::Passphrase)?;
        Some(Vault::unlock_by_passphrase(self.owner, passphrase, slot.wrapped(), &self.check))
    }
}

const MAGIC: [u8; 4] = *b"FHBK";
const FORMAT: u8 = 1;
/// Magic, format, length of the head.
const START: usize = MAGIC.len() + 1 + 4;
const LONGEST_HEAD: usize = 64 << 10;
const CHECKSUM: usize = 8;

fn front(head: &[u8]) -> Vec<u8> {
    let mut front = MAGIC.to_vec();
    front.push(FORMAT);
    front.extend_from_slice(&(head.len() as u32).to_be_bytes());
    front.extend_from_slice(head);
    front
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&sha256(bytes)[..CHECKSUM]);
    checksum
}

fn read_or(from: &mut impl Read, into: &mut [u8], cut: BackupError) -> Result<(), BackupError> {
    from.read_exact(into).map_err(|error| if error.kind() == io::ErrorKind::UnexpectedEof { cut } else { error.into() })
}

/// What is left to be read of a head.
struct Head<'a>(&'a [u8]);

impl<'a> Head<'a> {
    fn parts(mut self) -> Option<(OwnerId, Timestamp, KeyCheck, Vec<HumanSlot>)> {
        let owner_len = self.take(1)?[0].into();
        let owner = OwnerId::parse(std::str::from_utf8(self.take(owner_len)?).ok()?).ok()?;
        let made_at = Timestamp::from_millisecond(i64::from_be_bytes(self.take(8)?.try_into().ok()?)).ok()?;
        let check = KeyCheck::from_bytes(self.take(32)?)?;
        let mut slots = Vec::new();
        for _ in 0..self.take(1)?[0] {
            let kind_len = self.take(1)?[0].into();
            let kind = std::str::from_utf8(self.take(kind_len)?).ok()?;
            let wrapped_len = u32::from_be_bytes(self.take(4)?.try_into().ok()?);
            let wrapped = SealedBytes(self.take(wrapped_len as usize)?.to_vec());
            slots.push(HumanSlot::new(SlotKind::parse(kind)?, wrapped)?);
        }
        (self.0.is_empty() && !slots.is_empty()).then_some((owner, made_at, check, slots))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }
}
