//! What this deployment chose: arguments over environment over file over defaults. The one module that reads the environment.

pub(crate) mod environment;
mod file;
mod paths;
mod suspect;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use freehold_core::{Problem, ProblemCode};
use freehold_engine::StandIn;
use freehold_web::{Network, TrustedProxies};

pub(crate) use environment::Environment;
pub(crate) use file::{LogFormat, LogLevel, Sandbox, Tls, TlsFiles};
pub(crate) use paths::is_tmpfs;
pub(crate) use suspect::{AccountField, suspects};

/// The configuration file, for whoever writes one. A test reads it.
pub(crate) const FILE_HELP: &str = r#"The configuration file is TOML, at /etc/freehold/config.toml or ~/.config/freehold/config.toml. All of it may be left out:

  listen = "127.0.0.1:7180"         # address and port; loopback unless [tls] or trusted_proxies is set
  public_origin = "https://freehold.example.org"  # what people open, if it is not the address listened on
  trusted_proxies = ["10.0.0.2", "fd00::/64"]  # in front, speaking TLS: whose X-Forwarded headers are believed
  data_dir = "/var/lib/freehold"
  key_file = "/etc/freehold/vault.key"  # outside data_dir, and in no backup of it
  runtime_dir = "/run/freehold"     # the command line's socket and token
  scratch_dir = "/dev/shm/freehold" # where runs work; on tmpfs
  connector_dirs = ["/srv/connectors"]  # folders whose subfolders are connectors
  sandbox = "full"                  # or "reduced", to start connectors that this machine cannot isolate
  parallel_runs = 4
  browsers = 4                      # how many at once; by the machine's memory if left out

  [tls]                             # without a proxy: a certificate of yours, or `local_ca = true` for one of Freehold's own CA
  certificate = "/etc/freehold/tls/fullchain.pem"
  key = "/etc/freehold/tls/key.pem"

  [[stand_in]]                      # a host that browsers find on this machine: for trying a connector without its provider
  host = "www.example.com"
  address = "127.0.0.1:8443"
  key = "base64 of the SHA-256 of its certificate's public key"

  [log]
  level = "info"                    # error, warn, info, debug, trace
  format = "auto"                   # human on a terminal, json elsewhere

Sign-in details of an account are never read from here."#;

const DEFAULT_LISTEN: &str = "127.0.0.1:7180";
const DEFAULT_PARALLEL_RUNS: usize = 4;

/// Everything the rest of the program needs to know.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file it was read from, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Address and port of the console and API.
    pub(crate) listen: SocketAddr,
    /// The address people open, when it is not the one listened on.
    pub(crate) public_origin: Option<String>,
    /// Proxies in front, which terminate TLS.
    pub(crate) trusted_proxies: TrustedProxies,
    /// Where the certificate comes from, where Freehold speaks TLS itself.
    pub(crate) tls: Option<Tls>,
    /// The data directory.
    pub(crate) data_dir: PathBuf,
    /// The vault's key file.
    pub(crate) key_file: PathBuf,
    /// The directory of the socket and the CLI's token.
    pub(crate) runtime_dir: PathBuf,
    /// The directory for runs; none if no place in memory was found and none was named.
    pub(crate) scratch_dir: Option<PathBuf>,
    /// Folders whose subfolders are connectors.
    pub(crate) connector_dirs: Vec<PathBuf>,
    /// Where connectors' interpreters are looked for, after the system's own directories.
    pub(crate) search_path: Vec<PathBuf>,
    /// How isolated a connector has to be.
    pub(crate) sandbox: Sandbox,
    /// How many runs may be under way at once.
    pub(crate) parallel_runs: usize,
    /// How many browsers may run at once.
    pub(crate) browsers: Option<usize>,
    /// Hosts answered by a stand-in on this machine.
    pub(crate) stand_ins: Vec<StandIn>,
    /// How the log is written.
    pub(crate) log_format: LogFormat,
    /// What is logged.
    pub(crate) log_level: LogLevel,
    /// The names of the `[connector.NAME.app]` settings, by connector.
    pub(crate) app_settings: BTreeMap<String, Vec<String>>,
    /// The names of the variables that were in the environment and are not any more.
    pub(crate) dropped_names: Vec<String>,
    /// Where systemd wants to hear from the server.
    pub(crate) notify_socket: Option<PathBuf>,
    /// Whether the terminal can and may show colour.
    pub(crate) colour: bool,
    /// This program's file.
    pub(crate) program: PathBuf,
}

impl Config {
    /// Puts it together.
    ///
    /// # Errors
    /// Names the setting that is wrong, where it stands and what to write.
    pub(crate) fn load(environment: &Environment, named_file: Option<&Path>) -> Result<Self, Problem> {
        let places = paths::Places::find(environment)?;
        let path = named_file
            .map(Path::to_owned)
            .or_else(|| environment.path("FREEHOLD_CONFIG"))
            .or_else(|| places.config_file())
            .map(absolute)
            .transpose()?;
        let file = path.as_deref().map(file::ConfigFile::read).transpose()?.unwrap_or_default();
        let set = |name: &str, value: Option<PathBuf>| environment.path(name).or(value).map(absolute).transpose();

        let data_dir = set("FREEHOLD_DATA_DIR", file.data_dir)?.unwrap_or_else(|| places.data_dir());
        let key_file = set("FREEHOLD_KEY_FILE", file.key_file)?.unwrap_or_else(|| places.key_file(path.as_deref()));
        if key_file.starts_with(&data_dir) {
            return Err(bad(
                "The vault's key file is inside the data directory, where every backup would hold both.",
                "Set key_file to a path outside the data directory.",
            )
            .at(key_file.display().to_string()));
        }
        let runtime_dir = set("FREEHOLD_RUNTIME_DIR", file.runtime_dir)?.unwrap_or_else(|| places.runtime_dir(&data_dir));
        let scratch_dir = set("FREEHOLD_SCRATCH_DIR", file.scratch_dir)?.or_else(|| places.scratch_dir(&data_dir));
        let listen = environment.text("FREEHOLD_LISTEN")?.map(str::to_owned).or(file.listen);
        let log_level = match environment.text("FREEHOLD_LOG")? {
            Some(word) => one_of("FREEHOLD_LOG", word)?,
            None => file.log.level.unwrap_or_default(),
        };
        let log_format = match environment.text("FREEHOLD_LOG_FORMAT")? {
            Some(word) => one_of("FREEHOLD_LOG_FORMAT", word)?,
            None => file.log.format.unwrap_or_default(),
        };
        let config = Self {
            listen: address(listen.as_deref().unwrap_or(DEFAULT_LISTEN))?,
            public_origin: file.public_origin.map(|origin| checked_origin(&origin)).transpose()?,
            trusted_proxies: proxies(&file.trusted_proxies)?,
            tls: file.tls,
            data_dir,
            key_file,
            runtime_dir,
            scratch_dir,
            connector_dirs: file.connector_dirs.into_iter().map(absolute).collect::<Result<_, _>>()?,
            search_path: environment
                .get("PATH")
                .map(|path| std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect())
                .unwrap_or_default(),
            sandbox: file.sandbox,
            parallel_runs: file.parallel_runs.unwrap_or(DEFAULT_PARALLEL_RUNS).max(1),
            browsers: file.browsers.map(|browsers| browsers.max(1)),
            stand_ins: file.stand_ins.into_iter().map(stand_in).collect::<Result<_, _>>()?,
            log_format,
            log_level,
            app_settings: file
                .connector
                .into_iter()
                .map(|(name, section)| (name, section.app.keys().cloned().collect()))
                .collect(),
            dropped_names: environment.dropped.clone(),
            notify_socket: environment.path("NOTIFY_SOCKET"),
            colour: environment.get("NO_COLOR").is_none() && environment.get("TERM").is_some_and(|term| term != "dumb"),
            program: program()?,
            file: path,
        };
        config.refuse_a_proxy_to_nowhere()?;
        config.refuse_plain_http_off_loopback()?;
        Ok(config)
    }

    /// The CLI's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime_dir.join("freehold.sock")
    }

    /// The CLI's token.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.runtime_dir.join("cli-token")
    }

    /// The address to open in a browser.
    pub(crate) fn console_address(&self) -> String {
        match &self.public_origin {
            Some(origin) => format!("{origin}/"),
            None => format!("{}://{}/", if self.tls.is_some() { "https" } else { "http" }, self.listen),
        }
    }

    /// Freehold's own CA: key and certificate in one file, beside the vault's key and like that in no backup.
    pub(crate) fn local_ca_file(&self) -> PathBuf {
        self.key_file.with_file_name("console-ca.pem")
    }

    fn refuse_a_proxy_to_nowhere(&self) -> Result<(), Problem> {
        if self.trusted_proxies.0.is_empty() || self.public_origin.is_some() {
            return Ok(());
        }
        Err(bad(
            "trusted_proxies is set, and public_origin is not: Freehold cannot tell which address people open.",
            "Set public_origin to the address people open, as in https://freehold.example.org.",
        )
        .at("trusted_proxies"))
    }

    fn refuse_plain_http_off_loopback(&self) -> Result<(), Problem> {
        if self.listen.ip().is_loopback() || self.tls.is_some() || !self.trusted_proxies.0.is_empty() {
            return Ok(());
        }
        Err(bad(
            "Plain HTTP to other machines would show your passphrase and your data to the network.",
            "Listen on 127.0.0.1; or set [tls] local_ca = true, or its certificate and key; or, behind a proxy that speaks TLS, set trusted_proxies and public_origin.",
        )
        .at(format!("listen = \"{}\"", self.listen)))
    }
}

/// What this process was started for, by its first argument.
pub(crate) enum Invocation {
    /// The sandbox's launcher, inside a child.
    Launch,
    /// A bundled connector, inside its sandbox.
    Connector(String),
    /// A rehearsal of this program, told by a server what to do.
    Rehearse,
    /// A person, or a service manager.
    Command,
}

/// Reads the first argument. The internal ones come before anything else is read or done: their environment is the sandbox's.
pub(crate) fn invocation() -> Invocation {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(word) if word == "__launch" => Invocation::Launch,
        Some(word) if word == "__connector" => {
            Invocation::Connector(arguments.next().unwrap_or_default().to_string_lossy().into_owned())
        }
        Some(word) if word == freehold_proof::REHEARSE => Invocation::Rehearse,
        _ => Invocation::Command,
    }
}

/// The known name most like `unknown`, if any is like it at all.
pub(crate) fn closest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::osa_distance(unknown, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

fn program() -> Result<PathBuf, Problem> {
    std::env::current_exe().map_err(|error| {
        Problem::new(
            ProblemCode::Internal,
            format!("Freehold cannot find its own program file: {error}."),
            "Check that /proc is mounted.",
        )
    })
}

fn absolute(path: PathBuf) -> Result<PathBuf, Problem> {
    std::path::absolute(&path).map_err(|error| {
        bad(format!("This path cannot be made absolute: {error}."), "Write it with a leading /.")
            .at(path.display().to_string())
    })
}

/// A host given away to another machine would hand that machine the owner's session, so a stand-in is on this one.
fn stand_in(section: file::StandInSection) -> Result<StandIn, Problem> {
    let file::StandInSection { host, address, key } = section;
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_key = |key: &String| key.len() == 44 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    if !is_host {
        return Err(bad("A stand-in's host is not a host's name.", "Write it as in www.example.com.").at("stand_in.host"));
    }
    if !address.ip().is_loopback() {
        return Err(bad("A stand-in is not on this machine.", "Give it a loopback address.").at("stand_in.address"));
    }
    if key.as_ref().is_some_and(|key| !is_key(key)) {
        return Err(
            bad("A stand-in's key is not a SHA-256 in base64.", "Leave it out, or copy it whole.").at("stand_in.key")
        );
    }
    Ok(StandIn { host, address: address.to_string(), key })
}

fn proxies(texts: &[String]) -> Result<TrustedProxies, Problem> {
    let network = |text: &String| {
        text.parse::<Network>().map_err(|next| {
            bad("This is not the address of a proxy, or a network.", next).at(format!("trusted_proxies = [\"{text}\"]"))
        })
    };
    texts.iter().map(network).collect::<Result<_, _>>().map(TrustedProxies)
}

fn address(text: &str) -> Result<SocketAddr, Problem> {
    let resolved = match text.rsplit_once(':') {
        // No other name: what a resolver answers must not decide how far the server can be reached.
        Some(("localhost", _)) => text.to_socket_addrs().ok().and_then(|mut found| found.find(|a| a.ip().is_loopback())),
        _ => text.parse().ok(),
    };
    resolved.ok_or_else(|| {
        bad("This is not an address and a port.", format!("Write it like {DEFAULT_LISTEN} or [::1]:7180."))
            .at(format!("listen = \"{text}\""))
    })
}

fn checked_origin(text: &str) -> Result<String, Problem> {
    let problem = |next: &str| {
        bad("public_origin is not an origin Freehold can be opened at.", next).at(format!("public_origin = \"{text}\""))
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(|| problem("Write it like https://freehold.example.org."))?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
        return Err(problem("Write the scheme, the host and, where it is not the usual one, the port: no path."));
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match scheme {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err(problem("Use https: over anything else your passphrase would be readable on the way.")),
    }
    Ok(format!("{scheme}://{}", authority.to_ascii_lowercase()))
}

fn one_of<T: serde::de::DeserializeOwned>(name: &str, word: &str) -> Result<T, Problem> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    T::deserialize(word).map_err(|error| {
        let known: Vec<String> = error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect();
        bad(format!("{name} does not take that value."), format!("Use one of: {}.", known.join(", "))).at(name)
    })
}

fn bad(what: impl Into<String>, next: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadInput, what, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_or_loopback_and_has_no_path() {
        assert_eq!(checked_origin("https://Freehold.example.org/").unwrap(), "https://freehold.example.org");
        assert!(checked_origin("http://[::1]:7180").is_ok());
        for wrong in ["freehold.example.org", "http://freehold.example.org", "https://a/b", "https://", "https://u@h"] {
            assert!(checked_origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_never_looked_up() {
        assert!(address("localhost:7180").unwrap().ip().is_loopback());
        assert!(address("[::1]:7180").is_ok());
        assert!(address("example.org:7180").is_err());
        assert!(address("7180").is_err());
    }

    #[test]
    fn the_closest_name_is_close() {
        assert_eq!(closest("listn", ["log", "listen"].into_iter()), Some("listen"));
        assert_eq!(closest("colour_of_the_sea", ["log", "listen"].into_iter()), None);
    }
}
