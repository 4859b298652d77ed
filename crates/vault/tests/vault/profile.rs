//! A browser profile at rest: opens whole where it was sealed, and nowhere else.

use std::io::{ErrorKind, Read, Write};

use data_encoding::HEXLOWER;
use freehold_core::OwnerId;
use freehold_vault::{KeyPurpose, KeyState, ProfileVault, SourceBinding, Vault, WrappedKey};
use serde_json::Value;

use crate::support::{Counting, binding, owner, source};

const CHUNK: usize = 64 << 10;

/// A handle whose ROOT and key are the same for every binding: what then does not open is refused for its context alone.
fn handle(binding: &SourceBinding, generation: u32) -> ProfileVault {
    handle_of(binding, generation, 0, 32)
}

fn handle_of(binding: &SourceBinding, generation: u32, root: u8, key: u8) -> ProfileVault {
    let (vault, _) = Vault::create(binding.owner, &Counting::from(root));
    let wrapped = vault.new_source_key(binding.source, KeyPurpose::Profile, generation, &Counting::from(key));
    let key = WrappedKey { generation, state: KeyState::Active, wrapped };
    let Ok(handle) = vault.profile_vault(binding.clone(), &[key]) else { panic!("its own keys") };
    handle
}

fn sealed(handle: &ProfileVault, plain: &[u8]) -> Vec<u8> {
    let mut sealing = handle.seal(Vec::new(), &Counting::from(64)).expect("a header");
    // In odd pieces, as an archiver writes.
    for piece in plain.chunks(1_000) {
        sealing.write_all(piece).expect("sealed");
    }
    sealing.finish().expect("sealed")
}

fn opened(handle: &ProfileVault, sealed: &[u8]) -> Result<Vec<u8>, ErrorKind> {
    let mut plain = Vec::new();
    let mut opening = handle.open(sealed).map_err(|error| error.kind())?;
    opening.read_to_end(&mut plain).map_err(|error| error.kind())?;
    Ok(plain)
}

fn home() -> SourceBinding {
    binding(owner('1'), source('1'), "shop")
}

#[test]
fn a_profile_of_any_length_opens_as_it_was() {
    let handle = handle(&home(), 1);
    for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
        let plain: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let sealed = sealed(&handle, &plain);
        assert!(opened(&handle, &sealed) == Ok(plain), "{len} bytes");
    }
}

#[test]
fn it_opens_for_no_other_owner_source_connector_or_generation() {
    let profile = sealed(&handle(&home(), 1), b"cookies");
    let others = [
        (binding(owner('2'), source('1'), "shop"), 1),
        (binding(owner('1'), source('2'), "shop"), 1),
        (binding(owner('1'), source('1'), "other"), 1),
        (home(), 2),
    ];
    for (other, generation) in others {
        let mut moved = profile.clone();
        // The header is only a selector, so it is made to agree.
        moved[6..10].copy_from_slice(&u32::to_be_bytes(generation));
        assert_eq!(opened(&handle(&other, generation), &moved), Err(ErrorKind::InvalidData), "{other:?} {generation}");
    }
}

#[test]
fn one_that_was_cut_lengthened_reordered_or_damaged_does_not_open() {
    let handle = handle(&home(), 1);
    let whole = sealed(&handle, &[7; 2 * CHUNK + 10]);
    const HEADER: usize = 74;
    const SEALED_CHUNK: usize = CHUNK + 16;
    for len in [HEADER, HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK, whole.len() - 1] {
        assert_eq!(opened(&handle, &whole[..len]), Err(ErrorKind::InvalidData), "cut to {len}");
    }
    assert_eq!(opened(&handle, &[whole.as_slice(), &[0]].concat()), Err(ErrorKind::InvalidData), "lengthened");
    let (first, second) = (HEADER..HEADER + SEALED_CHUNK, HEADER + SEALED_CHUNK..HEADER + 2 * SEALED_CHUNK);
    let swapped = [&whole[..HEADER], &whole[second.clone()], &whole[first], &whole[second.end..]].concat();
    assert_eq!(opened(&handle, &swapped), Err(ErrorKind::InvalidData), "reordered");
    for at in (0..HEADER).chain([HEADER + 5, whole.len() - 1]) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert!(opened(&handle, &damaged).is_err(), "byte {at}");
    }
}

/// Made by a second implementation, from the description of the format. Never made anew.
#[test]
fn the_frozen_vector_opens_and_is_made_again_to_the_last_bit() {
    let vector: Value = serde_json::from_str(include_str!("../vectors/profile-1.json")).expect("a vector");
    let text = |name: &str| vector[name].as_str().expect("text");
    let number = |name: &str| u8::try_from(vector[name].as_u64().expect("a number")).expect("a byte");
    let owner = OwnerId::parse(text("owner")).expect("an id");
    let source = freehold_core::SourceId::parse(text("source")).expect("an id");
    let binding = binding(owner, source, text("connector"));
    let handle = handle_of(&binding, 1, number("root_random"), number("key_random"));
    let frozen = HEXLOWER.decode(text("sealed").as_bytes()).expect("hex");
    assert_eq!(opened(&handle, &frozen), Ok(text("plain").as_bytes().to_vec()));
    let mut sealing = handle.seal(Vec::new(), &Counting::from(number("salt_random"))).expect("a header");
    sealing.write_all(text("plain").as_bytes()).expect("sealed");
    assert_eq!(HEXLOWER.encode(&sealing.finish().expect("sealed")), text("sealed"));
}
