//! `freehold search`.

use clap::Args;
use freehold_core::{Problem, Timestamp};
use serde::Deserialize;

use super::client::segment;
use super::picture::shell_word;
use super::source::find;
use super::terminal::{Cell, Tone};
use super::{Context, removed, time};

#[derive(Args, Debug)]
pub(crate) struct Search {
    /// Words that all have to be there; "several words" stand next to each other; after `--`, -one must not be there
    #[arg(required = true)]
    words: Vec<String>,
    /// In this source alone, by name or id, also one that was removed
    #[arg(long)]
    source: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Continue after a page, from the line it ended with
    #[arg(long, value_name = "POINT")]
    before: Option<String>,
}

/// A page of what was found.
#[derive(Deserialize)]
struct Page {
    hits: Vec<Hit>,
    next: Option<String>,
    total: u64,
    more: bool,
    waiting: u64,
}

#[derive(Deserialize)]
struct Hit {
    source_name: String,
    stream: String,
    key: String,
    title: String,
    emitted_at: Timestamp,
    snippet: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    text: String,
}

impl Search {
    pub(crate) fn run(self, context: &Context) -> Result<(), Problem> {
        let client = context.client()?;
        let terminal = context.terminal;
        let mut path = format!("/search?text={}&limit={}", segment(&self.words.join(" ")), self.limit);
        if let Some(source) = &self.source {
            let id = match removed::find(&client, source)? {
                Some(removed) => removed.id,
                None => find(&client, source)?.id,
            };
            path.push_str(&format!("&source={id}"));
        }
        if let Some(before) = &self.before {
            path.push_str(&format!("&before={}", segment(before)));
        }
        let reply = client.get(&path)?;
        if terminal.json {
            return terminal.raw(reply.json());
        }
        let page: Page = reply.read()?;
        if page.waiting > 0 {
            terminal.line(format!("{} records just collected cannot be found yet.", page.waiting))?;
        }
        if page.hits.is_empty() {
            return terminal.line("No record contains that.");
        }
        let row = |hit: &Hit| {
            let snippet: String = hit.snippet.iter().map(|part| part.text.as_str()).collect();
            vec![
                Cell::new(time::local(hit.emitted_at)),
                Cell::new(format!("{} {}", hit.source_name, hit.stream)),
                Cell::new(&hit.key).tone(Tone::Quiet),
                Cell::new(&hit.title),
                Cell::new(snippet).tone(Tone::Quiet),
            ]
        };
        terminal.table(&["Time", "Where", "Key", "Title", "Text"], page.hits.iter().map(row).collect())?;
        terminal.line(format!("{} of {}{}.", page.hits.len(), if page.more { "more than " } else { "" }, page.total))?;
        match &page.next {
            Some(next) => terminal.line(format!("More: add --before {}", shell_word(next))),
            None => Ok(()),
        }
    }
}
