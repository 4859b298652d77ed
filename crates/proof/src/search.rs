//! A search for planted values, on every surface a server can reach and in every encoding.
//!
//! Each canary is looked for by its first and its last characters, in every spelling a program would give them, and inside whatever
//! can be opened: base64 and hex, UTF-16, gzip, zlib, deflate, zstd, zip, and the tables of Chromium's databases, three deep.
//!
//! What it does not see: memory that belongs to no file, what waits in pipes and sockets, encrypted and brotli data, and a value of
//! which fewer than [`PART`] characters in a row are left.

mod canary;
mod content;
mod decode;
mod files;
mod look;
mod needle;
mod processes;
mod report;
mod snappy;
mod stretch;
mod table;

use std::path::Path;

pub use canary::{Canary, PART};
pub use processes::process_tree;
pub use report::{Leak, Looked, Report, Surface};

use content::Content;
use look::Look;
use needle::Needles;

/// Looks for canaries, as often as it is asked to.
pub struct Search {
    needles: Needles,
}

impl Search {
    /// A search for these.
    ///
    /// # Panics
    /// When a canary is not ASCII or shorter than [`PART`].
    pub fn new(canaries: &[Canary]) -> Self {
        Self { needles: Needles::new(canaries) }
    }

    /// What these bytes leak; `place` says what they are.
    pub fn in_bytes(&self, place: &str, bytes: &[u8]) -> Report {
        self.look(Surface::Bytes, place, &bytes)
    }

    /// What a directory leaks, with everything below it, or a single file: names, where links lead to (they are not followed),
    /// extended attributes, and the bytes as they are, so that a database's free pages and logs count. The kernel's own file systems
    /// in it are passed over, and so is what is gone before it could be read.
    pub fn in_directory(&self, path: &Path) -> Report {
        files::look(self, path)
    }

    /// What the processes of these ids leak: all of [`Self::in_process_table`], and the contents of their open files, deleted ones
    /// and memory files among them. `filter` is given every process id there is, this process' own too.
    pub fn in_processes(&self, filter: impl Fn(u32) -> bool) -> Report {
        processes::look(self, filter, true)
    }

    /// What the system's list of processes tells about those of these ids: name, arguments, environment, working directory, program,
    /// and what their descriptors and mappings are called.
    pub fn in_process_table(&self, filter: impl Fn(u32) -> bool) -> Report {
        processes::look(self, filter, false)
    }

    /// What one item leaks. The place is written so that it does not repeat a value.
    fn look(&self, surface: Surface, place: &str, content: &dyn Content) -> Report {
        let place = self.needles.masked(place);
        let mut report = Report::default();
        Look::new(&self.needles, &place, &mut report).item(surface, content);
        report
    }

    /// A place that could not be looked at.
    fn unread(&self, place: &str, error: &dyn std::fmt::Display) -> Report {
        Report { could_not_look: vec![format!("{}: {error}", self.needles.masked(place))], ..Report::default() }
    }
}
