//! Looking: which of a descriptor's screens a browser shows, over all its pages and their frames.

use std::sync::Arc;
use std::time::Duration;

use freehold_protocol::manifest::{Fill, Means, Screen};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tabs::{Tab, Tabs};
use crate::{BrowserError, Frame};

const LOOK: &str = concat!("(spec) => {", include_str!("dom.js"), include_str!("look.js"), "}");
const IS_SHOWN: &str = concat!("function () {", include_str!("dom.js"), "return shown(this); }");

/// For one frame. It takes milliseconds; longer than this, the page has no time for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// A descriptor's screens as the looking function takes them.
pub(super) struct Eye {
    screens: Value,
    names: Vec<String>,
}

/// What one screen looks like.
#[derive(Serialize)]
struct Pattern<'s> {
    url: Option<&'s str>,
    visible: Option<&'s str>,
    hidden: Option<&'s str>,
    texts: Option<Vec<&'s str>>,
    fields: Vec<&'s str>,
    words: Option<&'static str>,
    until: Option<&'s str>,
}

/// What one page shows.
pub(super) struct PageLook {
    pub(super) tab: Arc<Tab>,
    /// Whether it is still on its way: it may yet become what is looked for.
    pub(super) is_loading: bool,
    /// Its own frame's address, without query; empty while there is none.
    pub(super) address: String,
    /// Whether Chromium shows its own page, for want of the provider's.
    pub(super) is_error: bool,
    /// Its own frame first.
    pub(super) frames: Vec<FrameLook>,
}

/// What one frame shows.
pub(super) struct FrameLook {
    pub(super) frame: Frame,
    pub(super) origin: String,
    /// Another document has another one.
    pub(super) document: f64,
    pub(super) matched: Vec<Matched>,
}

/// A screen that a frame shows.
#[derive(Clone, Deserialize)]
pub(super) struct Matched {
    pub(super) screen: usize,
    /// Whether it has fields and all of them are empty.
    pub(super) empty: bool,
    /// The provider's own words, where they help a person.
    pub(super) words: Option<String>,
    /// The text of the time until which it holds.
    pub(super) until: Option<String>,
}

#[derive(Deserialize)]
struct Seen {
    origin: String,
    address: String,
    document: f64,
    loading: String,
    matched: Vec<Matched>,
    bad: Option<usize>,
}

impl Eye {
    pub(super) fn new(screens: &[Screen]) -> Self {
        let patterns: Vec<Pattern<'_>> = screens.iter().map(Pattern::of).collect();
        let names = screens.iter().map(|screen| screen.name.clone()).collect();
        Self { screens: json!(patterns), names }
    }

    /// Looks at every page, the newest first.
    pub(super) fn look(&self, tabs: &Tabs) -> Result<Vec<PageLook>, BrowserError> {
        tabs.list()?.into_iter().map(|tab| self.look_at(tab)).collect()
    }

    fn look_at(&self, tab: Arc<Tab>) -> Result<PageLook, BrowserError> {
        let mut look = PageLook { tab, is_loading: true, address: String::new(), is_error: false, frames: Vec::new() };
        let frames = match look.tab.page().frames() {
            Err(error) if error.is_navigation() => return Ok(look),
            frames => frames?,
        };
        let mut page = Value::Null;
        for frame in frames {
            let is_own = frame.parent().is_none();
            let seen = match frame.run_within(LOOK, &[json!({ "screens": self.screens, "page": page })], PATIENCE) {
                Err(error) if error.is_navigation() && is_own => return Ok(look),
                Err(error) if error.is_navigation() => continue,
                seen => seen?,
            };
            let seen: Seen = serde_json::from_value(seen).map_err(|error| BrowserError::Unexpected {
                method: "Runtime.callFunctionOn".to_owned(),
                detail: error.to_string(),
            })?;
            if let Some(screen) = seen.bad {
                return Err(BrowserError::Selector { screen: self.names[screen].clone() });
            }
            if is_own {
                look.is_loading = seen.loading != "complete" || seen.address == "about:blank";
                look.is_error = seen.address.starts_with("chrome-error:");
                look.address = without_query(&seen.address).to_owned();
                page = seen.address.into();
            } else if !seen.matched.is_empty() && !is_shown(&frame, &look.frames)? {
                continue;
            }
            let Seen { origin, document, matched, .. } = seen;
            look.frames.push(FrameLook { frame, origin, document, matched });
        }
        Ok(look)
    }
}

impl PageLook {
    /// Which frame shows which screens.
    pub(super) fn shows(&self) -> impl Iterator<Item = (String, usize)> {
        let of = |look: &FrameLook| {
            let id = look.frame.id().to_owned();
            look.matched.iter().map(move |matched| (id.clone(), matched.screen)).collect::<Vec<_>>()
        };
        self.frames.iter().flat_map(of)
    }
}

impl<'s> Pattern<'s> {
    fn of(screen: &'s Screen) -> Self {
        let asks_code = screen.fill.values().any(|fill| matches!(fill, Fill::Otp | Fill::RecoveryCode));
        Self {
            url: screen.when.url.as_deref(),
            visible: screen.when.visible.as_deref(),
            hidden: screen.when.hidden.as_deref(),
            texts: screen.when.text.as_ref().map(|text| text.wordings().collect()),
            fields: screen.fill.keys().map(String::as_str).collect(),
            words: match screen.means {
                _ if asks_code => Some("beside"),
                Some(Means::Approval) => Some("about"),
                _ => None,
            },
            until: screen.until.as_deref(),
        }
    }
}

/// Whether a frame within a page can be seen there, as every element in it seems to be.
fn is_shown(frame: &Frame, above: &[FrameLook]) -> Result<bool, BrowserError> {
    let mut frame = frame;
    while let Some(parent) = frame.parent() {
        // One whose parent shows nothing was not kept; it is then looked at from nowhere.
        let Some(FrameLook { frame: parent, .. }) = above.iter().find(|look| look.frame.id() == parent) else {
            return Ok(false);
        };
        match parent.run_on_owner_of(frame, IS_SHOWN) {
            Ok(shown) if shown == true => frame = parent,
            Ok(_) => return Ok(false),
            Err(error) if error.is_navigation() => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
