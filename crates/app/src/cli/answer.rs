//! `freehold answer`.

use std::process::ExitCode;

use clap::Args;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::{Problem, ProblemCode};
use hyper::Method;
use serde::Serialize;

use super::client::{Body, Client, segment};
use super::form::{self, Secrets};
use super::picture::{Interaction, Source};
use super::prompt::Prompt;
use super::secret_input::SecretInput;
use super::terminal::Cell;
use super::{Context, follow, time};

#[derive(Args, Debug)]
pub(crate) struct Answer {
    /// The question's id; without it, the open questions are listed
    id: Option<String>,
    /// Yes: this is my account, or I have done what was asked
    #[arg(long, requires = "id", conflicts_with = "no")]
    yes: bool,
    /// No: this is not my account (the sign-in details that led to it are forgotten), or I do not want to
    #[arg(long, requires = "id")]
    no: bool,
    #[command(flatten)]
    secrets: SecretInput,
    /// Do not watch the run that goes on
    #[arg(long)]
    no_wait: bool,
}

/// The body of `POST /interactions/{id}/answer`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Given {
    Fields(Secrets),
    Yes(bool),
    No(bool),
}

impl Answer {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        let client = context.client()?;
        let Some(id) = &self.id else { return list(context, &client).map(|()| ExitCode::SUCCESS) };
        let asked: Interaction = client.get(&format!("/interactions/{}", segment(id)))?.read()?;
        if asked.interaction_state != InteractionState::Open {
            let what = format!("This question is no longer open: it was {}.", asked.interaction_state.as_str());
            return Err(Problem::new(ProblemCode::NoLongerNeeded, what, "`freehold answer` lists the open ones."));
        }
        let given = match (self.yes, self.no) {
            (true, _) => Some(Given::Yes(true)),
            (_, true) => Some(Given::No(true)),
            _ if self.secrets.is_named() => match &asked.form {
                Some(form) => Some(Given::Fields(form::secrets(form, self.secrets.read(None)?, "")?)),
                None => {
                    return Err(Problem::new(
                        ProblemCode::BadInput,
                        "This question takes no fields.",
                        "Answer with --yes or --no.",
                    ));
                }
            },
            _ => None,
        };
        let answered = match given {
            Some(given) => {
                let reply = send(&client, &asked, &given)?;
                if context.terminal.json {
                    return context.terminal.raw(reply.json()).map(|()| ExitCode::SUCCESS);
                }
                context.terminal.line("Answered.")?;
                true
            }
            None if asked.is_in_browser() => {
                context.terminal.line(asked.where_to(&context.config.console_address()))?;
                true
            }
            None => ask(&client, &Prompt::open("Answer with --yes, --no, --secret-file or --secret-stdin.")?, &asked)?,
        };
        let sources: Vec<Source> = client.get("/sources")?.read()?;
        let run = sources.iter().filter(|source| source.name == asked.source_name).find_map(|source| source.current_run);
        match run {
            Some(run) if answered && !self.no_wait => follow::follow(context, &client, run),
            _ => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Asks the person, and sends the answer. False if the person leaves it open.
pub(crate) fn ask(client: &Client, prompt: &Prompt, asked: &Interaction) -> Result<bool, Problem> {
    prompt.say("")?;
    prompt.say(&format!("\"{}\" has a question, from {}.", asked.source_name, asked.asked_by))?;
    if !asked.message.is_empty() {
        prompt.say(&asked.message)?;
    }
    let given = match (&asked.form, asked.kind) {
        (Some(form), _) => Given::Fields(form::secrets(form, None, "")?),
        (None, kind) => {
            if let Some(expected) = &asked.expected {
                prompt.say(&format!("  Expected: {expected}"))?;
            }
            if let Some(seen) = &asked.seen {
                prompt.say(&format!("  Seen:     {}", seen.display))?;
            }
            let (yes, no) = match kind {
                InteractionKind::Identity => {
                    ("Yes, this is my account", "No, it is not: forget the sign-in details that led to it")
                }
                InteractionKind::WiderHosts => ("Allow it", "Do not allow it"),
                _ => ("I have done it", "I do not want to"),
            };
            match prompt.choose("Your answer:", &[yes.to_owned(), no.to_owned(), "Decide later".to_owned()])? {
                0 => Given::Yes(true),
                1 => Given::No(true),
                _ => return Ok(false),
            }
        }
    };
    send(client, asked, &given).map(|_| true)
}

fn send(client: &Client, asked: &Interaction, given: &Given) -> Result<super::client::Reply, Problem> {
    client.send(Method::POST, &format!("/interactions/{}/answer", asked.id), &Body::json(given)?)
}

fn list(context: &Context, client: &Client) -> Result<(), Problem> {
    let reply = client.get("/interactions")?;
    if context.terminal.json {
        return context.terminal.raw(reply.json());
    }
    let open: Vec<Interaction> = reply.read()?;
    if open.is_empty() {
        return context.terminal.line("Nothing is asked of you.");
    }
    let row = |asked: &Interaction| {
        vec![
            Cell::new(time::local(asked.asked_at)),
            Cell::new(&asked.source_name),
            Cell::new(&asked.message),
            Cell::new(format!("freehold answer {}", asked.id)),
        ]
    };
    context.terminal.table(&["Asked", "Source", "Question", "Next"], open.iter().map(row).collect())
}
