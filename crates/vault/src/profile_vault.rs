//! The handle on one source's browser profile at rest: a stream of any length, sealed in chunks.
//!
//! ```text
//! magic "FHLD" | format | algorithm 2 | key generation (4) | the sealed stream (see `chunks`)
//! ```

use std::io::{self, Read, Write};

use freehold_core::Rng;

use crate::chunks::{OpeningStream, SealingStream, not_opened};
use crate::context::{ALGORITHM_IN_CHUNKS, Context, FORMAT, MAGIC};
use crate::key::Key;
use crate::sealed::SALT_AT;
use crate::source_vault::{OpenError, SourceBinding};
use crate::vault::KeyState;

/// The keys of one source's browser profile, for one run. Dropping it wipes them.
pub struct ProfileVault {
    binding: SourceBinding,
    keys: Vec<(u32, KeyState, Key)>,
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
    pub fn seal<W: Write>(&self, mut to: W, rng: &dyn Rng) -> io::Result<SealingStream<W>> {
        let active = self.keys.iter().find(|(_, state, _)| *state == KeyState::Active);
        let (generation, _, key) = active.ok_or_else(|| io::Error::other("the profile has no active key"))?;
        to.write_all(&MAGIC)?;
        to.write_all(&[FORMAT, ALGORITHM_IN_CHUNKS])?;
        to.write_all(&generation.to_be_bytes())?;
        SealingStream::new(to, key, &self.context(*generation), rng)
    }

    /// Begins to open a sealed profile. One of another source, connector or owner, or of a key that is gone, is `InvalidData`.
    pub fn open<R: Read>(&self, mut from: R) -> io::Result<OpeningStream<R>> {
        let mut header = [0; SALT_AT];
        from.read_exact(&mut header)?;
        let [.., g0, g1, g2, g3] = header;
        let generation = u32::from_be_bytes([g0, g1, g2, g3]);
        let known = header.starts_with(&MAGIC) && header[MAGIC.len()..][..2] == [FORMAT, ALGORITHM_IN_CHUNKS];
        let key = self.keys.iter().find(|(number, ..)| known && *number == generation);
        let (_, _, key) = key.ok_or_else(not_opened)?;
        OpeningStream::new(from, key, &self.context(generation))
    }

    fn context(&self, generation: u32) -> Context<'_> {
        let SourceBinding { owner, source, connector } = &self.binding;
        Context::Profile { owner: *owner, source: *source, connector, generation }
    }
}
