//! What a removed source left behind: its records, and how to delete them for good.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{Problem, SourceId};
use freehold_engine::view::CollectedView;

use super::details::give_passphrase;
use super::settings::Section;
use super::text::counted;
use super::{Frame, Page, Under, go_to, go_to_saying, show, show_with, url};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::FormBody;
use crate::done::Done;
use crate::form;
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "removed.html")]
pub(super) struct RemovedPage {
    pub(super) frame: Frame,
    source: CollectedView,
    held: String,
    streams: Vec<StreamRow>,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

struct StreamRow {
    url: String,
    label: String,
    held: String,
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let source = visitor.ask(move |engine, caller| engine.collected(caller, id)).await?;
    if !source.removed {
        return go_to(&format!("/sources/{id}"));
    }
    Ok(show(&page(source, !visitor.is_reauthenticated(), None)))
}

pub(super) fn page(source: CollectedView, asks_passphrase: bool, problem: Option<Problem>) -> RemovedPage {
    let stream = |stream: &freehold_engine::view::StreamView| StreamRow {
        url: url::stream(source.id, &stream.name),
        label: stream.label.clone(),
        held: counted(stream.count, "record", "records"),
    };
    RemovedPage {
        frame: Frame::new(format!("Removed: {}", source.name), Under::Settings),
        streams: source.streams.iter().filter(|stream| stream.count > 0).map(stream).collect(),
        held: held(&source),
        source,
        asks_passphrase,
        problem,
    }
}

/// How much of a source is kept.
pub(super) fn held(source: &CollectedView) -> String {
    counted(source.streams.iter().map(|stream| stream.count).sum(), "record", "records")
}

pub(crate) async fn delete(mut visitor: Visitor, Named(id): Named<SourceId>, mut body: FormBody) -> Page {
    let name = body.text("confirm_name").unwrap_or_default().to_owned();
    let deleted = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.delete_removed(caller, id, &name)).await,
        Err(refused) => Err(refused),
    };
    match deleted {
        Ok(()) => go_to_saying(Done::RecordsDeleted, Section::RemovedSources.path()),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let source = visitor.ask(move |engine, caller| engine.collected(caller, id)).await?;
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page(source, !visitor.is_reauthenticated(), Some(problem))))
        }
        Err(refused) => Err(refused),
    }
}
