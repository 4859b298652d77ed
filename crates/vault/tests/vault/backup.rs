//! A backup at rest: opens whole with what a person holds, and not at all where a bit of it was changed.

use std::io::{Read, Write};

use data_encoding::HEXLOWER;
use freehold_core::{OwnerId, SealedBytes, SecretBytes, Timestamp};
use freehold_vault::{BackupError, HumanSlot, RecoveryKey, SealedBackup, SlotKind, UnlockError, Vault};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Counting, exposed, owner};

const CHUNK: usize = 64 << 10;

/// A vault, its recovery key, and the slot that key opens; always the same.
fn vault() -> (Vault, RecoveryKey, HumanSlot) {
    vault_of(owner('1'), 0, 32, 48)
}

fn vault_of(owner: OwnerId, root: u8, key: u8, wrap: u8) -> (Vault, RecoveryKey, HumanSlot) {
    let (vault, _) = Vault::create(owner, &Counting::from(root));
    let key = RecoveryKey::generate(&Counting::from(key));
    let wrapped = vault.wrap_root(&key.slot_key(), SlotKind::RecoveryKey, &Counting::from(wrap));
    (vault, key, HumanSlot::RecoveryKey(wrapped))
}

fn made_at() -> Timestamp {
    "2026-05-04T03:02:01Z".parse().expect("a time")
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    let (vault, _, slot) = vault();
    let mut sealing = vault.seal_backup(&[slot], made_at(), Vec::new(), &Counting::from(64)).expect("a front");
    for piece in plain.chunks(1_000) {
        sealing.write_all(piece).expect("sealed");
    }
    sealing.finish().expect("sealed")
}

/// What is in it, or in words at which step it was refused.
fn opened(sealed: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (_, key, _) = vault();
    let backup = SealedBackup::read(sealed).map_err(|_| "front")?;
    let unlocked = backup.unlock_by_recovery_key(&key).ok_or("no slot")?;
    let vault = unlocked.map_err(|_| "slot")?;
    let mut plain = Vec::new();
    vault.open_backup(backup).map_err(|_| "stream")?.read_to_end(&mut plain).map_err(|_| "content")?;
    Ok(plain)
}

#[test]
fn it_says_whose_it_is_and_opens_with_the_recovery_key() {
    let plain: Vec<u8> = (0..3 * CHUNK + 7).map(|at| (at % 251) as u8).collect();
    let file = sealed(&plain);
    let backup = SealedBackup::read(file.as_slice()).expect("a backup");
    assert_eq!((backup.owner(), backup.made_at()), (owner('1'), made_at()));
    assert_eq!(backup.kinds(), [SlotKind::RecoveryKey]);
    assert!(backup.unlock_by_passphrase(&SecretBytes::from("five quiet words".to_owned())).is_none());
    assert!(opened(&file) == Ok(plain));

    let other = RecoveryKey::generate(&Counting::from(99));
    let backup = SealedBackup::read(file.as_slice()).expect("a backup");
    assert!(matches!(backup.unlock_by_recovery_key(&other), Some(Err(UnlockError::WrongKey { .. }))));
}

#[test]
fn it_opens_with_the_vault_s_passphrase_too() {
    let (vault, _, by_paper) = vault();
    let passphrase = SecretBytes::from("five quiet words of one's own".to_owned());
    let Ok(wrapped) = vault.wrap_root_by_passphrase(&passphrase, &Counting::from(7)) else { panic!("strong enough") };
    let slots = [by_paper, HumanSlot::Passphrase(wrapped)];
    let mut sealing = vault.seal_backup(&slots, made_at(), Vec::new(), &Counting::from(64)).expect("a front");
    sealing.write_all(b"content").expect("sealed");
    let file = sealing.finish().expect("sealed");
    let backup = SealedBackup::read(file.as_slice()).expect("a backup");
    let Some(Ok(unlocked)) = backup.unlock_by_passphrase(&passphrase) else { panic!("it unlocks") };
    let mut plain = Vec::new();
    unlocked.open_backup(backup).expect("its own").read_to_end(&mut plain).expect("whole");
    assert_eq!(plain, b"content");
}

#[test]
fn a_backup_nobody_could_open_is_not_made_and_the_key_file_opens_none() {
    let (vault, ..) = vault();
    assert!(vault.seal_backup(&[], made_at(), Vec::new(), &Counting::from(64)).is_err());
    assert!(HumanSlot::new(SlotKind::KeyFile, SealedBytes(vec![1])).is_none());
}

#[test]
fn it_opens_at_no_point_where_it_could_have_been_cut() {
    let file = sealed(b"a small one");
    for len in 0..file.len() {
        assert!(opened(&file[..len]).is_err(), "cut to {len}");
    }
    assert!(opened(&[file.as_slice(), &[0]].concat()).is_err(), "lengthened");

    let large = sealed(&vec![7; 3 * CHUNK + 10]);
    let front = file.len() - b"a small one".len() - 16;
    let chunk = CHUNK + 16;
    for chunks in 0..=3 {
        assert!(opened(&large[..front + chunks * chunk]).is_err(), "cut after {chunks} chunks");
    }
    let part = |at: usize| &large[front + at * chunk..front + (at + 1) * chunk];
    let swapped = [&large[..front], part(1), part(0), &large[front + 2 * chunk..]].concat();
    assert!(opened(&swapped).is_err(), "reordered");
    let doubled = [&large[..front + chunk], part(0), &large[front + chunk..]].concat();
    assert!(opened(&doubled).is_err(), "doubled");
    let left_out = [&large[..front], &large[front + chunk..]].concat();
    assert!(opened(&left_out).is_err(), "left out");
}

#[test]
fn whoever_reads_on_after_an_error_finds_an_error_and_no_end() {
    let mut file = sealed(&vec![7; 2 * CHUNK]);
    let last = file.len() - 1;
    file[last] ^= 1;
    let (vault, ..) = vault();
    let mut opening = vault.open_backup(SealedBackup::read(file.as_slice()).expect("a backup")).expect("its own");
    let mut into = vec![0; 3 * CHUNK];
    opening.read_exact(&mut into[..CHUNK]).expect("the first chunk is genuine");
    for _ in 0..3 {
        assert!(opening.read(&mut into).is_err());
    }
}

#[test]
fn what_is_wrong_with_the_front_is_told_apart() {
    let file = sealed(b"content");
    let error = |bytes: &[u8]| SealedBackup::read(bytes).err().expect("refused");
    let changed = |at: usize| {
        let mut changed = file.clone();
        changed[at] ^= 1;
        changed
    };
    assert!(matches!(error(b"not one"), BackupError::NotABackup));
    assert!(matches!(error(&changed(0)), BackupError::NotABackup));
    let mut newer = file.clone();
    newer[4] = 2;
    assert!(matches!(error(&newer), BackupError::Newer { format: 2 }));
    for at in 5..40 {
        assert!(matches!(error(&changed(at)), BackupError::Damaged), "byte {at}");
    }
}

#[test]
fn a_front_that_was_changed_with_its_checksum_does_not_open() {
    use sha2::{Digest, Sha256};
    let file = sealed(b"content");
    let length = u32::from_be_bytes(file[5..9].try_into().expect("four bytes")) as usize;
    let end = 9 + length;
    let mut forged = file.clone();
    // The time it was made, which nothing else checks.
    forged[9 + 31 + 7] ^= 1;
    let checksum = Sha256::digest(&forged[..end]);
    forged[end..end + 8].copy_from_slice(&checksum[..8]);
    assert!(SealedBackup::read(forged.as_slice()).is_ok_and(|backup| backup.made_at() != made_at()));
    assert_eq!(opened(&forged), Err("stream"));
}

proptest! {
    #[test]
    fn no_flipped_bit_goes_unnoticed(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut file = sealed(b"some content of a backup");
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        prop_assert!(opened(&file).is_err(), "byte {}", at);
    }
}

/// Made by a second implementation, from the description of the format. Never made anew.
#[test]
fn the_frozen_vector_opens_and_is_made_again_to_the_last_bit() {
    let vector: Value = serde_json::from_str(include_str!("../vectors/backup-1.json")).expect("a vector");
    let text = |name: &str| vector[name].as_str().expect("text");
    let number = |name: &str| u8::try_from(vector[name].as_u64().expect("a number")).expect("a byte");
    let owner = OwnerId::parse(text("owner")).expect("an id");
    let (vault, key, slot) = vault_of(owner, number("root_random"), number("key_random"), number("wrap_random"));
    assert_eq!(exposed(&key.reveal()), text("recovery_key").as_bytes());
    let made_at: Timestamp = text("made_at").parse().expect("a time");

    let frozen = HEXLOWER.decode(text("sealed").as_bytes()).expect("hex");
    let backup = SealedBackup::read(frozen.as_slice()).expect("a backup");
    let Some(Ok(unlocked)) = backup.unlock_by_recovery_key(&key) else { panic!("it unlocks") };
    let mut plain = Vec::new();
    unlocked.open_backup(backup).expect("its own").read_to_end(&mut plain).expect("whole");
    assert_eq!(plain, text("plain").as_bytes());

    let salt = Counting::from(number("salt_random"));
    let mut sealing = vault.seal_backup(&[slot], made_at, Vec::new(), &salt).expect("a front");
    sealing.write_all(text("plain").as_bytes()).expect("sealed");
    assert_eq!(HEXLOWER.encode(&sealing.finish().expect("sealed")), text("sealed"));
}
