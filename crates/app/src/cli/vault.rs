//! `freehold vault`.

use clap::{Args, Subcommand};
use freehold_core::status::VaultState;
use freehold_core::{Problem, Timestamp};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, Outgoing, Reply};
use super::prompt::Prompt;
use super::terminal::{Cell, Terminal, Tone};
use super::{Context, passphrase, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Its state and the keys that open it
    Status,
    /// Open it with the key file, or with the recovery key
    Unlock(Unlock),
    /// Lock it: runs that need a secret wait until it is open again
    Lock,
}

#[derive(Args, Debug)]
pub(crate) struct Unlock {
    /// Ask for the recovery key instead of using the key file
    #[arg(long)]
    recovery_key: bool,
    /// Read the recovery key from this file's first line
    #[arg(long, value_name = "PATH", conflicts_with = "recovery_key")]
    recovery_key_file: Option<std::path::PathBuf>,
}

#[derive(Deserialize)]
struct Vault {
    state: VaultState,
    sentence: String,
    slots: Vec<Slot>,
    key_file: String,
}

#[derive(Deserialize)]
struct Slot {
    kind: String,
    confirmed: bool,
    created_at: Timestamp,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let reply = match self {
            Command::Status => client.get("/vault")?,
            Command::Lock => client.send(Method::POST, "/vault/lock", &Body::empty())?,
            Command::Unlock(unlock) => client.send(Method::POST, "/vault/unlock", &unlock.body()?)?,
        };
        show(context.terminal, &reply)
    }
}

impl Unlock {
    fn body(&self) -> Result<Body, Problem> {
        #[derive(Serialize)]
        struct Key {
            recovery_key: Outgoing,
        }
        let key = match &self.recovery_key_file {
            Some(file) => passphrase::from_file(file)?,
            None if self.recovery_key => Prompt::open("Give it with --recovery-key-file.")?.secret("Recovery key")?,
            None => return Ok(Body::empty()),
        };
        Body::json(&Key { recovery_key: Outgoing(key) })
    }
}

fn show(terminal: Terminal, reply: &Reply) -> Result<(), Problem> {
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let vault: Vault = reply.read()?;
    let tone = match vault.state {
        VaultState::Unlocked => Tone::Good,
        VaultState::Locked | VaultState::Uninitialised => Tone::Attention,
        VaultState::WrongKey | VaultState::Corrupt | VaultState::KeyMissing => Tone::Bad,
    };
    terminal.fields(&[
        ("Vault", Cell::new(vault.state.as_str().replace('_', " ")).tone(tone)),
        ("", Cell::new(&vault.sentence)),
        ("Key file", Cell::new(&vault.key_file)),
    ])?;
    if vault.slots.is_empty() {
        return Ok(());
    }
    terminal.line("")?;
    let row = |slot: &Slot| {
        let confirmed = match (slot.kind.as_str(), slot.confirmed) {
            ("recovery_key", true) => Cell::new("you typed a part of it back"),
            ("recovery_key", false) => Cell::new("not confirmed yet").tone(Tone::Attention),
            _ => Cell::new(""),
        };
        vec![Cell::new(slot.kind.replace('_', " ")), Cell::new(time::local(slot.created_at)), confirmed]
    };
    terminal.table(&["Key", "Since", ""], vault.slots.iter().map(row).collect())
}
