//! A source's runs, newest first, narrowed to those that have a text in their outcome or in what happened.

use askama::Template;
use freehold_core::{Problem, RunId, SourceId};
use freehold_engine::view::{RunView, SourceView};
use freehold_engine::{Caller, Engine};
use serde::Deserialize;

use super::source::{RunRow, run_row};
use super::{Frame, Page, Under, show, url};
use crate::admit::Visitor;
use crate::api::{Asked, Named};

/// Runs shown at once.
const RUNS: usize = 50;
/// Runs read at once: as many as the engine gives.
const STEP: u32 = 200;

#[derive(Template)]
#[template(path = "runs.html")]
pub(super) struct RunsPage {
    frame: Frame,
    source: SourceView,
    here: String,
    text: String,
    runs: Vec<RunRow>,
    is_first: bool,
    /// Where the older ones are, if there may be some.
    next: Option<String>,
}

/// What the list is narrowed to.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(super) text: String,
    /// Only runs before this one.
    pub(super) before: Option<RunId>,
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<SourceId>, Asked(filter): Asked<Filter>) -> Page {
    let wanted = filter.clone();
    let (source, runs) =
        visitor.ask(move |engine, caller| Ok((engine.source(caller, id)?, find(engine, caller, id, &wanted)?))).await?;
    Ok(show(&page(source, &runs, filter)))
}

/// The newest runs that fit.
fn find(engine: &Engine, caller: &Caller, id: SourceId, filter: &Filter) -> Result<Vec<RunView>, Problem> {
    let (mut found, mut before) = (Vec::new(), filter.before);
    loop {
        let runs = engine.runs(caller, id, before, STEP)?;
        let is_last = runs.len() < STEP as usize;
        before = runs.last().map(|run| run.id);
        found.extend(runs.into_iter().filter(|run| fits(run, &filter.text)).take(RUNS - found.len()));
        if is_last || found.len() == RUNS {
            return Ok(found);
        }
    }
}

fn fits(run: &RunView, text: &str) -> bool {
    let row = run_row(run);
    let wanted = text.trim().to_lowercase();
    [row.sign.word, &row.sentence, row.cause].iter().any(|text| text.to_lowercase().contains(&wanted))
}

pub(super) fn page(source: SourceView, runs: &[RunView], filter: Filter) -> RunsPage {
    let here = format!("/sources/{}/runs", source.id);
    let older = |last: &RunView| url::with_query(&here, &[("text", &filter.text), ("before", &last.id.to_string())]);
    RunsPage {
        frame: Frame::new(format!("Runs of {}", source.name), Under::Home),
        runs: runs.iter().map(run_row).collect(),
        is_first: filter.before.is_none(),
        next: runs.last().filter(|_| runs.len() >= RUNS).map(older),
        here,
        text: filter.text,
        source,
    }
}
