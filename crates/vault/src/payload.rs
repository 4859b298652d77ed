//! What is sealed: a secret's fields, and where it may be used.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use freehold_core::SecretBytes;
use zeroize::Zeroizing;

use crate::key::Key;

/// The form fields of one secret by name (user name, password, token, codes, seed, cookies), and the origins and hosts it may be
/// used on, as they were when it was sealed: a setting or a manifest changed later cannot widen them.
pub struct SecretPayload {
    fields: BTreeMap<String, SecretBytes>,
    origins: Vec<String>,
    hosts: Vec<String>,
}

impl SecretPayload {
    /// The payload of those fields, for use on those origins and hosts alone.
    pub fn new(fields: BTreeMap<String, SecretBytes>, origins: Vec<String>, hosts: Vec<String>) -> Self {
        Self { fields, origins, hosts }
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&SecretBytes> {
        self.fields.get(name)
    }

    /// The fields, in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &SecretBytes)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Takes the fields out.
    pub fn into_fields(self) -> BTreeMap<String, SecretBytes> {
        self.fields
    }

    /// The web origins it may be typed on.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// The hosts it may be sent to.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The bytes to seal: a layout byte, then the three lists, each a count and its strings with their lengths (32 bits, most
    /// significant byte first), then the keyed hash.
    pub(crate) fn encode(&self, same_secret: &[u8; SAME_SECRET_LEN]) -> Zeroizing<Vec<u8>> {
        let lists = [&self.origins, &self.hosts];
        let len = 1
            + self.encoded_fields_len()
            + lists.iter().map(|list| 4 + list.iter().map(|item| 4 + item.len()).sum::<usize>()).sum::<usize>()
            + SAME_SECRET_LEN;
        // The whole length at once: a vector that grows leaves its old, unwiped place behind.
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        out.push(LAYOUT);
        self.encode_fields(&mut out);
        for list in lists {
            put_len(&mut out, list.len());
            for item in list {
                put(&mut out, item.as_bytes());
            }
        }
        out.extend_from_slice(same_secret);
        debug_assert_eq!(out.len(), len);
        out
    }

    /// Reads what `encode` wrote; none if it is anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes.get(1..bytes.len().checked_sub(SAME_SECRET_LEN)?)?);
        if bytes[0] != LAYOUT {
            return None;
        }
        let mut fields = BTreeMap::new();
        for _ in 0..reader.len()? {
            let name = reader.string()?;
            fields.insert(name, SecretBytes::new(reader.bytes()?.to_vec()));
        }
        let origins = reader.strings()?;
        let hosts = reader.strings()?;
        reader.0.is_empty().then_some(Self { fields, origins, hosts })
    }

    /// The keyed hash in what `encode` wrote.
    pub(crate) fn same_secret_hash(bytes: &[u8]) -> Option<&[u8; SAME_SECRET_LEN]> {
        bytes.last_chunk()
    }

    /// HMAC-SHA256 over the fields.
    pub(crate) fn keyed_hash(&self, key: &Key) -> [u8; SAME_SECRET_LEN] {
        let mut encoded = Zeroizing::new(Vec::with_capacity(self.encoded_fields_len()));
        self.encode_fields(&mut encoded);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.bytes()), &encoded);
        let mut hash = [0; SAME_SECRET_LEN];
        hash.copy_from_slice(tag.as_ref());
        hash
    }

    fn encoded_fields_len(&self) -> usize {
        4 + self.fields.iter().map(|(name, value)| 8 + name.len() + value.len()).sum::<usize>()
    }

    fn encode_fields(&self, out: &mut Vec<u8>) {
        put_len(out, self.fields.len());
        for (name, value) in &self.fields {
            put(out, name.as_bytes());
            put(out, exposed(value));
        }
    }
}

/// The one place in this crate where a secret's bytes are looked at.
#[expect(clippy::disallowed_methods, reason = "the vault seals, hashes and compares them")]
pub(crate) fn exposed(secret: &SecretBytes) -> &[u8] {
    secret.expose()
}

pub(crate) const SAME_SECRET_LEN: usize = 32;
const LAYOUT: u8 = 1;

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).expect("a secret is far smaller than 4 GiB");
    out.extend_from_slice(&len.to_be_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn len(&mut self) -> Option<usize> {
        let (len, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u32::from_be_bytes(*len)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn string(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    fn strings(&mut self) -> Option<Vec<String>> {
        (0..self.len()?).map(|_| self.string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_layout_is_refused_wherever_it_is_cut() {
        let fields = BTreeMap::from([("password".to_owned(), SecretBytes::from("x".to_owned()))]);
        let payload = SecretPayload::new(fields, vec!["https://a.example".to_owned()], vec![]);
        let whole = payload.encode(&[0; SAME_SECRET_LEN]);
        assert!(SecretPayload::decode(&whole).is_some());
        for len in 0..whole.len() {
            assert!(SecretPayload::decode(&whole[..len]).is_none(), "cut to {len} bytes");
        }
        let mut newer = whole.to_vec();
        newer[0] = LAYOUT + 1;
        assert!(SecretPayload::decode(&newer).is_none());
        assert!(SecretPayload::decode(&[whole.as_slice(), b"\0"].concat()).is_none());
    }
}
