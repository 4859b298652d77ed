//! Writing messages straight into a Maildir++ tree, which Dovecot notices by itself.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use super::config::MailOwner;
use super::{DovecotError, at};

/// One message as a mail server receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Header and body, lines ended by CRLF or LF.
    pub bytes: Vec<u8>,
    /// When the server received it (IMAP's INTERNALDATE), in seconds since 1970 UTC.
    pub received: u64,
    /// Maildir flag letters in alphabetical order: `F` flagged, `R` answered, `S` seen.
    pub flags: String,
}

impl Message {
    /// An unread message.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>, received: u64) -> Self {
        Self { bytes: bytes.into(), received, flags: String::new() }
    }
}

pub(crate) fn deliver(home: &Path, folder: &str, message: &Message, owner: &MailOwner) -> Result<(), DovecotError> {
    static DELIVERIES: AtomicU64 = AtomicU64::new(0);
    let maildir = ensure_folder(home, folder, owner)?;
    // Dovecot numbers the messages it finds by file name, so the count keeps the order of delivery.
    let count = DELIVERIES.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}.M{count:09}P{}.localhost", message.received, std::process::id());
    let draft = maildir.join("tmp").join(&name);
    let mut file = File::create(&draft).map_err(at(&draft))?;
    file.write_all(&message.bytes).map_err(at(&draft))?;
    file.set_modified(UNIX_EPOCH + Duration::from_secs(message.received)).map_err(at(&draft))?;
    owner.give(&draft)?;
    let finished = if message.flags.is_empty() {
        maildir.join("new").join(&name)
    } else {
        maildir.join("cur").join(format!("{name}:2,{}", message.flags))
    };
    fs::rename(&draft, &finished).map_err(at(&finished))
}

fn ensure_folder(home: &Path, folder: &str, owner: &MailOwner) -> Result<PathBuf, DovecotError> {
    let root = home.join("Maildir");
    let maildir = if folder == "INBOX" { root.clone() } else { root.join(format!(".{}", folder.replace('/', "."))) };
    if maildir.join("cur").exists() {
        return Ok(maildir);
    }
    for path in [home, &root, &maildir, &maildir.join("tmp"), &maildir.join("new"), &maildir.join("cur")] {
        if !path.exists() {
            fs::create_dir(path).map_err(at(path))?;
            owner.give(path)?;
        }
    }
    Ok(maildir)
}
