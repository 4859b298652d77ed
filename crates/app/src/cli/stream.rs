//! `freehold source delete-stream` and `freehold source take-in`.

use clap::Args;
use freehold_core::{Problem, ProblemCode, RunId};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::client::{Body, Client, segment};
use super::picture::shell_word;
use super::prompt::Prompt;
use super::records::origin;
use super::source::find;
use super::terminal::Terminal;

#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The source's name or id, also of one that was removed
    source: String,
    /// One of its streams, as `freehold records SOURCE` names it
    stream: String,
    /// Do not collect it any more
    #[arg(long, conflicts_with = "collect_anew")]
    leave_out: bool,
    /// Let the next run collect it anew, from the beginning
    #[arg(long)]
    collect_anew: bool,
    /// Confirm by the source's name instead of being asked
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TakeIn {
    /// The source's name or id
    source: String,
    /// The stream that is left out
    stream: String,
}

/// What is lost if a stream is deleted.
#[derive(Deserialize)]
struct Content {
    source_name: String,
    records: u64,
    earlier: u64,
    bytes: u64,
    files: u64,
    file_bytes: u64,
    shared_files: u64,
    can_be_left_out: bool,
    afterwards: String,
    current_run: Option<RunId>,
}

impl Delete {
    pub(crate) fn run(self, client: &Client, terminal: Terminal) -> Result<(), Problem> {
        let source = origin(client, &self.source)?;
        let path = format!("/sources/{}/streams/{}", source.id, segment(&self.stream));
        let content: Content = client.get(&path)?.read()?;
        if content.current_run.is_some() {
            let next = format!("Wait for its end, or `freehold cancel {}`, and repeat this.", shell_word(&source.name));
            return Err(Problem::new(ProblemCode::Conflict, "A run of this source is under way.", next));
        }
        let is_told = self.leave_out || self.collect_anew || !content.can_be_left_out;
        let prompt = if is_told && self.confirm.is_some() {
            None
        } else {
            Some(Prompt::open("Confirm with --confirm NAME, and say --leave-out or --collect-anew.")?)
        };
        if let Some(prompt) = &prompt {
            prompt.say(&content.lost())?;
        }
        let leave_out = match &prompt {
            Some(prompt) if !is_told => {
                let ways = ["Leave it out of what is collected".to_owned(), "Collect it anew with the next run".to_owned()];
                prompt.choose("And from then on?", &ways)? == 0
            }
            _ => self.leave_out,
        };
        let confirm_name = match (self.confirm, &prompt) {
            (Some(name), _) => name,
            (None, Some(prompt)) => {
                if !leave_out {
                    prompt.say(&content.afterwards)?;
                }
                prompt.line(&format!("Type \"{}\" to delete {}", content.source_name, self.stream))?
            }
            (None, None) => String::new(),
        };
        #[derive(Serialize)]
        struct Deletion {
            confirm_name: String,
            leave_out: bool,
        }
        client.send(Method::DELETE, &path, &Body::json(&Deletion { confirm_name, leave_out })?)?;
        let then = if leave_out { "It is left out of what is collected." } else { &content.afterwards };
        terminal.done(format!("The stream {} of \"{}\" is deleted. {then}", self.stream, source.name))
    }
}

impl Content {
    /// What goes, in sentences.
    fn lost(&self) -> String {
        let Content { records, earlier, bytes, files, file_bytes, shared_files, .. } = self;
        let mut text = format!("{records} records and {earlier} earlier values ({bytes} bytes) are deleted for good");
        if *files > 0 {
            text.push_str(&format!(", and {files} files ({file_bytes} bytes)"));
        }
        text.push('.');
        if *shared_files > 0 {
            text.push_str(&format!(" {shared_files} files stay: other records have them, too."));
        }
        text.push_str(" Backups made before keep all of it.");
        text
    }
}

impl TakeIn {
    pub(crate) fn run(self, client: &Client, terminal: Terminal) -> Result<(), Problem> {
        let source = find(client, &self.source)?;
        let path = format!("/sources/{}/streams/{}/take-in", source.id, segment(&self.stream));
        client.send(Method::POST, &path, &Body::empty())?;
        terminal.done(format!("The next run of \"{}\" collects {} from the beginning.", source.name, self.stream))
    }
}
