//! What several tests share: randomness that repeats, ids, handles, attempts.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU8, Ordering},
};

use freehold_core::{
    Clock, CommittedAttempt, ConnectorName, OwnerId, Rng, SealedBytes, SecretAddress, SecretBytes, SecretKind, SourceId,
    Timestamp,
};
use freehold_vault::{KeyPurpose, KeyState, SecretPayload, SourceBinding, SourceVault, TakeError, Vault, WrappedKey};

/// "Random" bytes that count up from a start, so that a test knows every key and salt.
pub(crate) struct Counting(AtomicU8);

impl Counting {
    pub(crate) fn from(start: u8) -> Self {
        Self(AtomicU8::new(start))
    }
}

impl Rng for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-01-01T12:00:00Z".parse().expect("a time")
    }
}

pub(crate) fn owner(last: char) -> OwnerId {
    OwnerId::parse(&format!("own_0000000000000000000000000{last}")).expect("an owner's id")
}

pub(crate) fn source(last: char) -> SourceId {
    SourceId::parse(&format!("src_0000000000000000000000000{last}")).expect("a source's id")
}

pub(crate) fn binding(owner: OwnerId, source: SourceId, connector: &str) -> SourceBinding {
    SourceBinding { owner, source, connector: ConnectorName::parse(connector).expect("a connector's name") }
}

pub(crate) fn address(binding: &SourceBinding, kind: SecretKind, version: u32) -> SecretAddress {
    let SourceBinding { owner, source, connector } = binding.clone();
    SecretAddress { owner, source, connector, kind, version }
}

/// A handle whose ROOT and source keys are the same for every binding: what then does not open is refused for its context alone.
pub(crate) fn handle_with_known_keys(binding: &SourceBinding, generations: &[(u32, KeyState)]) -> SourceVault {
    let (vault, _) = Vault::create(binding.owner, &Counting::from(0));
    let keys: Vec<WrappedKey> = generations
        .iter()
        .map(|(generation, state)| WrappedKey {
            generation: *generation,
            state: *state,
            wrapped: vault.new_source_key(binding.source, KeyPurpose::Secrets, *generation, &Counting::from(32)),
        })
        .collect();
    vault.source_vault(binding.clone(), &keys).expect("its own keys open")
}

pub(crate) fn payload(fields: &[(&str, &str)]) -> SecretPayload {
    let fields: BTreeMap<String, SecretBytes> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), SecretBytes::from((*value).to_owned()))).collect();
    SecretPayload::new(fields, vec!["https://sign-in.example".to_owned()], vec!["mail.example".to_owned()])
}

/// An attempt as the ledger's commit would return it.
#[expect(clippy::disallowed_methods, reason = "stands in for the ledger's commit")]
pub(crate) fn attempt(address: SecretAddress, sealed: SealedBytes) -> CommittedAttempt {
    CommittedAttempt::from_ledger(freehold_core::AttemptId::new(&Noon, &Counting::from(9)), address, sealed)
}

#[expect(clippy::disallowed_methods, reason = "compares what came out with what went in")]
pub(crate) fn exposed(secret: &SecretBytes) -> &[u8] {
    secret.expose()
}

/// The error of a `take`, whose success has no `Debug` on purpose.
pub(crate) fn refusal(result: Result<SecretPayload, TakeError>) -> TakeError {
    match result {
        Ok(_) => panic!("a secret was opened that must not open"),
        Err(error) => error,
    }
}
