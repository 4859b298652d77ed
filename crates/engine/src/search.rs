//! Searching what was collected, across sources, and the thread that keeps the index up with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_core::{Problem, SourceId};

use crate::caller::{Caller, Permission};
use crate::problem::{bad_input, from_store};
use crate::record::title_of;
use crate::server::{Engine, Inner};
use crate::view::{HitView, SearchPage, SnippetPart};

/// Records put into the index in one transaction: some hundredths of a second.
const BATCH: usize = 500;
/// While a run is under way, the index has one part in so many of the database's time, so that collecting is not held up.
const GIVES_WAY: u32 = 8;
/// Looked at least this often, should a change not have been told.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Hits are counted up to here: more is "more than".
const MOST_COUNTED: u64 = 10_000;

/// What is searched for, and where.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// As a person typed it: words that all have to be there, "several in a row", -one that must not be.
    pub text: String,
    /// In this source alone, removed or not.
    pub source: Option<SourceId>,
    /// In its stream of that name alone.
    pub stream: Option<String>,
    /// Continue after this point, from [`SearchPage::next`].
    pub before: Option<String>,
    /// At most this many; 50 if 0, 200 at most.
    pub limit: u32,
}

impl SearchQuery {
    /// Whether there is a word in it to search for.
    pub fn has_word(&self) -> bool {
        self.text.chars().any(char::is_alphanumeric)
    }
}

impl Engine {
    /// Records that contain what is searched for, newest first, and where in them. `bad_input` at `text` if there is no word in it.
    pub fn search(&self, caller: &Caller, query: &SearchQuery) -> Result<SearchPage, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        if !query.has_word() {
            return Err(bad_input("text", "There is no word to search for.", "Type at least one letter or digit."));
        }
        let before = query.before.as_deref().map(str::parse).transpose().map_err(|_| {
            bad_input("before", "This is not a place in the list.", "Leave it out, or pass the `next` of the page before.")
        })?;
        let wanted = freehold_store::SearchQuery {
            text: query.text.clone(),
            source: query.source,
            stream: query.stream.clone(),
            before,
            limit: if query.limit == 0 { 50 } else { query.limit.min(200) } as usize,
        };
        // First, so that what is said to be missing is never less than what is.
        let waiting = inner.data.waiting_for_index().map_err(from_store)?;
        let found = inner.data.search(&wanted).map_err(from_store)?;
        let total = inner.data.count_found(&wanted, MOST_COUNTED + 1).map_err(from_store)?;
        let mut places = Places { inner, known: HashMap::new() };
        let hits = found.hits.into_iter().map(|hit| places.view(hit)).collect::<Result<_, _>>()?;
        Ok(SearchPage {
            hits,
            next: found.next.map(|place| place.to_string()),
            total: total.min(MOST_COUNTED),
            more: total > MOST_COUNTED,
            waiting,
        })
    }
}

/// The sources and streams of one page of hits, each looked up once.
struct Places<'a> {
    inner: &'a Inner,
    known: HashMap<(SourceId, String), Place>,
}

#[derive(Clone)]
struct Place {
    source_name: String,
    is_removed: bool,
    stream_label: String,
    title_field: Option<String>,
}

impl Places<'_> {
    fn view(&mut self, hit: freehold_store::Hit) -> Result<HitView, Problem> {
        let place = self.place(hit.source, &hit.stream)?;
        let data = serde_json::from_str(&hit.record.data).unwrap_or(serde_json::Value::Null);
        Ok(HitView {
            source: hit.source,
            source_name: place.source_name,
            removed: place.is_removed,
            stream: hit.stream,
            stream_label: place.stream_label,
            title: title_of(&data, place.title_field.as_deref()).unwrap_or_else(|| hit.record.key.clone()),
            key: hit.record.key,
            emitted_at: hit.record.emitted_at,
            snippet: hit.snippet.into_iter().map(|part| SnippetPart { text: part.text, is_hit: part.is_hit }).collect(),
        })
    }

    fn place(&mut self, source: SourceId, stream: &str) -> Result<Place, Problem> {
        let known = self.known.get(&(source, stream.to_owned()));
        if let Some(place) = known {
            return Ok(place.clone());
        }
        let row = self.inner.any_source_row(source)?;
        let connector = self.inner.catalog.get(&row.connector).ok();
        let declared = connector.as_ref().and_then(|connector| connector.manifest.stream(stream));
        let place = Place {
            is_removed: self.inner.data.source(source).map_err(from_store)?.is_none(),
            source_name: row.name,
            stream_label: declared.map_or(stream, |declared| declared.label()).to_owned(),
            title_field: declared.and_then(|declared| declared.field_with_role("primary-title")).map(str::to_owned),
        };
        self.known.insert((source, stream.to_owned()), place.clone());
        Ok(place)
    }
}

/// The index's thread: puts into it what was collected, in small pieces, and more slowly while a run is under way.
pub(crate) fn keep_up(inner: &Arc<Inner>) {
    loop {
        let began = Instant::now();
        let goes_on = match inner.data.index_records(BATCH) {
            Ok(0) => inner.indexing.wait(LONGEST_SLEEP),
            Ok(_) if inner.active_runs() > 0 => inner.indexing.rest(began.elapsed() * GIVES_WAY),
            Ok(_) => inner.indexing.rest(Duration::ZERO),
            Err(error) => {
                tracing::error!(%error, "records could not be made searchable; this is tried again");
                inner.indexing.rest(LONGEST_SLEEP)
            }
        };
        if !goes_on {
            return;
        }
    }
}
