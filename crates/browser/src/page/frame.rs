//! One frame of a page, and running our own functions in it, out of the page's sight.

use std::time::Duration;

use freehold_core::SecretBytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::BrowserError;
use crate::cdp::{PATIENCE, Session};

/// The world our functions run in: it shares the document with the page's scripts, and nothing else. What they overwrite in theirs,
/// `location` or a prototype, is as it was in ours.
pub(crate) const WORLD: &str = "freehold";

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
        self.run_as(function, arguments, false, PATIENCE)
    }

    /// The same within a time of the caller's, where the page's own scripts may keep it from running.
    pub(crate) fn run_within(&self, function: &str, arguments: &[Value], patience: Duration) -> Result<Value, BrowserError> {
        self.run_as(function, arguments, false, patience)
    }

    /// The same as if the owner had just clicked: what it opens or submits is not blocked.
    pub fn run_as_gesture(&self, function: &str, arguments: &[Value]) -> Result<Value, BrowserError> {
        self.run_as(function, arguments, true, PATIENCE)
    }

    /// Runs it with a secret as one more argument. That is written into Chromium's pipe and wiped; of the answer nothing is passed on but
    /// what the function returns.
    pub(crate) fn run_with_secret(
        &self,
        function: &str,
        arguments: &[Value],
        secret: &SecretBytes,
    ) -> Result<Value, BrowserError> {
        #[expect(clippy::disallowed_methods, reason = "it leaves here, to be typed")]
        let value = std::str::from_utf8(secret.expose()).map_err(|_| unexpected("a secret is not text"))?;
        let arguments = arguments.iter().map(|value| Argument::Plain { value }).chain([Argument::Secret { value }]);
        let call = Call {
            function_declaration: function,
            execution_context_id: self.world()?,
            arguments: arguments.collect(),
            ..CALL
        };
        let answer = self.session.send(METHOD, &call)?.wait(PATIENCE);
        // A refusal could quote the call.
        returned(answer.map_err(|error| match error {
            BrowserError::Refused { .. } if !error.is_navigation() => unexpected("it was refused"),
            error => error,
        })?)
    }

    /// Runs a function of ours as a method of the element that a frame within this one is in.
    pub(crate) fn run_on_owner_of(&self, child: &Frame, function: &str) -> Result<Value, BrowserError> {
        self.session.call("DOM.enable", json!({}))?;
        let owner = self.session.call("DOM.getFrameOwner", json!({ "frameId": child.id }))?["backendNodeId"].take();
        let node = json!({ "backendNodeId": owner, "executionContextId": self.world()? });
        let object = self.session.call("DOM.resolveNode", node)?["object"]["objectId"].take();
        self.session.call("DOM.disable", json!({}))?;
        let call = json!({ "functionDeclaration": function, "objectId": object, "returnByValue": true });
        let answer = self.session.call(METHOD, call);
        self.session.call("Runtime.releaseObject", json!({ "objectId": object }))?;
        returned(answer?)
    }

    fn run_as(&self, function: &str, arguments: &[Value], gesture: bool, patience: Duration) -> Result<Value, BrowserError> {
        let call = Call {
            function_declaration: function,
            execution_context_id: self.world()?,
            arguments: arguments.iter().map(|value| Argument::Plain { value }).collect(),
            user_gesture: gesture,
            ..CALL
        };
        returned(self.session.send(METHOD, &call)?.wait(patience)?)
    }

    fn world(&self) -> Result<u64, BrowserError> {
        let world = json!({ "frameId": self.id, "worldName": WORLD, "grantUniveralAccess": false });
        let answer = self.session.call("Page.createIsolatedWorld", world)?;
        answer["executionContextId"].as_u64().ok_or_else(|| unexpected("no world was made"))
    }
}

const METHOD: &str = "Runtime.callFunctionOn";

/// One call of a function, written straight into the pipe's line so that no copy of a secret is made on the way.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    function_declaration: &'a str,
    execution_context_id: u64,
    arguments: Vec<Argument<'a>>,
    return_by_value: bool,
    await_promise: bool,
    user_gesture: bool,
}

const CALL: Call<'static> = Call {
    function_declaration: "",
    execution_context_id: 0,
    arguments: Vec::new(),
    return_by_value: true,
    await_promise: true,
    user_gesture: false,
};

#[derive(Serialize)]
#[serde(untagged)]
enum Argument<'a> {
    Plain { value: &'a Value },
    Secret { value: &'a str },
}

fn returned(mut answer: Value) -> Result<Value, BrowserError> {
    match answer.get("exceptionDetails") {
        // The exception's own text may quote the page, or an argument.
        Some(_) => Err(unexpected("the function threw")),
        None => Ok(answer["result"]["value"].take()),
    }
}

fn unexpected(detail: &str) -> BrowserError {
    BrowserError::Unexpected { method: METHOD.to_owned(), detail: detail.to_owned() }
}
