//! What the server and the two launcher stages say to each other.
//!
//! Every message is a frame: its length as a 32-bit little-endian number, then that many bytes. All are JSON but the secrets.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Display, Layers, Limits};

/// Enough for any argument list the kernel would take.
const LARGEST_FRAME: u32 = 8 << 20;

/// Everything about a child but its secrets: read by the supervisor and, again, by the inside stage.
#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) folder: PathBuf,
    pub(crate) scratch: PathBuf,
    /// Files and directories it may read beside the system's and its folder.
    pub(crate) visible: Vec<PathBuf>,
    /// The whole environment, but for the secrets.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) limits: Limits,
    pub(crate) network: bool,
    /// The managed policies of a browser, if it is one.
    pub(crate) browser_policies: Option<PathBuf>,
    /// The display to start for it.
    pub(crate) display: Option<Display>,
    /// Where bubblewrap is, if it is to be used.
    pub(crate) bubblewrap: Option<PathBuf>,
    /// Whether the server, and so bubblewrap, runs as root.
    pub(crate) root: bool,
    pub(crate) layers: Layers,
}

/// What the inside stage says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) enum Progress {
    /// Every layer of the plan is in force; ready for the secrets.
    Confined,
    /// A step failed; nothing was started.
    Failed { step: String, detail: String },
}

/// Writes one message as JSON.
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    send_frame(to, &serde_json::to_vec(message)?)
}

/// Reads one message; `None` when the other side closed instead.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    match receive_frame(from)? {
        Some(frame) => Ok(Some(serde_json::from_slice(&frame)?)),
        None => Ok(None),
    }
}

/// Writes one frame.
pub(crate) fn send_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).ok().filter(|length| *length <= LARGEST_FRAME);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "arguments and environment are too large"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(frame)
}

/// Reads one frame; `None` when the other side closed instead.
pub(crate) fn receive_frame(from: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length);
    if length > LARGEST_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message of the launcher is too long"));
    }
    let mut frame = Zeroizing::new(vec![0; length as usize]);
    from.read_exact(&mut frame)?;
    Ok(Some(frame))
}

/// The secrets' names and values, each with its length before it.
pub(crate) fn pack<'a>(pairs: impl Iterator<Item = (&'a str, &'a [u8])>) -> Zeroizing<Vec<u8>> {
    let pairs: Vec<_> = pairs.collect();
    // Allocated once: a growing vector would leave copies of the secrets behind.
    let total = pairs.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let mut packed = Zeroizing::new(Vec::with_capacity(total));
    for (name, value) in pairs {
        for part in [name.as_bytes(), value] {
            packed.extend_from_slice(&(part.len() as u32).to_le_bytes());
            packed.extend_from_slice(part);
        }
    }
    packed
}

/// What [`pack`] packed: names and values in turn.
pub(crate) fn unpack(mut packed: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    fn part<'a>(packed: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, rest) = packed.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        *packed = rest;
        Some(part)
    }
    let mut pairs = Vec::new();
    while !packed.is_empty() {
        pairs.push((part(&mut packed)?, part(&mut packed)?));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_survive_packing() {
        let pairs: [(&str, &[u8]); 3] = [("TOKEN", b"abc\xff"), ("EMPTY", b""), ("LONG", &[7; 70_000])];
        let packed = pack(pairs.into_iter());
        let expected: Vec<(&[u8], &[u8])> = pairs.iter().map(|(name, value)| (name.as_bytes(), *value)).collect();
        assert_eq!(unpack(&packed), Some(expected));
        assert_eq!(unpack(&packed[..packed.len() - 1]), None);
    }

    #[test]
    fn an_overlong_frame_is_refused_before_it_is_allocated() {
        let mut bytes: &[u8] = &u32::MAX.to_le_bytes();
        assert!(receive_frame(&mut bytes).is_err());
    }

    #[test]
    fn a_closed_channel_is_not_an_error() {
        let mut nothing: &[u8] = &[];
        assert!(receive_frame(&mut nothing).unwrap().is_none());
    }
}
