//! Removed sources, with what they left.

use askama::Template;
use freehold_engine::view::CollectedView;

use super::{Filter, Section};
use crate::admit::Visitor;
use crate::api::Asked;
use crate::page::{Frame, Page, removed, show, url};

#[derive(Template)]
#[template(path = "settings/removed.html")]
pub(in crate::page) struct RemovedSourcesPage {
    frame: Frame,
    text: String,
    total: usize,
    sources: Vec<Row>,
}

struct Row {
    url: String,
    name: String,
    connector: String,
    account: Option<String>,
    held: String,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let sources = visitor.ask(|engine, caller| engine.removed_sources(caller)).await?;
    let mut page = page(sources, filter);
    page.frame.tell(&visitor);
    Ok(show(&page))
}

pub(in crate::page) fn page(sources: Vec<CollectedView>, filter: Filter) -> RemovedSourcesPage {
    let fits = |source: &CollectedView| {
        filter.fits(&[&source.name, &source.connector_display_name, source.account.as_deref().unwrap_or_default()])
    };
    let row = |source: CollectedView| Row {
        url: url::collected(&source),
        held: removed::held(&source),
        name: source.name,
        connector: source.connector_display_name,
        account: source.account,
    };
    RemovedSourcesPage {
        frame: Frame::of_settings(Section::RemovedSources),
        total: sources.len(),
        sources: sources.into_iter().filter(fits).map(row).collect(),
        text: filter.text,
    }
}
