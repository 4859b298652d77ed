//! Sign-in details from a file or standard input: JSON, or one `name=value` a line. Never from an argument.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use clap::Args;
use freehold_core::{Problem, ProblemCode, SecretBytes};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::terminal::note;

/// More than this is no sign-in detail; the server takes 256 KiB in all.
const LIMIT: u64 = 128 * 1024;

/// Where secrets come from when nobody is asked.
#[derive(Args, Debug, Default)]
pub(crate) struct SecretInput {
    /// Read the sign-in details from this file: a JSON object, or one name=value a line
    #[arg(long, value_name = "PATH", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// Read them from standard input, in the same form
    #[arg(long)]
    secret_stdin: bool,
}

impl SecretInput {
    /// Whether one was named.
    pub(crate) fn is_named(&self) -> bool {
        self.secret_stdin || self.secret_file.is_some()
    }

    /// The fields, by name; none if no input was named.
    ///
    /// # Errors
    /// Never quotes what it read.
    pub(crate) fn read(&self) -> Result<Option<BTreeMap<String, SecretBytes>>, Problem> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
        let (place, read) = match &self.secret_file {
            None if !self.secret_stdin => return Ok(None),
            None => ("standard input".to_owned(), std::io::stdin().take(LIMIT).read_to_end(&mut bytes)),
            Some(path) => (path.display().to_string(), open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))),
        };
        read.map_err(|error| bad(format!("The sign-in details cannot be read: {error}."), "Check the file.").at(&place))?;
        parse(&bytes).map(Some).map_err(|problem| problem.at(place))
    }
}

fn open(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        note(&format!("note: other users of this machine may read {0}; `chmod 600 {0}` closes it.\n", path.display()));
    }
    Ok(file)
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<String, SecretBytes>, Problem> {
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        let fields: BTreeMap<String, Text> = serde_json::from_slice(bytes).map_err(|error| {
            bad(
                format!(
                    "The sign-in details are not a JSON object of texts (line {}, column {}).",
                    error.line(),
                    error.column()
                ),
                "Write them like {\"name\": \"value\"}.",
            )
        })?;
        return Ok(fields.into_iter().map(|(name, Text(value))| (name, value)).collect());
    }
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).enumerate();
    let mut fields = BTreeMap::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let equals = line.iter().position(|byte| *byte == b'=');
        let name = equals.and_then(|at| std::str::from_utf8(&line[..at]).ok()).map(str::trim);
        let (Some(at), Some(name)) = (equals, name.filter(|name| !name.is_empty())) else {
            return Err(bad(
                format!("Line {} of the sign-in details is not name=value.", index + 1),
                "Write one name=value a line.",
            ));
        };
        fields.insert(name.to_owned(), SecretBytes::new(line[at + 1..].to_vec()));
    }
    Ok(fields)
}

/// A JSON text that goes straight into memory that is wiped.
struct Text(SecretBytes);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

fn bad(what: impl Into<String>, next: &str) -> Problem {
    Problem::new(ProblemCode::BadInput, what, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_lengths(text: &str) -> Vec<(String, usize)> {
        parse(text.as_bytes()).unwrap().into_iter().map(|(name, value)| (name, value.len())).collect()
    }

    #[test]
    fn both_forms_are_read() {
        let expected = [("password".to_owned(), 5), ("username".to_owned(), 5)];
        assert_eq!(names_and_lengths("username=maria\r\npassword=a=b c\n\n"), expected);
        assert_eq!(names_and_lengths(" {\"username\": \"maria\", \"password\": \"a=b c\"}"), expected);
    }

    #[test]
    fn nothing_that_was_read_is_quoted() {
        for text in ["canary", "{\"password\": canary}", "{\"password\": [\"canary\"]}", "{\"canary\": 1}", "=canary"] {
            let problem = parse(text.as_bytes()).map(|_| ()).unwrap_err();
            assert!(!problem.to_string().contains("canary"), "{problem}");
        }
    }
}
