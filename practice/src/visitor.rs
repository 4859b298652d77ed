//! Who asks: what a request's headers say of its browser.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::account::Site;
use crate::lang::Lang;
use crate::world::World;

/// The cookie of a session.
pub(crate) const SESSION: &str = "practice_session";
/// The cookie of a browser that is remembered.
pub(crate) const BROWSER: &str = "practice_browser";
/// The cookie of a chosen language.
pub(crate) const LANG: &str = "practice_lang";

/// A request's browser.
pub(crate) struct Visitor {
    /// The session it shows; empty without one.
    pub(crate) session: String,
    pub(crate) browser: Option<String>,
    pub(crate) lang: Lang,
    /// The language this very request chose.
    pub(crate) chosen: Option<Lang>,
    /// The host it asked for, with its port.
    pub(crate) host: String,
    /// The path and query it asked for.
    pub(crate) target: String,
}

impl Visitor {
    /// The visitor's own session of a site, or a new one.
    pub(crate) fn session_in(&self, world: &mut World, site: Site) -> String {
        match world.sessions.get(&self.session) {
            Some(session) if session.site == site => self.session.clone(),
            _ => world.open_session(site),
        }
    }

    /// Whether a form came from a page of this visitor's session.
    pub(crate) fn sent(&self, world: &World, csrf: Option<&String>) -> bool {
        world.sessions.get(&self.session).is_some_and(|session| csrf == Some(&session.csrf))
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        let chosen = query.split('&').filter_map(|pair| pair.strip_prefix("lang=")).find_map(Lang::from_code);
        let kept = cookie(headers, LANG).and_then(|code| Lang::from_code(&code));
        Ok(Self {
            session: cookie(headers, SESSION).unwrap_or_default(),
            browser: cookie(headers, BROWSER),
            lang: chosen.or(kept).unwrap_or_else(|| Lang::from_accept(text(header::ACCEPT_LANGUAGE))),
            chosen,
            host: text(header::HOST).to_owned(),
            target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        })
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}
