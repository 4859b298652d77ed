//! Removing a source: what is lost is said, and its name asked for.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{Problem, SourceId};
use freehold_engine::view::SourceView;

use super::details::give_passphrase;
use super::receipt::left_by;
use super::text::counted;
use super::{Frame, Page, Under, go_to, show, show_with};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::FormBody;
use crate::form;
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "remove.html")]
pub(super) struct RemovePage {
    pub(super) frame: Frame,
    source: SourceView,
    held: String,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let source = visitor.ask(move |engine, caller| engine.source(caller, id)).await?;
    Ok(show(&page(source, !visitor.is_reauthenticated(), None)))
}

pub(super) fn page(source: SourceView, asks_passphrase: bool, problem: Option<Problem>) -> RemovePage {
    let held = counted(source.streams.iter().map(|stream| stream.count).sum(), "record", "records");
    RemovePage { frame: Frame::new(format!("Remove {}", source.name), Under::Home), source, held, asks_passphrase, problem }
}

pub(crate) async fn remove(mut visitor: Visitor, Named(id): Named<SourceId>, mut body: FormBody) -> Page {
    let name = body.text("confirm_name").unwrap_or_default().to_owned();
    let delete_records = body.text("delete_records").is_some();
    let removed = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => left_by(&visitor, id, move |engine, caller| engine.remove_source(caller, id, &name, delete_records)).await,
        Err(refused) => Err(refused),
    };
    match removed {
        Ok(receipt) => go_to(receipt.as_deref().unwrap_or("/")),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let source = visitor.ask(move |engine, caller| engine.source(caller, id)).await?;
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page(source, !visitor.is_reauthenticated(), Some(problem))))
        }
        Err(refused) => Err(refused),
    }
}
