//! R2: a secret opens only for the owner, source, connector, kind and version it was sealed for.

use freehold_core::{SealedBytes, SecretAddress, SecretBytes, SecretKind};
use freehold_vault::{
    KeyPurpose, KeyState, OpenError, OsRng, SealError, SecretPayload, SourceBinding, TakeError, Vault, WrappedKey,
};
use proptest::prelude::*;

use crate::support::{address, attempt, binding, exposed, handle_with_known_keys, owner, payload, refusal, source};

const KIND: SecretKind = SecretKind::UsernamePassword;
const FIRST_KEY: &[(u32, KeyState)] = &[(1, KeyState::Active)];
const GENERATION_AT: std::ops::Range<usize> = 6..10;

fn home() -> SourceBinding {
    binding(owner('1'), source('1'), "imap")
}

fn sealed_at_home(version: u32) -> SealedBytes {
    let secret = payload(&[("username", "ada"), ("password", "correct horse")]);
    handle_with_known_keys(&home(), FIRST_KEY).seal(KIND, version, &secret, &OsRng).expect("sealed")
}

#[test]
fn a_secret_opens_for_exactly_its_own_attempt() {
    let handle = handle_with_known_keys(&home(), FIRST_KEY);
    let Ok(opened) = handle.take(attempt(address(&home(), KIND, 3), sealed_at_home(3))) else { panic!("it opens") };
    let fields: Vec<(&str, &[u8])> = opened.fields().map(|(name, value)| (name, exposed(value))).collect();
    assert_eq!(fields, [("password", b"correct horse".as_slice()), ("username", b"ada")]);
    assert_eq!(opened.origins(), ["https://sign-in.example"]);
    assert_eq!(opened.hosts(), ["mail.example"]);
}

#[test]
fn the_same_key_does_not_open_it_for_a_context_changed_in_one_field() {
    // All these handles hold the very same key bytes.
    let others = [
        ("owner", binding(owner('2'), source('1'), "imap")),
        ("source", binding(owner('1'), source('2'), "imap")),
        ("connector", binding(owner('1'), source('1'), "imap2")),
    ];
    for (field, other) in others {
        let handle = handle_with_known_keys(&other, FIRST_KEY);
        let error = refusal(handle.take(attempt(address(&other, KIND, 1), sealed_at_home(1))));
        assert!(matches!(error, TakeError::NotOpened { .. }), "{field}: {error}");
    }
    let handle = handle_with_known_keys(&home(), &[(1, KeyState::Active), (2, KeyState::Retiring)]);
    for kind in SecretKind::ALL.into_iter().filter(|kind| *kind != KIND) {
        let error = refusal(handle.take(attempt(address(&home(), kind, 1), sealed_at_home(1))));
        assert!(matches!(error, TakeError::NotOpened { .. }), "{kind:?}: {error}");
    }
    let error = refusal(handle.take(attempt(address(&home(), KIND, 2), sealed_at_home(1))));
    assert!(matches!(error, TakeError::NotOpened { version: 2, .. }), "version: {error}");
    let mut relabelled = sealed_at_home(1);
    relabelled.0[GENERATION_AT].copy_from_slice(&2u32.to_be_bytes());
    let error = refusal(handle.take(attempt(address(&home(), KIND, 1), relabelled)));
    assert!(matches!(error, TakeError::NotOpened { .. }), "generation: {error}");
}

#[test]
fn a_handle_refuses_an_attempt_for_another_source_owner_or_connector() {
    let handle = handle_with_known_keys(&home(), FIRST_KEY);
    let own = address(&home(), KIND, 1);
    let foreign = [
        SecretAddress { owner: owner('2'), ..own.clone() },
        SecretAddress { source: source('2'), ..own.clone() },
        SecretAddress { connector: binding(owner('1'), source('1'), "github").connector, ..own.clone() },
    ];
    for asked in foreign {
        let error = refusal(handle.take(attempt(asked.clone(), sealed_at_home(1))));
        assert!(matches!(error, TakeError::OtherSource { .. }), "{asked:?}: {error}");
        let same = handle.is_same_secret(&asked, &sealed_at_home(1), &payload(&[]));
        assert!(matches!(same, Err(TakeError::OtherSource { .. })), "{asked:?}");
    }
}

#[test]
fn a_row_moved_with_its_wrapped_key_opens_nowhere_else() {
    let (vault, _) = Vault::create(owner('1'), &OsRng);
    let wrap = |generation, purpose| WrappedKey {
        generation,
        state: KeyState::Active,
        wrapped: vault.new_source_key(source('1'), purpose, generation, &OsRng),
    };
    let own = wrap(1, KeyPurpose::Secrets);
    assert!(vault.source_vault(home(), std::slice::from_ref(&own)).is_ok());

    let moved = vault.source_vault(binding(owner('1'), source('2'), "imap"), std::slice::from_ref(&own));
    assert!(matches!(moved, Err(OpenError::Key { generation: 1, .. })), "another source's row");
    let renumbered = vault.source_vault(home(), &[WrappedKey { generation: 2, ..own.clone() }]);
    assert!(matches!(renumbered, Err(OpenError::Key { generation: 2, .. })), "another generation");
    let profile = vault.source_vault(home(), &[wrap(1, KeyPurpose::Profile)]);
    assert!(matches!(profile, Err(OpenError::Key { .. })), "the profile's key");
    let foreign = vault.source_vault(binding(owner('2'), source('1'), "imap"), std::slice::from_ref(&own));
    assert!(matches!(foreign, Err(OpenError::OtherOwner { .. })), "another owner");
    let (other_vault, _) = Vault::create(owner('1'), &OsRng);
    assert!(matches!(other_vault.source_vault(home(), &[own]), Err(OpenError::Key { .. })), "another ROOT");
}

#[test]
fn rows_swapped_between_two_sources_open_in_neither() {
    let (vault, _) = Vault::create(owner('1'), &OsRng);
    let [one, two] = ['1', '2'].map(|last| {
        let binding = binding(owner('1'), source(last), "imap");
        let wrapped = vault.new_source_key(binding.source, KeyPurpose::Secrets, 1, &OsRng);
        let handle = vault
            .source_vault(binding.clone(), &[WrappedKey { generation: 1, state: KeyState::Active, wrapped }])
            .expect("its own key");
        let sealed = handle.seal(KIND, 1, &payload(&[("password", "x")]), &OsRng).expect("sealed");
        (binding, handle, sealed)
    });
    for ((binding, handle, _), (_, _, foreign)) in [(&one, &two), (&two, &one)] {
        let error = refusal(handle.take(attempt(address(binding, KIND, 1), foreign.clone())));
        assert!(matches!(error, TakeError::NotOpened { .. }), "{error}");
    }
}

#[test]
fn no_bit_may_change_and_no_byte_may_be_missing_or_added() {
    let handle = handle_with_known_keys(&home(), FIRST_KEY);
    let sealed = sealed_at_home(1);
    let opens = |bytes: Vec<u8>| handle.take(attempt(address(&home(), KIND, 1), SealedBytes(bytes))).is_ok();
    assert!(opens(sealed.0.clone()));
    for bit in 0..sealed.0.len() * 8 {
        let mut flipped = sealed.0.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(flipped), "bit {bit} flipped");
    }
    for len in 0..sealed.0.len() {
        assert!(!opens(sealed.0[..len].to_vec()), "cut to {len} bytes");
    }
    assert!(!opens([sealed.0.as_slice(), b"\0"].concat()), "one byte longer");
}

#[test]
fn a_retiring_key_opens_what_it_sealed_and_seals_nothing_more() {
    let old = sealed_at_home(1);
    let handle = handle_with_known_keys(&home(), &[(1, KeyState::Retiring), (2, KeyState::Active)]);
    assert!(handle.take(attempt(address(&home(), KIND, 1), old.clone())).is_ok());
    let new = handle.seal(KIND, 2, &payload(&[("password", "y")]), &OsRng).expect("sealed");
    assert_eq!(new.0[GENERATION_AT], 2u32.to_be_bytes());

    let after = handle_with_known_keys(&home(), &[(2, KeyState::Active)]);
    let error = refusal(after.take(attempt(address(&home(), KIND, 1), old)));
    assert!(matches!(error, TakeError::Header { .. }), "a destroyed generation: {error}");
    assert!(after.take(attempt(address(&home(), KIND, 2), new)).is_ok());
}

#[test]
fn a_handle_needs_one_active_key_and_no_generation_twice() {
    let (vault, _) = Vault::create(owner('1'), &OsRng);
    let key = |generation, state| WrappedKey {
        generation,
        state,
        wrapped: vault.new_source_key(source('1'), KeyPurpose::Secrets, generation, &OsRng),
    };
    use KeyState::{Active, Retiring};
    let refused =
        [vec![], vec![key(1, Retiring)], vec![key(1, Active), key(2, Active)], vec![key(1, Active), key(1, Retiring)]];
    for keys in refused {
        assert!(matches!(vault.source_vault(home(), &keys), Err(OpenError::Generations { .. })), "{keys:?}");
    }
}

#[test]
fn a_revoked_handle_does_nothing_more() {
    let handle = handle_with_known_keys(&home(), FIRST_KEY);
    handle.revoke();
    let error = refusal(handle.take(attempt(address(&home(), KIND, 1), sealed_at_home(1))));
    assert!(matches!(error, TakeError::Revoked { .. }), "{error}");
    assert!(matches!(handle.seal(KIND, 2, &payload(&[]), &OsRng), Err(SealError::Revoked { .. })));
    let same = handle.is_same_secret(&address(&home(), KIND, 1), &sealed_at_home(1), &payload(&[]));
    assert!(matches!(same, Err(TakeError::Revoked { .. })));
}

#[test]
fn a_retyped_value_is_known_to_be_the_same() {
    let handle = handle_with_known_keys(&home(), FIRST_KEY);
    let at = address(&home(), KIND, 1);
    let is_same =
        |fields: &[(&str, &str)]| handle.is_same_secret(&at, &sealed_at_home(1), &payload(fields)).expect("it opens");
    assert!(is_same(&[("username", "ada"), ("password", "correct horse")]));
    assert!(!is_same(&[("username", "ada"), ("password", "correct horsf")]));
    assert!(!is_same(&[("username", "adacorrect"), ("password", " horse")]));
    assert!(!is_same(&[("password", "correct horse")]));

    let rotated = handle_with_known_keys(&home(), &[(1, KeyState::Retiring), (2, KeyState::Active)]);
    let retyped = payload(&[("username", "ada"), ("password", "correct horse")]);
    assert!(rotated.is_same_secret(&at, &sealed_at_home(1), &retyped).expect("it opens"), "after a change of keys");
}

#[test]
fn sealing_twice_gives_different_bytes() {
    assert_ne!(sealed_at_home(1), sealed_at_home(1));
}

fn any_field() -> impl Strategy<Value = (String, Vec<u8>)> {
    ("[a-z_]{1,20}", prop::collection::vec(any::<u8>(), 0..200))
}

proptest! {
    #[test]
    fn any_payload_comes_back_whole_and_only_at_its_address(
        fields in prop::collection::btree_map("[a-z_]{1,20}", prop::collection::vec(any::<u8>(), 0..200), 0..6),
        origins in prop::collection::vec(".{0,40}", 0..4),
        hosts in prop::collection::vec(".{0,40}", 0..4),
        kind in prop::sample::select(SecretKind::ALL.to_vec()),
        asked_kind in prop::sample::select(SecretKind::ALL.to_vec()),
        version in 1u32..,
        asked_version in 1u32..,
        extra in any_field(),
    ) {
        let secret = || fields.iter().map(|(name, value)| (name.clone(), SecretBytes::new(value.clone()))).collect();
        let handle = handle_with_known_keys(&home(), FIRST_KEY);
        let sealed = handle.seal(kind, version, &SecretPayload::new(secret(), origins.clone(), hosts.clone()), &OsRng).expect("sealed");

        let Ok(opened) = handle.take(attempt(address(&home(), kind, version), sealed.clone())) else { panic!("it opens") };
        prop_assert_eq!(opened.origins(), origins);
        prop_assert_eq!(opened.hosts(), hosts);
        let same = handle.is_same_secret(&address(&home(), kind, version), &sealed, &opened);
        prop_assert!(matches!(same, Ok(true)));
        let out: Vec<(String, Vec<u8>)> = opened.into_fields().iter().map(|(name, value)| (name.clone(), exposed(value).to_vec())).collect();
        prop_assert_eq!(&out, &fields.clone().into_iter().collect::<Vec<_>>());

        let elsewhere = handle.take(attempt(address(&home(), asked_kind, asked_version), sealed.clone()));
        prop_assert_eq!(elsewhere.is_ok(), (asked_kind, asked_version) == (kind, version));

        let mut more: std::collections::BTreeMap<_, _> = secret();
        let unchanged = fields.get(&extra.0) == Some(&extra.1);
        more.insert(extra.0, SecretBytes::new(extra.1));
        let same = handle.is_same_secret(&address(&home(), kind, version), &sealed, &SecretPayload::new(more, vec![], vec![]));
        prop_assert_eq!(same.expect("it opens"), unchanged);
    }
}
