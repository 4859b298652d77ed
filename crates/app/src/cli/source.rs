//! `freehold source`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use freehold_core::{CredentialMode, Problem, ProblemCode, SecretKind};
use hyper::Method;
use serde::Serialize;

use super::client::{Body, Client, segment};
use super::form::{self, Secrets};
use super::picture::{Connector, Source, shell_word};
use super::prompt::Prompt;
use super::secret_input::SecretInput;
use super::terminal::{Cell, Terminal, Tone};
use super::{Context, follow, receipts, removed, stream, time};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Connect an account through a connector; asks for what it needs
    Add(Add),
    /// All sources, with the one thing to do about each
    List(List),
    /// One source
    Show(Which),
    /// Change a source's name, settings, schedule or way to sign in
    Set(Set),
    /// Stop collecting until resumed
    Pause(Which),
    /// Collect again
    Resume(Which),
    /// End the session of the source's browser
    SignOut(Which),
    /// Of a source that keeps nothing: remove what a run left and look again whether it is gone
    Wipe(Which),
    /// Remove a source with its sign-in details
    Remove(Remove),
    /// Delete a stream of a source for good: its records and their files
    DeleteStream(stream::Delete),
    /// Collect a stream again that was left out
    TakeIn(stream::TakeIn),
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Those that were removed and whose records stayed
    #[arg(long)]
    removed: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The source's name or id
    source: String,
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The connector, as `freehold connector list` names it
    connector: String,
    /// Your name for the source
    #[arg(long)]
    name: Option<String>,
    /// A setting of the connector
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = name_and_value)]
    settings: Vec<(String, String)>,
    /// How it signs in: stored_credential, streamed_browser or ephemeral_browser
    #[arg(long, value_parser = mode)]
    mode: Option<CredentialMode>,
    /// The account you mean, as the provider shows it; if it is the one seen, nobody has to confirm it
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    secrets: SecretInput,
    /// Accept beforehand that the account cannot be verified, for a connector that shows none
    #[arg(long)]
    accept_unverified: bool,
    /// Agree to the connector's words on keeping and using the sign-in details
    #[arg(long)]
    agree: bool,
    /// Do not watch the first run
    #[arg(long)]
    no_wait: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Set {
    #[command(flatten)]
    which: Which,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// A new value of one setting; the others stay
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = name_and_value)]
    settings: Vec<(String, String)>,
    /// Another way to sign in: stored_credential, streamed_browser or ephemeral_browser. Leaving the first destroys what is saved for
    /// it; the last destroys the browser's session too
    #[arg(long, value_parser = mode)]
    mode: Option<CredentialMode>,
    /// Collect this often: 30m, 6h, 1d. Of a source that keeps nothing, you are reminded this often
    #[arg(long, value_parser = time::parse_interval, conflicts_with = "manual")]
    every: Option<u64>,
    /// Collect only when asked, and remind of nothing
    #[arg(long)]
    manual: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    #[command(flatten)]
    which: Which,
    /// Remove its records too
    #[arg(long)]
    delete_records: bool,
    /// Confirm by its name instead of being asked
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Problem> {
        let client = context.client()?;
        let terminal = context.terminal;
        match self {
            Command::Add(add) => return add.run(context, &client),
            Command::List(List { removed: true }) => removed::list(&client, terminal),
            Command::List(List { removed: false }) => list(&client, terminal),
            Command::Show(which) => {
                let source = find(&client, &which.source)?;
                show(&client, terminal, &source)
            }
            Command::Set(set) => set.run(&client, terminal),
            Command::Pause(which) => change(&client, terminal, &which, "pause", "is paused"),
            Command::Resume(which) => change(&client, terminal, &which, "resume", "is collected again"),
            Command::SignOut(which) => sign_out(&client, terminal, &which),
            Command::Wipe(which) => {
                let source = find(&client, &which.source)?;
                let reply = client.send(Method::POST, &format!("/sources/{}/wipe", source.id), &Body::empty())?;
                receipts::show(terminal, &reply)
            }
            Command::Remove(remove) => remove.run(&client, terminal),
            Command::DeleteStream(delete) => delete.run(&client, terminal),
            Command::TakeIn(take_in) => take_in.run(&client, terminal),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// The source of that id or that name.
pub(crate) fn find(client: &Client, text: &str) -> Result<Source, Problem> {
    if text.starts_with("src_") {
        return client.get(&format!("/sources/{}", segment(text)))?.read();
    }
    let sources: Vec<Source> = client.get("/sources")?.read()?;
    let known: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
    let mut named = sources.into_iter().filter(|source| source.name == text);
    match (named.next(), named.next()) {
        (Some(source), None) => Ok(source),
        (Some(one), Some(other)) => Err(Problem::new(
            ProblemCode::BadInput,
            format!("More than one source is named \"{text}\"."),
            format!("Use an id: {} or {}.", one.id, other.id),
        )),
        (None, _) => {
            let next = match crate::config::closest(text, known.iter().map(String::as_str)) {
                Some(closest) => format!("Did you mean {}?", shell_word(closest)),
                None => "`freehold source list` shows them.".to_owned(),
            };
            Err(Problem::new(ProblemCode::NotFound, format!("No source is named \"{text}\"."), next))
        }
    }
}

fn list(client: &Client, terminal: Terminal) -> Result<(), Problem> {
    let reply = client.get("/sources")?;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let sources: Vec<Source> = reply.read()?;
    if sources.is_empty() {
        return terminal.line("No sources yet. `freehold connector list` shows what can be collected; `freehold source add` connects an account.");
    }
    let row = |source: &Source| {
        vec![
            Cell::new(&source.name),
            Cell::new(&source.connector_display_name),
            source.status_cell(),
            Cell::new(source.records().to_string()),
            Cell::new(time::local_or_never(source.last_success_at)),
            Cell::new(source.next_command().or(source.waits_for()).unwrap_or_default()).tone(Tone::Quiet),
        ]
    };
    terminal
        .table(&["Source", "Connector", "Status", "Records", "Last collected", "Next"], sources.iter().map(row).collect())
}

fn show(client: &Client, terminal: Terminal, source: &Source) -> Result<(), Problem> {
    // A list of sources does not measure files.
    let reply = client.get(&format!("/sources/{}", source.id))?;
    if terminal.json {
        return terminal.raw(reply.json());
    }
    let source: Source = reply.read()?;
    let reminds = source.keeps_nothing();
    let every = |seconds: u64| format!("{}{}", if reminds { "remind me " } else { "" }, time::interval(seconds));
    let schedule = match (source.interval_seconds, source.next_due_at) {
        (Some(seconds), Some(due)) => format!("{}, next {}", every(seconds), time::local(due)),
        (Some(seconds), None) => every(seconds),
        (None, _) if reminds => "never remind me".to_owned(),
        (None, _) => "only when asked".to_owned(),
    };
    let next = source.next_command().unwrap_or_default();
    let mut fields = vec![
        ("Source", Cell::new(&source.name)),
        ("Id", Cell::new(source.id.to_string())),
        ("Connector", Cell::new(format!("{} ({})", source.connector_display_name, source.connector))),
        ("Status", source.status_cell()),
        ("", Cell::new(&source.sentence)),
        ("", Cell::new(source.detail.as_deref().unwrap_or_default())),
        ("Next", Cell::new(next)),
        ("Account", Cell::new(source.account())),
        ("Sign-in", Cell::new(mode_words(source.mode))),
        (if reminds { "Reminder" } else { "Collected" }, Cell::new(schedule)),
        ("Last time", Cell::new(time::local_or_never(source.last_success_at))),
    ];
    fields.extend(source.credentials.iter().map(|credential| (credential.kind.label(), credential.state_cell())));
    terminal.fields(&fields)?;
    for notice in &source.notices {
        terminal.line(format!("Note: {notice}"))?;
    }
    if !source.settings.is_empty() {
        terminal.line("")?;
        let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let rows = source.settings.iter().map(|(name, set)| vec![Cell::new(name), Cell::new(value(set))]);
        terminal.table(&["Setting", "Value"], rows.collect())?;
    }
    if !source.streams.is_empty() {
        terminal.line("")?;
        let rows = source.streams.iter().map(|stream| {
            let left_out = || if stream.left_out { "left out".to_owned() } else { String::new() };
            let newest = stream.newest.map_or_else(left_out, time::local);
            vec![
                Cell::new(&stream.name),
                Cell::new(&stream.label),
                Cell::new(stream.count.to_string()),
                Cell::new(stream.bytes.to_string()),
                Cell::new(stream.file_bytes.unwrap_or(0).to_string()),
                Cell::new(newest),
            ]
        });
        terminal.table(&["Stream", "What", "Records", "Bytes", "Bytes of files", "Newest"], rows.collect())?;
    }
    Ok(())
}

fn change(client: &Client, terminal: Terminal, which: &Which, verb: &str, done: &str) -> Result<(), Problem> {
    let source = find(client, &which.source)?;
    let reply = client.send(Method::POST, &format!("/sources/{}/{verb}", source.id), &Body::empty())?;
    if terminal.json { terminal.raw(reply.json()) } else { terminal.line(format!("\"{}\" {done}.", source.name)) }
}

fn sign_out(client: &Client, terminal: Terminal, which: &Which) -> Result<(), Problem> {
    let source = find(client, &which.source)?.id;
    let before = receipts::newest(client, source)?;
    change(client, terminal, which, "sign-out", "is signed out")?;
    receipts::tell_new(client, terminal, source, before)
}

/// The body of `POST /sources`.
#[derive(Serialize)]
struct NewSource<'a> {
    connector: &'a str,
    name: String,
    mode: CredentialMode,
    settings: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_account: Option<String>,
    accept_unverified: bool,
    credentials: BTreeMap<SecretKind, Secrets>,
    consent: bool,
}

impl Add {
    fn run(self, context: &Context, client: &Client) -> Result<ExitCode, Problem> {
        let connector: Connector = client.get(&format!("/connectors/{}", segment(&self.connector)))?.read()?;
        if let Some(reason) = &connector.unavailable {
            return Err(Problem::new(
                ProblemCode::ConnectorInvalid,
                reason,
                "Choose another connector: `freehold connector list`.",
            ));
        }
        let instead = "Give everything as options: see `freehold source add --help`.";
        let in_browser = self.mode.is_some_and(|mode| mode != CredentialMode::StoredCredential);
        let saves_nothing = connector.captures.is_empty() || in_browser;
        // With secrets from elsewhere or nothing to show words to, the command is a script's: it is not asked anything.
        let prompt = match Prompt::open(instead) {
            _ if self.secrets.is_named() || context.terminal.json => None,
            Ok(prompt) => Some(prompt),
            // Without sign-in details there may be nothing to ask; what is missing is named below.
            Err(_) if saves_nothing => None,
            Err(problem) => return Err(problem),
        };
        let name = self.name(&connector, prompt.as_ref())?;
        let settings = form::settings(&connector.settings, &self.settings, prompt.as_ref())?;
        let mode = self.choose_mode(&connector, prompt.as_ref())?;
        let accept_unverified = self.accepts_unverified(&connector, prompt.as_ref())?;
        let (credentials, consent) = match connector.captures.first() {
            Some(capture) if mode == CredentialMode::StoredCredential => {
                let secrets = form::details(capture, &self.secrets, instead)?;
                super::credential::agree(self.agree, &capture.consent, prompt.as_ref())?;
                (BTreeMap::from([(capture.kind, secrets)]), true)
            }
            _ => (BTreeMap::new(), false),
        };
        let body = Body::json(&NewSource {
            connector: connector.name.as_str(),
            name,
            mode,
            settings,
            expected_account: self.account.clone(),
            accept_unverified,
            credentials,
            consent,
        })?;
        let reply = client.send(Method::POST, "/sources", &body)?;
        if context.terminal.json {
            return context.terminal.raw(reply.json()).map(|()| ExitCode::SUCCESS);
        }
        let source: Source = reply.read()?;
        context.terminal.line(format!("\"{}\" is added.", source.name))?;
        match source.current_run {
            Some(run) if !self.no_wait => follow::follow(context, client, run),
            _ => Ok(ExitCode::SUCCESS),
        }
    }

    fn name(&self, connector: &Connector, prompt: Option<&Prompt>) -> Result<String, Problem> {
        match (&self.name, prompt) {
            (Some(name), _) => Ok(name.clone()),
            (None, None) => Ok(connector.display_name.clone()),
            (None, Some(prompt)) => {
                let typed = prompt.line(&format!("Your name for this source [{}]", connector.display_name))?;
                Ok(if typed.is_empty() { connector.display_name.clone() } else { typed })
            }
        }
    }

    fn choose_mode(&self, connector: &Connector, prompt: Option<&Prompt>) -> Result<CredentialMode, Problem> {
        match (self.mode, connector.modes.as_slice(), prompt) {
            (Some(mode), _, _) => Ok(mode),
            // A connector that needs no sign-in: the mode in which nothing but what is given is kept.
            (None, [], _) => Ok(CredentialMode::StoredCredential),
            (None, [only], prompt) => {
                if let Some(prompt) = prompt {
                    prompt.say(&format!("{}. {}", only.label.trim_end_matches('.'), only.trade_off))?;
                }
                Ok(only.mode)
            }
            (None, several, Some(prompt)) => {
                let options: Vec<String> =
                    several.iter().map(|mode| format!("{} ({})", mode.label, mode.trade_off)).collect();
                prompt.choose("How should Freehold sign in?", &options).map(|chosen| several[chosen].mode)
            }
            (None, several, None) => {
                let modes: Vec<&str> = several.iter().map(|mode| mode.mode.as_str()).collect();
                Err(Problem::new(
                    ProblemCode::BadInput,
                    "This connector can sign in in more than one way.",
                    format!("Choose one with --mode: {}.", modes.join(" or ")),
                ))
            }
        }
    }

    fn accepts_unverified(&self, connector: &Connector, prompt: Option<&Prompt>) -> Result<bool, Problem> {
        if connector.shows_identity || self.accept_unverified {
            return Ok(self.accept_unverified);
        }
        let accepted = match prompt {
            Some(prompt) => {
                prompt.say(
                    "This connector cannot show which account is signed in, so Freehold cannot check that it is yours.",
                )?;
                prompt.confirm("Collect all the same?")?
            }
            None => false,
        };
        if accepted {
            return Ok(true);
        }
        Err(Problem::new(
            ProblemCode::BadInput,
            "This connector cannot show which account is signed in.",
            "Accept that with --accept-unverified, or choose another connector.",
        ))
    }
}

/// The body of `PATCH /sources/{id}`.
#[derive(Serialize)]
struct SourceChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<CredentialMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_seconds: Option<Option<u64>>,
}

impl Set {
    fn run(self, client: &Client, terminal: Terminal) -> Result<(), Problem> {
        let is_nothing = self.name.is_none() && self.settings.is_empty() && self.mode.is_none();
        if is_nothing && self.every.is_none() && !self.manual {
            return Err(Problem::new(
                ProblemCode::BadInput,
                "Nothing to change was named.",
                "Use --name, --setting, --mode, --every or --manual.",
            ));
        }
        let source = find(client, &self.which.source)?;
        let settings = (!self.settings.is_empty()).then(|| {
            let mut all = source.settings.clone();
            all.extend(self.settings.into_iter().map(|(name, value)| (name, value.into())));
            all
        });
        let interval_seconds = if self.manual { Some(None) } else { self.every.map(Some) };
        let before = receipts::newest(client, source.id)?;
        let body = Body::json(&SourceChange { name: self.name, settings, mode: self.mode, interval_seconds })?;
        let reply = client.send(Method::PATCH, &format!("/sources/{}", source.id), &body)?;
        if terminal.json {
            return terminal.raw(reply.json());
        }
        let changed: Source = reply.read()?;
        if source.has_details() && !changed.has_details() {
            terminal.line("Its sign-in details were sealed for another address, and are gone: give them again.")?;
            terminal.line("")?;
        }
        show(client, terminal, &changed)?;
        receipts::tell_new(client, terminal, source.id, before)
    }
}

impl Remove {
    fn run(self, client: &Client, terminal: Terminal) -> Result<(), Problem> {
        let source = match find(client, &self.which.source) {
            Err(problem) if problem.code == ProblemCode::NotFound => {
                return match removed::find(client, &self.which.source)? {
                    Some(removed) => removed::delete(client, terminal, &removed, self.delete_records, self.confirm),
                    None => Err(problem),
                };
            }
            found => found?,
        };
        let confirm_name = match self.confirm {
            Some(name) => name,
            None => {
                let prompt = Prompt::open("Confirm with --confirm NAME.")?;
                let fate = if self.delete_records {
                    format!("and its {} records go too", source.records())
                } else {
                    "its records stay".to_owned()
                };
                prompt.say(&format!("Its sign-in details are destroyed, {fate}."))?;
                prompt.line(&format!("Type \"{}\" to remove it", source.name))?
            }
        };
        #[derive(Serialize)]
        struct Removal {
            confirm_name: String,
            delete_records: bool,
        }
        let body = Body::json(&Removal { confirm_name, delete_records: self.delete_records })?;
        let before = receipts::newest(client, source.id)?;
        client.send(Method::DELETE, &format!("/sources/{}", source.id), &body)?;
        terminal.done(format!("\"{}\" is removed.", source.name))?;
        receipts::tell_new(client, terminal, source.id, before)
    }
}

fn mode_words(mode: CredentialMode) -> &'static str {
    match mode {
        CredentialMode::StoredCredential => "with saved sign-in details",
        CredentialMode::StreamedBrowser => "in the secure browser; nothing typed is saved",
        CredentialMode::EphemeralBrowser => "anew for each run, of which everything is wiped afterwards",
    }
}

fn mode(text: &str) -> Result<CredentialMode, String> {
    CredentialMode::parse(text).ok_or_else(|| "use stored_credential, streamed_browser or ephemeral_browser".to_owned())
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
