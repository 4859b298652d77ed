//! The connector for mailboxes that are reached by IMAP (RFC 3501). What it collects and how is told in its README.

mod collect;
mod connection;
mod cursor;
mod failure;
mod mailbox_name;
mod message;
mod session;
mod settings;
mod transport;

use std::process::ExitCode;

use freehold_sdk::{Context, Error};

use failure::Failure;
use session::Session;
use settings::Settings;

/// Runs the connector on this process's standard input and output.
#[must_use]
pub fn main() -> ExitCode {
    // What a parser panics with may quote the owner's mail, so only the place is told.
    std::panic::set_hook(Box::new(|panic| report_place(panic.location())));
    freehold_sdk::run(|context| Ok(collect_mailbox(context)?))
}

fn collect_mailbox(context: &mut Context<'_>) -> Result<(), Failure> {
    let settings = Settings::read(variable)?;
    // The password is asked for only once there is a safe connection to use it on.
    let mut session = Session::connect(&settings.server)?;
    sign_in(context, &mut session, &settings.server.host)?;
    collect::collect(context, &settings, &mut session)?;
    session.sign_out();
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a connector's diagnostics go to standard error")]
fn report_place(place: Option<&std::panic::Location<'_>>) {
    if let Some(place) = place {
        eprintln!("a message could not be read: {place}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the password goes to the mail server, which is what it was given for")]
fn sign_in(context: &mut Context<'_>, session: &mut Session, host: &str) -> Result<(), Failure> {
    session.expect_sign_in()?;
    let answer = context.credentials(&format!("Sign in to {host}"), &["username", "password"])?;
    let (Some(username), Some(password)) = (answer.get("username"), answer.get("password")) else {
        return Err(Error::new("incomplete_answer", "the answer has no username or no password").into());
    };
    let username = String::from_utf8_lossy(username.expose()).trim().to_owned();
    session.sign_in(&username, password.expose())?;
    context.identity(&account(&username, host), &username)?;
    Ok(())
}

/// What tells this account from any other: the address it signs in with, or a bare user name with its server.
fn account(username: &str, host: &str) -> String {
    let own = if username.contains('@') { username.to_owned() } else { format!("{username}@{host}") };
    own.to_lowercase()
}

#[expect(clippy::disallowed_methods, reason = "the manifest's own variables are how settings reach this process")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
