//! One frame of a page, and running our own functions in it, out of the page's sight.

use serde_json::{Value, json};

use crate::BrowserError;
use crate::cdp::Session;

/// The world our functions run in: it shares the document with the page's scripts, and nothing else. What they overwrite in theirs,
/// `location` or a prototype, is as it was in ours.
const WORLD: &str = "freehold";

/// A frame, as it was when it was listed.
#[derive(Clone)]
pub struct Frame {
    session: Session,
    id: String,
    parent: Option<String>,
    url: String,
}

impl Frame {
    pub(super) fn new(session: Session, id: String, parent: Option<String>, url: String) -> Self {
        Self { session, id, parent, url }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the frame it is in, whatever its site; `None` for a page's own.
    pub fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }

    /// Its address when it was listed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The session of the process it is in.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs a function of ours in the frame, in a world of its own, and returns what it returns (a promise is waited for).
    ///
    /// `function` is the source of one function expression; `arguments` are its arguments. A frame that navigates meanwhile is an
    /// error for which [`BrowserError::is_navigation`] holds.
    pub fn run(&self, function: &str, arguments: &[Value]) -> Result<Value, BrowserError> {
        self.run_as(function, arguments, false)
    }

    /// The same as if the owner had just clicked: what it opens or submits is not blocked.
    pub fn run_as_gesture(&self, function: &str, arguments: &[Value]) -> Result<Value, BrowserError> {
        self.run_as(function, arguments, true)
    }

    fn run_as(&self, function: &str, arguments: &[Value], gesture: bool) -> Result<Value, BrowserError> {
        let world = json!({ "frameId": self.id, "worldName": WORLD, "grantUniveralAccess": false });
        let context = self.session.call("Page.createIsolatedWorld", world)?["executionContextId"].take();
        let method = "Runtime.callFunctionOn";
        let arguments: Vec<Value> = arguments.iter().map(|argument| json!({ "value": argument })).collect();
        let mut answer = self.session.call(
            method,
            json!({
                "functionDeclaration": function,
                "executionContextId": context,
                "arguments": arguments,
                "returnByValue": true,
                "awaitPromise": true,
                "userGesture": gesture,
            }),
        )?;
        match answer.get("exceptionDetails") {
            // The exception's own text may quote the page, or an argument.
            Some(_) => Err(BrowserError::Unexpected { method: method.to_owned(), detail: "the function threw".to_owned() }),
            None => Ok(answer["result"]["value"].take()),
        }
    }
}
