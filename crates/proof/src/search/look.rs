//! The look at one item, and into what is in it.

use std::io::{self, Read};

use super::content::{At, Content};
use super::decode::Format;
use super::needle::{Needle, Needles};
use super::report::{Leak, Report, Surface};
use super::{stretch, table};

/// How many things can be in one another: a gzip in base64 in UTF-16.
const LAYERS: usize = 3;

/// How much of what was decoded is in memory at a time, on each layer.
const WINDOW: u64 = 16 << 20;

/// What two windows on the same bytes share: far more than the longest needle, and enough for a text of one of them in another encoding.
const OVERLAP: usize = 64 << 10;

/// The most that is decoded of one item. What has more is made to have more.
const DECODED: u64 = 4 << 30;

/// One item being looked at.
pub(super) struct Look<'a> {
    needles: &'a Needles,
    place: &'a str,
    report: &'a mut Report,
    /// What is open, from the outermost.
    layers: Vec<&'static str>,
    /// Where in the item the outermost begins.
    opened_at: u64,
    decoded: u64,
}

impl<'a> Look<'a> {
    /// A look at what is in `place`, for an empty `report`.
    pub(super) fn new(needles: &'a Needles, place: &'a str, report: &'a mut Report) -> Self {
        Self { needles, place, report, layers: Vec::new(), opened_at: 0, decoded: 0 }
    }

    /// Looks at all of the item.
    pub(super) fn item(&mut self, surface: Surface, content: &dyn Content) {
        match self.content(content) {
            Ok(bytes) => self.report.count(surface, 1, bytes),
            Err(error) => self.report.could_not_look.push(format!("{}: {error}", self.place)),
        }
    }

    /// Looks at everything in `content`; how many bytes that was.
    fn content(&mut self, content: &dyn Content) -> io::Result<u64> {
        let (mut next, mut counted, mut stretched) = (0, 0, 0);
        while let Some(data) = content.data_from(next)? {
            // No value reaches over a hole.
            let base = if data > next { data } else { next.saturating_sub(OVERLAP as u64) };
            let bytes = content.window(base)?;
            let seen = next.saturating_sub(base);
            if bytes.len() as u64 <= seen {
                break;
            }
            let needles = self.needles;
            needles.find(&bytes, |needle, at| self.found(needle, base + at as u64));
            if self.layers.len() < LAYERS {
                // The start of one that reached into this window was not seen as one in the last.
                let seen = seen.saturating_sub(Format::LONGEST_START as u64);
                for (format, at) in Format::starts(&bytes).filter(|(_, at)| *at as u64 >= seen) {
                    self.open(format, content, base + at as u64);
                }
            }
            stretched = self.texts(content, base, &bytes, stretched);
            counted += bytes.len() as u64 - seen;
            next = base + bytes.len() as u64;
        }
        if self.layers.is_empty() && counted > 0 {
            self.open(Format::Deflate, content, 0);
        }
        if self.layers.len() < LAYERS {
            for (at, block) in table::blocks(content) {
                self.inside("snappy", at, &mut &block[..]);
            }
        }
        Ok(counted)
    }

    /// Looks into texts in which something else is written. `stretched` is up to where they were looked at already.
    fn texts(&mut self, content: &dyn Content, base: u64, bytes: &[u8], mut stretched: u64) -> u64 {
        if self.layers.len() == LAYERS {
            return stretched;
        }
        for (start, text) in stretch::utf_16(bytes) {
            self.inside("utf-16", base + start as u64, &mut &text[..]);
        }
        for range in stretch::encoded(bytes) {
            let at = base + range.start as u64;
            if at < stretched {
                continue;
            }
            let mut text = bytes[range.clone()].to_vec();
            if range.end == bytes.len() {
                let mut more = Vec::new();
                // What cannot be read will be said by the next window.
                let _ = At::new(content, base + range.end as u64).take(WINDOW).read_to_end(&mut more);
                more.truncate(stretch::rest(&more));
                text.append(&mut more);
            }
            stretched = at + text.len() as u64;
            let (hex, is_hex) = stretch::hex(&text);
            for bytes in hex {
                self.inside("hex", at, &mut &bytes[..]);
            }
            let base64 = if is_hex { Vec::new() } else { stretch::base64(&text) };
            for bytes in base64 {
                self.inside("base64", at, &mut &bytes[..]);
            }
        }
        stretched
    }

    fn open(&mut self, format: Format, content: &dyn Content, at: u64) {
        // What only looks like it is no error.
        if let Ok(mut inside) = format.open(content, at) {
            self.inside(format.as_str(), at, &mut *inside);
        }
    }

    /// Looks at what was found inside, up to where it is damaged.
    fn inside(&mut self, layer: &'static str, at: u64, inside: &mut dyn Read) {
        if self.layers.is_empty() {
            self.opened_at = at;
        }
        self.layers.push(layer);
        let mut bytes = Vec::new();
        let mut kept = 0;
        loop {
            let ended = inside.take(WINDOW).read_to_end(&mut bytes).is_err();
            let got = (bytes.len() - kept) as u64;
            if got == 0 {
                break;
            }
            self.decoded += got;
            self.report.count(Surface::Decoded, u64::from(kept == 0), got);
            self.content(&&bytes[..]).expect("what is in memory can be read");
            if ended || got < WINDOW {
                break;
            }
            if self.decoded > DECODED {
                let more = format!("{}: more than {} GiB inside it", self.place, DECODED >> 30);
                self.report.could_not_look.push(more);
                break;
            }
            bytes.drain(..bytes.len() - OVERLAP);
            kept = bytes.len();
        }
        self.layers.pop();
    }

    fn found(&mut self, needle: &Needle, at: u64) {
        let Needle { what, encoding, .. } = needle;
        let encoding = self.layers.iter().rev().fold((*encoding).to_owned(), |inner, layer| format!("{inner} in {layer}"));
        if self.report.leaks.iter().any(|leak| leak.what == *what && leak.encoding == encoding) {
            return;
        }
        let at = if self.layers.is_empty() { at } else { self.opened_at };
        let place = format!("{} at byte {at}", self.place);
        self.report.leaks.push(Leak { what: what.clone(), encoding, place });
    }
}
