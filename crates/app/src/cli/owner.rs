//! `freehold init` and `freehold owner reset`: with the running server, or without one.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use freehold_core::{Problem, ProblemCode, SecretBytes};
use freehold_engine::NewOwner;
use freehold_engine::view::SetupStage;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, Outgoing};
use super::door::Door;
use super::prompt::Prompt;
use super::{Context, passphrase};

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// The setup code a running server printed, on this file's first line; it is asked for otherwise
    #[arg(long, value_name = "PATH")]
    setup_code_file: Option<PathBuf>,
    /// Write the recovery key to this new file instead of showing it and asking for a part of it
    #[arg(long, value_name = "PATH")]
    recovery_key_file: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Set a new passphrase with the recovery key; ends every session
    Reset(Reset),
    /// Change your passphrase; ends every session
    Passphrase(NewPassphrase),
}

#[derive(Args, Debug)]
pub(crate) struct NewPassphrase {
    /// Read the new passphrase from this file's first line instead of asking
    #[arg(long, value_name = "PATH")]
    new_passphrase_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Reset {
    /// Read the recovery key from this file's first line instead of asking
    #[arg(long, value_name = "PATH")]
    recovery_key_file: Option<PathBuf>,
}

/// A new recovery key, and which groups of it (from 1) are to be typed back.
#[derive(Deserialize)]
pub(crate) struct RecoveryKey {
    recovery_key: String,
    groups: Vec<usize>,
}

/// Where a recovery key is written down: a new file, or the paper of whoever sits at the terminal.
pub(crate) enum Paper<'a> {
    File(std::fs::File, &'a Path),
    Person(Prompt),
}

impl<'a> Paper<'a> {
    /// Before anything is made: a key that cannot be written down afterwards would be lost.
    pub(crate) fn prepare(file: Option<&'a Path>) -> Result<Self, Problem> {
        match file {
            Some(path) => Ok(Self::File(create_private(path)?, path)),
            None => Prompt::open("Name a new file for the recovery key with --recovery-key-file.").map(Self::Person),
        }
    }

    /// An empty file would stand in the way of the next try.
    pub(crate) fn discard(self) {
        if let Self::File(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Writes it down; returns the groups that show it.
    pub(crate) fn write_down(self, key: &RecoveryKey) -> Result<Vec<SecretBytes>, Problem> {
        match self {
            Self::Person(prompt) => type_back(&prompt, key),
            Self::File(mut file, path) => {
                writeln!(file, "{}", key.recovery_key)
                    .and_then(|()| file.sync_all())
                    .map_err(|error| not_written(path, &error))?;
                Ok(groups_of(key))
            }
        }
    }
}

impl Init {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let door = Door::open(context)?;
        match door.stage()? {
            SetupStage::Done => {
                return Err(Problem::new(
                    ProblemCode::AlreadySetUp,
                    "Freehold is set up already.",
                    "A forgotten passphrase is replaced by `freehold owner reset`, with the recovery key.",
                ));
            }
            SetupStage::RecoveryKey if matches!(door, Door::Server(_)) => {
                return Err(Problem::new(
                    ProblemCode::Conflict,
                    "The owner is made, and the recovery key is not confirmed yet.",
                    "Finish in the console, or stop the server and run `freehold init` again for a new recovery key.",
                ));
            }
            SetupStage::RecoveryKey | SetupStage::Owner => {}
        }
        let paper = Paper::prepare(self.recovery_key_file.as_deref())?;
        let key = match door.make_owner(context, self.setup_code_file.as_deref()) {
            Ok(key) => key,
            Err(problem) => {
                paper.discard();
                return Err(problem);
            }
        };
        let typed = paper.write_down(&key)?;
        door.confirm(typed)?;
        if context.terminal.json {
            return context.terminal.done("");
        }
        context.terminal.line("Freehold is set up.")?;
        if let Some(path) = &self.recovery_key_file {
            context.terminal.line(format!(
                "The recovery key is in {}: move it off this machine, to paper if you can.",
                path.display()
            ))?;
        }
        let next = match door {
            Door::Server(_) => format!("Open {} or run `freehold source add`.", context.config.console_address()),
            Door::Data(_) => "Start the server with `freehold serve`.".to_owned(),
        };
        context.terminal.line(next)
    }
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        match self {
            Command::Reset(reset) => reset.run(context),
            Command::Passphrase(new) => new.run(context),
        }
    }
}

impl NewPassphrase {
    fn run(self, context: &Context) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Changed {
            passphrase: Outgoing,
            new_passphrase: Outgoing,
        }
        let client = context.client()?;
        let old = context.passphrase().old_one()?;
        let new = match &self.new_passphrase_file {
            Some(file) => passphrase::from_file(file)?,
            None => {
                let prompt = Prompt::open("Name a file that holds it with --new-passphrase-file.")?;
                passphrase::typed_twice(&prompt, "New passphrase")?
            }
        };
        let body = Body::json(&Changed { passphrase: Outgoing(old), new_passphrase: Outgoing(new) })?;
        client.send(Method::POST, "/owner/passphrase", &body)?;
        context.terminal.done("The new passphrase holds, and every session has ended.")
    }
}

impl Reset {
    fn run(self, context: &Context) -> Result<(), Problem> {
        let door = Door::open(context)?;
        let recovery_key = match &self.recovery_key_file {
            Some(file) => passphrase::from_file(file)?,
            None => Prompt::open("Name a file with --recovery-key-file.")?.secret("Recovery key")?,
        };
        let passphrase = context.passphrase().new_one()?;
        match door {
            Door::Data(engine) => engine.reset_passphrase(&recovery_key, &passphrase)?,
            Door::Server(client) => {
                #[derive(Serialize)]
                struct New {
                    recovery_key: Outgoing,
                    passphrase: Outgoing,
                }
                let body = Body::json(&New { recovery_key: Outgoing(recovery_key), passphrase: Outgoing(passphrase) })?;
                client.send(Method::POST, "/setup/reset-passphrase", &body)?;
            }
        }
        context.terminal.done("The new passphrase holds, and every session has ended.")
    }
}

impl Door {
    fn stage(&self) -> Result<SetupStage, Problem> {
        #[derive(Deserialize)]
        struct Setup {
            stage: String,
        }
        match self {
            Door::Data(engine) => engine.setup_stage(),
            Door::Server(client) => Ok(match client.get("/setup")?.read::<Setup>()?.stage.as_str() {
                "owner" => SetupStage::Owner,
                "recovery_key" => SetupStage::RecoveryKey,
                _ => SetupStage::Done,
            }),
        }
    }

    fn make_owner(&self, context: &Context, setup_code_file: Option<&Path>) -> Result<RecoveryKey, Problem> {
        match self {
            Door::Data(engine) => {
                let shown = match engine.setup_stage()? {
                    SetupStage::RecoveryKey => engine.renew_recovery_key()?,
                    SetupStage::Owner | SetupStage::Done => {
                        let code = engine.setup_code().map(|code| code.reveal().to_owned()).unwrap_or_default();
                        engine.create_owner(NewOwner {
                            setup_code: code.into(),
                            passphrase: context.passphrase().new_one()?,
                        })?
                    }
                };
                Ok(RecoveryKey { recovery_key: shown.reveal().to_owned(), groups: engine.recovery_challenge()? })
            }
            Door::Server(client) => {
                #[derive(Serialize)]
                struct Owner {
                    setup_code: Outgoing,
                    passphrase: Outgoing,
                }
                let code = match setup_code_file {
                    Some(file) => passphrase::from_file(file)?,
                    None => Prompt::open("Name a file that holds the server's setup code with --setup-code-file.")?
                        .line("Setup code, as the server printed it")?
                        .into(),
                };
                let owner = Owner { setup_code: Outgoing(code), passphrase: Outgoing(context.passphrase().new_one()?) };
                client.send(Method::POST, "/setup/owner", &Body::json(&owner)?)?.read()
            }
        }
    }

    fn confirm(&self, groups: Vec<SecretBytes>) -> Result<(), Problem> {
        match self {
            Door::Data(engine) => engine.confirm_recovery_key(&groups),
            Door::Server(client) => {
                #[derive(Serialize)]
                struct Typed {
                    groups: Vec<Outgoing>,
                }
                let body = Body::json(&Typed { groups: groups.into_iter().map(Outgoing).collect() })?;
                client.send(Method::POST, "/setup/recovery-key", &body).map(|_| ())
            }
        }
    }
}

/// Shows the key, and asks for the groups until they are right.
fn type_back(prompt: &Prompt, key: &RecoveryKey) -> Result<Vec<SecretBytes>, Problem> {
    prompt.say("")?;
    prompt.say("This is your recovery key. It opens the vault if the key file is lost, and sets a new passphrase.")?;
    prompt.say("Write it down on paper; it is not shown again.")?;
    prompt.say("")?;
    prompt.say(&format!("    {}", key.recovery_key))?;
    prompt.say("")?;
    let groups: Vec<&str> = key.recovery_key.split('-').collect();
    let mut typed = Vec::new();
    for number in &key.groups {
        loop {
            let group = prompt.line(&format!("Type group {number} from your paper"))?;
            match groups.get(number - 1) {
                Some(right) if !group.eq_ignore_ascii_case(right) => prompt.say("That is not it.")?,
                _ => break typed.push(SecretBytes::from(group)),
            }
        }
    }
    Ok(typed)
}

fn groups_of(key: &RecoveryKey) -> Vec<SecretBytes> {
    let groups: Vec<&str> = key.recovery_key.split('-').collect();
    key.groups
        .iter()
        .filter_map(|number| groups.get(number - 1))
        .map(|group| SecretBytes::from((*group).to_owned()))
        .collect()
}

fn create_private(path: &Path) -> Result<std::fs::File, Problem> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Problem {
    let why = match error.kind() {
        std::io::ErrorKind::AlreadyExists => "there is a file of that name already".to_owned(),
        _ => error.to_string(),
    };
    Problem::new(
        ProblemCode::BadInput,
        format!("The recovery key cannot be written there: {why}."),
        "Name a new file in a directory you may write to.",
    )
    .at(path.display().to_string())
}
