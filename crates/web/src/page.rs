//! The console's pages. A page's module turns the engine's views into what its template shows; templates decide nothing.

pub(crate) mod add;
pub(crate) mod change;
mod chart;
pub(crate) mod collect;
pub(crate) mod connector;
pub(crate) mod delete_stream;
#[cfg(debug_assertions)]
pub(crate) mod design;
pub(crate) mod details;
pub(crate) mod error;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod interaction;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod remove;
pub(crate) mod removed;
pub(crate) mod run;
mod run_chart;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod source;
pub(crate) mod start;
pub(crate) mod text;
pub(crate) mod url;

#[cfg(test)]
mod gallery;

use askama::Template;
use axum::Extension;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::admit::Visitor;
use crate::done::Done;
use crate::refused::Refused;
use settings::Section;

/// What a page's handler answers.
pub(crate) type Page = Result<Response, Refused>;

/// What every page has around its content.
pub(crate) struct Frame {
    title: String,
    /// Which entry of the navigation this page is under; none where there is no navigation.
    under: Option<Under>,
    /// Which page of the settings it is, if it is one.
    section: Option<Section>,
    style: String,
    script: String,
    mark: String,
    font: String,
    /// What was just done, where a form led here.
    done: Option<Done>,
}

/// The entries of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Under {
    Home,
    Search,
    Add,
    Settings,
    Help,
    /// None of them.
    Nothing,
}

impl Frame {
    /// A page of the signed-in owner.
    pub(crate) fn new(title: impl Into<String>, under: Under) -> Self {
        Self { under: Some(under), ..Self::bare(title) }
    }

    /// A page of the settings.
    pub(crate) fn of_settings(section: Section) -> Self {
        Self { section: Some(section), ..Self::new(section.title(), Under::Settings) }
    }

    /// A page for whoever is not signed in.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        use crate::asset::{font, mark, script, style};
        Self {
            title: title.into(),
            under: None,
            section: None,
            style: style(),
            script: script(),
            mark: mark(),
            font: font(),
            done: None,
        }
    }

    /// Says on the page what the visitor has just done.
    pub(crate) fn tell(&mut self, visitor: &Visitor) {
        self.done = visitor.done;
    }

    /// Whether this is that page of the settings.
    fn is_section(&self, section: &Section) -> bool {
        self.section.as_ref() == Some(section)
    }

    /// The attribute that marks an entry of the navigation as where this page is.
    fn current(&self, entry: &str) -> &'static str {
        let under = match self.under {
            Some(Under::Home) => "home",
            Some(Under::Search) => "search",
            Some(Under::Add) => "add",
            Some(Under::Settings) => "settings",
            Some(Under::Help) => "help",
            Some(Under::Nothing) | None => "",
        };
        if under == entry { "true" } else { "false" }
    }
}

/// A page as a response.
pub(crate) fn show(template: &impl Template) -> Response {
    show_with(StatusCode::OK, template)
}

/// A page with another status: a form that did not fit, an error.
pub(crate) fn show_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// After a form: to the page that shows what it did (303, so that reloading does not repeat it).
pub(crate) fn go_to(url: &str) -> Page {
    Ok(Redirect::to(url).into_response())
}

/// The same, to a page that says what was done.
pub(crate) fn go_to_saying(done: Done, url: &str) -> Page {
    Ok((Extension(done), Redirect::to(url)).into_response())
}
