//! What is started, and with which variables.

use std::collections::BTreeMap;

use freehold_core::SecretBytes;
use serde::{Deserialize, Serialize};

use super::{Delivery, Manifest};
use crate::secret_text::SecretFields;
use crate::template::{ExpandError, Template, TemplateError, Values};

/// The manifest's `program`. Arguments and values may hold the places of [`crate::template`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// What is started: a name found on the child's PATH, or a path within the connector's folder (with a `/` in it).
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its variables, beside those every child gets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// Why a variable's name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvNameProblem {
    /// Not a name a variable can have.
    #[error("it is not a variable's name: use letters, digits and '_', no digit first")]
    Invalid,
    /// Set by Freehold for every child.
    #[error("Freehold sets it for every connector")]
    Reserved,
    /// Changes which code a loader or an interpreter runs.
    #[error("it changes which code the loader or an interpreter runs")]
    LoadsCode,
    /// Freehold's own namespace.
    #[error("names that begin with FREEHOLD_ are Freehold's own")]
    Freehold,
}

/// Whether a manifest may set the variable of that name.
pub fn check_env_name(name: &str) -> Result<(), EnvNameProblem> {
    const RESERVED: [&str; 11] =
        ["PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP", "USER", "LOGNAME", "SHELL"];
    const LOADS_CODE: [&str; 14] = [
        "ENV",
        "BASH_ENV",
        "SHELLOPTS",
        "BASHOPTS",
        "IFS",
        "GCONV_PATH",
        "GLIBC_TUNABLES",
        "NODE_PATH",
        "RUBYLIB",
        "RUBYOPT",
        "GEM_PATH",
        "CLASSPATH",
        "LUA_PATH",
        "GIT_SSH_COMMAND",
    ];
    let shaped = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if name.is_empty() || !shaped || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(EnvNameProblem::Invalid);
    }
    // Case does not matter to the rules: some programs read either spelling.
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("FREEHOLD_") {
        return Err(EnvNameProblem::Freehold);
    }
    if RESERVED.contains(&&*upper) || upper.starts_with("LC_") || upper.starts_with("XDG_") {
        return Err(EnvNameProblem::Reserved);
    }
    let prefixes = ["LD_", "DYLD_", "PYTHON", "PERL", "MALLOC_"];
    let suffixes = ["_OPTIONS", "_PRELOAD"];
    if LOADS_CODE.contains(&&*upper)
        || prefixes.iter().any(|prefix| upper.starts_with(prefix))
        || suffixes.iter().any(|suffix| upper.ends_with(suffix))
    {
        return Err(EnvNameProblem::LoadsCode);
    }
    Ok(())
}

impl Manifest {
    /// The program's arguments, filled.
    pub fn arguments(&self, values: &Values) -> Result<Vec<String>, ExpandError> {
        self.program.args.iter().map(|arg| checked(arg).expand(values)).collect()
    }

    /// The child's variables that hold no secret.
    pub fn plain_variables(&self, values: &Values) -> Result<BTreeMap<String, String>, ExpandError> {
        let templates = self.program.env.iter().map(|(name, text)| (name, checked(text)));
        templates.filter(|(_, t)| !t.holds_secret()).map(|(name, t)| Ok((name.clone(), t.expand(values)?))).collect()
    }

    /// The child's variables that hold a secret, under delivery `env` and no other: those of `program.env` that name one, and
    /// those a form's fields list. A field that is not required and has no value leaves its variables out.
    pub fn secret_variables(
        &self,
        values: &Values,
        secrets: &SecretFields,
    ) -> Result<BTreeMap<String, SecretBytes>, ExpandError> {
        let mut variables = BTreeMap::new();
        if self.credential_delivery != Some(Delivery::Env) {
            return Ok(variables);
        }
        for field in self.captures().flat_map(|capture| &capture.fields) {
            for name in &field.env {
                let value = Template::parse(&format!("{{credential.{}}}", field.name)).expect("a checked field name");
                match value.expand_secret(values, secrets) {
                    Ok(value) => drop(variables.insert(name.clone(), value)),
                    Err(ExpandError::Missing(_)) if !field.required => {}
                    Err(error) => return Err(error),
                }
            }
        }
        for (name, text) in &self.program.env {
            let template = checked(text);
            if template.holds_secret() {
                variables.insert(name.clone(), template.expand_secret(values, secrets)?);
            }
        }
        Ok(variables)
    }
}

/// Parses a template of a manifest that passed its check, where every template was parsed already.
fn checked(text: &str) -> Template {
    let parsed: Result<Template, TemplateError> = Template::parse(text);
    parsed.expect("a manifest is only made by its check, which parses every template")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_change_what_runs_are_refused() {
        for name in [
            "PATH",
            "Home",
            "LD_PRELOAD",
            "ld_library_path",
            "NODE_OPTIONS",
            "JAVA_TOOL_OPTIONS",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "FREEHOLD_KEY",
            "BASH_ENV",
            "TMPDIR",
            "LC_ALL",
            "1A",
            "",
            "A-B",
            "A=B",
            "PERL5LIB",
        ] {
            assert!(check_env_name(name).is_err(), "{name}");
        }
        for name in ["GITHUB_TOKEN", "GMAIL_USER", "base_url", "PDPP_CDP_URL", "OPTIONS_X"] {
            assert_eq!(check_env_name(name), Ok(()), "{name}");
        }
    }
}
