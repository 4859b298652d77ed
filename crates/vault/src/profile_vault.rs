//! The handle on one source's browser profile at rest: a stream of any length, sealed in chunks.
//!
//! ```text
//! magic "FHLD" | format | algorithm 2 | key generation (4) | salt (32) | commitment (32) | chunk | chunk | … | last chunk
//!
//! chunk = AES-256-GCM(key, nonce = 0 (3) | number of the chunk, from 0 (8) | 1 if it is the last, else 0 (1), plaintext, context)
//! ```
//!
//! Every chunk but the last holds 64 KiB of plaintext; the last holds what is left, which may be nothing. Key and commitment are
//! derived as for a secret. A stream that was cut, lengthened or reordered does not open past that place.

use std::io::{self, BufRead, BufReader, Read, Write};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use freehold_core::Rng;
use zeroize::Zeroizing;

use crate::context::{ALGORITHM_IN_CHUNKS, Context, FORMAT, MAGIC};
use crate::key::Key;
use crate::sealed::{self, CIPHERTEXT_AT, COMMITMENT_AT, SALT_AT, TAG_LEN};
use crate::source_vault::{OpenError, SourceBinding};
use crate::vault::KeyState;

const CHUNK: usize = 64 << 10;

/// The keys of one source's browser profile, for one run. Dropping it wipes them.
pub struct ProfileVault {
    binding: SourceBinding,
    keys: Vec<(u32, KeyState, Key)>,
}

/// A profile being sealed: what is written to it goes on sealed. It is whole only after [`SealingProfile::finish`].
pub struct SealingProfile<W> {
    to: W,
    chunks: Chunks,
    plain: Zeroizing<Vec<u8>>,
}

/// A sealed profile being read. A damaged, moved or cut stream is an error of kind `InvalidData`; what was read before it is genuine,
/// and only part of a profile.
pub struct OpeningProfile<R> {
    from: BufReader<R>,
    chunks: Chunks,
    plain: Zeroizing<Vec<u8>>,
    read: usize,
    is_over: bool,
}

/// The key of one stream, and which chunk is next.
struct Chunks {
    key: LessSafeKey,
    context: Vec<u8>,
    next: u64,
}

impl ProfileVault {
    pub(crate) fn new(binding: SourceBinding, keys: Vec<(u32, KeyState, Key)>) -> Result<Self, OpenError> {
        let active = keys.iter().filter(|(_, state, _)| *state == KeyState::Active).count();
        if active != 1 {
            return Err(OpenError::Generations { source_id: binding.source, active, all: keys.len() });
        }
        Ok(Self { binding, keys })
    }

    /// Begins to seal a profile under the active key.
    pub fn seal<W: Write>(&self, mut to: W, rng: &dyn Rng) -> io::Result<SealingProfile<W>> {
        let active = self.keys.iter().find(|(_, state, _)| *state == KeyState::Active);
        let (generation, _, key) = active.ok_or_else(|| io::Error::other("the profile has no active key"))?;
        let mut salt = [0; 32];
        rng.fill(&mut salt);
        let context = self.context(*generation);
        let derived = sealed::derive(key, &salt, &context);
        let (key, commitment) = derived.split_at(32);
        to.write_all(&MAGIC)?;
        to.write_all(&[FORMAT, ALGORITHM_IN_CHUNKS])?;
        to.write_all(&generation.to_be_bytes())?;
        to.write_all(&salt)?;
        to.write_all(commitment)?;
        let chunks = Chunks { key: sealed::cipher(key), context, next: 0 };
        Ok(SealingProfile { to, chunks, plain: Zeroizing::new(Vec::with_capacity(CHUNK)) })
    }

    /// Begins to open a sealed profile. One of another source, connector or owner, or of a key that is gone, is `InvalidData`.
    pub fn open<R: Read>(&self, from: R) -> io::Result<OpeningProfile<R>> {
        let mut from = BufReader::with_capacity(CHUNK + TAG_LEN, from);
        let mut header = [0; CIPHERTEXT_AT];
        from.read_exact(&mut header)?;
        let [.., g0, g1, g2, g3] = header[..SALT_AT] else { return Err(not_opened()) };
        let generation = u32::from_be_bytes([g0, g1, g2, g3]);
        let known = header.starts_with(&MAGIC) && header[MAGIC.len()..][..2] == [FORMAT, ALGORITHM_IN_CHUNKS];
        let key = self.keys.iter().find(|(number, ..)| known && *number == generation);
        let (_, _, key) = key.ok_or_else(not_opened)?;
        let context = self.context(generation);
        let derived = sealed::derive(key, &header[SALT_AT..COMMITMENT_AT], &context);
        let (key, expected) = derived.split_at(32);
        verify_slices_are_equal(&header[COMMITMENT_AT..], expected).map_err(|_| not_opened())?;
        let chunks = Chunks { key: sealed::cipher(key), context, next: 0 };
        let plain = Zeroizing::new(Vec::with_capacity(CHUNK + TAG_LEN));
        Ok(OpeningProfile { from, chunks, plain, read: 0, is_over: false })
    }

    fn context(&self, generation: u32) -> Vec<u8> {
        let SourceBinding { owner, source, connector } = &self.binding;
        Context::Profile { owner: *owner, source: *source, connector, generation }.encode()
    }
}

impl<W: Write> SealingProfile<W> {
    /// Writes the last chunk, and gives back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_chunk(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn write_chunk(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.chunks.nonce(is_last);
        let context = Aad::from(&self.chunks.context);
        let tag = self.chunks.key.seal_in_place_separate_tag(nonce, context, &mut self.plain);
        let tag = tag.map_err(|_| io::Error::other("a chunk was not sealed"))?;
        // By now it is ciphertext.
        self.to.write_all(&self.plain)?;
        self.to.write_all(tag.as_ref())?;
        self.plain.clear();
        Ok(())
    }
}

impl<W: Write> Write for SealingProfile<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for more, since the last one is marked.
        if self.plain.len() == CHUNK && !bytes.is_empty() {
            self.write_chunk(false)?;
        }
        let fits = bytes.len().min(CHUNK - self.plain.len());
        self.plain.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<R: Read> OpeningProfile<R> {
    fn read_chunk(&mut self) -> io::Result<()> {
        self.plain.clear();
        self.read = 0;
        (&mut self.from).take((CHUNK + TAG_LEN) as u64).read_to_end(&mut self.plain)?;
        self.is_over = self.from.fill_buf()?.is_empty();
        let nonce = self.chunks.nonce(self.is_over);
        let context = Aad::from(&self.chunks.context);
        let opened = self.chunks.key.open_in_place(nonce, context, &mut self.plain).map_err(|_| not_opened())?.len();
        self.plain.truncate(opened);
        Ok(())
    }
}

impl<R: Read> Read for OpeningProfile<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.plain.len() && !self.is_over {
            self.read_chunk()?;
        }
        let left = &self.plain[self.read..];
        let fits = left.len().min(into.len());
        into[..fits].copy_from_slice(&left[..fits]);
        self.read += fits;
        Ok(fits)
    }
}

impl Chunks {
    fn nonce(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = is_last.into();
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

fn not_opened() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the sealed browser profile does not open: it was damaged, moved or cut off")
}
