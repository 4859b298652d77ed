//! `freehold notify`: how you are reached when Freehold needs you.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use freehold_core::id::ChannelId;
use freehold_core::{Problem, ProblemCode, Timestamp};
use freehold_engine::{ChannelKind, QuietHours};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, Client, segment};
use super::form::{self, Secrets};
use super::picture::Form;
use super::secret_input::SecretInput;
use super::terminal::{Cell, Tone};
use super::{Context, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Your channels, quiet hours, what needs you, and what was sent
    Status,
    /// Be reached by another channel: ntfy or email
    Add(Add),
    /// Give a channel other settings; a blank token or password stays as it is, for the same server alone
    Replace(Replace),
    /// Remove a channel, and the token or password sealed for it
    Remove(Which),
    /// Send a test, and see what the server answers
    Test(Which),
    /// Hours of the day in which nothing is sent
    Quiet(Quiet),
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The channel's id
    id: String,
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// ntfy or email
    #[arg(value_parser = kind)]
    kind: ChannelKind,
    #[command(flatten)]
    fields: SecretInput,
}

#[derive(Args, Debug)]
pub(crate) struct Replace {
    /// The channel's id
    id: String,
    #[command(flatten)]
    fields: SecretInput,
}

#[derive(Args, Debug)]
pub(crate) struct Quiet {
    /// When they begin, as in 22:00
    #[arg(required_unless_present = "off", requires = "end")]
    start: Option<String>,
    /// When they end, as in 07:00
    end: Option<String>,
    /// Their time zone, as in Europe/Berlin; the server's if left out
    #[arg(long, default_value = "")]
    zone: String,
    /// Have none
    #[arg(long, conflicts_with_all = ["start", "end", "zone"])]
    off: bool,
}

#[derive(Deserialize)]
struct Notifications {
    address: String,
    address_is_local: bool,
    channels: Vec<Channel>,
    kinds: Vec<Kind>,
    quiet: Option<QuietHours>,
    needs: Vec<Need>,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Channel {
    id: ChannelId,
    kind: ChannelKind,
    label: String,
    blocked: Option<String>,
    last: Option<Delivery>,
}

#[derive(Deserialize)]
struct Kind {
    kind: ChannelKind,
    form: Form,
}

#[derive(Deserialize)]
struct Need {
    title: String,
    sentence: String,
    path: String,
    arose_at: Timestamp,
    message: String,
    message_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Message {
    title: String,
    body: String,
    made_at: Timestamp,
    deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    label: String,
    state: String,
    sentence: String,
    note: Option<String>,
}

/// What came of a test.
#[derive(Deserialize)]
struct Test {
    sent: bool,
    sentence: String,
    next: String,
    answer: Option<String>,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        let client = context.client()?;
        let done = match self {
            Command::Status => status(context, &client),
            Command::Add(add) => save(context, &client, Method::POST, "/notifications/channels", add.kind, &add.fields),
            Command::Replace(replace) => {
                let facts: Notifications = client.get("/notifications")?.read()?;
                let found = facts.channels.into_iter().find(|channel| channel.id.to_string() == replace.id);
                let channel = found.ok_or_else(|| {
                    Problem::new(ProblemCode::NotFound, "There is no such channel.", "See `freehold notify status`.")
                })?;
                let path = format!("/notifications/channels/{}", channel.id);
                save(context, &client, Method::PUT, &path, channel.kind, &replace.fields)
            }
            Command::Remove(which) => {
                let path = format!("/notifications/channels/{}", segment(&which.id));
                client.send(Method::DELETE, &path, &Body::empty())?;
                context.terminal.done("You are no longer reached that way.")
            }
            Command::Test(which) => return test(context, &client, &which),
            Command::Quiet(quiet) => quiet.run(context, &client),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

impl Quiet {
    fn run(self, context: &Context, client: &Client) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Hours {
            start: String,
            end: String,
            zone: String,
        }
        let path = "/notifications/quiet-hours";
        let (Some(start), Some(end)) = (self.start, self.end) else {
            client.send(Method::DELETE, path, &Body::empty())?;
            return context.terminal.done("There are no quiet hours any more.");
        };
        let zone = if self.zone.is_empty() { String::new() } else { format!(", {}", self.zone) };
        let said = format!("Nothing is sent from {start} to {end}{zone}.");
        client.send(Method::PUT, path, &Body::json(&Hours { start, end, zone: self.zone })?)?;
        context.terminal.done(said)
    }
}

fn save(
    context: &Context,
    client: &Client,
    method: Method,
    path: &str,
    kind: ChannelKind,
    input: &SecretInput,
) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Settings {
        kind: ChannelKind,
        fields: Secrets,
    }
    let facts: Notifications = client.get("/notifications")?.read()?;
    let of = facts.kinds.into_iter().find(|of| of.kind == kind);
    let form = of.map(|of| of.form).ok_or_else(|| {
        Problem::new(ProblemCode::Internal, "The server does not know this kind.", "Use the same version of Freehold.")
    })?;
    let fields = form::secrets(&form, input.read(None)?, "Give the settings with --secret-file or --secret-stdin.")?;
    let reply = client.send(method, path, &Body::json(&Settings { kind, fields })?)?;
    if context.terminal.json {
        return context.terminal.raw(reply.json());
    }
    let channel: Channel = reply.read()?;
    context.terminal.line(format!("You are reached by {}: {}.", channel.kind.in_sentence(), channel.label))?;
    context.terminal.line(format!("Try it: freehold notify test {}", channel.id))
}

fn test(context: &Context, client: &Client, which: &Which) -> Result<ExitCode, Problem> {
    let path = format!("/notifications/channels/{}/test", segment(&which.id));
    let reply = client.send(Method::POST, &path, &Body::empty())?;
    let test: Test = reply.read()?;
    if context.terminal.json {
        context.terminal.raw(reply.json())?;
    } else {
        context.terminal.line(format!("{} {}", test.sentence, test.next).trim())?;
        if let Some(answer) = &test.answer {
            context.terminal.line(format!("The server said: {answer}"))?;
        }
    }
    Ok(if test.sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn status(context: &Context, client: &Client) -> Result<(), Problem> {
    let reply = client.get("/notifications")?;
    let terminal = context.terminal;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let facts: Notifications = reply.read()?;
    if facts.channels.is_empty() {
        return terminal.line("You are reached nowhere yet. Add a channel: freehold notify add ntfy");
    }
    let state = |delivery: &Delivery| {
        let tone = match delivery.state.as_str() {
            "sent" => Tone::Good,
            "failed" => Tone::Bad,
            "waiting" | "unknown" => Tone::Attention,
            _ => Tone::Quiet,
        };
        Cell::new(&delivery.sentence).tone(tone)
    };
    let channel = |channel: &Channel| {
        let now = match (&channel.blocked, &channel.last) {
            (Some(why), _) => Cell::new(why).tone(Tone::Attention),
            (None, Some(last)) => state(last),
            (None, None) => Cell::new("Nothing sent yet").tone(Tone::Quiet),
        };
        vec![Cell::new(channel.kind.as_str()), Cell::new(channel.id.to_string()), Cell::new(&channel.label), now]
    };
    terminal.table(&["Channel", "Id", "Reaches", "Last"], facts.channels.iter().map(channel).collect())?;
    terminal.line("")?;
    let quiet = facts.quiet.map_or("none".to_owned(), |quiet| format!("{} to {}, {}", quiet.start, quiet.end, quiet.zone));
    let local = if facts.address_is_local { ", which only this machine can open" } else { "" };
    terminal.fields(&[
        ("Quiet hours", Cell::new(quiet)),
        ("Messages link to", Cell::new(format!("{}{local}", facts.address))),
    ])?;
    if !facts.needs.is_empty() {
        terminal.line("")?;
        let need = |need: &Need| {
            let what = format!("{}: {}", need.title, need.sentence);
            let message =
                need.message_at.map_or_else(|| need.message.clone(), |at| format!("{} {}", need.message, time::local(at)));
            vec![Cell::new(what), Cell::new(time::local(need.arose_at)), Cell::new(message), Cell::new(&need.path)]
        };
        terminal.table(&["Needs you", "Since", "Message", "Page"], facts.needs.iter().map(need).collect())?;
    }
    if facts.messages.is_empty() {
        return Ok(());
    }
    terminal.line("")?;
    let sent = |message: &Message| {
        message
            .deliveries
            .iter()
            .map(|delivery| {
                let what = format!("{}: {}", message.title, message.body);
                let by = delivery
                    .note
                    .as_ref()
                    .map_or_else(|| delivery.label.clone(), |note| format!("{}; {note}", delivery.label));
                vec![Cell::new(what), Cell::new(time::local(message.made_at)), state(delivery), Cell::new(by)]
            })
            .collect::<Vec<_>>()
    };
    terminal.table(&["Sent", "When", "State", "By"], facts.messages.iter().flat_map(sent).collect())
}

fn kind(text: &str) -> Result<ChannelKind, String> {
    ChannelKind::parse(text).ok_or_else(|| "use ntfy or email".to_owned())
}
