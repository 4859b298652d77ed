//! A page: going to addresses, waiting, and reading what is there.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::BrowserError;
use super::connection::{CallError, Connection, Event};

/// How long an address may take to open.
const NAVIGATION_LIMIT: Duration = Duration::from_secs(60);
/// How long anything else may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// The longest message of a script's failure that is told, in characters.
const MESSAGE_LIMIT: usize = 200;

/// A page of the browser. Dropping it leaves it open: it is Freehold's.
pub struct Page {
    connection: Connection,
    session: String,
    main_frame: String,
    now: Now,
}

/// What the browser told about the page.
#[derive(Default)]
struct Now {
    /// The load that is shown, or on its way.
    loader: String,
    url: String,
    /// The newest load whose document is complete.
    ready: String,
    response: Option<DocumentResponse>,
    /// Why it cannot be used any more.
    ended: Option<BrowserError>,
}

struct DocumentResponse {
    loader: String,
    status: u16,
    retry_after: Option<Duration>,
}

/// What became of opening an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// Where the page is now, after redirects.
    pub url: String,
    /// The HTTP status of what it shows; `None` where nothing was fetched, as for a place within the page.
    pub status: Option<u16>,
}

impl Page {
    /// Attaches to the first page there is.
    pub(super) fn attach(mut connection: Connection) -> Result<Self, BrowserError> {
        let until = Instant::now() + CALL_LIMIT;
        let mut call = |session: Option<&str>, method: &str, params: Value| {
            connection.call(session, method, &params, until).map_err(|error| error.of(method))
        };
        let targets = call(None, "Target.getTargets", json!({}))?;
        let targets = targets["targetInfos"].as_array().map(Vec::as_slice).unwrap_or_default();
        let page = targets.iter().find(|target| target["type"] == "page").ok_or(BrowserError::NoPage)?;
        let attached = call(None, "Target.attachToTarget", json!({ "targetId": page["targetId"], "flatten": true }))?;
        let session = text(&attached["sessionId"]);
        let attached = Some(session.as_str());
        call(attached, "Page.enable", json!({}))?;
        call(attached, "Page.setLifecycleEventsEnabled", json!({ "enabled": true }))?;
        call(attached, "Network.enable", json!({}))?;
        let tree = call(attached, "Page.getFrameTree", json!({}))?;
        let frame = &tree["frameTree"]["frame"];
        let now = Now { loader: text(&frame["loaderId"]), url: text(&frame["url"]), ..Now::default() };
        let main_frame = text(&frame["id"]);
        Ok(Self { connection, session, main_frame, now })
    }

    /// Opens an address and waits until its document is complete (pictures and the like may still be loading).
    ///
    /// An answer of 429, or of 500 and above, is [`BrowserError::Unavailable`]; any other is for the caller to judge. That the
    /// address led somewhere else, to a sign-in page say, is no error: look at [`Navigation::url`].
    pub fn goto(&mut self, url: &str) -> Result<Navigation, BrowserError> {
        self.goto_within(url, NAVIGATION_LIMIT)
    }

    /// The same, within a time of the caller's.
    pub fn goto_within(&mut self, url: &str, limit: Duration) -> Result<Navigation, BrowserError> {
        let until = Instant::now() + limit;
        self.now.response = None;
        let answer = match self.call("Page.navigate", json!({ "url": url }), until) {
            Err(BrowserError::TimedOut { .. }) => return Err(too_slow(url)),
            answer => answer?,
        };
        let loader = text(&answer["loaderId"]);
        if loader.is_empty() && answer["errorText"].is_null() {
            // A place within the page: nothing is loaded.
            return Ok(Navigation { url: self.url()?, status: None });
        }
        if let Some(reason) = answer["errorText"].as_str() {
            self.take_told()?;
            // An answer without a body is shown as the browser's own error page; its status is what counts.
            match self.answered(url, &loader)? {
                Some(status) => return Ok(Navigation { url: url.to_owned(), status: Some(status) }),
                None => return Err(BrowserError::NotOpened { url: without_query(url), reason: reason.to_owned() }),
            }
        }
        self.now.loader = loader;
        loop {
            self.take_told()?;
            if self.now.ready == self.now.loader {
                break;
            }
            if !self.connection.wait(until)? {
                return Err(too_slow(url));
            }
        }
        let (url, loader) = (self.now.url.clone(), self.now.loader.clone());
        let status = self.answered(&url, &loader)?;
        Ok(Navigation { url, status })
    }

    /// Waits until the page has something that `selector` (CSS) finds, visible or not. It may be several, separated by commas. The
    /// page may go on to other pages meanwhile. [`BrowserError::Missing`] when the time is up.
    pub fn wait_for(&mut self, selector: &str, limit: Duration) -> Result<(), BrowserError> {
        const APPEARS: &str = "(selector, limit) => new Promise((resolve) => {
            const isThere = () => document.querySelector(selector) !== null;
            if (isThere()) return resolve(true);
            const end = (found) => { observer.disconnect(); clearTimeout(timer); resolve(found); };
            const observer = new MutationObserver(() => isThere() && end(true));
            observer.observe(document, { childList: true, subtree: true, attributes: true });
            const timer = setTimeout(() => end(false), limit);
        })";
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            match self.evaluate_within::<bool>(APPEARS, (selector, millis), left + CALL_LIMIT) {
                Ok(true) => return Ok(()),
                Err(BrowserError::Navigated) if !left.is_zero() => {}
                Ok(false) | Err(BrowserError::Navigated) => {
                    return Err(BrowserError::Missing { url: without_query(&self.now.url), selector: selector.to_owned() });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Calls a JavaScript function on the page, as in `"(list) => document.querySelector(list).children.length"`, and reads what it
    /// returns, or what the promise it returns becomes. `arguments` is a tuple or a list of what can be written as JSON.
    pub fn evaluate<T: DeserializeOwned>(&mut self, function: &str, arguments: impl Serialize) -> Result<T, BrowserError> {
        self.evaluate_within(function, arguments, CALL_LIMIT)
    }

    fn evaluate_within<T: DeserializeOwned>(
        &mut self,
        function: &str,
        arguments: impl Serialize,
        limit: Duration,
    ) -> Result<T, BrowserError> {
        let unreadable = |error: serde_json::Error| BrowserError::Unexpected { what: format!("of a script: {error}") };
        let arguments = match serde_json::to_value(arguments).map_err(unreadable)? {
            list @ Value::Array(_) => list,
            // What () is written as.
            Value::Null => json!([]),
            one => json!([one]),
        };
        // As JSON within a literal, so that no argument is taken for a script.
        let expression = format!("({function})(...JSON.parse({}))", Value::from(arguments.to_string()));
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = match self.call("Runtime.evaluate", params, Instant::now() + limit) {
            Err(BrowserError::TimedOut { .. }) => {
                return Err(BrowserError::TimedOut { what: "a script on the page".to_owned() });
            }
            answer => answer?,
        };
        if let Some(exception) = answer.get("exceptionDetails") {
            let description = exception["exception"]["description"].as_str().or(exception["text"].as_str());
            let first_line = description.unwrap_or_default().lines().next().unwrap_or_default();
            return Err(BrowserError::Script { message: first_line.chars().take(MESSAGE_LIMIT).collect() });
        }
        serde_json::from_value(answer["result"]["value"].take()).map_err(unreadable)
    }

    /// The page's address as it is now.
    pub fn url(&mut self) -> Result<String, BrowserError> {
        self.read("() => location.href")
    }

    /// The page's HTML as it is now, whatever its scripts made of it.
    pub fn html(&mut self) -> Result<String, BrowserError> {
        self.read("() => document.documentElement.outerHTML")
    }

    /// Reads something that can be read again, should the page go on meanwhile.
    fn read(&mut self, function: &str) -> Result<String, BrowserError> {
        match self.evaluate(function, ()) {
            Err(BrowserError::Navigated) => self.evaluate(function, ()),
            answer => answer,
        }
    }

    fn call(&mut self, method: &str, params: Value, until: Instant) -> Result<Value, BrowserError> {
        let answer = self.connection.call(Some(&self.session), method, &params, until);
        // What was told meanwhile may say why there is no answer.
        self.take_told()?;
        answer.map_err(|error| error.of(method))
    }

    fn take_told(&mut self) -> Result<(), BrowserError> {
        let told: Vec<_> = self.connection.told().collect();
        for event in told {
            self.take(&event)?;
        }
        self.now.ended.clone().map_or(Ok(()), Err)
    }

    fn take(&mut self, event: &Event) -> Result<(), BrowserError> {
        let params = &event.params;
        if event.method == "Target.detachedFromTarget" && params["sessionId"] == self.session {
            self.now.ended.get_or_insert(BrowserError::Closed);
            return Ok(());
        }
        if event.session.as_ref() != Some(&self.session) {
            return Ok(());
        }
        match event.method.as_str() {
            "Page.frameNavigated" if params["frame"]["id"] == self.main_frame => {
                self.now.loader = text(&params["frame"]["loaderId"]);
                self.now.url = text(&params["frame"]["url"]);
            }
            "Page.navigatedWithinDocument" if params["frameId"] == self.main_frame => {
                self.now.url = text(&params["url"]);
            }
            "Page.lifecycleEvent" if params["frameId"] == self.main_frame && params["name"] == "DOMContentLoaded" => {
                self.now.ready = text(&params["loaderId"]);
            }
            "Network.responseReceived" if params["type"] == "Document" && params["frameId"] == self.main_frame => {
                self.now.response = Some(DocumentResponse::read(params));
            }
            "Page.javascriptDialogOpening" => {
                // A question of the page's would stop everything. Yes to leaving it, no to all else.
                let accept = params["type"] == "beforeunload";
                let answer = json!({ "accept": accept });
                self.connection.send(Some(&self.session), "Page.handleJavaScriptDialog", &answer)?;
            }
            "Inspector.targetCrashed" => drop(self.now.ended.get_or_insert(BrowserError::Crashed)),
            "Inspector.detached" => drop(self.now.ended.get_or_insert(BrowserError::Closed)),
            _ => {}
        }
        Ok(())
    }

    /// The status of a load, if it was answered; an error if the answer says that the provider cannot serve now.
    fn answered(&self, url: &str, loader: &str) -> Result<Option<u16>, BrowserError> {
        let Some(response) = self.now.response.as_ref().filter(|response| response.loader == loader) else {
            return Ok(None);
        };
        let DocumentResponse { status, retry_after, .. } = *response;
        if status == 429 || status >= 500 {
            return Err(BrowserError::Unavailable { url: without_query(url), status, retry_after });
        }
        Ok(Some(status))
    }
}

impl DocumentResponse {
    fn read(params: &Value) -> Self {
        let response = &params["response"];
        let headers = response["headers"].as_object();
        let header = headers.and_then(|all| all.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after")));
        // It may also be a date, which says no more than "later" to someone without the provider's clock.
        let seconds = header.and_then(|(_, value)| value.as_str()?.trim().parse().ok());
        Self {
            loader: text(&params["loaderId"]),
            status: response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default(),
            retry_after: seconds.map(Duration::from_secs),
        }
    }
}

impl CallError {
    fn of(self, method: &str) -> BrowserError {
        match self {
            Self::Broken(error) => error,
            Self::TimedOut => BrowserError::TimedOut { what: method.to_owned() },
            Self::Refused(message) => {
                let says = |any: &[&str]| any.iter().any(|part| message.contains(part));
                if says(&["Session with given id not found", "No session with given id", "Target closed"]) {
                    BrowserError::Closed
                } else if says(&["crashed"]) {
                    BrowserError::Crashed
                } else if says(&["Execution context was destroyed", "Cannot find context", "Inspected target navigated"]) {
                    BrowserError::Navigated
                } else {
                    BrowserError::Refused { method: method.to_owned(), message }
                }
            }
        }
    }
}

fn too_slow(url: &str) -> BrowserError {
    BrowserError::TimedOut { what: format!("opening {}", without_query(url)) }
}

fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
