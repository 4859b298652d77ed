//! Sign-in details from a file or standard input: JSON, one `name=value` a line, or a picture of a seed's QR code. Never from an
//! argument.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use freehold_core::{Problem, ProblemCode, SecretBytes};
use freehold_engine::{MOST_PICTURE_BYTES, is_picture};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::terminal::note;

/// More than this is no sign-in detail; the server takes 256 KiB in all. A picture is read here, and only its seed is sent.
const LIMIT: usize = 128 * 1024;

/// Where secrets come from when nobody is asked.
#[derive(Args, Debug, Default)]
pub(crate) struct SecretInput {
    /// Read the sign-in details from this file: a JSON object, one name=value a line, or, for the seed of one-time codes, a picture of
    /// its QR code
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

    /// The fields, by name; none if no input was named. `seed` names the field that a picture of a QR code may stand for.
    ///
    /// # Errors
    /// Never quotes what it read.
    pub(crate) fn read(&self, seed: Option<&str>) -> Result<Option<BTreeMap<String, SecretBytes>>, Problem> {
        let (place, bytes) = match &self.secret_file {
            None if !self.secret_stdin => return Ok(None),
            None => ("standard input".to_owned(), read_all(std::io::stdin())),
            Some(path) => (path.display().to_string(), open(path).and_then(read_all)),
        };
        let bytes = bytes.map_err(|error| unreadable(&error).at(&place))?;
        let fields = match seed {
            Some(seed) if is_picture(&bytes) => seed_in(bytes).map(|value| BTreeMap::from([(seed.to_owned(), value)])),
            _ if bytes.len() > LIMIT => Err(bad("This is too long for sign-in details.", "Check the file.")),
            _ => parse(&bytes),
        };
        fields.map(Some).map_err(|problem| problem.at(place))
    }
}

/// The seed in a picture of its QR code.
pub(crate) fn seed_in_picture(path: &Path) -> Result<SecretBytes, Problem> {
    seed_in(open(path).and_then(read_all).map_err(|error| unreadable(&error))?)
}

fn seed_in(mut picture: Zeroizing<Vec<u8>>) -> Result<SecretBytes, Problem> {
    freehold_engine::seed_in_picture(&SecretBytes::new(std::mem::take(&mut *picture)))
}

/// At most a byte more than a picture may have, which is then told so. The memory does not grow, which would leave copies behind.
fn read_all(input: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let most = MOST_PICTURE_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    input.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &std::io::Error) -> Problem {
    bad(format!("The sign-in details cannot be read: {error}."), "Check the file.")
}

fn open(path: &Path) -> std::io::Result<std::fs::File> {
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
