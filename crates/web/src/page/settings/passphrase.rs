//! The passphrase the owner signs in with, changed.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{Problem, ProblemCode};

use super::{Section, about_input};
use crate::admit::Visitor;
use crate::body::FormBody;
use crate::done::Done;
use crate::page::{Frame, Page, Under, go_to_saying, show, show_with};

#[derive(Template)]
#[template(path = "settings/passphrase.html")]
pub(in crate::page) struct PassphrasePage {
    pub(in crate::page) frame: Frame,
    pub(in crate::page) problem: Option<Problem>,
}

pub(crate) async fn show_page(_: Visitor) -> Page {
    Ok(show(&page(None)))
}

pub(in crate::page) fn page(problem: Option<Problem>) -> PassphrasePage {
    PassphrasePage { frame: Frame::new("Your passphrase", Under::Settings), problem }
}

pub(crate) async fn change(visitor: Visitor, mut body: FormBody) -> Page {
    let again = |problem| Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page(Some(problem))));
    if body.text("new_passphrase") != body.text("repeated") {
        return again(differ("repeated"));
    }
    let (old, new) = (body.take("passphrase"), body.take("new_passphrase"));
    match visitor.ask(move |engine, caller| engine.change_passphrase(caller, &old, &new)).await {
        Ok(()) => go_to_saying(Done::PassphraseChanged, Section::Sessions.path()),
        Err(refused) => again(about_input(refused)?),
    }
}

/// What was typed twice is not the same.
pub(super) fn differ(at: &str) -> Problem {
    let next = "Type the same one twice; it cannot be shown to you later.";
    Problem::new(ProblemCode::BadInput, "The two passphrases differ.", next).at(at)
}
