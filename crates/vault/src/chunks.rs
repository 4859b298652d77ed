//! A stream of any length, sealed in chunks.
//!
//! ```text
//! … | salt (32) | commitment (32) | chunk | chunk | … | last chunk
//!
//! key (32) + commitment (32) = HKDF-SHA512(ikm = the wrapping key, salt, info = context)
//! chunk = AES-256-GCM(key, nonce = 0 (3) | number of the chunk, from 0 (8) | 1 if it is the last, else 0 (1), plaintext, context)
//! ```
//!
//! Every chunk but the last holds 64 KiB of plaintext; the last holds what is left, which may be nothing. A stream that was cut,
//! lengthened or reordered does not open past that place. What stands before the salt only selects, or is bound by the context.

use std::io::{self, BufRead, BufReader, Read, Write};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use freehold_core::Rng;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::key::Key;
use crate::sealed::{self, TAG_LEN};

const CHUNK: usize = 64 << 10;

/// A stream being sealed: what is written to it goes on sealed. It is whole only after [`SealingStream::finish`].
pub struct SealingStream<W> {
    to: W,
    chunks: Chunks,
    plain: Zeroizing<Vec<u8>>,
}

/// A sealed stream being read. A damaged, moved or cut stream is an error of kind `InvalidData`; what was read before it is genuine,
/// and only part of what was sealed.
pub struct OpeningStream<R> {
    from: BufReader<R>,
    chunks: Chunks,
    plain: Zeroizing<Vec<u8>>,
    read: usize,
    is_over: bool,
    is_broken: bool,
}

/// The key of one stream, and which chunk is next.
struct Chunks {
    key: LessSafeKey,
    context: Vec<u8>,
    next: u64,
}

impl<W: Write> SealingStream<W> {
    /// Writes salt and commitment; whatever selects the key and context has been written before.
    pub(crate) fn new(mut to: W, key: &Key, context: &Context<'_>, rng: &dyn Rng) -> io::Result<Self> {
        let mut salt = [0; 32];
        rng.fill(&mut salt);
        let context = context.encode();
        let derived = sealed::derive(key, &salt, &context);
        let (key, commitment) = derived.split_at(32);
        to.write_all(&salt)?;
        to.write_all(commitment)?;
        let chunks = Chunks { key: sealed::cipher(key), context, next: 0 };
        Ok(Self { to, chunks, plain: Zeroizing::new(Vec::with_capacity(CHUNK)) })
    }

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

impl<W: Write> Write for SealingStream<W> {
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

impl<R: Read> OpeningStream<R> {
    /// Reads salt and commitment. `InvalidData` where the key or the context is another.
    pub(crate) fn new(from: R, key: &Key, context: &Context<'_>) -> io::Result<Self> {
        let mut from = BufReader::with_capacity(CHUNK + TAG_LEN, from);
        let (mut salt, mut commitment) = ([0; 32], [0; 32]);
        from.read_exact(&mut salt)?;
        from.read_exact(&mut commitment)?;
        let context = context.encode();
        let derived = sealed::derive(key, &salt, &context);
        let (key, expected) = derived.split_at(32);
        verify_slices_are_equal(&commitment, expected).map_err(|_| not_opened())?;
        let chunks = Chunks { key: sealed::cipher(key), context, next: 0 };
        let plain = Zeroizing::new(Vec::with_capacity(CHUNK + TAG_LEN));
        Ok(Self { from, chunks, plain, read: 0, is_over: false, is_broken: false })
    }

    fn read_chunk(&mut self) -> io::Result<()> {
        self.plain.clear();
        self.read = 0;
        (&mut self.from).take((CHUNK + TAG_LEN) as u64).read_to_end(&mut self.plain)?;
        self.is_over = self.from.fill_buf()?.is_empty();
        let nonce = self.chunks.nonce(self.is_over);
        let context = Aad::from(&self.chunks.context);
        let opened = self.chunks.key.open_in_place(nonce, context, &mut self.plain).map(|plain| plain.len());
        self.plain.truncate(opened.unwrap_or(0));
        // Whoever reads on after an error must neither find an end there nor what did not open.
        self.is_broken = opened.is_err();
        opened.map(drop).map_err(|_| not_opened())
    }
}

impl<R: Read> Read for OpeningStream<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.plain.len() && !self.is_over && !self.is_broken {
            self.read_chunk()?;
        }
        if self.is_broken {
            return Err(not_opened());
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

pub(crate) fn not_opened() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the sealed stream does not open: it was damaged, moved or cut off")
}
