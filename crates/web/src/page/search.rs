//! Search: records of every source that contain what was typed, newest first, with where in them.

use askama::Template;
use freehold_core::SourceId;
use freehold_engine::SearchQuery;
use freehold_engine::view::{HitView, SearchPage as Found, SnippetPart};

use super::text::{Dated, count, counted};
use super::{Frame, Page, Under, show, url};
use crate::admit::Visitor;
use crate::api::Asked;
use crate::api::search::Filter;

#[derive(Template)]
#[template(path = "search.html")]
pub(super) struct SearchPage {
    frame: Frame,
    text: String,
    sources: Vec<Choice>,
    /// What was found; none before anything is asked for.
    found: Option<List>,
    /// Whether something was asked for that has no word in it.
    is_wordless: bool,
}

/// A source that can be searched alone.
struct Choice {
    id: String,
    name: String,
    is_chosen: bool,
}

struct List {
    total: String,
    hits: Vec<Row>,
    first: String,
    is_first: bool,
    next: Option<String>,
    waiting: Option<String>,
}

struct Row {
    url: String,
    title: String,
    at: Dated,
    source: String,
    place: String,
    snippet: Vec<SnippetPart>,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let query = filter.clone().into_query();
    let (sources, found) = visitor
        .ask(move |engine, caller| {
            let own = engine.sources(caller)?.into_iter().map(|source| (source.id, source.name));
            let removed = engine.removed_sources(caller)?.into_iter();
            let all = own.chain(removed.map(|source| (source.id, format!("{} (removed)", source.name)))).collect();
            let found = query.filter(SearchQuery::has_word).map(|query| engine.search(caller, &query)).transpose()?;
            Ok((all, found))
        })
        .await?;
    Ok(show(&page(sources, filter, found)))
}

pub(super) fn page(sources: Vec<(SourceId, String)>, filter: Filter, found: Option<Found>) -> SearchPage {
    let text = filter.text.trim().to_owned();
    let choice = |(id, name): (SourceId, String)| {
        let id = id.to_string();
        Choice { is_chosen: id == filter.source, id, name }
    };
    let at = |before: &str| url::with_query("/search", &[("text", &text), ("source", &filter.source), ("before", before)]);
    let in_list = [("search", text.as_str()), ("source", filter.source.as_str())];
    SearchPage {
        frame: Frame::new(if text.is_empty() { "Search".to_owned() } else { format!("Search: {text}") }, Under::Search),
        is_wordless: found.is_none() && !text.is_empty(),
        found: found.map(|found| List {
            total: match found.more {
                true => format!("More than {} records", count(found.total)),
                false => counted(found.total, "record", "records"),
            },
            first: at(""),
            is_first: filter.before.is_empty(),
            next: found.next.as_deref().map(at),
            waiting: waiting(found.waiting),
            hits: found.hits.into_iter().map(|hit| row(hit, &in_list)).collect(),
        }),
        sources: sources.into_iter().map(choice).collect(),
        text,
    }
}

/// What is said of records that were collected and cannot be found yet.
pub(super) fn waiting(records: u64) -> Option<String> {
    (records > 0).then(|| format!("{} just collected cannot be found yet.", counted(records, "record", "records")))
}

fn row(hit: HitView, list: &[(&str, &str)]) -> Row {
    Row {
        url: url::with_query(&url::record(hit.source, &hit.stream, &hit.key), list),
        title: hit.title,
        at: Dated(hit.emitted_at),
        place: format!("{}{}", hit.stream_label, if hit.removed { ", source removed" } else { "" }),
        source: hit.source_name,
        snippet: hit.snippet,
    }
}
