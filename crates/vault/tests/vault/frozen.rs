//! Format 1, frozen: what was sealed with it opens for ever, and what is sealed today is the same to the last bit.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use freehold_core::{OwnerId, SealedBytes, SecretBytes, SecretKind, SourceId, Timestamp};
use freehold_vault::{
    KeyCheck, KeyPurpose, KeyState, RecoveryKey, SecretPayload, SlotKey, SlotKind, SourceBinding, SourceVault, Vault,
    WrappedKey, audit, hash_passphrase, hash_token, key_file, new_token, verify_passphrase,
};
use serde::{Deserialize, Deserializer};

use crate::support::{Counting, address, attempt, binding, exposed};

#[derive(Deserialize)]
struct Vectors {
    owner: OwnerId,
    source: SourceId,
    connector: String,
    vault: VaultVector,
    audit_head: AuditHeadVector,
    key_file: SlotVector,
    recovery_key: SlotVector,
    source_keys: Vec<SourceKeyVector>,
    secrets: Vec<SecretVector>,
    audit: Vec<AuditVector>,
    token: TokenVector,
    passphrase: PassphraseVector,
}

#[derive(Deserialize)]
struct VaultVector {
    random: u8,
    key_check: Hex,
}

#[derive(Deserialize)]
struct AuditHeadVector {
    head: Hex,
    mac: Hex,
}

#[derive(Deserialize)]
struct SlotVector {
    random: u8,
    text: String,
    wrap_random: u8,
    wrapped_root: Hex,
}

#[derive(Deserialize)]
struct SourceKeyVector {
    purpose: String,
    generation: u32,
    random: u8,
    wrapped: Hex,
}

#[derive(Deserialize)]
struct SecretVector {
    kind: SecretKind,
    version: u32,
    generation: u32,
    fields: BTreeMap<String, String>,
    origins: Vec<String>,
    hosts: Vec<String>,
    random: u8,
    sealed: Hex,
}

#[derive(Deserialize)]
struct AuditVector {
    at_ms: i64,
    actor: String,
    action: String,
    subject: String,
    detail: Vec<(String, String)>,
    hash: Hex,
}

#[derive(Deserialize)]
struct TokenVector {
    random: u8,
    text: String,
    hash: Hex,
}

#[derive(Deserialize)]
struct PassphraseVector {
    random: u8,
    text: String,
    hash: String,
}

#[derive(Debug, PartialEq)]
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER.decode(text.as_bytes()).map(Hex).map_err(serde::de::Error::custom)
    }
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/format-1.json")).expect("the vectors")
}

impl Vectors {
    fn vault(&self) -> (Vault, KeyCheck) {
        Vault::create(self.owner, &Counting::from(self.vault.random))
    }

    fn binding(&self) -> SourceBinding {
        binding(self.owner, self.source, &self.connector)
    }

    /// The source's keys as frozen, `generation` being the active one.
    fn handle(&self, generation: u32) -> SourceVault {
        let keys: Vec<WrappedKey> = self
            .source_keys
            .iter()
            .filter(|key| key.purpose == "secrets")
            .map(|key| WrappedKey {
                generation: key.generation,
                state: if key.generation == generation { KeyState::Active } else { KeyState::Retiring },
                wrapped: SealedBytes(key.wrapped.0.clone()),
            })
            .collect();
        self.vault().0.source_vault(self.binding(), &keys).expect("the frozen keys open")
    }

    fn unlocks(&self, slot: SlotKind, key: &SlotKey, vector: &SlotVector) {
        let (vault, check) = self.vault();
        let wrapped = vault.wrap_root(key, slot, &Counting::from(vector.wrap_random));
        assert_eq!(hex(&wrapped.0), hex(&vector.wrapped_root.0), "{slot:?}");
        assert!(Vault::unlock(self.owner, key, slot, &wrapped, &check).is_ok(), "{slot:?}");
    }
}

#[test]
fn every_kind_of_secret() {
    let vectors = vectors();
    let kinds: Vec<SecretKind> = vectors.secrets.iter().map(|secret| secret.kind).collect();
    assert!(SecretKind::ALL.iter().all(|kind| kinds.contains(kind)), "a kind without a vector");
    for secret in &vectors.secrets {
        let handle = vectors.handle(secret.generation);
        let fields = secret.fields.iter().map(|(name, value)| (name.clone(), SecretBytes::from(value.clone()))).collect();
        let payload = SecretPayload::new(fields, secret.origins.clone(), secret.hosts.clone());
        let sealed = handle.seal(secret.kind, secret.version, &payload, &Counting::from(secret.random)).expect("sealed");
        assert_eq!(hex(&sealed.0), hex(&secret.sealed.0), "{:?}", secret.kind);

        let attempt =
            attempt(address(&vectors.binding(), secret.kind, secret.version), SealedBytes(secret.sealed.0.clone()));
        let Ok(opened) = handle.take(attempt) else { panic!("{:?} does not open", secret.kind) };
        assert_eq!((opened.origins(), opened.hosts()), (secret.origins.as_slice(), secret.hosts.as_slice()));
        let opened: Vec<(&str, &[u8])> = opened.fields().map(|(name, value)| (name, exposed(value))).collect();
        let expected: Vec<(&str, &[u8])> =
            secret.fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(opened, expected);
    }
}

#[test]
fn wrapped_source_keys() {
    let vectors = vectors();
    let (vault, _) = vectors.vault();
    for key in &vectors.source_keys {
        let purpose = KeyPurpose::parse(&key.purpose).expect("a purpose");
        let wrapped = vault.new_source_key(vectors.source, purpose, key.generation, &Counting::from(key.random));
        assert_eq!(hex(&wrapped.0), hex(&key.wrapped.0), "{} {}", key.purpose, key.generation);
    }
}

#[test]
fn slots_and_key_check() {
    let vectors = vectors();
    assert_eq!(hex(&vectors.vault().1.to_bytes()), hex(&vectors.vault.key_check.0));

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vault.key");
    key_file::create(&path, &Counting::from(vectors.key_file.random)).expect("a key file");
    assert_eq!(std::fs::read_to_string(&path).expect("text"), vectors.key_file.text);
    vectors.unlocks(SlotKind::KeyFile, &key_file::read(&path).expect("its own key file"), &vectors.key_file);

    let printed = RecoveryKey::generate(&Counting::from(vectors.recovery_key.random));
    assert_eq!(exposed(&printed.reveal()), vectors.recovery_key.text.as_bytes());
    let Ok(typed) = RecoveryKey::parse(&SecretBytes::from(vectors.recovery_key.text.clone())) else { panic!("it is one") };
    vectors.unlocks(SlotKind::RecoveryKey, &typed.slot_key(), &vectors.recovery_key);
}

#[test]
fn audit_chain_and_its_head() {
    let vectors = vectors();
    let mut prev = [0; 32];
    for (seq, row) in (1..).zip(&vectors.audit) {
        let event = audit::AuditEvent {
            at: Timestamp::from_millisecond(row.at_ms).expect("a time"),
            actor: row.actor.clone(),
            action: row.action.clone(),
            subject: row.subject.clone(),
            detail: row.detail.clone(),
        };
        prev = audit::link(&prev, seq, &event);
        assert_eq!(hex(&prev), hex(&row.hash.0), "event {seq}");
    }
    let head = vectors.audit_head.head.0.as_slice().try_into().expect("32 bytes");
    assert_eq!(hex(&vectors.vault().0.mac_audit_head(head)), hex(&vectors.audit_head.mac.0));
}

#[test]
fn tokens_and_passphrases() {
    let vectors = vectors();
    let (token, hash) = new_token(&Counting::from(vectors.token.random));
    assert_eq!(exposed(&token), vectors.token.text.as_bytes());
    assert_eq!(hex(&hash), hex(&vectors.token.hash.0));
    assert_eq!(hex(&hash_token(exposed(&token))), hex(&vectors.token.hash.0));

    let passphrase = SecretBytes::from(vectors.passphrase.text.clone());
    let hash = hash_passphrase(&passphrase, &Counting::from(vectors.passphrase.random)).expect("long enough");
    assert_eq!(hash, vectors.passphrase.hash);
    assert!(verify_passphrase(&passphrase, &vectors.passphrase.hash));
}
