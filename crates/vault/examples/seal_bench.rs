//! What sealing costs, and that a secret opens nowhere else: one JSON object a line, times in nanoseconds.
//!
//! `cargo run --release -p freehold-vault --example seal_bench`
//!
//! Sealing and opening 1 KiB are measured in turns with bare AES-256-GCM on the same bytes, so that whatever else the machine
//! does hits both; each figure is the median over the rounds.

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::atomic::{AtomicU8, Ordering},
    time::Instant,
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use freehold_core::{
    AttemptId, Clock, CommittedAttempt, ConnectorName, OwnerId, Rng, SealedBytes, SecretAddress, SecretBytes, SecretKind,
    SourceId, SystemClock,
};
use freehold_vault::{KeyPurpose, KeyState, OsRng, SecretPayload, SourceBinding, SourceVault, Vault, WrappedKey};

const ROUNDS: usize = 400;
const PER_ROUND: usize = 50;
const CHANGED: usize = 1_000_000;
const KIND: SecretKind = SecretKind::Token;

#[expect(clippy::print_stdout, reason = "its output is for the bench to read")]
fn main() {
    let costs = costs();
    for (name, nanoseconds) in [
        ("bare_seal", costs.bare_seal),
        ("bare_open", costs.bare_open),
        ("seal", costs.seal),
        ("take", costs.take),
        ("seal_more_than_bare", costs.seal.saturating_sub(costs.bare_seal)),
        ("take_more_than_bare", costs.take.saturating_sub(costs.bare_open)),
    ] {
        println!(r#"{{"row":"vault","measure":"{name}_1kib","ns":{nanoseconds}}}"#);
    }
    let (tried, opened) = changed_contexts();
    println!(r#"{{"row":"vault","measure":"opens_with_one_field_changed","tried":{tried},"opened":{opened}}}"#);
}

struct Costs {
    bare_seal: u128,
    bare_open: u128,
    seal: u128,
    take: u128,
}

fn costs() -> Costs {
    let home = binding('1', '1', "imap");
    let handle = handle(&home);
    let content = vec![7u8; 1024];
    let payload = payload(&content);
    let mut random = [0; 32];
    OsRng.fill(&mut random);
    let bare = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &random).expect("32 bytes"));
    let sealed = handle.seal(KIND, 1, &payload, &OsRng).expect("sealed");
    let mut bare_sealed = content.clone();
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    bare.seal_in_place_append_tag(nonce(), Aad::empty(), &mut bare_sealed).expect("sealed");

    let mut samples: [Vec<u128>; 4] = Default::default();
    for _ in 0..ROUNDS {
        samples[0].push(each(|| {
            let mut bytes = content.clone();
            bare.seal_in_place_append_tag(nonce(), Aad::empty(), &mut bytes).expect("sealed");
            drop(black_box(bytes));
        }));
        samples[1].push(each(|| {
            let mut bytes = bare_sealed.clone();
            bare.open_in_place(nonce(), Aad::empty(), &mut bytes).expect("opened");
            drop(black_box(bytes));
        }));
        samples[2].push(each(|| drop(black_box(handle.seal(KIND, 1, &payload, &OsRng)))));
        samples[3].push(each(|| {
            drop(black_box(handle.take(attempt(&home, KIND, 1, sealed.clone()))));
        }));
    }
    let [bare_seal, bare_open, seal, take] = samples.map(median);
    Costs { bare_seal, bare_open, seal, take }
}

fn each(mut work: impl FnMut()) -> u128 {
    let start = Instant::now();
    for _ in 0..PER_ROUND {
        work();
    }
    start.elapsed().as_nanos() / PER_ROUND as u128
}

fn median(mut samples: Vec<u128>) -> u128 {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// Opens one secret with every kind of wrong context in turn, by handles that hold the very same key bytes, so that nothing but
/// the context can refuse. Returns how many were tried and how many opened.
fn changed_contexts() -> (usize, usize) {
    let home = binding('1', '1', "imap");
    let own = handle(&home);
    let sealed = own.seal(KIND, 1, &payload(b"secret"), &OsRng).expect("sealed");
    let mut other_generation = sealed.clone();
    other_generation.0[6..10].copy_from_slice(&2u32.to_be_bytes());
    assert!(own.take(attempt(&home, KIND, 1, sealed.clone())).is_ok(), "unchanged, it opens");

    let elsewhere = [binding('2', '1', "imap"), binding('1', '2', "imap"), binding('1', '1', "imap2")]
        .map(|binding| (handle(&binding), binding));
    let mut opened = 0;
    for number in 0..CHANGED {
        let version = 2 + number as u32;
        let result = match number % 6 {
            changed @ 0..3 => {
                let (handle, binding) = &elsewhere[changed];
                handle.take(attempt(binding, KIND, 1, sealed.clone()))
            }
            3 => own.take(attempt(&home, SecretKind::AppPassword, 1, sealed.clone())),
            4 => own.take(attempt(&home, KIND, version, sealed.clone())),
            _ => own.take(attempt(&home, KIND, 1, other_generation.clone())),
        };
        opened += usize::from(result.is_ok());
    }
    (CHANGED, opened)
}

fn binding(owner: char, source: char, connector: &str) -> SourceBinding {
    SourceBinding {
        owner: OwnerId::parse(&format!("own_0000000000000000000000000{owner}")).expect("an owner's id"),
        source: SourceId::parse(&format!("src_0000000000000000000000000{source}")).expect("a source's id"),
        connector: ConnectorName::parse(connector).expect("a connector's name"),
    }
}

/// A handle with two generations, whose keys are the same for every binding.
fn handle(binding: &SourceBinding) -> SourceVault {
    let (vault, _) = Vault::create(binding.owner, &Counting(AtomicU8::new(0)));
    let keys = [(1, KeyState::Active), (2, KeyState::Retiring)].map(|(generation, state)| WrappedKey {
        generation,
        state,
        wrapped: vault.new_source_key(binding.source, KeyPurpose::Secrets, generation, &Counting(AtomicU8::new(32))),
    });
    vault.source_vault(binding.clone(), &keys).expect("its own keys open")
}

fn payload(content: &[u8]) -> SecretPayload {
    let fields = BTreeMap::from([("token".to_owned(), SecretBytes::new(content.to_vec()))]);
    SecretPayload::new(fields, Vec::new(), Vec::new())
}

#[expect(clippy::disallowed_methods, reason = "measures the vault without the ledger's fsync")]
fn attempt(binding: &SourceBinding, kind: SecretKind, version: u32, sealed: SealedBytes) -> CommittedAttempt {
    let SourceBinding { owner, source, connector } = binding.clone();
    CommittedAttempt::from_ledger(attempt_id(), SecretAddress { owner, source, connector, kind, version }, sealed)
}

fn attempt_id() -> AttemptId {
    static ID: std::sync::OnceLock<AttemptId> = std::sync::OnceLock::new();
    *ID.get_or_init(|| AttemptId::new(&SystemClock as &dyn Clock, &OsRng))
}

struct Counting(AtomicU8);

impl Rng for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
