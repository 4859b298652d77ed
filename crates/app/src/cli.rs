//! The command line: a client of the server's API, but for what has to work without a server.

mod answer;
mod audit;
mod backup;
mod client;
mod connector;
mod contract;
mod credential;
mod door;
mod follow;
mod form;
mod notify;
mod owner;
mod passphrase;
mod picture;
mod prompt;
mod prove;
mod receipts;
mod records;
mod removed;
mod restore;
mod runs;
mod search;
mod secret_input;
mod session;
mod sign_in_trace;
mod source;
mod stream;
mod terminal;
mod time;
mod tls;
mod token;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use freehold_core::Problem;

use crate::config::{Config, Environment};
use client::Client;
use passphrase::Passphrase;
pub(crate) use terminal::{Cell, Terminal, Tone, note, report};

/// The heading of what every command takes.
const EVERYWHERE: &str = "With every command";

/// Collects your own data from the accounts you use, and keeps it on a machine you own.
#[derive(Parser, Debug)]
#[command(name = "freehold", version, disable_help_subcommand = true, after_help = environment_help())]
pub(crate) struct Cli {
    /// Read this configuration file
    #[arg(long, global = true, value_name = "PATH", help_heading = EVERYWHERE)]
    config: Option<PathBuf>,
    /// Print the API's own JSON; a problem too, on standard error
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
    /// Read your passphrase from this file's first line instead of asking
    #[arg(long, global = true, value_name = "PATH", help_heading = EVERYWHERE)]
    passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server
    #[command(after_help = crate::config::FILE_HELP)]
    Serve,
    /// First start on a machine without a screen: your passphrase and the recovery key
    Init(owner::Init),
    /// The owner's passphrase
    #[command(subcommand)]
    Owner(owner::Command),
    /// Your sources: accounts connected through a connector
    #[command(subcommand)]
    Source(source::Command),
    /// A source's sign-in details; they can be given and forgotten, never shown
    #[command(subcommand)]
    Credential(credential::Command),
    /// Collect a source now, and watch
    Run(runs::Run),
    /// Cancel the run under way of a source
    Cancel(runs::Cancel),
    /// Past runs, or one run's timeline
    Runs(runs::Runs),
    /// What was wiped, forgotten or removed
    Receipts(receipts::Receipts),
    /// One receipt: what there was, what was looked at afterwards, and what is left
    Receipt(receipts::Receipt),
    /// Questions Freehold has for you, and their answers
    Answer(answer::Answer),
    /// Read what was collected
    Records(records::Records),
    /// Search everything collected
    Search(search::Search),
    /// Connectors: what can be collected, and tools for their authors
    #[command(subcommand)]
    Connector(connector::Command),
    /// How you are reached when Freehold needs you
    #[command(subcommand)]
    Notify(notify::Command),
    /// The browsers that are signed in to the console
    #[command(subcommand)]
    Session(session::Command),
    /// The vault that holds sign-in details
    #[command(subcommand)]
    Vault(vault::Command),
    /// Everything in one sealed file, now and by the clock
    #[command(subcommand)]
    Backup(backup::Command),
    /// Restore a backup, on a machine that has no data
    Restore(restore::Restore),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// API tokens for other programs
    #[command(subcommand)]
    Token(token::Command),
    /// How the console is served, its certificate, and Freehold's own CA
    Tls(tls::Tls),
    /// Check this machine and this configuration
    Doctor,
}

/// What every command gets.
pub(crate) struct Context {
    /// This deployment.
    pub(crate) config: Config,
    /// Where answers are written.
    pub(crate) terminal: Terminal,
    passphrase_file: Option<PathBuf>,
}

impl Context {
    /// The running server.
    fn client(&self) -> Result<Client, Problem> {
        Client::connect(&self.config, self.passphrase())
    }

    fn passphrase(&self) -> Passphrase {
        Passphrase::new(self.passphrase_file.clone())
    }
}

impl Cli {
    /// Whether answers and problems are wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Does what was asked.
    pub(crate) fn run(self, environment: &Environment) -> Result<ExitCode, Problem> {
        let config = Config::load(environment, self.config.as_deref())?;
        let terminal = Terminal::new(self.json, config.colour);
        let context = Context { config, terminal, passphrase_file: self.passphrase_file };
        let done = match self.command {
            Command::Serve => crate::serve::serve(context.config),
            Command::Doctor => return crate::doctor::doctor(&context),
            Command::Run(run) => return run.run(&context),
            Command::Init(init) => init.run(&context),
            Command::Owner(command) => command.run(&context),
            Command::Source(command) => return command.run(&context),
            Command::Credential(command) => return command.run(&context),
            Command::Cancel(cancel) => cancel.run(&context),
            Command::Runs(runs) => runs.run(&context),
            Command::Receipts(receipts) => receipts.run(&context),
            Command::Receipt(receipt) => receipt.run(&context),
            Command::Answer(answer) => return answer.run(&context),
            Command::Records(records) => records.run(&context),
            Command::Search(search) => search.run(&context),
            Command::Connector(command) => return command.run(&context),
            Command::Notify(command) => return command.run(&context),
            Command::Session(command) => command.run(&context),
            Command::Vault(command) => command.run(&context),
            Command::Backup(command) => command.run(&context),
            Command::Restore(restore) => restore.run(&context),
            Command::Audit(command) => return command.run(&context),
            Command::Token(command) => command.run(&context),
            Command::Tls(tls) => tls.run(&context),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

fn environment_help() -> String {
    let settings = crate::config::environment::SETTINGS.map(|(name, what)| format!("  {name:<22} {what}\n")).concat();
    format!("Environment (the only variables that are read; sign-in details never come from here):\n{settings}")
}
