//! Watching a run to its end, and answering what it asks on the way.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use freehold_core::run::{Outcome, RunState};
use freehold_core::{InteractionId, Problem, RunId};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::client::Client;
use super::picture::{Interaction, Moment, Progress, RunPicture, Source, shell_word};
use super::prompt::Prompt;
use super::terminal::Terminal;
use super::{Context, answer, time};

/// The server says when something changed; this is only for the moments it cannot.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Exit codes of a run that was watched to its end; other codes are problems of the command itself.
pub(crate) const NEEDS_OWNER: u8 = 20;
/// It failed.
pub(crate) const FAILED: u8 = 21;
/// It was cancelled, or cut off.
pub(crate) const CANCELLED: u8 = 22;
/// The person stopped watching: what a shell gives for Ctrl-C.
const DETACHED: u8 = 130;

/// Watches `run`, and the run that an answer given here starts, until nothing goes on by itself.
pub(crate) fn follow(context: &Context, client: &Client, run: RunId) -> Result<ExitCode, Problem> {
    let terminal = context.terminal;
    let mut run = run;
    let mut shown = None;
    loop {
        let Some(stopped) = client.block_on(watch(client, terminal, run, shown))? else {
            terminal.line("")?;
            let source: RunPicture = client.get(&format!("/runs/{run}"))?.read()?;
            let name = shell_word(&source.source_name);
            terminal.line(format!("You stopped watching; the run goes on. `freehold run {name}` watches it again, `freehold cancel {name}` ends it."))?;
            return Ok(ExitCode::from(DETACHED));
        };
        let source: Source = client.get(&format!("/sources/{}", stopped.source))?.read()?;
        if stopped.outcome.is_some() && !matches!(stopped.outcome, Some(Outcome::NeedsOwner { .. })) {
            return finish(terminal, &stopped, &source);
        }
        let asked: Option<Interaction> =
            source.interaction.map(|id| client.get(&format!("/interactions/{id}"))?.read()).transpose()?;
        let Some(asked) = asked else { return finish(terminal, &stopped, &source) };
        let in_browser = asked.is_in_browser() && stopped.outcome.is_none();
        if in_browser {
            terminal.line(asked.where_to(&context.config.console_address()))?;
        }
        if !std::io::stdout().is_terminal() {
            return finish(terminal, &stopped, &source);
        }
        if in_browser {
            // It goes on by what the person does there.
            shown = Some(asked.id);
            continue;
        }
        let prompt = Prompt::open("Answer with `freehold answer`.")?;
        if !answer::ask(client, &prompt, &asked)? {
            return finish(terminal, &stopped, &source);
        }
        let source: Source = client.get(&format!("/sources/{}", stopped.source))?.read()?;
        match source.current_run {
            Some(next) => run = next,
            None => return finish(terminal, &stopped, &source),
        }
    }
}

/// The run once it has ended or waits for the owner with another question than the one shown; none if the person pressed Ctrl-C first.
async fn watch(
    client: &Client,
    terminal: Terminal,
    run: RunId,
    shown: Option<InteractionId>,
) -> Result<Option<RunPicture>, Problem> {
    let mut events = client.events().await?;
    let mut seen = 0;
    loop {
        // The run before its timeline: once it has ended, the timeline read after that is whole.
        let picture: RunPicture = client.get_waiting(&format!("/runs/{run}")).await?.read()?;
        let moments: Vec<Moment> = client.get_waiting(&format!("/runs/{run}/timeline?after={seen}")).await?.read()?;
        if !moments.is_empty() {
            terminal.transient("")?;
        }
        for moment in moments {
            terminal.line(format!("{}  {}", time::time_of_day(moment.at), moment.sentence))?;
            seen = moment.seq;
        }
        let asks = matches!(picture.run_state, RunState::WaitingForOwner { interaction, .. } if Some(interaction) != shown);
        if picture.outcome.is_some() || asks {
            terminal.transient("")?;
            return Ok(Some(picture));
        }
        if let Some(progress) = &picture.progress {
            terminal.transient(&format!("{} ({})", progress_words(progress), picture.counted()))?;
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(None),
            () = change(&mut events) => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// Returns when the server says that something changed; never, once it has nothing more to say.
async fn change(events: &mut Incoming) {
    match events.frame().await {
        Some(Ok(_)) => {}
        Some(Err(_)) | None => std::future::pending().await,
    }
}

fn progress_words(progress: &Progress) -> String {
    match (progress.count, progress.total) {
        (Some(count), Some(total)) => format!("{}: {count} of {total}", progress.message),
        (Some(count), None) => format!("{}: {count}", progress.message),
        (None, _) => progress.message.clone(),
    }
}

fn finish(terminal: Terminal, run: &RunPicture, source: &Source) -> Result<ExitCode, Problem> {
    terminal.line(&run.sentence)?;
    if let Some(detail) = &run.detail {
        terminal.line(format!("  {detail}"))?;
    }
    if run.counts.rejected > 0 {
        terminal.line(format!("`freehold runs {} --rejected` shows what was rejected and why.", run.id))?;
    }
    if let Some(receipt) = run.receipt {
        terminal.line(format!("What was wiped: `freehold receipt {receipt}`."))?;
    }
    if run.outcome == Some(Outcome::Succeeded) {
        terminal.line(format!("Read them with `freehold records {}`.", shell_word(&source.name)))?;
    } else if let Some(command) = source.next_command() {
        terminal.line(format!("Next: `{command}`"))?;
    }
    Ok(exit_code(run.outcome.as_ref()))
}

fn exit_code(outcome: Option<&Outcome>) -> ExitCode {
    match outcome {
        Some(Outcome::Succeeded) => ExitCode::SUCCESS,
        Some(Outcome::Failed { .. }) => ExitCode::from(FAILED),
        Some(Outcome::Cancelled { .. } | Outcome::Interrupted) => ExitCode::from(CANCELLED),
        Some(Outcome::NeedsOwner { .. }) | None => ExitCode::from(NEEDS_OWNER),
    }
}
