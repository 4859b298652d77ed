//! Giving and replacing a source's sign-in details. They go in, and are never shown again.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{CredentialState, Problem, SecretKind, SourceId};
use freehold_engine::view::{ConnectorView, SourceView};

use super::receipt::left_by;
use super::source::{DetailsRow, details_row};
use super::text::When;
use super::{Frame, Page, Under, go_to, go_to_saying, show, show_with};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::{FormBody, PictureFormBody};
use crate::done::Done;
use crate::form::{self, FieldView, Start};
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "details.html")]
pub(super) struct DetailsPage {
    pub(super) frame: Frame,
    source: SourceView,
    kinds: Vec<KindForm>,
    asks_passphrase: bool,
    any_saved: bool,
    problem: Option<Problem>,
}

/// The form of one kind.
struct KindForm {
    kind: SecretKind,
    title: String,
    description: Option<String>,
    row: Option<DetailsRow>,
    is_saved: bool,
    fields: Vec<FieldView>,
    consent: String,
}

/// What is known of sign-in details, in words, and since when (R11).
pub(super) fn credential_words(state: &CredentialState) -> (&'static str, Option<When>) {
    match state {
        CredentialState::None => ("Not saved", None),
        CredentialState::Saved => ("Saved, not tried yet", None),
        CredentialState::Verifying => ("Being verified", None),
        CredentialState::Verified { when } => ("Verified", Some(When(*when))),
        CredentialState::Rejected { when } => ("Never sent again: refused by the provider", Some(When(*when))),
        CredentialState::Unknown { when } => ("Sent, but the answer was cut off", Some(When(*when))),
    }
}

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
    let mut page = page(source, &connector, &Start::Defaults, !visitor.is_reauthenticated(), None, None);
    page.frame.tell(&visitor);
    Ok(show(&page))
}

pub(super) fn page(
    source: SourceView,
    connector: &ConnectorView,
    start: &Start<'_>,
    asks_passphrase: bool,
    of: Option<SecretKind>,
    problem: Option<Problem>,
) -> DetailsPage {
    let saved = |kind| source.credentials.iter().find(|credential| credential.kind == kind);
    let kinds: Vec<KindForm> = connector
        .captures
        .iter()
        .map(|capture| {
            let is_of = of == Some(capture.kind);
            let is_saved = saved(capture.kind).is_some_and(|credential| credential.state != CredentialState::None);
            let start = if is_of { start } else { &Start::Defaults };
            let told = problem.as_ref().filter(|_| is_of);
            KindForm {
                kind: capture.kind,
                title: capture.form.title.clone().unwrap_or_else(|| capture.kind.label().to_owned()),
                description: capture.form.description.clone(),
                row: saved(capture.kind).map(details_row),
                is_saved,
                fields: form::capture_fields(capture, &format!("{}.", capture.kind.as_str()), start, told),
                consent: capture.consent.clone(),
            }
        })
        .collect();
    DetailsPage {
        frame: Frame::new(format!("Sign-in details of {}", source.name), Under::Home),
        any_saved: kinds.iter().any(|kind| kind.is_saved),
        source,
        kinds,
        asks_passphrase,
        problem,
    }
}

pub(crate) async fn save(
    mut visitor: Visitor,
    Named(id): Named<SourceId>,
    PictureFormBody(mut body): PictureFormBody,
) -> Page {
    let (source, connector) = look(&visitor, id).await?;
    let chosen = body.text("kind").and_then(SecretKind::parse);
    let Some(capture) = connector.captures.iter().find(|capture| Some(capture.kind) == chosen) else {
        return go_to(&format!("/sources/{id}/sign-in-details"));
    };
    let kind = capture.kind;
    let prefix = format!("{}.", kind.as_str());
    let mut fields = form::secrets(&capture.form, &prefix, &mut body);
    let picture = form::picture(capture, &prefix, &mut body);
    let consent = body.text("consent").is_some();
    let saved = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => {
            let save = visitor.ask(move |engine, caller| {
                if let Some(picture) = picture {
                    picture.read_into(&mut fields)?;
                }
                engine.save_credential(caller, id, kind, fields, consent)
            });
            save.await
        }
        Err(refused) => Err(refused),
    };
    match saved {
        Ok(_) => go_to(&format!("/sources/{id}/setup?follow=true")),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let asks = !visitor.is_reauthenticated();
            let page = page(source, &connector, &Start::Typed(&body), asks, Some(kind), Some(problem));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}

pub(crate) async fn forget(mut visitor: Visitor, Named(id): Named<SourceId>, mut body: FormBody) -> Page {
    give_passphrase(&mut visitor, &mut body).await?;
    let receipt = left_by(&visitor, id, move |engine, caller| engine.forget_credentials(caller, id)).await?;
    go_to(&receipt.unwrap_or_else(|| format!("/sources/{id}")))
}

/// The owner says that no recovery code was used since the backup that was restored.
pub(crate) async fn trust_codes(mut visitor: Visitor, Named(id): Named<SourceId>, mut body: FormBody) -> Page {
    give_passphrase(&mut visitor, &mut body).await?;
    visitor.ask(move |engine, caller| engine.trust_codes(caller, id)).await?;
    go_to_saying(Done::CodesTrusted, &format!("/sources/{id}/sign-in-details"))
}

/// Takes the passphrase that came with a form, if one did. A problem is about the field it was typed in.
pub(super) async fn give_passphrase(visitor: &mut Visitor, body: &mut FormBody) -> Result<(), Refused> {
    let passphrase = body.take("passphrase");
    if passphrase.is_empty() {
        return Ok(());
    }
    visitor.reauthenticate(passphrase).await.map_err(|Refused(problem)| Refused(problem.at("passphrase")))
}
