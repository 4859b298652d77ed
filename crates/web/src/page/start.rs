//! First start: make the owner, show the recovery key, have part of it typed back.

use askama::Template;
use axum::Extension;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use freehold_core::{Problem, ProblemCode};
use freehold_engine::NewOwner;
use freehold_engine::view::SetupStage;

use super::sign_in::user_agent;
use super::{Frame, Page, go_to, show, show_with};
use crate::admit::Visitor;
use crate::body::FormBody;
use crate::cookie;
use crate::origin::{Client, Site};
use crate::refused::Refused;

#[derive(Template)]
#[template(path = "start_owner.html")]
pub(super) struct OwnerPage {
    pub(super) frame: Frame,
    pub(super) problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "start_key.html")]
pub(super) struct KeyPage {
    pub(super) frame: Frame,
    /// The recovery key, cut into the groups it is written in.
    pub(super) groups: Vec<String>,
    /// Where a part of it is typed back.
    pub(super) next: &'static str,
}

#[derive(Template)]
#[template(path = "start_confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) frame: Frame,
    /// Which groups are asked for, from 1.
    pub(super) groups: Vec<usize>,
    pub(super) problem: Option<Problem>,
}

pub(crate) async fn show_step(visitor: Visitor) -> Page {
    match visitor.stage {
        SetupStage::Owner => Ok(show(&OwnerPage { frame: Frame::bare("Welcome"), problem: None })),
        SetupStage::RecoveryKey if visitor.session.is_none() => go_to("/sign-in?next=%2Fstart"),
        SetupStage::RecoveryKey => Ok(show(&confirm_page(&visitor, None).await?)),
        SetupStage::Done => go_to("/"),
    }
}

pub(crate) async fn create_owner(
    visitor: Visitor,
    Extension(site): Extension<Site>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    mut form: FormBody,
) -> Page {
    let again = |problem: Problem| {
        let page = OwnerPage { frame: Frame::bare("Welcome"), problem: Some(problem) };
        Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
    };
    if form.text("passphrase") != form.text("repeated") {
        let problem = Problem::new(
            ProblemCode::BadInput,
            "The two passphrases differ.",
            "Type the same one twice; it cannot be shown to you later.",
        );
        return again(problem.at("repeated"));
    }
    let new = NewOwner { setup_code: form.take("setup_code"), passphrase: form.take("passphrase") };
    let browser = user_agent(&headers);
    let made = visitor
        .app
        .ask(move |engine| {
            let key = engine.create_owner(new)?;
            Ok((key, engine.first_session(&browser, client.address)?))
        })
        .await;
    match made {
        Ok((key, session)) => {
            let page = show(&key_page(key.reveal(), "/start"));
            Ok(([(header::SET_COOKIE, cookie::set(&site, session.token.reveal())?)], page).into_response())
        }
        Err(problem) if problem.code == ProblemCode::AlreadySetUp => go_to("/start"),
        Err(problem) if crate::form::is_about_input(&problem) => again(problem),
        Err(problem) => Err(Refused(problem)),
    }
}

pub(crate) async fn confirm_recovery_key(visitor: Visitor, mut form: FormBody) -> Page {
    let asked = visitor.app.ask(|engine| engine.recovery_challenge()).await?;
    let typed: Vec<_> = asked.iter().map(|group| form.take(&format!("group{group}"))).collect();
    match visitor.app.ask(move |engine| engine.confirm_recovery_key(&typed)).await {
        Ok(()) => go_to("/"),
        Err(problem) if problem.code == ProblemCode::AlreadySetUp => go_to("/"),
        Err(problem) if crate::form::is_about_input(&problem) => {
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &confirm_page(&visitor, Some(problem)).await?))
        }
        Err(problem) => Err(Refused(problem)),
    }
}

/// A new key is as good as the vault's, so the passphrase has to be fresh.
pub(crate) async fn renew_recovery_key(visitor: Visitor) -> Page {
    if !visitor.is_reauthenticated() {
        return go_to("/reauthenticate?next=%2Fstart");
    }
    let key = visitor.app.ask(|engine| engine.renew_recovery_key()).await?;
    Ok(show(&key_page(key.reveal(), "/start")))
}

pub(super) fn key_page(key: &str, next: &'static str) -> KeyPage {
    let groups = key.split(|c: char| c == '-' || c.is_whitespace()).filter(|group| !group.is_empty());
    KeyPage { frame: Frame::bare("Your recovery key"), groups: groups.map(str::to_owned).collect(), next }
}

async fn confirm_page(visitor: &Visitor, problem: Option<Problem>) -> Result<ConfirmPage, Refused> {
    let groups = match visitor.app.ask(|engine| engine.recovery_challenge()).await {
        Ok(groups) => groups,
        // A server that restarted in between no longer has the key to compare with: only a new one helps.
        Err(problem) if problem.code == ProblemCode::Conflict => Vec::new(),
        Err(problem) => return Err(Refused(problem)),
    };
    Ok(ConfirmPage { frame: Frame::bare("Check your recovery key"), groups, problem })
}
