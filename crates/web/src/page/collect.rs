//! Collecting a source that keeps nothing: signing in in the secure browser, or with details for this run alone.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{CredentialMode, Problem, SourceId};
use freehold_engine::view::{CaptureView, ConnectorView, SourceView};

use super::details::give_passphrase;
use super::{Frame, Page, Under, go_to, show, show_with};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::PictureFormBody;
use crate::form::{self, FieldView, Start};
use crate::refused::Refused;
use crate::status::{Button, button};

#[derive(Template)]
#[template(path = "collect.html")]
pub(super) struct CollectPage {
    pub(super) frame: Frame,
    source: SourceView,
    /// The form of the sign-in details; none if the connector takes none.
    first: Option<KindForm>,
    /// Further kinds that may be given too: a seed for codes, recovery codes.
    more: Vec<KindForm>,
    receives_secret: bool,
    /// What to do about the run under way, if one is.
    under_way: Option<Button>,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

/// The form of one kind.
struct KindForm {
    title: String,
    description: Option<String>,
    fields: Vec<FieldView>,
    /// Whether a field of it needs a look now.
    is_wrong: bool,
}

const DETAILS: &str = "detail.";

async fn look(visitor: &Visitor, id: SourceId) -> Result<(SourceView, ConnectorView), Refused> {
    visitor
        .ask(move |engine, caller| {
            let source = engine.source(caller, id)?;
            let connector = engine.connector(&source.connector)?;
            Ok((source, connector))
        })
        .await
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let (source, connector) = look(&visitor, id).await?;
    if source.mode != CredentialMode::EphemeralBrowser {
        return go_to(&format!("/sources/{id}"));
    }
    Ok(show(&page(source, &connector, &Start::Defaults, !visitor.is_reauthenticated(), None)))
}

pub(super) fn page(
    source: SourceView,
    connector: &ConnectorView,
    start: &Start<'_>,
    asks_passphrase: bool,
    problem: Option<Problem>,
) -> CollectPage {
    let kind_form = |capture: &CaptureView| {
        let fields = form::capture_fields(capture, DETAILS, start, problem.as_ref());
        KindForm {
            title: capture.form.title.clone().unwrap_or_else(|| capture.kind.label().to_owned()),
            description: capture.form.description.clone(),
            is_wrong: fields.iter().any(|field| field.error.is_some()),
            fields,
        }
    };
    // Optional here, so nothing in them is required before something is filled in.
    let optional = |mut form: KindForm| {
        form.fields.iter_mut().for_each(|field| field.required = false);
        form
    };
    CollectPage {
        frame: Frame::new(format!("Collect {}", source.name), Under::Home),
        first: connector.captures.first().map(kind_form),
        more: connector.captures.iter().skip(1).map(kind_form).map(optional).collect(),
        receives_secret: connector.receives_secret,
        under_way: source.current_run.and_then(|_| button(&source)),
        source,
        asks_passphrase,
        problem,
    }
}

/// Collects with the details of the form.
pub(crate) async fn collect(
    mut visitor: Visitor,
    Named(id): Named<SourceId>,
    PictureFormBody(mut body): PictureFormBody,
) -> Page {
    let (source, connector) = look(&visitor, id).await?;
    let (mut details, mut pictures) = (BTreeMap::new(), Vec::new());
    for capture in &connector.captures {
        details.insert(capture.kind, form::secrets(&capture.form, DETAILS, &mut body));
        pictures.extend(form::picture(capture, DETAILS, &mut body).map(|picture| (capture.kind, picture)));
    }
    let started = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => {
            let start = visitor.ask(move |engine, caller| {
                for (kind, picture) in pictures {
                    picture.read_into(details.entry(kind).or_default())?;
                }
                engine.start_run_with(caller, id, details)
            });
            start.await
        }
        Err(refused) => Err(refused),
    };
    match started {
        Ok(run) => go_to(&format!("/sources/{id}/runs/{}?follow=true", run.id)),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let asks = !visitor.is_reauthenticated();
            let page = page(source, &connector, &Start::Typed(&body), asks, Some(problem));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}
