//! The configuration file: its shape, and what is wrong with it in the operator's words.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use freehold_core::{Problem, ProblemCode};
use serde::Deserialize;

/// The file as written. What is absent has a default in [`super::Config`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// Address and port of the console and API.
    pub(crate) listen: Option<String>,
    /// The address people open, when it is not the one listened on: `https://freehold.example.org`.
    pub(crate) public_origin: Option<String>,
    /// Proxies in front that terminate TLS: addresses and networks.
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<String>,
    /// Where the certificate comes from, to speak TLS without a proxy.
    pub(crate) tls: Option<Tls>,
    /// The data directory.
    pub(crate) data_dir: Option<PathBuf>,
    /// The vault's key file, outside the data directory.
    pub(crate) key_file: Option<PathBuf>,
    /// The directory of the CLI's socket.
    pub(crate) runtime_dir: Option<PathBuf>,
    /// The directory on tmpfs for runs.
    pub(crate) scratch_dir: Option<PathBuf>,
    /// Folders whose subfolders are connectors.
    #[serde(default)]
    pub(crate) connector_dirs: Vec<PathBuf>,
    /// How isolated a connector has to be.
    #[serde(default)]
    pub(crate) sandbox: Sandbox,
    /// How many runs may be under way at once.
    pub(crate) parallel_runs: Option<usize>,
    /// How many browsers may run at once.
    pub(crate) browsers: Option<usize>,
    /// Hosts answered by a stand-in.
    #[serde(default, rename = "stand_in")]
    pub(crate) stand_ins: Vec<StandInSection>,
    /// The log.
    #[serde(default)]
    pub(crate) log: LogSection,
    /// Connectors' own sections.
    #[serde(default)]
    pub(crate) connector: BTreeMap<String, ConnectorSection>,
}

/// `[[stand_in]]`: a host that browsers find somewhere else, for trying a connector without its provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandInSection {
    /// The host.
    pub(crate) host: String,
    /// Address and port of what answers for it: on this machine.
    pub(crate) address: SocketAddr,
    /// SHA-256 of its certificate's public key, in base64.
    pub(crate) key: Option<String>,
}

/// `[tls]`: where the certificate comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "TlsSection")]
pub(crate) enum Tls {
    /// The operator brings it.
    Files(TlsFiles),
    /// Freehold makes it, with a CA of its own.
    LocalCa,
}

/// `[tls]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsSection {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default)]
    local_ca: bool,
}

/// What cannot both be.
const TWO_CERTIFICATES: &str = "[tls] names a certificate of yours and asks for one of Freehold's own CA.";
/// What has to be one of the two.
const NO_CERTIFICATE: &str = "[tls] does not say where the certificate comes from.";

impl TryFrom<TlsSection> for Tls {
    type Error = &'static str;

    fn try_from(section: TlsSection) -> Result<Self, Self::Error> {
        match (section.certificate, section.key, section.local_ca) {
            (Some(certificate), Some(key), false) => Ok(Self::Files(TlsFiles { certificate, key })),
            (None, None, true) => Ok(Self::LocalCa),
            (None, None, false) => Err(NO_CERTIFICATE),
            (_, _, true) => Err(TWO_CERTIFICATES),
            (None, Some(_), false) => Err("missing field `certificate`"),
            (Some(_), None, false) => Err("missing field `key`"),
        }
    }
}

/// Files in PEM form.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate, followed by those that signed it.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

/// How isolated a connector has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sandbox {
    /// A connector that receives a secret does not start on a machine that cannot isolate it.
    #[default]
    Full,
    /// It starts all the same, and every page of its sources says so.
    Reduced,
}

/// The log.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSection {
    /// How it is written.
    pub(crate) format: Option<LogFormat>,
    /// What is written.
    pub(crate) level: Option<LogLevel>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For a person on a terminal, as JSON anywhere else.
    #[default]
    Auto,
    /// For a person.
    Human,
    /// One JSON object a line.
    Json,
}

/// What is logged: this and what is more severe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// `[connector.NAME]`: only what belongs to this deployment and to no account.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorSection {
    /// The provider's settings for this program, such as an OAuth client id, declared by the connector's manifest.
    #[serde(default)]
    pub(crate) app: toml::Table,
}

impl std::fmt::Debug for ConnectorSection {
    /// The names alone: a client secret is a secret too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.app.keys()).finish()
    }
}

impl ConfigFile {
    /// Reads and parses the file.
    ///
    /// # Errors
    /// Says which line is wrong, and never quotes it: it may hold a client secret.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(
                ProblemCode::BadInput,
                format!("The configuration file cannot be read: {error}."),
                "Correct its path or its permissions, or start without it.",
            )
            .at(path.display().to_string())
        })?;
        Self::parse(&text).map_err(|(problem, line)| match line {
            Some(line) => problem.at(format!("{}:{line}", path.display())),
            None => problem.at(path.display().to_string()),
        })
    }

    fn parse(text: &str) -> Result<Self, (Problem, Option<usize>)> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map(|Range { start, .. }| 1 + text[..start].matches('\n').count());
            (explain(error.message()), line)
        })
    }
}

/// Says in our words what the parser found, without the value it found.
fn explain(message: &str) -> Problem {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field")
        && let Some((unknown, known)) = quoted.split_first()
    {
        let next = if super::suspect::is_secret_name(unknown) || *known == ["app"] {
            "Remove it: an account's sign-in details are never read from a configuration file. Give them in the console, or with `freehold credential save`.".to_owned()
        } else {
            match super::closest(unknown, known.iter().copied()) {
                Some(closest) => format!("Did you mean \"{closest}\"?"),
                None => format!("Known here: {}.", known.join(", ")),
            }
        };
        return Problem::new(ProblemCode::BadInput, format!("There is no setting \"{unknown}\" here."), next);
    }
    if message.starts_with("unknown variant")
        && let Some((_, known)) = quoted.split_first()
    {
        return Problem::new(
            ProblemCode::BadInput,
            "This setting does not take that value.",
            format!("Use one of: {}.", known.join(", ")),
        );
    }
    if let Some(field) = message.strip_prefix("missing field") {
        return Problem::new(
            ProblemCode::BadInput,
            format!("The setting {} is missing here.", field.trim().replace('`', "\"")),
            "Add it, or remove the section.",
        );
    }
    if message == TWO_CERTIFICATES || message == NO_CERTIFICATE {
        let next = "Keep certificate and key, or local_ca = true, and not both.";
        return Problem::new(ProblemCode::BadInput, message, next);
    }
    if let Some((_, expected)) = message.rsplit_once(", expected ")
        && message.starts_with("invalid")
    {
        return Problem::new(
            ProblemCode::BadInput,
            "The value is of another type than the setting.",
            format!("Give {expected}."),
        );
    }
    let detail = message.lines().next().unwrap_or_default();
    Problem::new(
        ProblemCode::BadInput,
        format!("This is not TOML: {detail}."),
        "Correct the line; strings stand in double quotes.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let (problem, line) = ConfigFile::parse(text).unwrap_err();
        format!("{:?}: {} | {}", line, problem.what, problem.next)
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(
            problem("sandbox = \"full\"\nlistn = \"127.0.0.1:1\"\n"),
            "Some(2): There is no setting \"listn\" here. | Did you mean \"listen\"?"
        );
        assert_eq!(
            problem("[log]\nlevel = \"loud\"\n"),
            "Some(2): This setting does not take that value. | Use one of: error, warn, info, debug, trace."
        );
        assert_eq!(
            problem("[tls]\nkey = \"k.pem\"\n"),
            "Some(1): The setting \"certificate\" is missing here. | Add it, or remove the section."
        );
        let ways = "Keep certificate and key, or local_ca = true, and not both.";
        assert_eq!(problem("[tls]\nlocal_ca = false\n"), format!("Some(1): {NO_CERTIFICATE} | {ways}"));
        let both = "sandbox = \"full\"\n[tls]\nkey = \"k.pem\"\ncertificate = \"c.pem\"\nlocal_ca = true\n";
        assert_eq!(problem(both), format!("Some(2): {TWO_CERTIFICATES} | {ways}"));
        assert!(problem("trusted_proxy = true\n").contains("Did you mean \"trusted_proxies\"?"));
    }

    #[test]
    fn the_help_is_a_configuration() {
        let toml: String =
            crate::config::FILE_HELP.lines().filter(|line| line.starts_with("  ")).map(|line| format!("{line}\n")).collect();
        let file = ConfigFile::parse(&toml).map_err(|(problem, line)| format!("{line:?}: {problem}")).unwrap();
        assert_eq!(file.parallel_runs, Some(4));
    }

    #[test]
    fn no_value_is_ever_quoted() {
        for text in [
            "parallel_runs = \"canary\"",
            "sandbox = \"canary\"",
            "trusted_proxies = \"canary\"",
            "listen = canary",
            "listen = \"canary",
        ] {
            assert!(!problem(text).contains("canary"), "{}", problem(text));
        }
    }

    #[test]
    fn an_account_field_has_no_place() {
        for text in ["[connector.mail]\npassword = \"x\"", "[connector.mail]\nusername = \"x\"", "mail_password = \"x\""] {
            assert!(problem(text).contains("never read from a configuration file"), "{}", problem(text));
        }
        assert!(ConfigFile::parse("[connector.mail.app]\nclient_id = \"x\"").is_ok());
    }
}
