//! `freehold tls`: how the console is served, and Freehold's own CA.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use freehold_core::{Problem, ProblemCode, Timestamp};
use serde::Deserialize;

use super::terminal::{Cell, Terminal, Tone};
use super::{Context, time};

#[derive(Args, Debug)]
pub(crate) struct Tls {
    /// Write the CA's certificate to this new file, for your devices to install
    #[arg(long, value_name = "PATH")]
    save_ca: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Served {
    sentence: String,
    addresses: Vec<String>,
    trusted_proxies: Vec<String>,
    certificate: Option<Certificate>,
    authority: Option<Authority>,
}

#[derive(Deserialize)]
struct Certificate {
    hosts: Vec<String>,
    until: Timestamp,
    state: State,
    fingerprint: String,
}

#[derive(Deserialize)]
struct Authority {
    name: String,
    #[serde(flatten)]
    certificate: Certificate,
    pem: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Valid,
    EndsSoon,
    Over,
}

impl Tls {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let terminal = context.terminal;
        let reply = context.client()?.get("/tls")?;
        let served: Served = reply.read()?;
        if let Some(path) = &self.save_ca {
            let authority = served.authority.as_ref().ok_or_else(|| {
                Problem::new(
                    ProblemCode::Conflict,
                    "This console has no CA of Freehold's own.",
                    "Set `local_ca = true` under [tls] in the configuration, and restart the server.",
                )
            })?;
            write(path, &authority.pem)?;
        }
        if terminal.json {
            return terminal.raw(reply.json());
        }
        show(terminal, &served)?;
        match (&self.save_ca, &served.authority) {
            (Some(path), _) => terminal.line(format!("The CA's certificate is in {}.", path.display())),
            (None, Some(_)) => terminal.line(
                "Install the CA on each device: the console's Settings, Certificate, says how. --save-ca writes it to a file.",
            ),
            (None, None) => Ok(()),
        }
    }
}

fn show(terminal: Terminal, served: &Served) -> Result<(), Problem> {
    let mut fields = vec![("Served", Cell::new(&served.sentence))];
    fields.extend(list("Addresses", &served.addresses));
    fields.extend(list("Trusted proxies", &served.trusted_proxies));
    if let Some(it) = &served.certificate {
        fields.extend(certificate("Certificate", it, ""));
    }
    if let Some(ca) = &served.authority {
        fields.extend(certificate("CA", &ca.certificate, &ca.name));
    }
    terminal.fields(&fields)
}

/// Its fields; the first has `title`.
fn certificate(title: &'static str, it: &Certificate, name: &str) -> Vec<(&'static str, Cell)> {
    let (word, tone) = match it.state {
        State::Valid => ("valid", Tone::Good),
        State::EndsSoon => ("ends soon", Tone::Attention),
        State::Over => ("over", Tone::Bad),
    };
    let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
    let mut fields = vec![(title, Cell::new(format!("{name}{word}, until {}", time::local(it.until))).tone(tone))];
    fields.extend(list("  for", &it.hosts));
    fields.push(("  SHA-256", Cell::new(&it.fingerprint)));
    fields
}

/// A line for each, the first with its title.
fn list<'a>(title: &'static str, items: &'a [String]) -> impl Iterator<Item = (&'static str, Cell)> + 'a {
    items.iter().enumerate().map(move |(index, item)| (if index == 0 { title } else { "" }, Cell::new(item)))
}

fn write(path: &Path, pem: &str) -> Result<(), Problem> {
    let written =
        OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| file.write_all(pem.as_bytes()));
    written.map_err(|error| {
        Problem::new(
            ProblemCode::StorageFailed,
            format!("The CA's certificate could not be written: {error}."),
            "Name a file that is not there yet, in a directory of yours.",
        )
        .at(path.display().to_string())
    })
}
