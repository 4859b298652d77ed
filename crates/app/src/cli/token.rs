//! `freehold token`.

use clap::{Args, Subcommand};
use freehold_core::id::TokenId;
use freehold_core::{Problem, Timestamp};
use freehold_engine::Permission;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, segment};
use super::terminal::{Cell, note};
use super::{Context, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make a token, printed this once
    Create(Create),
    /// The tokens there are
    List,
    /// End one
    Revoke(Revoke),
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Your name for it
    name: String,
    /// What it may do: read, run, answer, configure, export; may be given several times
    #[arg(long = "scope", required = true, value_parser = scope)]
    scopes: Vec<Permission>,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// The token's id
    id: String,
}

#[derive(Deserialize)]
struct Token {
    id: TokenId,
    name: String,
    scopes: Vec<Permission>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        match self {
            Command::Create(create) => {
                #[derive(Serialize)]
                struct New {
                    name: String,
                    scopes: Vec<Permission>,
                }
                #[derive(Deserialize)]
                struct Made {
                    token: String,
                }
                let body = Body::json(&New { name: create.name, scopes: create.scopes })?;
                let reply = client.send(Method::POST, "/tokens", &body)?;
                if context.terminal.json {
                    return context.terminal.raw(reply.json());
                }
                note("The token is shown this once:\n");
                context.terminal.line(reply.read::<Made>()?.token)
            }
            Command::List => {
                let reply = client.get("/tokens")?;
                if context.terminal.json {
                    return context.terminal.raw(reply.json());
                }
                list(context, &reply.read::<Vec<Token>>()?)
            }
            Command::Revoke(revoke) => {
                client.send(Method::DELETE, &format!("/tokens/{}", segment(&revoke.id)), &Body::empty())?;
                context.terminal.done("It no longer opens anything.")
            }
        }
    }
}

fn list(context: &Context, tokens: &[Token]) -> Result<(), Problem> {
    if tokens.is_empty() {
        return context.terminal.line("There are no tokens.");
    }
    let row = |token: &Token| {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        vec![
            Cell::new(&token.name),
            Cell::new(scopes.join(", ")),
            Cell::new(time::local(token.created_at)),
            Cell::new(time::local_or_never(token.last_used_at)),
            Cell::new(token.id.to_string()),
        ]
    };
    context.terminal.table(&["Token", "May", "Since", "Last used", "Id"], tokens.iter().map(row).collect())
}

fn scope(text: &str) -> Result<Permission, String> {
    Permission::parse_scope(text).ok_or_else(|| "use read, run, answer, configure or export".to_owned())
}
