//! `freehold credential`: sign-in details go in, and never come out.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use freehold_core::{Problem, ProblemCode, SecretKind};
use hyper::Method;
use serde::Serialize;

use super::client::{Body, Client};
use super::form::{self, Secrets};
use super::picture::{Connector, Source};
use super::prompt::Prompt;
use super::secret_input::SecretInput;
use super::source::find;
use super::terminal::Cell;
use super::{Context, follow, receipts, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Save sign-in details, where there are none of their kind
    Save(Give),
    /// Replace sign-in details; the old ones stay until the new ones are verified
    Replace(Give),
    /// Forget all of a source's sign-in details; its records stay
    Forget(Forget),
    /// What is known of them, never the secret
    Show(Which),
    /// Try saved details once more, after an attempt that was cut off
    TryAgain(Which),
    /// None of its recovery codes was used since the backup that was restored: they may be used again
    TrustCodes(Which),
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The source's name or id
    source: String,
}

#[derive(Args, Debug)]
pub(crate) struct Give {
    #[command(flatten)]
    which: Which,
    /// The kind, where the connector takes several: username_password, app_password, token, otp_seed, recovery_codes, cookies, oauth_tokens
    #[arg(long, value_parser = kind)]
    kind: Option<SecretKind>,
    #[command(flatten)]
    secrets: SecretInput,
    /// Agree to the connector's words on keeping and using them
    #[arg(long)]
    agree: bool,
    /// Do not watch the run that verifies them
    #[arg(long)]
    no_wait: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Forget {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        let client = context.client()?;
        match self {
            Command::Save(give) => give.run(context, &client, false),
            Command::Replace(give) => give.run(context, &client, true),
            Command::Forget(forget) => forget.run(context, &client).map(|()| ExitCode::SUCCESS),
            Command::Show(which) => show(context, &client, &which).map(|()| ExitCode::SUCCESS),
            Command::TrustCodes(which) => {
                let source = find(&client, &which.source)?;
                client.send(Method::POST, &format!("/sources/{}/credential/trust-codes", source.id), &Body::empty())?;
                context.terminal.done("They are used again.").map(|()| ExitCode::SUCCESS)
            }
            Command::TryAgain(which) => {
                let source = find(&client, &which.source)?;
                client.send(Method::POST, &format!("/sources/{}/credential/try-again", source.id), &Body::empty())?;
                watch_next(context, &client, &source, "They will be tried once more.", false)
            }
        }
    }
}

/// The owner's yes to the words kept with the secret, or the way to give it.
pub(crate) fn agree(agreed: bool, words: &str, prompt: Option<&Prompt>) -> Result<(), Problem> {
    let yes = match prompt {
        _ if agreed => true,
        Some(prompt) => prompt.confirm(words)?,
        None => false,
    };
    if yes {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::BadInput,
        "Nothing was saved: sign-in details are kept only with your agreement.",
        format!("The words are: \"{words}\" Agree with --agree."),
    ))
}

/// The body of `PUT /sources/{id}/credential`.
#[derive(Serialize)]
struct Details {
    kind: SecretKind,
    fields: Secrets,
    consent: bool,
}

impl Give {
    fn run(self, context: &Context, client: &Client, replaces: bool) -> Result<ExitCode, Problem> {
        let source = find(client, &self.which.source)?;
        let connector: Connector = client.get(&format!("/connectors/{}", source.connector))?.read()?;
        let capture = match self.kind {
            Some(kind) => connector.captures.iter().find(|capture| capture.kind == kind),
            None => connector.captures.first(),
        };
        let Some(capture) = capture else {
            let kinds: Vec<&str> = connector.captures.iter().map(|capture| capture.kind.as_str()).collect();
            let next =
                if kinds.is_empty() { "It needs none.".to_owned() } else { format!("It takes: {}.", kinds.join(", ")) };
            return Err(Problem::new(ProblemCode::BadInput, "The connector does not take such sign-in details.", next));
        };
        let is_there =
            source.credentials.iter().any(|credential| credential.kind == capture.kind && credential.version.is_some());
        if is_there && !replaces {
            return Err(Problem::new(
                ProblemCode::Conflict,
                format!("\"{}\" has these sign-in details already.", source.name),
                "To give new ones, use `freehold credential replace`.",
            ));
        }
        let instead = "Give them with --secret-file or --secret-stdin, and agree with --agree.";
        let secrets = form::details(capture, &self.secrets, instead)?;
        let prompt = if self.agree || self.secrets.is_named() { None } else { Some(Prompt::open(instead)?) };
        agree(self.agree, &capture.consent, prompt.as_ref())?;
        let body = Body::json(&Details { kind: capture.kind, fields: secrets, consent: true })?;
        let reply = client.send(Method::PUT, &format!("/sources/{}/credential", source.id), &body)?;
        if context.terminal.json {
            return context.terminal.raw(reply.json()).map(|()| ExitCode::SUCCESS);
        }
        let said =
            if is_there { "Saved. The old ones stay until these are verified." } else { "Saved, and not verified yet." };
        watch_next(context, client, &source, said, self.no_wait)
    }
}

impl Forget {
    fn run(self, context: &Context, client: &Client) -> Result<(), Problem> {
        let source = find(client, &self.which.source)?;
        if !self.yes {
            let prompt = Prompt::open("Confirm with --yes.")?;
            if !prompt.confirm(&format!("Forget all sign-in details of \"{}\"? Its records stay.", source.name))? {
                return context.terminal.done("Nothing was changed.");
            }
        }
        let before = receipts::newest(client, source.id)?;
        client.send(Method::DELETE, &format!("/sources/{}/credential", source.id), &Body::empty())?;
        context.terminal.done("Forgotten.")?;
        receipts::tell_new(client, context.terminal, source.id, before)
    }
}

fn show(context: &Context, client: &Client, which: &Which) -> Result<(), Problem> {
    let source = find(client, &which.source)?;
    if context.terminal.json {
        let whole: serde_json::Value = client.get(&format!("/sources/{}", source.id))?.read()?;
        return context.terminal.raw(whole["credentials"].to_string().as_bytes());
    }
    if source.credentials.is_empty() {
        return context.terminal.line("Nothing is saved for this source.");
    }
    for credential in &source.credentials {
        context.terminal.fields(&[
            ("Kind", Cell::new(credential.kind.label())),
            ("State", credential.state_cell()),
            ("Version", Cell::new(credential.version.map(|version| version.to_string()).unwrap_or_default())),
            ("Saved", Cell::new(credential.saved_at.map(time::local).unwrap_or_default())),
            ("Last used", Cell::new(time::local_or_never(credential.last_used_at))),
            ("Possibly used", Cell::new(credential.in_doubt())),
            ("You agreed to", Cell::new(credential.consent.as_deref().unwrap_or_default())),
        ])?;
    }
    Ok(())
}

fn watch_next(context: &Context, client: &Client, source: &Source, said: &str, no_wait: bool) -> Result<ExitCode, Problem> {
    if !context.terminal.json {
        context.terminal.line(said)?;
    }
    let source: Source = client.get(&format!("/sources/{}", source.id))?.read()?;
    match source.current_run {
        Some(run) if !no_wait && !context.terminal.json => follow::follow(context, client, run),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn kind(text: &str) -> Result<SecretKind, String> {
    SecretKind::parse(text).ok_or_else(|| {
        let known: Vec<&str> = SecretKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("use one of {}", known.join(", "))
    })
}
