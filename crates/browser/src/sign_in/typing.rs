//! Typing into a page and submitting it: each step is one function, run in the right frame, that checks where it is first.

use freehold_core::SecretBytes;
use serde_json::{Value, json};

use super::look::PATIENCE;
use crate::tabs::Tab;
use crate::{BrowserError, Frame};

const TYPE: &str = concat!("(origin, selector, what, value) => {", include_str!("dom.js"), include_str!("type.js"), "}");
const PRESS: &str =
    concat!("async (origin, selector, field, ticks) => {", include_str!("dom.js"), include_str!("press.js"), "}");
const CLEAR: &str = concat!("(selectors) => {", include_str!("dom.js"), include_str!("clear.js"), "}");

/// What is typed: it decides which kind of field it may go into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A password and the like: only into a field that hides it.
    Secret,
    /// A user name and the like.
    Plain,
    /// A code.
    Code,
}

/// How typing or pressing went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It is done.
    Yes,
    /// The frame went away meanwhile, or is at another origin by now. Nothing was typed.
    Moved,
    /// The field or button is not one to be used: missing, ambiguous, disabled, of another type.
    Not,
}

/// Types a value into a field of a frame that is at `origin`.
pub(super) fn put(
    frame: &Frame,
    origin: &str,
    selector: &str,
    what: What,
    value: &SecretBytes,
) -> Result<Done, BrowserError> {
    let name = match what {
        What::Secret => "secret",
        What::Plain => "plain",
        What::Code => "code",
    };
    done(frame.run_with_secret(TYPE, &[json!(origin), json!(selector), json!(name)], value))
}

/// Ticks, then presses `submit`, or sends the form of `field` where there is nothing to press.
pub(super) fn press(
    tab: &Tab,
    frame: &Frame,
    origin: Option<&str>,
    submit: Option<&str>,
    field: Option<&str>,
    ticks: &[String],
) -> Result<Done, BrowserError> {
    let answer = frame.run_as_gesture(PRESS, &[json!(origin), json!(submit), json!(field), json!(ticks)]);
    if matches!(&answer, Ok(Value::String(word)) if word == "key") {
        // No form to send: what a person would do in the field that has the focus.
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
            tab.page().session().call("Input.dispatchKeyEvent", key)?;
        }
        return Ok(Done::Yes);
    }
    match done(answer) {
        // It is on its way, and is not sent a second time.
        Err(BrowserError::Silent { .. }) => Ok(Done::Yes),
        done => done,
    }
}

/// Empties fields that were filled.
pub(super) fn clear(frame: &Frame, selectors: &[String]) -> Result<(), BrowserError> {
    match frame.run_within(CLEAR, &[json!(selectors)], PATIENCE) {
        Err(BrowserError::Silent { .. }) => Ok(()),
        Err(error) if !error.is_navigation() => Err(error),
        _ => Ok(()),
    }
}

fn done(answer: Result<Value, BrowserError>) -> Result<Done, BrowserError> {
    match answer {
        Ok(Value::Null) => Ok(Done::Yes),
        Ok(Value::String(word)) if word == "origin" => Ok(Done::Moved),
        Ok(_) => Ok(Done::Not),
        Err(error) if error.is_navigation() => Ok(Done::Moved),
        Err(error) => Err(error),
    }
}
