//! Sending, within a time limit.

use std::time::Duration;

use freehold_core::SecretBytes;

use crate::{Channel, Delivered, Failure, Message, email, ntfy};

/// For everything: looking up the name, connecting, signing in, and the server's answer.
const LIMIT: Duration = Duration::from_secs(20);

/// Sends a message, and waits for the server to take it over, for at most twenty seconds. `secret` is the channel's token or
/// password, if it has one.
///
/// Blocks; call it from a thread of its own.
pub fn send(channel: &Channel, secret: Option<&SecretBytes>, message: &Message) -> Result<Delivered, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::passing(format!("A sending could not be started: {error}."), "Check the limits of the server's user.")
    })?;
    let outcome = runtime.block_on(async {
        let sending = async {
            match channel {
                Channel::Ntfy(ntfy) => ntfy::send(ntfy, secret, message).await,
                Channel::Email(email) => email::send(email, secret, message).await,
            }
        };
        tokio::time::timeout(LIMIT, sending).await
    });
    // Looking up a name cannot be called off: it is left behind.
    runtime.shutdown_background();
    let outcome = outcome.unwrap_or_else(|_| {
        Err(Failure::passing("The server did not answer in time.", "Check its name and port, and whether it is up."))
    });
    outcome.map_err(|failure| without(secret, failure))
}

/// A server may repeat what it was given; a secret stays out of what is shown and kept.
fn without(secret: Option<&SecretBytes>, mut failure: Failure) -> Failure {
    if let (Some(answer), Some(secret)) = (&mut failure.answer, secret.map(text).filter(|secret| !secret.is_empty()))
        && answer.contains(secret)
    {
        *answer = answer.replace(secret, "…");
    }
    failure
}

/// The secret on its way to the server.
#[expect(clippy::disallowed_methods, reason = "R12: a channel's secret leaves here, for the channel's server")]
pub(crate) fn text(secret: &SecretBytes) -> &str {
    std::str::from_utf8(secret.expose()).unwrap_or_default()
}
