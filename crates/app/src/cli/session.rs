//! `freehold session`: the browsers that are signed in to the console.

use clap::{Args, Subcommand};
use freehold_core::id::SessionId;
use freehold_core::{Problem, Timestamp};
use hyper::Method;
use serde::Deserialize;

use super::client::{Body, segment};
use super::terminal::Cell;
use super::{Context, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// The browsers that are signed in
    List,
    /// Sign one of them out, or all
    SignOut(SignOut),
}

#[derive(Args, Debug)]
pub(crate) struct SignOut {
    /// The session's id
    #[arg(required_unless_present = "all")]
    id: Option<String>,
    /// All of them
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

#[derive(Deserialize)]
struct Session {
    id: SessionId,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    browser: String,
    address: Option<String>,
}

#[derive(Deserialize)]
struct SignedOut {
    signed_out: usize,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        match self {
            Command::List => {
                let reply = client.get("/sessions")?;
                if context.terminal.json {
                    return context.terminal.raw(reply.json());
                }
                list(context, &reply.read::<Vec<Session>>()?)
            }
            Command::SignOut(SignOut { id: Some(id), .. }) => {
                client.send(Method::DELETE, &format!("/sessions/{}", segment(&id)), &Body::empty())?;
                context.terminal.done("That browser is signed out.")
            }
            Command::SignOut(SignOut { id: None, .. }) => {
                let reply = client.send(Method::POST, "/sessions/sign-out-others", &Body::empty())?;
                if context.terminal.json {
                    return context.terminal.raw(reply.json());
                }
                context.terminal.line(match reply.read::<SignedOut>()?.signed_out {
                    0 => "No browser was signed in.".to_owned(),
                    1 => "The one browser that was signed in is signed out.".to_owned(),
                    number => format!("All {number} browsers are signed out."),
                })
            }
        }
    }
}

fn list(context: &Context, sessions: &[Session]) -> Result<(), Problem> {
    if sessions.is_empty() {
        return context.terminal.line("No browser is signed in.");
    }
    let row = |session: &Session| {
        vec![
            Cell::new(session.id.to_string()),
            Cell::new(time::local(session.created_at)),
            Cell::new(time::local(session.last_seen_at)),
            Cell::new(session.address.as_deref().unwrap_or("not known")),
            Cell::new(&session.browser),
        ]
    };
    context.terminal.table(&["Id", "Since", "Last seen", "From", "Browser"], sessions.iter().map(row).collect())
}
