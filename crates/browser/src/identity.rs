//! Reading which account is signed in, on the page a connector names.

use std::time::{Duration, Instant};

use freehold_core::Identity;
use freehold_protocol::manifest::{IdentityRule, IdentitySource};
use serde::Deserialize;
use serde_json::json;

use crate::{BrowserError, Page};

const READ: &str = concat!("(key, display) => {", include_str!("sign_in/dom.js"), include_str!("identity.js"), "}");

/// How long a value has to stay the same: pages show a placeholder at first.
const STEADY: Duration = Duration::from_millis(400);
/// The same on a page that goes on loading.
const UNFINISHED: Duration = Duration::from_secs(5);
/// How long a page that is loaded may go on without the key. It is another page then, as in one that asks to sign in.
const EMPTY: Duration = Duration::from_secs(10);
/// How long a look is apart from the next where nothing on the page tells of a change.
const SLICE: Duration = Duration::from_millis(100);

#[derive(Deserialize, PartialEq)]
struct Seen {
    origin: String,
    is_loaded: bool,
    status: u16,
    key: Option<String>,
    display: Option<String>,
}

/// Opens the rule's page and reads the account there, its key normalised.
///
/// `None` where it cannot be read within `patience`: nothing is where the rule says, several different things are, or the page turned
/// out to be at another origin. A provider that is down is `Unreachable`. A rule that names no page has nothing to read: `None`.
pub fn read_identity(page: &Page, rule: &IdentityRule, patience: Duration) -> Result<Option<Identity>, BrowserError> {
    let IdentitySource::Page { page: address, key, display } = &rule.source else { return Ok(None) };
    let until = Instant::now() + patience;
    let unreachable = |reason: String| {
        let url = address.split(['?', '#']).next().unwrap_or_default().to_owned();
        BrowserError::Unreachable { url, reason }
    };
    match page.goto(address, patience / 2) {
        Err(BrowserError::Silent { .. }) => return Err(unreachable("no answer".to_owned())),
        opened => opened?,
    }
    let (mut last, mut since) = (None, Instant::now());
    while Instant::now() < until {
        let now = look(page, key, display.as_deref())?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if let Some(seen) = &last {
            let is_there = seen.key.is_some() && is_at(address, &seen.origin);
            if !is_there && seen.is_loaded && (seen.status >= 500 || seen.status == 429) {
                return Err(unreachable(format!("status {}", seen.status)));
            }
            let enough = match (is_there, seen.is_loaded) {
                (true, true) => STEADY,
                (true, false) => UNFINISHED,
                (false, true) => EMPTY,
                (false, false) => patience,
            };
            if since.elapsed() >= enough {
                return Ok(last.filter(|_| is_there).and_then(|seen| identity(rule, seen)));
            }
        }
        page.wait_for_change(SLICE)?;
    }
    Ok(None)
}

fn look(page: &Page, key: &str, display: Option<&str>) -> Result<Option<Seen>, BrowserError> {
    let answer = page.main_frame().and_then(|frame| frame.run(READ, &[json!(key), json!(display)]));
    let answer = match answer {
        Err(error) if error.is_navigation() => return Ok(None),
        answer => answer?,
    };
    serde_json::from_value(answer)
        .map(Some)
        .map_err(|error| BrowserError::Unexpected { method: "Runtime.callFunctionOn".to_owned(), detail: error.to_string() })
}

fn identity(rule: &IdentityRule, seen: Seen) -> Option<Identity> {
    let key = seen.key?;
    let normalised = rule.normalised(&key);
    let display = seen.display.unwrap_or(key);
    (!normalised.is_empty()).then_some(Identity { key: normalised, display })
}

/// Whether an address is at exactly that origin.
fn is_at(address: &str, origin: &str) -> bool {
    address.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}
