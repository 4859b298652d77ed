//! `freehold vault`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use freehold_core::status::VaultState;
use freehold_core::{Problem, SecretBytes, Timestamp};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, Client, Outgoing, Reply};
use super::owner::{Paper, RecoveryKey};
use super::prompt::Prompt;
use super::terminal::{Cell, Terminal, Tone};
use super::{Context, passphrase, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Its state and the keys that open it
    Status,
    /// Open it with the key file, with its passphrase or with the recovery key
    Unlock(Unlock),
    /// Lock it: runs that need a secret wait until it is open again
    Lock,
    /// Give it a passphrase, or another one; not the one you sign in with
    SetPassphrase(NewPassphrase),
    /// Take its passphrase away
    RemovePassphrase,
    /// Make a key file, with which it opens by itself when the server starts
    AddKeyFile,
    /// Take the key file away: it then starts locked, and nothing that needs it is collected until you unlock it
    RemoveKeyFile,
    /// Make a new recovery key in the place of the old one
    RenewRecoveryKey(NewRecoveryKey),
}

#[derive(Args, Debug)]
pub(crate) struct Unlock {
    /// Ask for the recovery key instead of using the key file
    #[arg(long)]
    recovery_key: bool,
    /// Read the recovery key from this file's first line
    #[arg(long, value_name = "PATH", conflicts_with = "recovery_key")]
    recovery_key_file: Option<PathBuf>,
    /// Ask for the vault's passphrase instead of using the key file
    #[arg(long, conflicts_with_all = ["recovery_key", "recovery_key_file"])]
    vault_passphrase: bool,
    /// Read the vault's passphrase from this file's first line
    #[arg(long, value_name = "PATH", conflicts_with_all = ["recovery_key", "recovery_key_file", "vault_passphrase"])]
    vault_passphrase_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct NewPassphrase {
    /// Read the vault's new passphrase from this file's first line instead of asking
    #[arg(long, value_name = "PATH")]
    vault_passphrase_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct NewRecoveryKey {
    /// Write the recovery key to this new file instead of showing it and asking for a part of it
    #[arg(long, value_name = "PATH")]
    recovery_key_file: Option<PathBuf>,
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
            Command::SetPassphrase(new) => client.send(Method::PUT, "/vault/passphrase", &new.body()?)?,
            Command::RemovePassphrase => client.send(Method::DELETE, "/vault/passphrase", &Body::empty())?,
            Command::AddKeyFile => client.send(Method::POST, "/vault/key-file", &Body::empty())?,
            Command::RemoveKeyFile => client.send(Method::DELETE, "/vault/key-file", &Body::empty())?,
            Command::RenewRecoveryKey(new) => new.renew(context, &client)?,
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
        let key = match (&self.recovery_key_file, &self.vault_passphrase_file) {
            (Some(file), _) => passphrase::from_file(file)?,
            (None, Some(file)) => return vault_passphrase(passphrase::from_file(file)?),
            (None, None) if self.recovery_key => {
                Prompt::open("Give it with --recovery-key-file.")?.secret("Recovery key")?
            }
            (None, None) if self.vault_passphrase => {
                let prompt = Prompt::open("Give it with --vault-passphrase-file.")?;
                return vault_passphrase(prompt.secret("The vault's passphrase")?);
            }
            (None, None) => return Ok(Body::empty()),
        };
        Body::json(&Key { recovery_key: Outgoing(key) })
    }
}

impl NewPassphrase {
    fn body(&self) -> Result<Body, Problem> {
        vault_passphrase(match &self.vault_passphrase_file {
            Some(file) => passphrase::from_file(file)?,
            None => {
                let prompt = Prompt::open("Name a file that holds it with --vault-passphrase-file.")?;
                passphrase::typed_twice(&prompt, "The vault's new passphrase")?
            }
        })
    }
}

fn vault_passphrase(passphrase: SecretBytes) -> Result<Body, Problem> {
    #[derive(Serialize)]
    struct Passphrase {
        vault_passphrase: Outgoing,
    }
    Body::json(&Passphrase { vault_passphrase: Outgoing(passphrase) })
}

impl NewRecoveryKey {
    fn renew(&self, context: &Context, client: &Client) -> Result<Reply, Problem> {
        #[derive(Serialize)]
        struct Typed {
            groups: Vec<Outgoing>,
        }
        let paper = Paper::prepare(self.recovery_key_file.as_deref())?;
        let key: RecoveryKey = match client.send(Method::POST, "/vault/recovery-key", &Body::empty()).and_then(|r| r.read())
        {
            Ok(key) => key,
            Err(problem) => {
                paper.discard();
                return Err(problem);
            }
        };
        let typed = Typed { groups: paper.write_down(&key)?.into_iter().map(Outgoing).collect() };
        let reply = client.send(Method::POST, "/vault/recovery-key/confirm", &Body::json(&typed)?)?;
        if let (Some(path), false) = (&self.recovery_key_file, context.terminal.json) {
            context.terminal.line(format!("The new recovery key is in {}: move it off this machine.", path.display()))?;
        }
        Ok(reply)
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
    ])?;
    if vault.slots.iter().any(|slot| slot.kind == "key_file") {
        terminal.fields(&[("Key file", Cell::new(&vault.key_file))])?;
    }
    if vault.slots.is_empty() {
        return Ok(());
    }
    terminal.line("")?;
    let row = |slot: &Slot| {
        let confirmed = match (slot.kind.as_str(), slot.confirmed) {
            ("recovery_key", true) => Cell::new("you typed a part of it back"),
            ("recovery_key", false) => Cell::new("not confirmed yet").tone(Tone::Attention),
            ("key_file", _) => Cell::new("opens it when the server starts"),
            ("passphrase", _) => Cell::new("you type it after the server was started"),
            _ => Cell::new(""),
        };
        vec![Cell::new(slot.kind.replace('_', " ")), Cell::new(time::local(slot.created_at)), confirmed]
    };
    terminal.table(&["Key", "Since", ""], vault.slots.iter().map(row).collect())
}
