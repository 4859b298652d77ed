//! Changing a source: its name, its schedule, its settings, its way to sign in.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{CredentialMode, Problem, SourceId};
use freehold_engine::SourceChange;
use freehold_engine::view::{ConnectorView, ModeView, SourceView};

use super::details::give_passphrase;
use super::receipt::left_by;
use super::text::{interval, reminder};
use super::{Frame, Page, Under, go_to, go_to_saying, show, show_with};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::FormBody;
use crate::done::Done;
use crate::form::{self, FieldView, OptionView, Start};
use crate::refused::Refused;

/// The schedules offered, in seconds.
const INTERVALS: [u64; 5] = [3_600, 6 * 3_600, 12 * 3_600, 86_400, 7 * 86_400];
const SETTINGS: &str = "setting.";

#[derive(Template)]
#[template(path = "change.html")]
pub(super) struct ChangePage {
    pub(super) frame: Frame,
    source: SourceView,
    name: String,
    intervals: Vec<OptionView>,
    /// Whether it is never collected by itself, and its schedule is a reminder.
    is_reminder: bool,
    settings: Vec<FieldView>,
    /// The ways to sign in; empty where there is no choice.
    modes: Vec<(ModeView, bool)>,
    asks_passphrase: bool,
    problem: Option<Problem>,
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
    Ok(show(&page(source, &connector, None, !visitor.is_reauthenticated(), None)))
}

pub(super) fn page(
    source: SourceView,
    connector: &ConnectorView,
    typed: Option<&FormBody>,
    asks_passphrase: bool,
    problem: Option<Problem>,
) -> ChangePage {
    let start = typed.map_or(Start::Settings(&source.settings), Start::Typed);
    let chosen = typed
        .map_or_else(|| interval_value(source.interval_seconds), |body| body.text("interval").unwrap_or("none").to_owned());
    let mut offered: Vec<Option<u64>> = std::iter::once(None).chain(INTERVALS.map(Some)).collect();
    if !offered.contains(&source.interval_seconds) {
        offered.push(source.interval_seconds);
        offered.sort_unstable();
    }
    let is_reminder = source.mode == CredentialMode::EphemeralBrowser;
    let option = |seconds: Option<u64>| {
        let value = interval_value(seconds);
        OptionView { label: if is_reminder { reminder(seconds) } else { interval(seconds) }, chosen: value == chosen, value }
    };
    // The passphrase is wanted only where a setting decides which hosts are reached.
    let changes_hosts = connector.settings.fields.iter().any(|field| field.affects_host);
    let mode = typed.and_then(|body| body.text("mode").and_then(CredentialMode::parse)).unwrap_or(source.mode);
    let modes = connector.modes.iter().map(|offered| (offered.clone(), offered.mode == mode)).collect();
    ChangePage {
        frame: Frame::new(format!("Change {}", source.name), Under::Home),
        name: typed.map_or_else(|| source.name.clone(), |body| body.text("name").unwrap_or_default().to_owned()),
        intervals: offered.into_iter().map(option).collect(),
        is_reminder,
        settings: form::fields(&connector.settings, SETTINGS, &start, problem.as_ref()),
        asks_passphrase: asks_passphrase && (changes_hosts || connector.modes.len() > 1),
        modes: if connector.modes.len() > 1 { modes } else { Vec::new() },
        source,
        problem,
    }
}

fn interval_value(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "none".to_owned(), |seconds| seconds.to_string())
}

pub(crate) async fn save(mut visitor: Visitor, Named(id): Named<SourceId>, mut body: FormBody) -> Page {
    let (source, connector) = look(&visitor, id).await?;
    let interval_seconds = match body.text("interval") {
        None => None,
        Some("none") => Some(None),
        Some(seconds) => seconds.parse().ok().map(Some),
    };
    let settings = (!connector.settings.fields.is_empty()).then(|| form::settings(&connector.settings, SETTINGS, &body));
    let change = SourceChange {
        name: body.text("name").map(str::to_owned),
        settings,
        mode: body.text("mode").and_then(CredentialMode::parse),
        interval_seconds,
    };
    let changed = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => left_by(&visitor, id, move |engine, caller| engine.change_source(caller, id, change).map(drop)).await,
        Err(refused) => Err(refused),
    };
    match changed {
        Ok(Some(receipt)) => go_to(&receipt),
        Ok(None) => go_to_saying(Done::SourceChanged, &format!("/sources/{id}")),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let page = page(source, &connector, Some(&body), !visitor.is_reauthenticated(), Some(problem));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}
