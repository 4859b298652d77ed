//! What the stand-in answers: which page is shown when, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::address::{asked, parameter, with_parameter};
use super::element::Element;
use super::pages::{AT, Body, Page, Pages};
use super::planted::{Plant, Planted};

/// Where the stand-in's own addresses begin; no page of a provider is below it.
const OWN: &str = "/.stand-in/";
/// The cookie that is the session.
const SESSION: &str = "stand-in-session";
/// What every page has, so that whatever is made for a selector can be seen.
const STYLE: &str =
    "body *{display:block!important;visibility:visible!important;opacity:1!important;min-width:48px;min-height:16px}";

/// What a browser asks for.
pub(super) struct Request {
    /// Scheme, host and port.
    pub(super) origin: String,
    pub(super) is_post: bool,
    /// Path and query.
    pub(super) target: String,
    pub(super) cookies: String,
    /// What it is for, where the browser says: the header `Sec-Fetch-Dest`.
    pub(super) purpose: Option<String>,
    pub(super) body: String,
}

/// What it is answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// What happened at the stand-in so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The screens whose pages were served, in order.
    pub pages: Vec<String>,
    /// The screens that were submitted with every field filled, in order.
    pub submitted: Vec<String>,
    /// How often somebody was signed in at the end of it.
    pub sign_ins: u32,
    /// How often a session was ended.
    pub sign_outs: u32,
    /// Where values were left by the last session.
    pub planted: BTreeSet<Plant>,
    /// Where none could be, and what the browser said.
    pub not_planted: BTreeMap<Plant, String>,
}

/// The site that a browser sees at every address of the manifest's.
pub(super) struct Site {
    pub(super) pages: Pages,
    /// `sign_in.origins`.
    pub(super) origins: Vec<String>,
    /// Where signing in begins, and signing out.
    pub(super) start: String,
    pub(super) way_out: Option<String>,
    pub(super) planted: Planted,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
}

/// What changes.
#[derive(Default)]
pub(super) struct State {
    seen: Seen,
    /// Whether the session's cookie is good.
    is_open: bool,
    /// Whether a page told that it is done leaving values.
    is_planted: bool,
}

/// What a page's script is given.
#[derive(Serialize)]
struct Spec<'s> {
    tree: Option<&'s Element>,
    fragment: Option<&'s str>,
    /// Where it is sent.
    address: &'s str,
    fields: &'s [String],
    submit: Option<&'s str>,
    /// Whether there is anything to submit.
    sends: bool,
    plants: BTreeMap<Plant, &'s str>,
    /// Whether it tells when it is done.
    tells: bool,
}

impl Site {
    pub(super) fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    /// Waits until the last session has left everything it leaves.
    pub(super) fn wait_until_planted(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.state();
        loop {
            let is_whole = Plant::ALL
                .iter()
                .all(|plant| state.seen.planted.contains(plant) || state.seen.not_planted.contains_key(plant));
            if state.is_planted && is_whole {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        if let Some(own) = path.strip_prefix(OWN) {
            return self.own(own, request);
        }
        // A page is no picture, style or script.
        if request.purpose.as_deref().is_some_and(|purpose| !matches!(purpose, "document" | "iframe" | "empty")) {
            return Answer::nothing();
        }
        if !self.origins.contains(&request.origin) {
            return Answer::page("<!doctype html><title>Stand-in</title>".to_owned());
        }
        let address = format!("{}{}", request.origin, request.target);
        let at = parameter(&address, AT).unwrap_or_default();
        match (self.is_signed_in(request), request.is_post) {
            (false, true) => self.submitted(at, request),
            (true, true) => self.left(at),
            (false, false) => self.outside(at, &address),
            (true, false) => self.inside(at, &address),
        }
    }

    /// A page for somebody who is not signed in.
    fn outside(&self, at: &str, address: &str) -> Answer {
        if let Some(page) = at.parse().ok().and_then(|step: usize| self.pages.sign_in.get(step)) {
            return self.show(page, false);
        }
        let out = self.pages.signed_out.as_ref();
        match out.filter(|_| at == "out" || self.begins_out(address) && asked(&self.start) != address) {
            Some(page) if at == "out" => self.show(page, false),
            Some(page) => Answer::see(page.address.clone()),
            None => Answer::see(self.pages.sign_in[0].address.clone()),
        }
    }

    /// A page for somebody who is.
    fn inside(&self, at: &str, address: &str) -> Answer {
        if let Some(page) = at.strip_prefix("out").and_then(|step| self.pages.sign_out.get(step.parse::<usize>().ok()?)) {
            return self.show(page, true);
        }
        if self.begins_out(address) {
            return match self.pages.sign_out.first() {
                Some(page) if asked(&with_parameter(address, AT, "out0")) == asked(&page.address) => self.show(page, true),
                Some(page) => Answer::see(page.address.clone()),
                None => self.sign_out(),
            };
        }
        match &self.pages.identity {
            Some(page) if asked(&page.address) == address => self.show(page, true),
            _ if asked(&self.start) == address && asked(&self.pages.signed_in.address) != address => {
                Answer::see(self.pages.signed_in.address.clone())
            }
            _ => self.show(&self.pages.signed_in, true),
        }
    }

    /// A page of signing in was submitted.
    fn submitted(&self, at: &str, request: &Request) -> Answer {
        let step = at.parse().unwrap_or(0);
        let Some(page) = self.pages.sign_in.get(step) else { return Answer::see(self.start.clone()) };
        let filled = request.body.split('&').filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()));
        if filled.count() < page.fields.len() {
            return Answer::see(page.address.clone());
        }
        let mut state = self.state();
        state.seen.submitted.push(page.name.clone());
        if let Some(next) = self.pages.sign_in.get(step + 1) {
            return Answer::see(next.address.clone());
        }
        state.is_open = true;
        state.is_planted = false;
        state.seen.sign_ins += 1;
        state.seen.planted.clear();
        state.seen.not_planted.clear();
        self.enter(0)
    }

    /// A page of signing out was submitted.
    fn left(&self, at: &str) -> Answer {
        let step: Option<usize> = at.strip_prefix("out").and_then(|step| step.parse().ok());
        let Some(page) = step.and_then(|step| self.pages.sign_out.get(step)) else {
            return Answer::see(self.start.clone());
        };
        self.state().seen.submitted.push(page.name.clone());
        match step.and_then(|step| self.pages.sign_out.get(step + 1)) {
            Some(next) => Answer::see(next.address.clone()),
            None => self.sign_out(),
        }
    }

    fn sign_out(&self) -> Answer {
        let mut state = self.state();
        state.is_open = false;
        state.seen.sign_outs += 1;
        Answer::see(self.pages.signed_out.as_ref().map_or_else(|| self.start.clone(), |page| page.address.clone()))
    }

    /// To the next origin that is to have the session's cookie; at the end, to where signing in began.
    fn enter(&self, next: usize) -> Answer {
        Answer::see(match self.origins.get(next) {
            Some(origin) => format!("{origin}{OWN}enter/{}/{next}", self.planted.of(Plant::Address)),
            None => self.start.clone(),
        })
    }

    /// The addresses of the stand-in's own.
    fn own(&self, path: &str, request: &Request) -> Answer {
        let value = |plant| self.planted.of(plant);
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        match name {
            "enter" if self.state().is_open => {
                let next =
                    rest.rsplit('/').next().and_then(|next| next.parse::<usize>().ok()).map_or(usize::MAX, |next| next + 1);
                self.is_left(&[Plant::Address, Plant::Cookie, Plant::SessionCookie]);
                let secure = if request.origin.starts_with("https:") { "; Secure" } else { "" };
                let cookie = |name: &str, plant, more: &str| {
                    format!("{name}={}; Path=/; SameSite=Lax{secure}{more}", self.planted.of(plant))
                };
                self.enter(next)
                    .with("Set-Cookie", cookie(SESSION, Plant::SessionCookie, "; HttpOnly"))
                    .with("Set-Cookie", cookie("stand-in-visitor", Plant::Cookie, "; Max-Age=31536000"))
            }
            "cached" => {
                self.is_left(&[Plant::HttpCache]);
                Answer::of("text/plain", value(Plant::HttpCache).to_owned()).with("Cache-Control", "max-age=31536000")
            }
            "worker.js" => {
                let script =
                    format!("const kept = '{}';\naddEventListener('fetch', () => {{}});\n", value(Plant::ServiceWorker));
                Answer::of("text/javascript", script)
            }
            "download" => {
                self.is_left(&[Plant::Download, Plant::DownloadName]);
                let name = format!("attachment; filename=\"{}.txt\"", value(Plant::DownloadName));
                Answer::of("application/octet-stream", value(Plant::Download).to_owned()).with("Content-Disposition", name)
            }
            "icon" => {
                self.is_left(&[Plant::Icon]);
                let picture = format!(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><title>{}</title><circle cx=\"4\" cy=\"4\" \
                     r=\"4\"/></svg>",
                    value(Plant::Icon)
                );
                Answer::of("image/svg+xml", picture)
            }
            "planted" if request.is_post && self.is_signed_in(request) => {
                let failed: BTreeMap<Plant, String> = serde_json::from_str(&request.body).unwrap_or_default();
                let mut state = self.state();
                // What only the server can tell of has been told by now, or is on its way.
                let by_server = |plant: &Plant| {
                    use Plant::{Address, Cookie, Download, DownloadName, HttpCache, Icon, SessionCookie};
                    matches!(plant, Address | Cookie | Download | DownloadName | HttpCache | Icon | SessionCookie)
                };
                let by_page = Plant::ALL.into_iter().filter(|plant| !by_server(plant) && !failed.contains_key(plant));
                state.seen.planted.extend(by_page);
                state.seen.not_planted = failed;
                state.is_planted = true;
                self.changed.notify_all();
                Answer { status: 204, headers: Vec::new(), body: String::new() }
            }
            _ => Answer::nothing(),
        }
    }

    fn is_left(&self, plants: &[Plant]) {
        self.state().seen.planted.extend(plants);
        self.changed.notify_all();
    }

    fn show(&self, page: &Page, is_inside: bool) -> Answer {
        let mut state = self.state();
        state.seen.pages.push(page.name.clone());
        let wanted = |plant: Plant| match plant {
            // Every one of them asks the owner.
            Plant::Download => is_inside && !state.seen.planted.contains(&plant),
            plant => is_inside || plant.is_early(),
        };
        let (tree, given) = match &page.body {
            Body::Made(tree) => (Some(tree), ""),
            Body::Given(html) => (None, html.as_str()),
        };
        let spec = Spec {
            tree,
            fragment: page.address.find('#').map(|at| &page.address[at..]),
            address: &page.address,
            fields: &page.fields,
            submit: page.submit.as_deref(),
            sends: page.submit.is_some() || !page.fields.is_empty(),
            plants: self.planted.all().filter(|(plant, _)| wanted(*plant)).collect(),
            tells: is_inside && !state.is_planted,
        };
        // No end of the script may be read out of what is in it.
        let spec = serde_json::to_string(&spec).unwrap_or_default().replace('<', "\\u003c");
        let script = format!("<script>{{const spec = {spec};\n{}}}</script>", include_str!("page.js"));
        Answer::page(match tree {
            Some(_) => {
                format!("<!doctype html><meta charset=utf-8><title></title><style>{STYLE}</style><body>{script}</body>")
            }
            None => format!("{given}\n{script}"),
        })
    }

    /// Whether signing out begins at that address.
    fn begins_out(&self, address: &str) -> bool {
        self.way_out.as_ref().is_some_and(|start| asked(start) == address)
    }

    fn is_signed_in(&self, request: &Request) -> bool {
        let session = format!("{SESSION}={}", self.planted.of(Plant::SessionCookie));
        self.state().is_open && request.cookies.split("; ").any(|cookie| cookie == session)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    fn of(kind: &str, body: String) -> Self {
        Self { status: 200, headers: vec![("Content-Type", kind.to_owned())], body }
    }

    fn page(body: String) -> Self {
        Self::of("text/html; charset=utf-8", body).with("Cache-Control", "no-store")
    }

    fn see(address: String) -> Self {
        Self { status: 303, headers: vec![("Location", address)], body: String::new() }
    }

    fn nothing() -> Self {
        Self { status: 404, headers: Vec::new(), body: String::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
