//! Something that can be read at any place: bytes in memory, or an open file of any size.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// How much of a file is in memory at a time.
const WINDOW: usize = 4 << 20;

/// What is searched.
pub(super) trait Content {
    /// Its length in bytes, as far as that can be said.
    fn len(&self) -> u64;

    /// Fills `into` from `offset`; fewer bytes at the end only.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// A good piece from `offset` on, empty at the end.
    fn window(&self, offset: u64) -> io::Result<Cow<'_, [u8]>>;

    /// Where after `offset` there is something else than a hole.
    fn data_from(&self, offset: u64) -> io::Result<Option<u64>>;
}

impl Content for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = after(self, offset);
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn window(&self, offset: u64) -> io::Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(after(self, offset)))
    }

    fn data_from(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok((offset < self.len()).then_some(offset))
    }
}

fn after(bytes: &[u8], offset: u64) -> &[u8] {
    usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default()
}

impl Content for File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match FileExt::read_at(self, &mut into[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn window(&self, offset: u64) -> io::Result<Cow<'_, [u8]>> {
        let rest = usize::try_from(Content::len(self).saturating_sub(offset)).unwrap_or(usize::MAX);
        // One byte more than there should be, to notice that a file grew.
        let mut bytes = vec![0; rest.saturating_add(1).min(WINDOW)];
        let read = Content::read_at(self, offset, &mut bytes)?;
        bytes.truncate(read);
        Ok(Cow::Owned(bytes))
    }

    fn data_from(&self, offset: u64) -> io::Result<Option<u64>> {
        match seek(self, SeekFrom::Data(offset)) {
            Ok(data) => Ok(Some(data)),
            Err(Errno::NXIO) => Ok(None),
            // A file system that knows no holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(offset)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads a content from one place on.
pub(super) struct At<'a> {
    content: &'a dyn Content,
    offset: u64,
}

impl<'a> At<'a> {
    pub(super) fn new(content: &'a dyn Content, offset: u64) -> Self {
        Self { content, offset }
    }
}

impl Read for At<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read_at(self.offset, into)?;
        self.offset += read as u64;
        Ok(read)
    }
}
