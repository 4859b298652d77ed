//! Splits a connector's output into lines, within limits.

use std::io::{self, Read};

use zeroize::Zeroizing;

/// How much a connector may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest line in bytes, its line feed not counted.
    pub line: usize,
    /// All lines of a run together, in bytes.
    pub total: u64,
}

impl Default for Limits {
    /// 8 MiB a line, 64 GiB a run.
    fn default() -> Self {
        Self { line: 8 << 20, total: 64 << 30 }
    }
}

/// Why no further line can be had.
#[derive(Debug, thiserror::Error)]
pub enum FramingError {
    /// A line over its limit.
    #[error("line {line_number} is longer than {limit} bytes; split the record, or hand large content over as a blob")]
    LineTooLong {
        /// Counted from 1.
        line_number: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A run over its limit.
    #[error("the connector wrote more than {limit} bytes in one run; collect less at a time, or raise the limit of a run")]
    RunTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// The output ended inside a line: what is there may be half a message, so it is not used.
    #[error("the output ends inside line {line_number}, without a line feed")]
    Unfinished {
        /// Counted from 1.
        line_number: u64,
    },
    /// The pipe could not be read.
    #[error("reading the connector's output failed")]
    Read(#[source] io::Error),
}

const FIRST_CAPACITY: usize = 128 << 10;

/// Yields the lines of `R`, each borrowed from one buffer that is reused and grows only as far as the limit.
///
/// A line ends at LF and nowhere else: U+2028 and a lone CR are content. A CR before the LF is dropped, since JSON ignores it
/// anyway. Empty lines are yielded, for the caller to judge. The buffer is wiped when dropped: an update of a credential passes
/// through it.
pub struct LineReader<R> {
    input: R,
    limits: Limits,
    buffer: Zeroizing<Vec<u8>>,
    /// First byte not yet yielded.
    start: usize,
    /// First byte not yet looked at for LF.
    scanned: usize,
    /// End of what was read.
    end: usize,
    line_number: u64,
    total: u64,
}

impl<R: Read> LineReader<R> {
    /// Reads from `input` within `limits`.
    pub fn new(input: R, limits: Limits) -> Self {
        let capacity = FIRST_CAPACITY.min(limits.line + 2);
        Self {
            input,
            limits,
            buffer: Zeroizing::new(vec![0; capacity]),
            start: 0,
            scanned: 0,
            end: 0,
            line_number: 0,
            total: 0,
        }
    }

    /// The number of the line last yielded, from 1.
    pub fn line_number(&self) -> u64 {
        self.line_number
    }

    /// Whether a whole line is already here, so that [`LineReader::next_line`] will not block.
    pub fn has_line(&self) -> bool {
        memchr::memchr(b'\n', &self.buffer[self.scanned..self.end]).is_some()
    }

    /// The next line without its line end, or `None` at the end of the output. Blocks while there is nothing to read.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, FramingError> {
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.scanned..self.end]) {
                let (start, feed) = (self.start, self.scanned + found);
                self.start = feed + 1;
                self.scanned = feed + 1;
                self.line_number += 1;
                self.check_length(feed - start)?;
                let line = &self.buffer[start..feed];
                return Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)));
            }
            self.scanned = self.end;
            let pending = self.end - self.start;
            if pending > self.limits.line {
                self.line_number += 1;
                self.check_length(pending)?;
            }
            self.make_room();
            let read = loop {
                match self.input.read(&mut self.buffer[self.end..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other.map_err(FramingError::Read)?,
                }
            };
            if read == 0 {
                return if pending == 0 {
                    Ok(None)
                } else {
                    Err(FramingError::Unfinished { line_number: self.line_number + 1 })
                };
            }
            self.end += read;
            self.total += read as u64;
            if self.total > self.limits.total {
                return Err(FramingError::RunTooLong { limit: self.limits.total });
            }
        }
    }

    fn check_length(&self, length: usize) -> Result<(), FramingError> {
        if length <= self.limits.line {
            return Ok(());
        }
        Err(FramingError::LineTooLong { line_number: self.line_number, limit: self.limits.line })
    }

    /// Moves the pending bytes to the front, and doubles the buffer when they fill it. A line is moved once per doubling, so
    /// reading stays linear.
    fn make_room(&mut self) {
        if self.start == self.end || (self.start > 0 && self.end == self.buffer.len()) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.scanned -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let mut larger = Zeroizing::new(vec![0; (self.buffer.len() * 2).min(self.limits.line + 2)]);
            larger[..self.end].copy_from_slice(&self.buffer[..self.end]);
            self.buffer = larger;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its bytes in pieces of the lengths it was told.
    struct Pieces {
        bytes: Vec<u8>,
        at: usize,
        lengths: Vec<usize>,
        turn: usize,
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.turn += 1;
            let wanted = self.lengths[self.turn % self.lengths.len()];
            let length = wanted.min(buffer.len()).min(self.bytes.len() - self.at);
            buffer[..length].copy_from_slice(&self.bytes[self.at..self.at + length]);
            self.at += length;
            Ok(length)
        }
    }

    fn lines<R: Read>(input: R, limits: Limits) -> Result<Vec<Vec<u8>>, FramingError> {
        let mut reader = LineReader::new(input, limits);
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line()? {
            lines.push(line.to_vec());
        }
        Ok(lines)
    }

    proptest! {
        #[test]
        fn however_the_bytes_arrive_the_lines_are_the_same(
            content in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..30),
            lengths in proptest::collection::vec(1usize..300, 1..8),
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for line in content {
                let line: Vec<u8> = line.into_iter().filter(|&b| b != b'\n' && b != b'\r').collect();
                bytes.extend_from_slice(&line);
                bytes.push(b'\n');
                expected.push(line);
            }
            let pieces = Pieces { bytes, at: 0, lengths, turn: 0 };
            prop_assert_eq!(lines(pieces, Limits { line: 400, total: 1 << 20 }).unwrap(), expected);
        }
    }

    #[test]
    fn only_a_line_feed_ends_a_line() {
        let text = "a\u{2028}b\u{85}c\rd\r\n\n";
        assert_eq!(
            lines(text.as_bytes(), Limits::default()).unwrap(),
            ["a\u{2028}b\u{85}c\rd".as_bytes().to_vec(), Vec::new()]
        );
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let limits = Limits { line: 1000, total: u64::MAX };
        let mut text = vec![b'x'; 1000];
        text.push(b'\n');
        assert_eq!(lines(&text[..], limits).unwrap()[0].len(), 1000);
        text.insert(0, b'x');
        assert!(matches!(lines(&text[..], limits), Err(FramingError::LineTooLong { line_number: 1, limit: 1000 })));
    }

    #[test]
    fn an_endless_line_is_refused_without_being_kept() {
        let limits = Limits { line: 1 << 20, total: u64::MAX };
        let mut reader = LineReader::new(io::repeat(b'x'), limits);
        assert!(matches!(reader.next_line(), Err(FramingError::LineTooLong { .. })));
        assert!(reader.buffer.capacity() <= (1 << 20) + 2);
    }

    #[test]
    fn a_run_over_its_limit_is_refused() {
        let limits = Limits { line: 100, total: 10 };
        assert!(matches!(lines(&b"1234\n6789\nb\n"[..], limits), Err(FramingError::RunTooLong { limit: 10 })));
    }

    #[test]
    fn half_a_line_at_the_end_is_not_used() {
        let mut reader = LineReader::new(&b"{}\n{\"type\""[..], Limits::default());
        assert_eq!(reader.next_line().unwrap(), Some(&b"{}"[..]));
        assert!(matches!(reader.next_line(), Err(FramingError::Unfinished { line_number: 2 })));
    }
}
