//! Searching what was collected, across sources.

use std::collections::HashMap;

use freehold_core::{Problem, SourceId};

use crate::caller::{Caller, Permission};
use crate::problem::{bad_input, from_store};
use crate::record::title_of;
use crate::server::{Engine, Inner};
use crate::view::{HitView, SearchPage, SnippetPart};

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
            span: freehold_store::Span::default(),
            before,
            limit: if query.limit == 0 { 50 } else { query.limit.min(200) } as usize,
        };
        // First, so that what is said to be missing is never less than what is.
        let waiting = inner.data.waiting_for_index().map_err(from_store)?;
        let found = inner.data.search(&wanted).map_err(from_store)?;
        let total = inner.data.count_found(&wanted, MOST_COUNTED + 1).map_err(from_store)?;
        let mut places = Places { look: &|source, stream| inner.place(source, stream), known: HashMap::new() };
        let hits = found.hits.into_iter().filter_map(|hit| places.view(hit).transpose());
        Ok(SearchPage {
            hits: hits.collect::<Result<_, _>>()?,
            next: found.next.map(|place| place.to_string()),
            total: total.min(MOST_COUNTED),
            more: total > MOST_COUNTED,
            waiting,
        })
    }
}

/// The sources and streams of one page of hits, each looked up once.
struct Places<'a> {
    look: &'a dyn Fn(SourceId, &str) -> Looked,
    known: HashMap<(SourceId, String), Option<Place>>,
}

/// None of a source that is not there, not even as a removed one.
type Looked = Result<Option<Place>, Problem>;

#[derive(Clone)]
struct Place {
    source_name: String,
    is_removed: bool,
    stream_label: String,
    title_field: Option<String>,
}

impl Places<'_> {
    /// None of a record whose source was deleted since it was found.
    fn view(&mut self, hit: freehold_store::Hit) -> Result<Option<HitView>, Problem> {
        let Some(place) = self.place(hit.source, &hit.stream)? else { return Ok(None) };
        let data = serde_json::from_str(&hit.record.data).unwrap_or(serde_json::Value::Null);
        Ok(Some(HitView {
            source: hit.source,
            source_name: place.source_name,
            removed: place.is_removed,
            stream: hit.stream,
            stream_label: place.stream_label,
            title: title_of(&data, place.title_field.as_deref()).unwrap_or_else(|| hit.record.key.clone()),
            key: hit.record.key,
            emitted_at: hit.record.emitted_at,
            snippet: hit.snippet.into_iter().map(|part| SnippetPart { text: part.text, is_hit: part.is_hit }).collect(),
        }))
    }

    fn place(&mut self, source: SourceId, stream: &str) -> Looked {
        let known = self.known.get(&(source, stream.to_owned()));
        if let Some(place) = known {
            return Ok(place.clone());
        }
        let place = (self.look)(source, stream)?;
        self.known.insert((source, stream.to_owned()), place.clone());
        Ok(place)
    }
}

impl Inner {
    fn place(&self, source: SourceId, stream: &str) -> Looked {
        let there = self.data.source(source).map_err(from_store)?;
        let is_removed = there.is_none();
        let row = match there {
            Some(row) => Some(row),
            None => self.data.removed_source(source).map_err(from_store)?,
        };
        let Some(row) = row else { return Ok(None) };
        let connector = self.catalog.get(&row.connector).ok();
        let declared = connector.as_ref().and_then(|connector| connector.manifest.stream(stream));
        Ok(Some(Place {
            is_removed,
            source_name: row.name,
            stream_label: declared.map_or(stream, |declared| declared.label()).to_owned(),
            title_field: declared.and_then(|declared| declared.field_with_role("primary-title")).map(str::to_owned),
        }))
    }
}

#[cfg(test)]
mod tests {
    use freehold_core::{RunId, Timestamp};
    use freehold_store::{Hit, RecordRow};

    use super::*;

    #[test]
    fn a_record_whose_source_was_deleted_since_is_left_out() {
        let source = |n: u32| SourceId::parse(&format!("src_0000000000000000000000000{n}")).expect("an id");
        let hit = |of: SourceId| Hit {
            source: of,
            stream: "mail".to_owned(),
            record: RecordRow {
                key: "a".to_owned(),
                data: "{}".to_owned(),
                emitted_at: Timestamp::UNIX_EPOCH,
                first_seen_at: Timestamp::UNIX_EPOCH,
                changed_at: Timestamp::UNIX_EPOCH,
                versions: 1,
                run: RunId::parse("run_00000000000000000000000001").expect("an id"),
            },
            snippet: Vec::new(),
        };
        let deleted = source(2);
        let look = |of: SourceId, stream: &str| {
            Ok((of != deleted).then(|| Place {
                source_name: "One".to_owned(),
                is_removed: false,
                stream_label: stream.to_owned(),
                title_field: None,
            }))
        };
        let mut places = Places { look: &look, known: HashMap::new() };
        let views =
            [source(1), deleted, source(3)].map(|of| places.view(hit(of)).expect("looked up").map(|view| view.source));
        assert_eq!(views, [Some(source(1)), None, Some(source(3))]);
    }
}
