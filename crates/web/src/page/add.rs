//! Adding a source: choose a connector, choose how it signs in (R6), give what its forms ask for.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{ConnectorName, CredentialMode, Problem, ProblemCode};
use freehold_engine::NewSource;
use freehold_engine::view::{CaptureView, ConnectorView, ModeView};
use serde::Deserialize;

use super::details::give_passphrase;
use super::{Frame, Page, Under, go_to, show, show_with};
use crate::admit::Visitor;
use crate::api::{Asked, Named};
use crate::body::{FormBody, PictureFormBody};
use crate::form::{self, FieldView, Start};
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "add_choose.html")]
pub(super) struct ChoosePage {
    pub(super) frame: Frame,
    pub(super) text: String,
    pub(super) connectors: Vec<ConnectorView>,
}

#[derive(Template)]
#[template(path = "add_mode.html")]
pub(super) struct ModePage {
    pub(super) frame: Frame,
    pub(super) connector: ConnectorView,
    pub(super) modes: Vec<ModeView>,
}

#[derive(Template)]
#[template(path = "add_form.html")]
pub(super) struct FormPage {
    pub(super) frame: Frame,
    pub(super) connector: ConnectorView,
    pub(super) mode: ModeView,
    pub(super) name: String,
    pub(super) expected_account: String,
    pub(super) settings: Vec<FieldView>,
    /// The settings most owners leave as they are, and whether one of them needs a look now.
    pub(super) extras: Vec<FieldView>,
    pub(super) extras_open: bool,
    /// The sign-in details asked for now; none in the secure browser.
    pub(super) capture: Option<CaptureForm>,
    /// Further kinds that may be given too: a seed for codes, recovery codes.
    pub(super) more_captures: Vec<CaptureForm>,
    /// Whether the form names the account itself, so that it need not be asked for again.
    pub(super) names_account: bool,
    pub(super) asks_passphrase: bool,
    pub(super) problem: Option<Problem>,
}

/// The form of one kind of sign-in details.
pub(super) struct CaptureForm {
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) fields: Vec<FieldView>,
    pub(super) consent: String,
    /// Whether a field of it needs a look now.
    pub(super) is_wrong: bool,
}

/// What the list is narrowed to.
#[derive(Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    text: String,
}

/// The way to sign in that was chosen.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    mode: Option<CredentialMode>,
}

const SETTINGS: &str = "setting.";
const DETAILS: &str = "detail.";

pub(crate) async fn choose(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let connectors = visitor.ask(|engine, _| Ok(engine.connectors())).await?;
    Ok(show(&choose_page(connectors, filter.text)))
}

pub(super) fn choose_page(connectors: Vec<ConnectorView>, text: String) -> ChoosePage {
    let wanted = text.to_lowercase();
    let fits = |connector: &ConnectorView| {
        [&connector.display_name, &connector.description].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let connectors = connectors.into_iter().filter(fits).collect();
    ChoosePage { frame: Frame::new("Add a source", Under::Add), text, connectors }
}

pub(crate) async fn show_form(visitor: Visitor, Named(name): Named<ConnectorName>, Asked(chosen): Asked<Chosen>) -> Page {
    let connector = visitor.ask(move |engine, _| engine.connector(&name)).await?;
    refuse_unavailable(&connector)?;
    match chosen.mode.or(only_mode(&connector)) {
        Some(mode) => {
            let page = form_page(connector, mode, &Start::Defaults, !visitor.is_reauthenticated(), None)?;
            Ok(show(&page))
        }
        None => Ok(show(&mode_page(connector))),
    }
}

pub(super) fn mode_page(connector: ConnectorView) -> ModePage {
    let mut modes = connector.modes.clone();
    // The secure browser is the default, so it comes first.
    modes.sort_by_key(|mode| match mode.mode {
        CredentialMode::StreamedBrowser => 0,
        CredentialMode::StoredCredential => 1,
        CredentialMode::EphemeralBrowser => 2,
    });
    ModePage { frame: Frame::new(format!("Add {}", connector.display_name), Under::Add), connector, modes }
}

fn only_mode(connector: &ConnectorView) -> Option<CredentialMode> {
    match connector.modes.as_slice() {
        [only] => Some(only.mode),
        _ => None,
    }
}

fn refuse_unavailable(connector: &ConnectorView) -> Result<(), Refused> {
    match &connector.unavailable {
        None => Ok(()),
        Some(why) => Err(Refused::new(
            ProblemCode::ConnectorInvalid,
            why.clone(),
            "Choose another connector, or see what the server's doctor says.",
        )),
    }
}

pub(super) fn form_page(
    connector: ConnectorView,
    mode: CredentialMode,
    start: &Start<'_>,
    asks_passphrase: bool,
    problem: Option<Problem>,
) -> Result<FormPage, Refused> {
    let Some(mode) = connector.modes.iter().find(|offered| offered.mode == mode).cloned() else {
        return Err(Refused::new(
            ProblemCode::ModeNotOffered,
            "This way to sign in is not offered for this connector here.",
            "Go back and choose one that is.",
        ));
    };
    let stores = mode.mode == CredentialMode::StoredCredential;
    let first = connector.captures.first().filter(|_| stores);
    let capture_form = |capture: &CaptureView| {
        let fields = form::capture_fields(capture, DETAILS, start, problem.as_ref());
        CaptureForm {
            title: capture.form.title.clone().unwrap_or_else(|| capture.kind.label().to_owned()),
            description: capture.form.description.clone(),
            is_wrong: fields.iter().any(|field| field.error.is_some()),
            fields,
            consent: capture.consent.clone(),
        }
    };
    let capture = first.map(capture_form);
    // Optional here, so nothing in them is required before something is filled in.
    let optional = |mut form: CaptureForm| {
        form.fields.iter_mut().for_each(|field| field.required = false);
        form
    };
    let more_captures: Vec<_> =
        connector.captures.iter().skip(1).filter(|_| stores).map(capture_form).map(optional).collect();
    let typed = |name: &str| match start {
        Start::Typed(body) => body.text(name).map(str::to_owned),
        Start::Defaults | Start::Settings(_) => None,
    };
    let names_account = [first.map(|capture| &capture.form), Some(&connector.settings)]
        .into_iter()
        .flatten()
        .any(|form| form.fields.iter().any(|field| field.identity));
    let all = form::fields(&connector.settings, SETTINGS, start, problem.as_ref());
    let (extras, settings): (Vec<_>, Vec<_>) = all.into_iter().partition(|field| field.is_extra);
    Ok(FormPage {
        extras_open: extras.iter().any(|field| field.error.is_some()),
        extras,
        frame: Frame::new(format!("Add {}", connector.display_name), Under::Add),
        name: typed("name").unwrap_or_else(|| connector.display_name.clone()),
        expected_account: typed("expected_account").unwrap_or_default(),
        settings,
        names_account,
        asks_passphrase: asks_passphrase && capture.is_some(),
        capture,
        more_captures,
        mode,
        connector,
        problem,
    })
}

pub(crate) async fn add(
    mut visitor: Visitor,
    Named(name): Named<ConnectorName>,
    PictureFormBody(mut body): PictureFormBody,
) -> Page {
    let connector = visitor.ask(move |engine, _| engine.connector(&name)).await?;
    refuse_unavailable(&connector)?;
    let Some(mode) = body.text("mode").and_then(CredentialMode::parse).or(only_mode(&connector)) else {
        return go_to(&format!("/sources/add/{}", connector.name));
    };
    if let Err(Refused(problem)) = give_passphrase(&mut visitor, &mut body).await {
        return again(&visitor, connector, mode, &body, problem);
    }
    let (mut credentials, mut pictures) = (BTreeMap::new(), Vec::new());
    for capture in connector.captures.iter().filter(|_| mode == CredentialMode::StoredCredential) {
        credentials.insert(capture.kind, form::secrets(&capture.form, DETAILS, &mut body));
        pictures.extend(form::picture(capture, DETAILS, &mut body).map(|picture| (capture.kind, picture)));
    }
    let mut new = NewSource {
        connector: connector.name.clone(),
        name: body.text("name").unwrap_or_default().to_owned(),
        mode,
        settings: form::settings(&connector.settings, SETTINGS, &body),
        expected_account: body.text("expected_account").map(str::to_owned),
        accept_unverified: body.text("accept_unverified").is_some(),
        credentials,
        consent: body.text("consent").is_some(),
    };
    let added = visitor.ask(move |engine, caller| {
        for (kind, picture) in pictures {
            picture.read_into(new.credentials.entry(kind).or_default())?;
        }
        engine.add_source(caller, new)
    });
    match added.await {
        Ok(source) => go_to(&format!("/sources/{}/setup?follow=true", source.id)),
        Err(Refused(problem)) => again(&visitor, connector, mode, &body, problem),
    }
}

/// The form once more, with what was wrong and everything typed but the secrets.
fn again(visitor: &Visitor, connector: ConnectorView, mode: CredentialMode, body: &FormBody, problem: Problem) -> Page {
    if !form::is_about_input(&problem) {
        return Err(Refused(problem));
    }
    let page = form_page(connector, mode, &Start::Typed(body), !visitor.is_reauthenticated(), Some(problem))?;
    Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}
