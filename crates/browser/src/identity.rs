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
    page.goto(address, patience)?;
    let mut steady: Option<(Seen, Instant)> = None;
    while Instant::now() < until {
        let seen = look(page, key, display.as_deref())?.filter(|seen| is_at(address, &seen.origin));
        match seen {
            Some(seen) if seen.key.is_none() && seen.is_loaded && (seen.status >= 500 || seen.status == 429) => {
                return Err(BrowserError::Unreachable {
                    url: address.split(['?', '#']).next().unwrap_or_default().to_owned(),
                    reason: format!("status {}", seen.status),
                });
            }
            Some(seen) if seen.key.is_some() => match &steady {
                Some((before, since)) if *before == seen && seen.is_loaded && since.elapsed() >= STEADY => {
                    return Ok(identity(rule, seen));
                }
                Some((before, _)) if *before == seen => {}
                _ => steady = Some((seen, Instant::now())),
            },
            _ => steady = None,
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
