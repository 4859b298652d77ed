//! Searching records across sources.

use axum::Json;
use freehold_core::SourceId;
use freehold_engine::SearchQuery;
use freehold_engine::view::SearchPage;
use serde::Deserialize;

use super::{Answer, Asked};
use crate::admit::Visitor;
use crate::refused::Refused;

/// What is searched for: `text` in `source`, or in all if there is none, after the point `before`, at most `limit`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) before: String,
    #[serde(default)]
    pub(crate) limit: u32,
}

impl Filter {
    /// The query; none if the source is no id, so that there is nothing to be found in it.
    pub(crate) fn into_query(self) -> Option<SearchQuery> {
        let given = |text: String| (!text.is_empty()).then_some(text);
        let source = given(self.source).map(|id| SourceId::parse(&id)).transpose().ok()?;
        Some(SearchQuery { text: self.text, source, stream: None, before: given(self.before), limit: self.limit })
    }
}

pub(crate) async fn list(visitor: Visitor, Asked(filter): Asked<Filter>) -> Answer<SearchPage> {
    let query = filter.into_query().ok_or_else(Refused::not_found)?;
    Ok(Json(visitor.ask(move |engine, caller| engine.search(caller, &query)).await?))
}
