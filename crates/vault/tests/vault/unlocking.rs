//! Unlocking: the right key, a wrong key, and damage, each told apart.

use data_encoding::HEXLOWER;
use freehold_core::{SealedBytes, SecretBytes};
use freehold_vault::{KeyCheck, OsRng, RecoveryKey, SlotKind, UnlockError, Vault, key_file};

use crate::support::{Counting, owner};

fn error(result: Result<Vault, UnlockError>) -> UnlockError {
    match result {
        Ok(_) => panic!("a vault was unlocked that must stay locked"),
        Err(error) => error,
    }
}

#[test]
fn each_slot_unlocks_the_same_vault() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vault.key");
    let file_key = key_file::create(&path, &OsRng).expect("a key file");
    let printed = RecoveryKey::generate(&OsRng);
    let (vault, check) = Vault::create(owner('1'), &OsRng);
    let by_file = vault.wrap_root(&file_key, SlotKind::KeyFile, &OsRng);
    let by_paper = vault.wrap_root(&printed.slot_key(), SlotKind::RecoveryKey, &OsRng);
    let mac = vault.mac_audit_head(&[7; 32]);
    drop(vault);

    let check = KeyCheck::from_bytes(&check.to_bytes()).expect("32 bytes");
    let read_back = key_file::read(&path).expect("its own key file");
    let one = Vault::unlock(owner('1'), &read_back, SlotKind::KeyFile, &by_file, &check);
    let Ok(one) = one else { panic!("the key file unlocks") };
    assert!(one.check_audit_head_mac(&[7; 32], &mac), "the same ROOT");
    assert!(!one.check_audit_head_mac(&[8; 32], &mac), "another head");
    let Ok(typed) = RecoveryKey::parse(&printed.reveal()) else { panic!("its own printed form") };
    let two = Vault::unlock(owner('1'), &typed.slot_key(), SlotKind::RecoveryKey, &by_paper, &check);
    let Ok(two) = two else { panic!("the recovery key unlocks") };
    assert!(two.check_audit_head_mac(&[7; 32], &mac), "the same ROOT");
}

#[test]
fn a_wrong_key_is_told_from_damage_at_every_byte() {
    let key = RecoveryKey::generate(&OsRng).slot_key();
    let wrong = RecoveryKey::generate(&OsRng).slot_key();
    let slot = SlotKind::RecoveryKey;
    let (vault, check) = Vault::create(owner('1'), &OsRng);
    let wrapped = vault.wrap_root(&key, slot, &OsRng);

    assert!(matches!(error(Vault::unlock(owner('1'), &wrong, slot, &wrapped, &check)), UnlockError::WrongKey { .. }));
    for at in 0..wrapped.0.len() {
        let mut damaged = wrapped.clone();
        damaged.0[at] ^= 1;
        for key in [&key, &wrong] {
            let error = error(Vault::unlock(owner('1'), key, slot, &damaged, &check));
            assert!(matches!(error, UnlockError::Corrupt { .. }), "byte {at}: {error}");
        }
        let cut = SealedBytes(wrapped.0[..at].to_vec());
        assert!(
            matches!(error(Vault::unlock(owner('1'), &key, slot, &cut, &check)), UnlockError::Corrupt { .. }),
            "cut to {at}"
        );
    }
    let mut other_check = check.to_bytes();
    other_check[0] ^= 1;
    let other_check = KeyCheck::from_bytes(&other_check).expect("32 bytes");
    assert!(matches!(error(Vault::unlock(owner('1'), &key, slot, &wrapped, &other_check)), UnlockError::Corrupt { .. }));
}

#[test]
fn a_wrap_opens_only_in_its_own_slot_and_for_its_own_owner() {
    let key = RecoveryKey::generate(&OsRng).slot_key();
    let (vault, check) = Vault::create(owner('1'), &OsRng);
    let wrapped = vault.wrap_root(&key, SlotKind::RecoveryKey, &OsRng);
    let moved = Vault::unlock(owner('1'), &key, SlotKind::KeyFile, &wrapped, &check);
    assert!(matches!(error(moved), UnlockError::WrongKey { slot: SlotKind::KeyFile }));
    let foreign = Vault::unlock(owner('2'), &key, SlotKind::RecoveryKey, &wrapped, &check);
    assert!(matches!(error(foreign), UnlockError::WrongKey { .. }));
}

#[test]
fn a_passphrase_unlocks_and_a_wrong_one_is_told_from_damage() {
    let passphrase = SecretBytes::from("five quiet words of one's own".to_owned());
    let wrong = SecretBytes::from("five quiet words of another".to_owned());
    let (vault, check) = Vault::create(owner('1'), &OsRng);
    let mac = vault.mac_audit_head(&[7; 32]);
    let Ok(wrapped) = vault.wrap_root_by_passphrase(&passphrase, &OsRng) else { panic!("strong enough") };
    let unlock = |passphrase, wrapped: &SealedBytes| Vault::unlock_by_passphrase(owner('1'), passphrase, wrapped, &check);

    let Ok(opened) = unlock(&passphrase, &wrapped) else { panic!("the passphrase unlocks") };
    assert!(opened.check_audit_head_mac(&[7; 32], &mac), "the same ROOT");
    assert!(matches!(error(unlock(&wrong, &wrapped)), UnlockError::WrongKey { slot: SlotKind::Passphrase }));
    for at in 0..wrapped.0.len() {
        let mut damaged = wrapped.clone();
        damaged.0[at] ^= 1;
        assert!(matches!(error(unlock(&passphrase, &damaged)), UnlockError::Corrupt { .. }), "byte {at}");
        let cut = SealedBytes(wrapped.0[..at].to_vec());
        assert!(matches!(error(unlock(&passphrase, &cut)), UnlockError::Corrupt { .. }), "cut to {at}");
    }
    let weak = SecretBytes::from("abababababab".to_owned());
    assert!(vault.wrap_root_by_passphrase(&weak, &OsRng).is_err());
}

#[test]
fn a_slot_that_asks_for_more_memory_than_any_freehold_is_damaged() {
    use sha2::{Digest, Sha256};
    let passphrase = SecretBytes::from("five quiet words of one's own".to_owned());
    let (vault, check) = Vault::create(owner('1'), &OsRng);
    let Ok(SealedBytes(mut wrapped)) = vault.wrap_root_by_passphrase(&passphrase, &OsRng) else { panic!("strong enough") };
    wrapped[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let end = wrapped.len() - 8;
    let checksum = Sha256::digest(&wrapped[..end]);
    wrapped[end..].copy_from_slice(&checksum[..8]);
    let asked = Vault::unlock_by_passphrase(owner('1'), &passphrase, &SealedBytes(wrapped), &check);
    assert!(matches!(error(asked), UnlockError::Corrupt { .. }));
}

#[test]
fn names_in_the_database_come_back() {
    use freehold_vault::{KeyPurpose, KeyState};
    for slot in [SlotKind::KeyFile, SlotKind::RecoveryKey, SlotKind::Passphrase] {
        assert_eq!(SlotKind::parse(slot.as_str()), Some(slot));
    }
    for purpose in [KeyPurpose::Secrets, KeyPurpose::Profile] {
        assert_eq!(KeyPurpose::parse(purpose.as_str()), Some(purpose));
    }
    for state in [KeyState::Active, KeyState::Retiring] {
        assert_eq!(KeyState::parse(state.as_str()), Some(state));
    }
    assert_eq!(SlotKind::parse("password"), None);
    assert!(KeyCheck::from_bytes(&[0; 31]).is_none());
}

/// Made by a second implementation, from the description of the format. Never made anew.
#[test]
fn the_frozen_passphrase_slot_opens_and_is_made_again_to_the_last_bit() {
    let vector: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/passphrase-slot-1.json")).expect("a vector");
    let text = |name: &str| vector[name].as_str().expect("text");
    let number = |name: &str| u8::try_from(vector[name].as_u64().expect("a number")).expect("a byte");
    let owner = freehold_core::OwnerId::parse(text("owner")).expect("an id");
    let (vault, check) = Vault::create(owner, &Counting::from(number("root_random")));
    let passphrase = SecretBytes::from(text("passphrase").to_owned());
    let frozen = SealedBytes(HEXLOWER.decode(text("wrapped_root").as_bytes()).expect("hex"));
    assert!(Vault::unlock_by_passphrase(owner, &passphrase, &frozen, &check).is_ok());
    let Ok(again) = vault.wrap_root_by_passphrase(&passphrase, &Counting::from(number("random"))) else { panic!("strong") };
    assert_eq!(HEXLOWER.encode(&again.0), text("wrapped_root"));
}
