//! Deleting a stream: exactly what is lost is said, what comes afterwards is chosen, and the source's name asked for.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{Problem, ProblemCode, SourceId};
use freehold_engine::view::StreamContentView;

use super::details::give_passphrase;
use super::text::{bytes, count};
use super::{Frame, Page, Under, go_to_saying, show, show_with, url};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::FormBody;
use crate::done::Done;
use crate::form;
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "delete_stream.html")]
pub(super) struct DeleteStreamPage {
    pub(super) frame: Frame,
    stream: StreamContentView,
    source_url: String,
    stream_url: String,
    here: String,
    lost: Vec<(&'static str, String)>,
    stays: Option<String>,
    run_url: Option<String>,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

pub(crate) async fn show_page(visitor: Visitor, Named((id, stream)): Named<(SourceId, String)>) -> Page {
    let content = visitor.ask(move |engine, caller| engine.stream_content(caller, id, &stream)).await?;
    Ok(show(&page(content, !visitor.is_reauthenticated(), None)))
}

pub(super) fn page(stream: StreamContentView, asks_passphrase: bool, problem: Option<Problem>) -> DeleteStreamPage {
    let mut lost =
        vec![("Records", count(stream.records)), ("Earlier values", count(stream.earlier)), ("Size", bytes(stream.bytes))];
    if stream.files > 0 {
        lost.push(("Files", format!("{}, {}", count(stream.files), bytes(stream.file_bytes))));
    }
    let stays = (stream.shared_files > 0).then(|| match stream.shared_files {
        1 => "1 file stays, because other records have it, too.".to_owned(),
        several => format!("{} files stay, because other records have them, too.", count(several)),
    });
    DeleteStreamPage {
        frame: Frame::new(format!("Delete {} of {}", stream.label, stream.source_name), Under::Home),
        source_url: of_source(&stream),
        stream_url: url::stream(stream.source, &stream.name),
        here: url::delete_stream(stream.source, &stream.name),
        lost,
        stays,
        run_url: stream.current_run.map(|run| format!("/sources/{}/runs/{run}", stream.source)),
        stream,
        asks_passphrase,
        problem,
    }
}

fn of_source(stream: &StreamContentView) -> String {
    let folder = if stream.removed { "removed-sources" } else { "sources" };
    format!("/{folder}/{}", stream.source)
}

pub(crate) async fn delete(
    mut visitor: Visitor,
    Named((id, stream)): Named<(SourceId, String)>,
    mut body: FormBody,
) -> Page {
    let name = body.text("confirm_name").unwrap_or_default().to_owned();
    let leave_out = body.text("afterwards") == Some("left_out");
    let wanted = stream.clone();
    let content = visitor.ask(move |engine, caller| engine.stream_content(caller, id, &wanted)).await?;
    let deleted = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.delete_stream(caller, id, &stream, &name, leave_out)).await,
        Err(refused) => Err(refused),
    };
    let status = |problem: &Problem| match problem.code {
        ProblemCode::Conflict => Some(StatusCode::CONFLICT),
        _ => form::is_about_input(problem).then_some(StatusCode::UNPROCESSABLE_ENTITY),
    };
    match deleted {
        Ok(()) => go_to_saying(if leave_out { Done::StreamLeftOut } else { Done::StreamDeleted }, &of_source(&content)),
        Err(Refused(problem)) => match status(&problem) {
            Some(status) => Ok(show_with(status, &page(content, !visitor.is_reauthenticated(), Some(problem)))),
            None => Err(Refused(problem)),
        },
    }
}

pub(crate) async fn take_in(visitor: Visitor, Named((id, stream)): Named<(SourceId, String)>) -> Page {
    visitor.ask(move |engine, caller| engine.take_in(caller, id, &stream)).await?;
    go_to_saying(Done::StreamTakenIn, &format!("/sources/{id}"))
}
