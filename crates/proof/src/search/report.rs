//! What a search found, what it looked at, and what it could not.

use std::collections::BTreeMap;
use std::fmt;

/// A planted value in a place where it must not be. It names the value and never repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Which canary.
    pub what: String,
    /// In which spelling, from the innermost: `json`, `raw in gzip in base64`.
    pub encoding: String,
    /// Where: a file and the byte in it, a process, or what the caller called it.
    pub place: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.what, self.encoding, self.place)
    }
}

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    /// What the caller handed in: an answer, a page, a program's output.
    Bytes,
    /// Files' contents, and the extended attributes.
    Files,
    /// Files' names, and where links lead to.
    Names,
    /// What the list of processes tells of them.
    Processes,
    /// Contents of files that processes have open.
    Descriptors,
    /// What was inside all these, once decoded.
    Decoded,
}

impl Surface {
    /// In words, as a report has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Files => "files",
            Self::Names => "names",
            Self::Processes => "processes",
            Self::Descriptors => "open files",
            Self::Decoded => "decoded",
        }
    }
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Files, names, descriptors; of processes, each thing told about one.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a search says. Reports of several searches can be joined to one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found: each value and spelling once for each item.
    pub leaks: Vec<Leak>,
    /// How much was looked at, by kind of place.
    pub looked: BTreeMap<Surface, Looked>,
    /// What could not be looked at, and why. What was not read is not clean.
    pub could_not_look: Vec<String>,
}

impl Report {
    /// Adds what another search says.
    pub fn join(&mut self, other: Self) {
        self.leaks.extend(other.leaks);
        self.could_not_look.extend(other.could_not_look);
        for (surface, looked) in other.looked {
            self.count(surface, looked.items, looked.bytes);
        }
    }

    /// The leaks, if everything could be looked at.
    ///
    /// # Errors
    /// What could not be looked at.
    pub fn complete(self) -> Result<Vec<Leak>, Vec<String>> {
        if self.could_not_look.is_empty() { Ok(self.leaks) } else { Err(self.could_not_look) }
    }

    pub(super) fn count(&mut self, surface: Surface, items: u64, bytes: u64) {
        let looked = self.looked.entry(surface).or_default();
        looked.items += items;
        looked.bytes += bytes;
    }
}
