//! One document of a page, and our own functions in it, in a world the page does not see.

use std::time::Duration;

use serde_json::{Value, json};

use super::tabs::WORLD;
use crate::BrowserError;
use crate::cdp::Session;

const READ_FIELD: &str = include_str!("read_field.js");

/// How long a page may take for one look at it.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Closed shadow roots that are looked into, one in the other.
const DEEPEST: usize = 8;

/// One document, by the world our functions run in there.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) session: Session,
    pub(super) context: i64,
}

impl Document {
    /// The one that is in that frame now.
    pub(super) fn of(session: Session, frame: &str) -> Result<Self, BrowserError> {
        let method = "Page.createIsolatedWorld";
        let world = json!({ "frameId": frame, "worldName": WORLD, "grantUniveralAccess": false });
        let made = session.call_within(method, world, PATIENCE)?;
        let context = made["executionContextId"].as_i64();
        let unexpected = || BrowserError::Unexpected { method: method.to_owned(), detail: "it has no number".to_owned() };
        Ok(Self { session, context: context.ok_or_else(unexpected)? })
    }

    pub(super) fn is(&self, other: &Document) -> bool {
        self.context == other.context && self.session.id() == other.session.id()
    }

    /// Whether the focus is in this document, as far as it is of use: in a text field, or in what may hide one.
    pub(super) fn has_focus(&self) -> Result<bool, BrowserError> {
        self.hold(READ_FIELD).map(|element| element.is_some())
    }

    /// The text field with the focus, and what that function, which returns nothing for what is none, makes of it. A closed shadow
    /// root hides its field from every function of the document, so that it is looked into from outside.
    pub(super) fn focused_as(&self, function: &str) -> Result<Option<(String, Value)>, BrowserError> {
        let mut focused = self.hold(READ_FIELD)?;
        for _ in 0..DEEPEST {
            let Some(element) = focused else { return Ok(None) };
            let described = self.on(&element, function)?;
            if !described.is_null() {
                return Ok(Some((element, described)));
            }
            let node = self.session.call_within("DOM.describeNode", json!({ "objectId": element }), PATIENCE)?;
            self.release(&element);
            let mut roots = node["node"]["shadowRoots"].as_array().into_iter().flatten();
            let closed =
                roots.find(|root| root["shadowRootType"] == "closed").and_then(|root| root["backendNodeId"].as_i64());
            let Some(closed) = closed else { return Ok(None) };
            let root = self.element(closed)?;
            focused = self.hold_of(READ_FIELD, json!({ "objectId": root }))?;
            self.release(&root);
        }
        Ok(None)
    }

    /// An element by Chromium's number for it, as our functions see it.
    pub(super) fn element(&self, node: i64) -> Result<String, BrowserError> {
        let node = json!({ "backendNodeId": node, "executionContextId": self.context, "objectGroup": WORLD });
        let resolved = self.session.call_within("DOM.resolveNode", node, PATIENCE)?;
        Ok(resolved["object"]["objectId"].as_str().unwrap_or_default().to_owned())
    }

    /// Runs a function that returns an element, and holds on to that.
    pub(super) fn hold(&self, function: &str) -> Result<Option<String>, BrowserError> {
        self.hold_of(function, json!({ "executionContextId": self.context }))
    }

    fn hold_of(&self, function: &str, mut how: Value) -> Result<Option<String>, BrowserError> {
        how["functionDeclaration"] = function.into();
        how["objectGroup"] = WORLD.into();
        let answer = self.session.call_within("Runtime.callFunctionOn", how, PATIENCE)?;
        Ok(answer["result"]["objectId"].as_str().map(str::to_owned))
    }

    /// Runs a function on an element, and returns what it returns.
    pub(super) fn on(&self, element: &str, function: &str) -> Result<Value, BrowserError> {
        let how = json!({ "functionDeclaration": function, "objectId": element, "returnByValue": true });
        let mut answer = self.session.call_within("Runtime.callFunctionOn", how, PATIENCE)?;
        Ok(answer["result"]["value"].take())
    }

    /// Runs a function as the owner's own act, with one argument.
    pub(super) fn call(&self, function: &str, argument: Value) -> Result<Value, BrowserError> {
        let arguments = if argument.is_null() { json!([]) } else { json!([argument]) };
        let how = json!({
            "functionDeclaration": function,
            "executionContextId": self.context,
            "arguments": arguments,
            "returnByValue": true,
            "userGesture": true,
        });
        let mut answer = self.session.call_within("Runtime.callFunctionOn", how, PATIENCE)?;
        Ok(answer["result"]["value"].take())
    }

    pub(super) fn release(&self, element: &str) {
        // What is not released goes with its document.
        let _ = self.session.send("Runtime.releaseObject", json!({ "objectId": element }));
    }
}
