//! Data that is compressed, told by how it begins.

use std::io::{self, BufReader, Read};

use memchr::{memchr2_iter, memchr3_iter};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};
use ruzstd::decoding::StreamingDecoder;

use super::content::{At, Content};
use super::snappy;

/// The most of a compressed value of Chromium's that is opened.
const VALUE: u64 = 16 << 20;

/// A way in which data is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Zlib,
    /// Deflate with nothing before it.
    Deflate,
    Zstd,
    /// A member of a zip archive.
    Zip,
    /// A value in IndexedDB, where Chromium has wrapped it with snappy.
    Wrapped,
}

impl Format {
    /// What each begins with; a bare deflate stream says nothing.
    const STARTS: &'static [(&'static [u8], Self)] = &[
        (b"\x1f\x8b\x08", Self::Gzip),
        (b"\x78\x01", Self::Zlib),
        (b"\x78\x5e", Self::Zlib),
        (b"\x78\x9c", Self::Zlib),
        (b"\x78\xda", Self::Zlib),
        (b"\x28\xb5\x2f\xfd", Self::Zstd),
        (b"PK\x03\x04", Self::Zip),
        (b"\xff\x11\x02", Self::Wrapped),
    ];

    /// The most bytes that one begins with.
    pub(super) const LONGEST_START: usize = 4;

    /// What in `bytes` looks like the beginning of one, and where.
    pub(super) fn starts(bytes: &[u8]) -> impl Iterator<Item = (Self, usize)> {
        let firsts = memchr3_iter(0x1f, 0x78, 0x28, bytes).chain(memchr2_iter(b'P', 0xff, bytes));
        firsts.filter_map(|at| {
            let (_, format) = Self::STARTS.iter().find(|(start, _)| bytes[at..].starts_with(start))?;
            Some((*format, at))
        })
    }

    /// As a leak names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::Wrapped => "snappy",
        }
    }

    /// What is inside, if this is what it looks like. Damage further on ends it, without an error where that is the format's own.
    ///
    /// # Errors
    /// When the content cannot be read or the beginning is of something else.
    pub(super) fn open<'a>(self, content: &'a dyn Content, at: u64) -> io::Result<Box<dyn Read + 'a>> {
        let mut from = BufReader::new(At::new(content, at));
        match self {
            Self::Gzip => gzip_header(&mut from)?,
            Self::Zlib => skip(&mut from, 2)?,
            Self::Zip => zip_header(&mut from)?,
            Self::Deflate => {}
            Self::Zstd => return Ok(Box::new(StreamingDecoder::new(from).map_err(io::Error::other)?)),
            Self::Wrapped => {
                let mut value = Vec::new();
                from.take(VALUE).read_to_end(&mut value)?;
                return Ok(Box::new(io::Cursor::new(snappy::decompress(&value[3..]))));
            }
        }
        Ok(Box::new(Inflate {
            from,
            state: InflateState::new_boxed(DataFormat::Raw),
            input: vec![0; 8 << 10],
            at: 0,
            filled: 0,
        }))
    }
}

/// RFC 1952, 2.3: flags say what is between the ten bytes and the data.
fn gzip_header(from: &mut impl Read) -> io::Result<()> {
    let mut header = [0; 10];
    from.read_exact(&mut header)?;
    let flags = header[3];
    if flags & 0xe0 != 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if flags & 4 != 0 {
        let mut length = [0; 2];
        from.read_exact(&mut length)?;
        skip(from, u64::from(u16::from_le_bytes(length)))?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            skip_text(from)?;
        }
    }
    skip(from, u64::from(flags & 2))
}

/// APPNOTE 4.3.7. Members that are not deflated are as they are, or have a beginning of their own.
fn zip_header(from: &mut impl Read) -> io::Result<()> {
    let mut header = [0; 30];
    from.read_exact(&mut header)?;
    let number = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
    if number(8) != 8 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    skip(from, number(26) + number(28))
}

fn skip(from: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut from.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A text up to its NUL, which a name in a header is.
fn skip_text(from: &mut impl Read) -> io::Result<()> {
    let mut byte = [0];
    for _ in 0..64 << 10 {
        from.read_exact(&mut byte)?;
        if byte == [0] {
            return Ok(());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// Inflates deflate data, without a checksum: what came out before the damage came out.
struct Inflate<R> {
    from: R,
    state: Box<InflateState>,
    input: Vec<u8>,
    at: usize,
    filled: usize,
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.at == self.filled {
                self.filled = self.from.read(&mut self.input)?;
                self.at = 0;
            }
            let result = inflate(&mut self.state, &self.input[self.at..self.filled], into, MZFlush::None);
            self.at += result.bytes_consumed;
            let stuck = result.bytes_consumed == 0 || !matches!(result.status, Ok(MZStatus::Ok));
            if result.bytes_written > 0 || stuck {
                return Ok(result.bytes_written);
            }
        }
    }
}
