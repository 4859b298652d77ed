//! Moods that concern whole pages, on their way in and out: slowness, failures, limits, endless redirects, a changed layout.

use std::time::Duration;

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::account::Site;
use crate::mood::Area;
use crate::path::own;
use crate::reply;
use crate::sign_in::TurnedAway;
use crate::world::Shared;

/// How long a visitor is told to wait, in seconds.
const RETRY_SECONDS: i64 = 120;
/// Where the endless redirect goes through.
const CHECK: &str = "/check";

/// Which pages of a site are which; `None` for those no mood touches.
pub(crate) type AreaOf = fn(&str) -> Option<Area>;

/// What a router's weather needs.
#[derive(Clone)]
pub(crate) struct Weather {
    pub(crate) world: Shared,
    pub(crate) site: Site,
    pub(crate) area_of: AreaOf,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    code: u16,
    heading: &'static str,
    text: &'static str,
    until: Option<Timestamp>,
}

/// Lets a request through, or not, as the moods are.
pub(crate) async fn weather(State(weather): State<Weather>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let Some(area) = (weather.area_of)(&path) else { return next.run(request).await };
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let moods = {
        let mut world = weather.world.lock();
        world.counts.page(format!("{} {} {target}", request.method(), weather.site.code()));
        world.moods.clone()
    };
    if moods.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(moods.delay_ms.into())).await;
    }
    let is_in = |mood: Area| mood == Area::Everywhere || (mood == area && mood != Area::Nowhere);
    if is_in(moods.errors) {
        return failed();
    }
    // When signing in, only what is submitted is one too many, and the form's own handler knows what that was.
    if is_in(moods.rate_limited) && area != Area::SignIn {
        return too_many(weather.world.lock().now());
    }
    if path == CHECK {
        let wanted = target.split_once("return=").map_or("/", |(_, wanted)| wanted);
        return reply::see(own(wanted));
    }
    if moods.endless_redirect && request.method() == Method::GET && matches!(area, Area::Orders | Area::Account) {
        return reply::see(&format!("{CHECK}?return={path}"));
    }
    let response = next.run(request).await;
    if is_in(moods.changed_layout) { renamed(response).await } else { response }
}

/// A 500.
fn failed() -> Response {
    let (heading, text) = ("Something went wrong", "Our servers could not answer. This is our fault, not yours.");
    reply::page(StatusCode::INTERNAL_SERVER_ERROR, &Problem { code: 500, heading, text, until: None })
}

/// A 429 that says when to come back.
fn too_many(now: Timestamp) -> Response {
    let (heading, text) = ("Too many requests", "You have asked too often. Please wait a while.");
    let until = Some(now + SignedDuration::from_secs(RETRY_SECONDS));
    let response = reply::page(StatusCode::TOO_MANY_REQUESTS, &Problem { code: 429, heading, text, until });
    reply::with(response, header::RETRY_AFTER, &RETRY_SECONDS.to_string())
}

/// The answer to a submission that was not looked at.
pub(crate) fn turned_away(away: TurnedAway, now: Timestamp) -> Response {
    match away {
        TurnedAway::Failed => failed(),
        TurnedAway::TooMany => too_many(now),
    }
}

/// A refusal without more ado: a form that did not come from here, a page that is not there.
pub(crate) fn refused(status: StatusCode) -> Response {
    let (heading, text) = match status {
        StatusCode::FORBIDDEN => ("This form is out of date", "Go back, load the page again and send it once more."),
        _ => ("Nothing here", "There is no page at this address."),
    };
    reply::page(status, &Problem { code: status.as_u16(), heading, text, until: None })
}

/// The same page with other ids, classes and data attributes; a style sheet changes along.
async fn renamed(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let rename: fn(&str) -> String = match kind.split(';').next().unwrap_or_default() {
        "text/html" => renamed_html,
        "text/css" => renamed_css,
        _ => return response,
    };
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(rename(&String::from_utf8_lossy(&bytes))))
}

fn renamed_html(html: &str) -> String {
    let mut out = String::with_capacity(html.len() * 2);
    let mut pieces = html.split(' ');
    out.push_str(pieces.next().unwrap_or_default());
    let mut rest = pieces.peekable();
    while let Some(piece) = rest.next() {
        out.push(' ');
        let attribute = piece.split_once("=\"");
        match attribute {
            Some(("id" | "for" | "class", value)) => {
                out.push_str(piece.split('"').next().unwrap_or_default());
                out.push('"');
                // A class list goes on over the spaces that follow, up to its closing quote.
                let mut value = value;
                while !value.contains('"') {
                    out.push_str(&new_name(value));
                    out.push(' ');
                    value = rest.next().unwrap_or("\"");
                }
                let (last, after) = value.split_once('"').unwrap_or((value, ""));
                out.push_str(&new_name(last));
                out.push('"');
                out.push_str(after);
            }
            Some((name, value)) if name.starts_with("data-") => {
                out.push_str(&format!("data-{}=\"{value}", new_name(name)));
            }
            _ => out.push_str(piece),
        }
    }
    out
}

fn renamed_css(css: &str) -> String {
    let mut out = String::with_capacity(css.len() * 2);
    let mut rest = css;
    while let Some(at) = rest.find('.') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        // What starts with a digit is a fraction, not a class.
        out.push_str(&if name.starts_with(|c: char| c.is_ascii_alphabetic()) { new_name(name) } else { name.to_owned() });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn new_name(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("n{}", HEXLOWER.encode(&Sha256::digest(name)[..4])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_layout_keeps_the_words_and_loses_the_names() {
        let html = "<p id=\"email\" class=\"a wide b\" data-id=\"7\" name=\"email\">id for class</p>";
        let renamed = renamed_html(html);
        assert!(!renamed.contains("\"email\" class"), "{renamed}");
        assert!(!renamed.contains("wide") && !renamed.contains("data-id"), "{renamed}");
        assert!(renamed.contains("name=\"email\">id for class</p>"), "{renamed}");
        assert_eq!(renamed.matches('"').count(), html.matches('"').count());
    }

    #[test]
    fn a_style_sheet_changes_along_with_its_page() {
        let class = new_name("card");
        assert!(renamed_html("<p class=\"card\">").contains(&class));
        assert_eq!(renamed_css(".card { margin: .5rem 1.25rem }"), format!(".{class} {{ margin: .5rem 1.25rem }}"));
    }
}
