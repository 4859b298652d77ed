//! `freehold restore`: without a server, where there is no data yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use freehold_core::{Problem, SystemClock};
use freehold_engine::{KeyFile, RestoreKey, Restored};
use freehold_vault::OsRng;

use super::prompt::Prompt;
use super::{Context, passphrase, time};

#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    key: Key,
}

/// What opens a backup.
#[derive(Args, Debug)]
pub(crate) struct Key {
    /// Read the recovery key from this file's first line instead of asking
    #[arg(long, value_name = "PATH")]
    recovery_key_file: Option<PathBuf>,
    /// Read the passphrase the vault had from this file's first line instead of asking
    #[arg(long, value_name = "PATH", conflicts_with = "recovery_key_file")]
    vault_passphrase_file: Option<PathBuf>,
}

impl Key {
    /// The key for this backup: from a file, or from the person at the terminal.
    pub(crate) fn read(&self, backup: &Path) -> Result<RestoreKey, Problem> {
        let asks = freehold_engine::what_opens(backup)?;
        match (&self.recovery_key_file, &self.vault_passphrase_file) {
            (Some(file), _) => passphrase::from_file(file).map(RestoreKey::RecoveryKey),
            (None, Some(file)) => passphrase::from_file(file).map(RestoreKey::Passphrase),
            (None, None) => {
                let prompt = Prompt::open("Name a file with --recovery-key-file or --vault-passphrase-file.")?;
                prompt.say(&format!("This backup is of {}.", time::local(asks.made_at)))?;
                let keys = ["The recovery key".to_owned(), "The vault's passphrase".to_owned()];
                if asks.passphrase && prompt.choose("What do you open it with?", &keys)? == 1 {
                    return prompt.secret("The vault's passphrase").map(RestoreKey::Passphrase);
                }
                prompt.secret("Recovery key").map(RestoreKey::RecoveryKey)
            }
        }
    }
}

impl Restore {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let key = self.key.read(&self.file)?;
        let config = crate::serve::engine_config(&context.config)?;
        let tell = &mut |done: u64, all: u64| {
            // What cannot be shown is no reason to stop.
            let _ = context.terminal.transient(&format!("Restoring: {} %", done.saturating_mul(100) / all.max(1)));
        };
        let found = freehold_engine::restore(&config, &self.file, &key, Arc::new(SystemClock), &OsRng, tell)?;
        context.terminal.transient("")?;
        if context.terminal.json {
            return context.terminal.raw(&described(&found));
        }
        say(context, &found)
    }
}

fn say(context: &Context, found: &Restored) -> Result<(), Problem> {
    let terminal = &context.terminal;
    let into = context.config.data_dir.display();
    terminal.line(format!("Everything of {} is in {into}.", time::local(found.made_at)))?;
    let key_file = context.config.key_file.display();
    match found.key_file {
        Some(KeyFile::Made) => terminal.line(format!("A new key file was made: {key_file}. It is in no backup."))?,
        Some(KeyFile::Used) => terminal.line(format!("The key file that was there opens the vault: {key_file}."))?,
        Some(KeyFile::None) => terminal.line("The vault starts locked: `freehold vault unlock`.")?,
        None => {}
    }
    if found.damaged > 0 {
        terminal.line(format!("{} files of records were damaged when the backup was made.", found.damaged))?;
    }
    if found.codes_in_doubt > 0 {
        terminal.line(
            "Saved recovery codes may have been used since, and none is used until you say otherwise: `freehold credential trust-codes`.",
        )?;
    }
    if found.unwiped > 0 {
        terminal.line(format!(
            "{} runs that were to keep nothing had not been wiped: what they left is on the machine they ran on.",
            found.unwiped
        ))?;
    }
    if !found.connectors.is_empty() {
        let named = |connector: &freehold_engine::NotedConnector| format!("{} {}", connector.name, connector.version);
        let names: Vec<String> = found.connectors.iter().map(named).collect();
        terminal
            .line(format!("Its sources need these connectors, which are installed, not restored: {}.", names.join(", ")))?;
    }
    terminal.line(
        "The configuration file is not in a backup. Start with `freehold serve`, and sign in with the passphrase of then.",
    )
}

/// The same for programs.
pub(crate) fn described(found: &Restored) -> Vec<u8> {
    let key_file = found.key_file.map(|key_file| match key_file {
        KeyFile::Made => "made",
        KeyFile::Used => "used",
        KeyFile::None => "none",
    });
    let value = serde_json::json!({
        "made_at": found.made_at,
        "freehold": found.freehold,
        "sources": found.sources,
        "files": found.files,
        "damaged": found.damaged,
        "connectors": found.connectors,
        "key_file": key_file,
        "codes_in_doubt": found.codes_in_doubt,
        "unwiped": found.unwiped,
    });
    serde_json::to_vec(&value).unwrap_or_default()
}
