//! The owner's passphrase, asked for only when the server says it needs it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use freehold_core::{Problem, ProblemCode, SecretBytes};
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::client::passphrase_header;
use super::prompt::Prompt;

/// Where the passphrase comes from, and the passphrase once it was given.
pub(crate) struct Passphrase {
    file: Option<PathBuf>,
    given: RefCell<Option<SecretBytes>>,
}

impl Passphrase {
    /// From the file, if one is named; else from the person at the terminal.
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self { file, given: RefCell::new(None) }
    }

    /// Whether it was given in this run of the program.
    pub(crate) fn is_given(&self) -> bool {
        self.given.borrow().is_some()
    }

    /// Reads or asks for it.
    pub(crate) fn give(&self) -> Result<(), Problem> {
        *self.given.borrow_mut() = Some(self.old_one()?);
        Ok(())
    }

    /// The one there is, to be sent as what is replaced.
    pub(crate) fn old_one(&self) -> Result<SecretBytes, Problem> {
        match &self.file {
            Some(file) => from_file(file),
            None => {
                Prompt::open("Name a file that holds your passphrase with --passphrase-file.")?.secret("Your passphrase")
            }
        }
    }

    /// The request header, once it was given.
    pub(crate) fn header(&self) -> Result<Option<HeaderValue>, Problem> {
        self.given.borrow().as_ref().map(passphrase_header).transpose()
    }

    /// A new one: from the file, or typed twice.
    pub(crate) fn new_one(&self) -> Result<SecretBytes, Problem> {
        let instead = "Name a file that holds the new passphrase with --passphrase-file.";
        let Some(file) = &self.file else {
            return typed_twice(&Prompt::open(instead)?, "New passphrase");
        };
        from_file(file)
    }
}

/// A new one that is strong enough, typed twice.
pub(crate) fn typed_twice(prompt: &Prompt, label: &str) -> Result<SecretBytes, Problem> {
    loop {
        let first = prompt.secret(label)?;
        if let Err(refused) = freehold_vault::check_passphrase(&first) {
            prompt.say(&format!("Not this one: {refused}."))?;
            continue;
        }
        if same(&first, &prompt.secret("The same again")?) {
            return Ok(first);
        }
        prompt.say("Those were not the same.")?;
    }
}

/// The first line of the file.
pub(crate) fn from_file(path: &Path) -> Result<SecretBytes, Problem> {
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|error| {
        Problem::new(ProblemCode::BadInput, format!("This file cannot be read: {error}."), "Check its name and permissions.")
            .at(path.display().to_string())
    })?);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Problem::new(
            ProblemCode::BadInput,
            "The file's first line is empty.",
            "Write the secret on its first line.",
        )
        .at(path.display().to_string()));
    }
    Ok(SecretBytes::new(line.to_vec()))
}

#[expect(clippy::disallowed_methods, reason = "R12: compared with what was typed a moment before, and goes nowhere")]
fn same(one: &SecretBytes, other: &SecretBytes) -> bool {
    one.expose() == other.expose()
}
