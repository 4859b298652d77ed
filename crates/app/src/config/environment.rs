//! The environment, read once (R1).
//!
//! Freehold keeps [`KEPT`] and its own [`SETTINGS`], and replaces itself by a process that was started with nothing else. Whatever
//! else the deployment put into the environment is then in no memory and no `/proc/*/environ` of this program; only the names
//! are carried over, so that they can be reported.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use freehold_core::{Problem, ProblemCode};

/// The settings that can come from the environment, each with what it sets. Any other `FREEHOLD_` name is an error.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    ("FREEHOLD_CONFIG", "the configuration file"),
    ("FREEHOLD_DATA_DIR", "the data directory"),
    ("FREEHOLD_KEY_FILE", "the vault's key file"),
    ("FREEHOLD_RUNTIME_DIR", "the directory of the CLI's socket"),
    ("FREEHOLD_SCRATCH_DIR", "the directory on tmpfs for runs"),
    ("FREEHOLD_LISTEN", "address and port of the console and API"),
    ("FREEHOLD_LOG", "the log level: error, warn, info, debug or trace"),
    ("FREEHOLD_LOG_FORMAT", "the log format: auto, human or json"),
];

/// What is kept beside the settings.
pub(crate) const KEPT: [&str; 8] =
    ["PATH", "LANG", "TZ", "XDG_RUNTIME_DIR", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "TERM", "NO_COLOR"];

/// Carries the names, and only the names, of what the first process dropped.
const DROPPED: &str = "FREEHOLD_DROPPED_NAMES";
/// More names than this are not carried: the kernel limits one variable to 128 KiB.
const DROPPED_LIMIT: usize = 64 * 1024;

/// What the environment said.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    values: BTreeMap<OsString, OsString>,
    /// The names of the variables that were there and are not any more.
    pub(crate) dropped: Vec<String>,
}

impl Environment {
    /// Reads the environment. Unless it is clean already, this does not return: the program starts again with a clean one.
    ///
    /// # Errors
    /// An unknown `FREEHOLD_` name, or the operating system's refusal to start the program again.
    pub(crate) fn settle() -> Result<Self, Problem> {
        let all = read();
        refuse_unknown(&all)?;
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) = all.into_iter().partition(|(name, _)| is_kept(name));
        if dropped.is_empty() {
            return Ok(Self::clean(kept));
        }
        let mut next: Vec<(OsString, OsString)> = kept.into_iter().filter(|(name, _)| name != DROPPED).collect();
        next.push((DROPPED.into(), joined(dropped.keys()).into()));
        let error = freehold_sandbox::reexec(&next);
        Err(Problem::new(
            ProblemCode::Internal,
            format!("Freehold could not start itself again with a clean environment: {error}."),
            "Check that /proc is mounted and that the program file can still be executed.",
        ))
    }

    /// The value of a setting or a kept variable; none if absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&OsString> {
        self.values.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())
    }

    /// The same, as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The same, as text.
    ///
    /// # Errors
    /// Says so if the value is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        self.get(name)
            .map(|value| {
                value.to_str().ok_or_else(|| {
                    Problem::new(
                        ProblemCode::BadInput,
                        format!("The value of {name} is not UTF-8."),
                        "Set it to plain text.",
                    )
                    .at(name)
                })
            })
            .transpose()
    }

    fn clean(mut values: BTreeMap<OsString, OsString>) -> Self {
        let names = values.remove(std::ffi::OsStr::new(DROPPED)).unwrap_or_default();
        let dropped = names.to_string_lossy().split(',').filter(|name| is_plain(name)).map(str::to_owned).collect();
        Self { values, dropped }
    }
}

#[expect(clippy::disallowed_methods, reason = "R1: this is the one place that reads the environment")]
fn read() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().collect()
}

fn is_kept(name: &OsString) -> bool {
    KEPT.iter().chain(SETTINGS.iter().map(|(setting, _)| setting)).any(|kept| name == kept) || name == DROPPED
}

fn refuse_unknown(all: &BTreeMap<OsString, OsString>) -> Result<(), Problem> {
    let unknown = all.keys().find(|name| name.as_encoded_bytes().starts_with(b"FREEHOLD_") && !is_kept(name));
    let Some(unknown) = unknown.map(|name| name.to_string_lossy()) else { return Ok(()) };
    let next = match super::closest(&unknown, SETTINGS.iter().map(|(name, _)| *name)) {
        Some(closest) => format!("Did you mean {closest}? Correct or unset it; `freehold --help` lists what can be set."),
        None => "Unset it; `freehold --help` lists what can be set.".to_owned(),
    };
    Err(Problem::new(ProblemCode::BadInput, format!("Freehold knows no variable {unknown}."), next).at("the environment"))
}

fn joined<'a>(names: impl Iterator<Item = &'a OsString>) -> String {
    let mut text = String::new();
    for name in names.filter_map(|name| name.to_str()).filter(|name| is_plain(name)) {
        if text.len() + name.len() >= DROPPED_LIMIT {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
    }
    text
}

/// A name that is safe to print and to carry in a list.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(names: &[&str]) -> BTreeMap<OsString, OsString> {
        names.iter().map(|name| (OsString::from(name), OsString::from("value"))).collect()
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_closest_known() {
        let problem = refuse_unknown(&environment(&["PATH", "FREEHOLD_LISTN"])).unwrap_err();
        assert_eq!(problem.what, "Freehold knows no variable FREEHOLD_LISTN.");
        assert!(problem.next.starts_with("Did you mean FREEHOLD_LISTEN?"), "{}", problem.next);
        assert!(refuse_unknown(&environment(&["PATH", "FREEHOLD_LISTEN", DROPPED])).is_ok());
    }

    #[test]
    fn names_are_carried_and_values_are_not() {
        let dropped = environment(&["HOME", "SHOP_PASSWORD", "odd,name"]);
        let carried = joined(dropped.keys());
        assert_eq!(carried, "HOME,SHOP_PASSWORD");
        let clean = Environment::clean(BTreeMap::from([(OsString::from(DROPPED), OsString::from(carried))]));
        assert_eq!(clean.dropped, ["HOME", "SHOP_PASSWORD"]);
    }
}
