//! Marked random secrets, and a scanner that finds them again wherever they got to, in whatever encoding.

use std::path::{Path, PathBuf};
use std::{fs, io};

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use freehold_core::Rng;

/// How much of a secret has to be seen to call it a leak: short enough for a truncated log line, far too long for chance.
const PART: usize = 16;

/// A secret that is in no other place than where the test put it.
#[derive(Clone)]
pub struct Canary {
    /// What it stands for: a secret's kind, a variable's name.
    pub what: String,
    /// The secret.
    pub value: String,
}

impl Canary {
    /// A password-like secret with the characters that JSON, HTML and URLs write differently.
    pub fn password(what: &str, rng: &dyn Rng) -> Self {
        let value = format!("{}&\"<{}/+%{}", letters(rng, 10), letters(rng, 10), letters(rng, 10));
        Self { what: what.to_owned(), value }
    }

    /// A secret of `length` capital letters and digits, as seeds and codes are.
    pub fn plain(what: &str, length: usize, rng: &dyn Rng) -> Self {
        assert!(length >= PART, "a canary of {length} characters could be chance");
        Self { what: what.to_owned(), value: letters(rng, length) }
    }

    /// A secret that something else made: a printed key, a token.
    pub fn known(what: &str, value: &str) -> Self {
        assert!(value.len() >= PART, "{what} is too short to be told from chance");
        Self { what: what.to_owned(), value: value.to_owned() }
    }
}

/// A secret found where it must not be. It names the secret and never repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Which canary.
    pub what: String,
    /// In which encoding.
    pub encoding: &'static str,
    /// Where: a file and the offset in it, or what the caller called it.
    pub place: String,
}

/// Looks for canaries in bytes, folders and processes.
pub struct Scanner {
    needles: Vec<Needle>,
    /// For each first two bytes, which needles begin so: one pass over the bytes serves them all.
    by_start: Vec<Vec<u32>>,
}

struct Needle {
    what: String,
    encoding: &'static str,
    bytes: Vec<u8>,
}

impl Scanner {
    /// A scanner for these.
    pub fn new(canaries: &[Canary]) -> Self {
        let mut scanner = Self { needles: Vec::new(), by_start: vec![Vec::new(); 1 << 16] };
        for canary in canaries {
            let value = canary.value.as_bytes();
            assert!(value.is_ascii() && value.len() >= PART, "{}: canaries are ASCII", canary.what);
            for part in [&value[..PART], &value[value.len() - PART..]] {
                for (encoding, bytes) in encodings(part) {
                    scanner.add(&canary.what, encoding, bytes);
                }
            }
        }
        scanner
    }

    /// What `bytes` leak; each secret and encoding once.
    pub fn scan(&self, place: &str, bytes: &[u8]) -> Vec<Leak> {
        let mut leaks: Vec<Leak> = Vec::new();
        for at in 0..bytes.len().saturating_sub(1) {
            for index in &self.by_start[start(&bytes[at..])] {
                let needle = &self.needles[*index as usize];
                let seen = |leak: &Leak| leak.what == needle.what && leak.encoding == needle.encoding;
                if bytes[at..].starts_with(&needle.bytes) && !leaks.iter().any(seen) {
                    let place = format!("{place} at byte {at}");
                    leaks.push(Leak { what: needle.what.clone(), encoding: needle.encoding, place });
                }
            }
        }
        leaks
    }

    /// What the files under `folder` leak: their bytes as they are, so free pages and write-ahead logs count; their names too.
    ///
    /// # Errors
    /// When a file cannot be read: an unread file is not a clean one. One that is gone by then is passed over.
    pub fn scan_folder(&self, folder: &Path) -> io::Result<Vec<Leak>> {
        let mut leaks = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            leaks.extend(self.scan(&format!("the name of {}", path.display()), path.as_os_str().as_encoded_bytes()));
            let kind = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if kind.is_dir() {
                leaks.extend(self.scan_folder(&path)?);
            } else if kind.is_file() {
                leaks.extend(self.scan(&path.display().to_string(), &fs::read(&path)?));
            }
        }
        Ok(leaks)
    }

    /// What the environments and command lines of `root` and everything below it in the process tree leak.
    pub fn scan_processes(&self, root: u32) -> Vec<Leak> {
        let mut leaks = Vec::new();
        for pid in tree(root) {
            for file in ["environ", "cmdline"] {
                let path = PathBuf::from(format!("/proc/{pid}/{file}"));
                // A process may end between being listed and being read.
                if let Ok(bytes) = fs::read(&path) {
                    leaks.extend(self.scan(&path.display().to_string(), &bytes));
                }
            }
        }
        leaks
    }

    fn add(&mut self, what: &str, encoding: &'static str, bytes: Vec<u8>) {
        let index = u32::try_from(self.needles.len()).expect("few needles");
        self.by_start[start(&bytes)].push(index);
        self.needles.push(Needle { what: what.to_owned(), encoding, bytes });
    }
}

/// `root` and its descendants, by what `/proc` says of each process's parent.
pub fn tree(root: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent(pid)?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(of) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

/// Processes that have this path in their environment or their command line, once the kernel has had time to end those it is ending.
pub fn processes_that_name(path: &Path) -> Vec<u32> {
    let path = path.as_os_str().as_encoded_bytes();
    let names = |pid: &u32| {
        let has = |file: &str| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            bytes.windows(path.len()).any(|part| part == path)
        };
        has("environ") || has("cmdline")
    };
    let running = || -> Vec<u32> {
        let all = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(names).collect()
    };
    for _ in 0..100 {
        if running().is_empty() {
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    running()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name is in parentheses and may hold anything; the parent is the second field after it (proc(5)).
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn letters(rng: &dyn Rng, count: usize) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = vec![0; count];
    rng.fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// `part` in every encoding that is looked for.
fn encodings(part: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("raw", part.to_vec()),
        ("hex", HEXLOWER.encode(part).into_bytes()),
        ("hex", HEXUPPER.encode(part).into_bytes()),
        ("utf-16", part.iter().flat_map(|byte| [*byte, 0]).collect()),
        ("utf-16", part.iter().flat_map(|byte| [0, *byte]).collect()),
        ("url", percent(part, true, |byte| byte.is_ascii_alphanumeric())),
        ("url", percent(part, false, |byte| byte.is_ascii_alphanumeric())),
        ("url", percent(part, true, |_| false)),
        ("url", percent(part, false, |_| false)),
    ];
    for shift in 0..3 {
        all.push(("base64", base64_inside(part, shift, &BASE64)));
        all.push(("base64url", base64_inside(part, shift, &BASE64URL)));
    }
    let text = String::from_utf8_lossy(part).into_owned();
    all.push(("json", text.replace('"', "\\\"").into_bytes()));
    for (quote, less, more, and) in [("&quot;", "&lt;", "&gt;", "&amp;"), ("&#34;", "&#60;", "&#62;", "&#38;")] {
        let html = text.replace('&', and).replace('"', quote).replace('<', less).replace('>', more);
        all.push(("html", html.into_bytes()));
    }
    // Where an encoding leaves the text as it is, it is the raw form and nothing else.
    all.retain(|(name, bytes)| *name == "raw" || bytes != part);
    all
}

fn percent(part: &[u8], upper: bool, keep: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in part {
        match (keep(*byte), upper) {
            (true, _) => out.push(*byte),
            (false, true) => out.extend(format!("%{byte:02X}").into_bytes()),
            (false, false) => out.extend(format!("%{byte:02x}").into_bytes()),
        }
    }
    out
}

/// The characters of a base64 text that `part` alone decides when `shift` bytes (0 to 2) stand before it in its group of three.
fn base64_inside(part: &[u8], shift: usize, encoding: &data_encoding::Encoding) -> Vec<u8> {
    let text = encoding.encode(&[&vec![0; shift], part].concat());
    let first = (8 * shift).div_ceil(6);
    let last = 8 * (shift + part.len()) / 6;
    text.as_bytes()[first..last].to_vec()
}
