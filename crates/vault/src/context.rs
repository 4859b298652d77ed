//! The context of a seal: everything it is bound to, as one string of bytes.

use freehold_core::id::ChannelId;
use freehold_core::{ConnectorName, OwnerId, SecretKind, SourceId};

use crate::{SlotKind, vault::KeyPurpose};

pub(crate) const MAGIC: [u8; 4] = *b"FHLD";
/// The layout of header and context.
pub(crate) const FORMAT: u8 = 1;
/// HKDF-SHA512 for key and commitment, AES-256-GCM for the content.
pub(crate) const ALGORITHM: u8 = 1;
/// The same, with the content in chunks.
pub(crate) const ALGORITHM_IN_CHUNKS: u8 = 2;

/// What a seal or a derived key is for, and whose. The variants carry exactly what each purpose binds, so that none can be left
/// out; a field a purpose does not have is encoded as empty.
#[derive(Clone, Copy)]
pub(crate) enum Context<'a> {
    /// One version of one secret.
    Secret {
        owner: OwnerId,
        source: SourceId,
        connector: &'a ConnectorName,
        kind: SecretKind,
        version: u32,
        generation: u32,
    },
    /// The key of the hash that tells whether a value was retyped. Kind and version are bound by the seal that hash lies in.
    SameSecret { owner: OwnerId, source: SourceId, connector: &'a ConnectorName, generation: u32 },
    /// A source's browser profile at rest.
    Profile { owner: OwnerId, source: SourceId, connector: &'a ConnectorName, generation: u32 },
    /// A source's key, wrapped by ROOT.
    SourceKey { owner: OwnerId, source: SourceId, purpose: KeyPurpose, generation: u32 },
    /// ROOT, wrapped by a slot's key.
    Root { owner: OwnerId, slot: SlotKind },
    /// The value that shows ROOT to be this vault's.
    KeyCheck { owner: OwnerId },
    /// The key of the audit head's MAC.
    AuditHead { owner: OwnerId },
    /// A backup's content; `front` is the SHA-256 of all that stands before it in the file.
    Backup { owner: OwnerId, front: &'a [u8; 32] },
    /// The secret of a channel of notifications, sealed by ROOT. The channel's id stands where a source's does; the purpose tells
    /// them apart.
    ChannelSecret { owner: OwnerId, channel: ChannelId },
}

impl Context<'_> {
    /// The generation a header must name. ROOT and what is derived from it have one generation.
    pub(crate) fn generation(&self) -> u32 {
        match *self {
            Context::Secret { generation, .. }
            | Context::SameSecret { generation, .. }
            | Context::Profile { generation, .. }
            | Context::SourceKey { generation, .. } => generation,
            Context::Root { .. }
            | Context::KeyCheck { .. }
            | Context::AuditHead { .. }
            | Context::Backup { .. }
            | Context::ChannelSecret { .. } => 0,
        }
    }

    fn algorithm(&self) -> u8 {
        match self {
            Context::Profile { .. } | Context::Backup { .. } => ALGORITHM_IN_CHUNKS,
            _ => ALGORITHM,
        }
    }

    /// The bytes: each field with its length before it (32 bits, most significant byte first), so that no two contexts encode
    /// alike. They are both the additional data of the cipher and the info of HKDF.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(&self.fields())
    }

    fn fields(&self) -> [Field<'_>; 10] {
        let of = |source: SourceId| Some(source.to_bytes());
        let (purpose, owner, of, connector, kind, version): (_, _, _, _, &[u8], _) = match *self {
            Context::Secret { owner, source, connector, kind, version, .. } => {
                ("secret", owner, of(source), connector.as_str(), kind.as_str().as_bytes(), Some(version))
            }
            Context::SameSecret { owner, source, connector, .. } => {
                ("same_secret", owner, of(source), connector.as_str(), b"", None)
            }
            Context::Profile { owner, source, connector, .. } => {
                ("profile", owner, of(source), connector.as_str(), b"", None)
            }
            Context::SourceKey { owner, source, purpose: KeyPurpose::Secrets, .. } => {
                ("source_key.secrets", owner, of(source), "", b"", None)
            }
            Context::SourceKey { owner, source, purpose: KeyPurpose::Profile, .. } => {
                ("source_key.profile", owner, of(source), "", b"", None)
            }
            Context::Root { owner, slot } => ("root", owner, None, "", slot.as_str().as_bytes(), None),
            Context::KeyCheck { owner } => ("key_check", owner, None, "", b"", None),
            Context::AuditHead { owner } => ("audit_head", owner, None, "", b"", None),
            Context::Backup { owner, front } => ("backup", owner, None, "", front, None),
            Context::ChannelSecret { owner, channel } => ("channel_secret", owner, Some(channel.to_bytes()), "", b"", None),
        };
        [
            Field::Bytes(&MAGIC),
            Field::Byte([FORMAT]),
            Field::Byte([self.algorithm()]),
            Field::Bytes(purpose.as_bytes()),
            Field::Id(owner.to_bytes()),
            of.map_or(Field::Bytes(&[]), Field::Id),
            Field::Bytes(connector.as_bytes()),
            Field::Bytes(kind),
            version.map_or(Field::Bytes(&[]), |version| Field::Number(version.to_be_bytes())),
            Field::Number(self.generation().to_be_bytes()),
        ]
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Field<'a> {
    Bytes(&'a [u8]),
    Byte([u8; 1]),
    Id([u8; 16]),
    Number([u8; 4]),
}

impl Field<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Field::Bytes(bytes) => bytes,
            Field::Byte(bytes) => bytes,
            Field::Id(bytes) => bytes,
            Field::Number(bytes) => bytes,
        }
    }
}

fn encode(fields: &[Field<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(fields.iter().map(|field| 4 + field.bytes().len()).sum());
    for field in fields {
        let bytes = field.bytes();
        // Every field is an id, a number or a name of at most 64 bytes.
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{OsRng, key::Key, sealed};

    fn owner(last: char) -> OwnerId {
        OwnerId::parse(&format!("own_0000000000000000000000000{last}")).expect("an owner's id")
    }

    fn source(last: char) -> SourceId {
        SourceId::parse(&format!("src_0000000000000000000000000{last}")).expect("a source's id")
    }

    fn channel_secret(owner: OwnerId, last: char) -> Context<'static> {
        let channel = ChannelId::parse(&format!("chn_0000000000000000000000000{last}")).expect("a channel's id");
        Context::ChannelSecret { owner, channel }
    }

    /// For each field that a caller decides: its place, and two contexts that differ in it alone.
    fn pairs(connectors: &[ConnectorName; 2]) -> Vec<(usize, Context<'_>, Context<'_>)> {
        let secret = |owner, source, connector, kind, version, generation| Context::Secret {
            owner,
            source,
            connector,
            kind,
            version,
            generation,
        };
        let [connector, other] = connectors;
        let (o, s, kind) = (owner('1'), source('1'), SecretKind::Token);
        let home = secret(o, s, connector, kind, 1, 1);
        let profile = |owner, source, connector, generation| Context::Profile { owner, source, connector, generation };
        let source_key = |purpose| Context::SourceKey { owner: o, source: s, purpose, generation: 1 };
        vec![
            (PURPOSE, source_key(KeyPurpose::Secrets), source_key(KeyPurpose::Profile)),
            (OWNER, profile(o, s, connector, 1), profile(owner('2'), s, connector, 1)),
            (SOURCE, profile(o, s, connector, 1), profile(o, source('2'), connector, 1)),
            (CONNECTOR, profile(o, s, connector, 1), profile(o, s, other, 1)),
            (GENERATION, profile(o, s, connector, 1), profile(o, s, connector, 2)),
            (OWNER, home, secret(owner('2'), s, connector, kind, 1, 1)),
            (SOURCE, home, secret(o, source('2'), connector, kind, 1, 1)),
            (CONNECTOR, home, secret(o, s, other, kind, 1, 1)),
            (KIND, home, secret(o, s, connector, SecretKind::AppPassword, 1, 1)),
            (VERSION, home, secret(o, s, connector, kind, 2, 1)),
            (GENERATION, home, secret(o, s, connector, kind, 1, 2)),
            (
                OWNER,
                Context::Root { owner: o, slot: SlotKind::KeyFile },
                Context::Root { owner: owner('2'), slot: SlotKind::KeyFile },
            ),
            (
                KIND,
                Context::Root { owner: o, slot: SlotKind::KeyFile },
                Context::Root { owner: o, slot: SlotKind::RecoveryKey },
            ),
            (PURPOSE, Context::KeyCheck { owner: o }, Context::AuditHead { owner: o }),
            (KIND, Context::Backup { owner: o, front: &[1; 32] }, Context::Backup { owner: o, front: &[2; 32] }),
            (SOURCE, channel_secret(o, '1'), channel_secret(o, '2')),
            (OWNER, channel_secret(o, '1'), channel_secret(owner('2'), '1')),
        ]
    }

    const PURPOSE: usize = 3;
    const OWNER: usize = 4;
    const SOURCE: usize = 5;
    const CONNECTOR: usize = 6;
    const KIND: usize = 7;
    const VERSION: usize = 8;
    const GENERATION: usize = 9;

    #[test]
    fn every_field_binds_and_each_has_a_pair_that_shows_it() {
        let connectors = ["imap", "imap2"].map(|name| ConnectorName::parse(name).expect("a name"));
        let key = Key::random(&OsRng);
        let pairs = pairs(&connectors);
        for at in PURPOSE..=GENERATION {
            assert!(pairs.iter().any(|(shown, ..)| *shown == at), "field {at} has no pair");
        }
        for (at, one, two) in pairs {
            assert_ne!(one.encode(), two.encode(), "field {at} is not in the context");
            let mut sealed = sealed::seal(&key, &one, b"secret", &OsRng);
            assert!(sealed::open(&key, &one, &sealed).is_ok());
            // The header is only a selector, so it is made to agree.
            sealed.0[6..10].copy_from_slice(&two.generation().to_be_bytes());
            assert!(sealed::open(&key, &two, &sealed).is_err(), "field {at} does not bind");

            // Without this field the two would be one: nothing else would have refused.
            let without = |context: &Context<'_>| {
                let fields = context.fields();
                let kept: Vec<Field<'_>> =
                    (0..fields.len()).filter(|place| *place != at).map(|place| fields[place]).collect();
                encode(&kept)
            };
            assert_eq!(without(&one), without(&two), "the pair of field {at} differs in more than it");
        }
    }

    type Parts = (String, String, String, SecretKind, u32, u32);

    fn parts() -> impl Strategy<Value = Parts> {
        (
            "own_[0-7][0-9a-hjkmnp-tv-z]{25}",
            "src_[0-7][0-9a-hjkmnp-tv-z]{25}",
            "[a-z][a-z0-9_-]{0,12}",
            prop::sample::select(SecretKind::ALL.to_vec()),
            any::<u32>(),
            any::<u32>(),
        )
    }

    fn with_secret_context<T>(parts: &Parts, use_it: impl FnOnce(&Context<'_>) -> T) -> T {
        let (owner, source, connector, kind, version, generation) = parts;
        let connector = ConnectorName::parse(connector).expect("a name");
        use_it(&Context::Secret {
            owner: OwnerId::parse(owner).expect("an owner's id"),
            source: SourceId::parse(source).expect("a source's id"),
            connector: &connector,
            kind: *kind,
            version: *version,
            generation: *generation,
        })
    }

    proptest! {
        #[test]
        fn any_change_of_any_one_field_fails_to_open(home in parts(), other in parts(), field in 0usize..6) {
            let mut changed = home.clone();
            match field {
                0 => changed.0 = other.0,
                1 => changed.1 = other.1,
                2 => changed.2 = other.2,
                3 => changed.3 = other.3,
                4 => changed.4 = other.4,
                _ => changed.5 = other.5,
            }
            let key = Key::random(&OsRng);
            let mut sealed = with_secret_context(&home, |context| sealed::seal(&key, context, b"secret", &OsRng));
            sealed.0[6..10].copy_from_slice(&changed.5.to_be_bytes());
            let opens = with_secret_context(&changed, |context| sealed::open(&key, context, &sealed).is_ok());
            prop_assert_eq!(opens, changed == home);
        }
    }

    #[test]
    fn the_header_s_constants_are_bound_too() {
        let context = Context::KeyCheck { owner: owner('1') };
        let sealed = sealed::seal(&Key::random(&OsRng), &context, b"", &OsRng);
        let constants: Vec<u8> = context.fields()[..PURPOSE].iter().flat_map(|field| field.bytes().to_vec()).collect();
        assert_eq!(constants, sealed.0[..6]);
        let lengths_before_each = [b"\0\0\0\x04FHLD".as_slice(), b"\0\0\0\x01\x01", b"\0\0\0\x01\x01"].concat();
        assert!(context.encode().starts_with(&lengths_before_each));
    }

    #[test]
    fn no_purpose_opens_another_s() {
        let connector = ConnectorName::parse("imap").expect("a name");
        let (owner, source, kind, generation) = (owner('1'), source('1'), SecretKind::Token, 0);
        let contexts = [
            Context::Secret { owner, source, connector: &connector, kind, version: 1, generation },
            Context::SameSecret { owner, source, connector: &connector, generation },
            Context::Profile { owner, source, connector: &connector, generation },
            Context::SourceKey { owner, source, purpose: KeyPurpose::Secrets, generation },
            Context::SourceKey { owner, source, purpose: KeyPurpose::Profile, generation },
            Context::Root { owner, slot: SlotKind::KeyFile },
            Context::Root { owner, slot: SlotKind::RecoveryKey },
            Context::Root { owner, slot: SlotKind::Passphrase },
            Context::KeyCheck { owner },
            Context::AuditHead { owner },
            Context::Backup { owner, front: &[0; 32] },
            // With the bytes of the source's id.
            channel_secret(owner, '1'),
        ];
        let key = Key::random(&OsRng);
        for (at, sealed_for) in contexts.iter().enumerate() {
            let sealed = sealed::seal(&key, sealed_for, b"secret", &OsRng);
            for (other, asked) in contexts.iter().enumerate() {
                assert_eq!(sealed::open(&key, asked, &sealed).is_ok(), at == other, "sealed for {at}, asked as {other}");
            }
        }
    }
}
