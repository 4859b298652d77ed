//! What a connector may say to the browser, and what it hears: one table for methods, one for events. What is in neither is denied.

use Method::{Allow, Check, Deny, Filter, Target};

/// What becomes of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// The browser answers it.
    Allow,
    /// The browser answers it once its parameters were looked at, and changed where need be.
    Check(Checked),
    /// The browser answers it, and its answer is filtered.
    Filter(Filtered),
    /// It is about targets, and answered from what the connector's own are.
    Target(Targets),
    /// It is refused, for this reason.
    Deny(&'static str),
}

/// What is looked at in parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// The address is at one of the hosts, or blank.
    Address,
    /// The context is one the connector was told of.
    Context,
    /// The world gets no access to other origins' documents.
    World,
    /// The cookie, or each of them, is of the hosts.
    Cookie,
    /// Downloads end up in the temporary directory.
    Downloads,
    /// The files are read from the temporary directory, by us.
    Files,
    /// What is dragged holds no files.
    Drag,
    /// The response is one from the hosts.
    Response,
    /// The request was paused for this connector, and goes to the hosts if it is sent elsewhere.
    Paused,
    /// The stream is the answer to something the connector asked for.
    Stream,
    /// New targets below the page: frames and workers.
    AutoAttach,
    /// A page that waits to be started is started in our sessions too.
    Start,
}

/// What is taken out of an answer or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filtered {
    /// Cookies of other hosts.
    Cookies,
    /// Addresses and titles of pages at other hosts.
    History,
    /// Nothing: the stream in it becomes the connector's.
    Stream,
    /// Nothing: the context in it becomes the connector's.
    Context,
}

/// The methods about targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Targets {
    List,
    Info,
    Discover,
    Create,
    Attach,
    AttachToBrowser,
    Detach,
    Close,
    Activate,
    Contexts,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The connector hears it.
    Allow,
    /// A request or a response: what other hosts set or are sent is taken out, and whose body may be read is remembered.
    Request,
    /// Headers of a request as they were sent: cookies of other hosts are taken out.
    SentHeaders,
    /// Headers of a response as they came: cookies are taken out.
    ReceivedHeaders,
    /// A paused request: the connector hears it if it goes to its hosts, else it goes on.
    Paused,
    /// A context: the runtime's own are not told.
    Context,
    /// A target below the page.
    Attached,
    /// The end of a session.
    Detached,
}

const OTHERS: &str = "a connector sees its own page and the pages it opened, and nothing else of the browser";
const ALL: &str = "it reaches beyond the connector's hosts";
const RUNTIME: &str = "the browser is the runtime's to configure and to end";

/// Every method there is something to say about, in order. What is not here is denied.
pub(super) const METHODS: &[(&str, Method)] = &[
    ("Browser.cancelDownload", Allow),
    ("Browser.close", Deny(RUNTIME)),
    ("Browser.crash", Deny(RUNTIME)),
    ("Browser.crashGpuProcess", Deny(RUNTIME)),
    ("Browser.executeBrowserCommand", Deny(RUNTIME)),
    ("Browser.getBrowserCommandLine", Deny(RUNTIME)),
    ("Browser.getVersion", Allow),
    ("Browser.grantPermissions", Deny(RUNTIME)),
    ("Browser.setDownloadBehavior", Check(Checked::Downloads)),
    ("Browser.setPermission", Deny(RUNTIME)),
    ("Console.disable", Allow),
    ("Console.enable", Allow),
    ("DOM.describeNode", Allow),
    ("DOM.disable", Allow),
    ("DOM.enable", Allow),
    ("DOM.focus", Allow),
    ("DOM.getAttributes", Allow),
    ("DOM.getBoxModel", Allow),
    ("DOM.getContentQuads", Allow),
    ("DOM.getDocument", Allow),
    ("DOM.getFileInfo", Deny("it tells where files are")),
    ("DOM.getFrameOwner", Allow),
    ("DOM.getOuterHTML", Allow),
    ("DOM.querySelector", Allow),
    ("DOM.querySelectorAll", Allow),
    ("DOM.requestNode", Allow),
    ("DOM.resolveNode", Check(Checked::Context)),
    ("DOM.scrollIntoViewIfNeeded", Allow),
    ("DOM.setFileInputFiles", Check(Checked::Files)),
    ("Emulation.clearDeviceMetricsOverride", Allow),
    ("Emulation.clearGeolocationOverride", Allow),
    ("Emulation.setDefaultBackgroundColorOverride", Allow),
    ("Emulation.setDeviceMetricsOverride", Allow),
    ("Emulation.setEmulatedMedia", Allow),
    ("Emulation.setFocusEmulationEnabled", Allow),
    ("Emulation.setGeolocationOverride", Allow),
    ("Emulation.setLocaleOverride", Allow),
    ("Emulation.setScriptExecutionDisabled", Allow),
    ("Emulation.setTimezoneOverride", Allow),
    ("Emulation.setTouchEmulationEnabled", Allow),
    ("Emulation.setUserAgentOverride", Allow),
    ("Fetch.continueRequest", Check(Checked::Paused)),
    ("Fetch.continueResponse", Check(Checked::Paused)),
    ("Fetch.continueWithAuth", Check(Checked::Paused)),
    ("Fetch.disable", Allow),
    ("Fetch.enable", Allow),
    ("Fetch.failRequest", Check(Checked::Paused)),
    ("Fetch.fulfillRequest", Check(Checked::Paused)),
    ("Fetch.getResponseBody", Check(Checked::Paused)),
    ("IO.close", Check(Checked::Stream)),
    ("IO.read", Check(Checked::Stream)),
    ("Input.dispatchDragEvent", Check(Checked::Drag)),
    ("Input.dispatchKeyEvent", Allow),
    ("Input.dispatchMouseEvent", Allow),
    ("Input.dispatchTouchEvent", Allow),
    ("Input.insertText", Allow),
    ("Input.setInterceptDrags", Allow),
    ("Inspector.enable", Allow),
    ("Log.clear", Allow),
    ("Log.disable", Allow),
    ("Log.enable", Allow),
    ("Network.clearBrowserCache", Deny(ALL)),
    ("Network.clearBrowserCookies", Deny(ALL)),
    ("Network.deleteCookies", Check(Checked::Cookie)),
    ("Network.disable", Allow),
    ("Network.emulateNetworkConditions", Allow),
    ("Network.enable", Allow),
    ("Network.getAllCookies", Filter(Filtered::Cookies)),
    ("Network.getCookies", Filter(Filtered::Cookies)),
    ("Network.getRequestPostData", Check(Checked::Response)),
    ("Network.getResponseBody", Check(Checked::Response)),
    // It follows redirects to wherever they lead, with cookies, and hands over what it finds.
    ("Network.loadNetworkResource", Deny("it follows redirects out of the connector's hosts; let the page fetch")),
    ("Network.setBlockedURLs", Allow),
    ("Network.setBypassServiceWorker", Allow),
    ("Network.setCacheDisabled", Allow),
    ("Network.setCookie", Check(Checked::Cookie)),
    ("Network.setCookies", Check(Checked::Cookie)),
    ("Network.setExtraHTTPHeaders", Allow),
    ("Network.setRequestInterception", Deny("use Fetch")),
    ("Network.setUserAgentOverride", Allow),
    ("Page.addScriptToEvaluateOnNewDocument", Allow),
    ("Page.bringToFront", Allow),
    ("Page.captureScreenshot", Allow),
    ("Page.captureSnapshot", Deny("it holds frames of other hosts")),
    ("Page.close", Allow),
    ("Page.crash", Deny(RUNTIME)),
    ("Page.createIsolatedWorld", Check(Checked::World)),
    ("Page.disable", Allow),
    ("Page.enable", Allow),
    ("Page.getFrameTree", Allow),
    ("Page.getLayoutMetrics", Allow),
    ("Page.getNavigationHistory", Filter(Filtered::History)),
    ("Page.getResourceContent", Deny("it holds resources of other hosts; use Network.getResponseBody")),
    ("Page.handleJavaScriptDialog", Allow),
    ("Page.navigate", Check(Checked::Address)),
    ("Page.navigateToHistoryEntry", Allow),
    ("Page.printToPDF", Filter(Filtered::Stream)),
    ("Page.reload", Allow),
    ("Page.removeScriptToEvaluateOnNewDocument", Allow),
    ("Page.screencastFrameAck", Allow),
    ("Page.setBypassCSP", Allow),
    ("Page.setDocumentContent", Allow),
    ("Page.setDownloadBehavior", Deny("use Browser.setDownloadBehavior")),
    ("Page.setFontFamilies", Allow),
    ("Page.setInterceptFileChooserDialog", Allow),
    ("Page.setLifecycleEventsEnabled", Allow),
    ("Page.startScreencast", Allow),
    ("Page.stopLoading", Allow),
    ("Page.stopScreencast", Allow),
    ("Performance.disable", Allow),
    ("Performance.enable", Allow),
    ("Performance.getMetrics", Allow),
    ("Runtime.addBinding", Check(Checked::Context)),
    ("Runtime.awaitPromise", Allow),
    ("Runtime.callFunctionOn", Check(Checked::Context)),
    ("Runtime.compileScript", Check(Checked::Context)),
    ("Runtime.disable", Allow),
    ("Runtime.discardConsoleEntries", Allow),
    ("Runtime.enable", Allow),
    ("Runtime.evaluate", Check(Checked::Context)),
    ("Runtime.getProperties", Allow),
    ("Runtime.globalLexicalScopeNames", Check(Checked::Context)),
    ("Runtime.releaseObject", Allow),
    ("Runtime.releaseObjectGroup", Allow),
    ("Runtime.removeBinding", Allow),
    ("Runtime.runIfWaitingForDebugger", Check(Checked::Start)),
    ("Runtime.runScript", Check(Checked::Context)),
    ("Security.setIgnoreCertificateErrors", Deny("a certificate that does not fit is somebody else's")),
    ("Storage.clearCookies", Deny(ALL)),
    ("Storage.clearDataForOrigin", Deny(ALL)),
    ("Storage.getCookies", Filter(Filtered::Cookies)),
    ("Storage.setCookies", Check(Checked::Cookie)),
    ("Target.activateTarget", Target(Targets::Activate)),
    ("Target.attachToBrowserTarget", Target(Targets::AttachToBrowser)),
    ("Target.attachToTarget", Target(Targets::Attach)),
    ("Target.closeTarget", Target(Targets::Close)),
    ("Target.createBrowserContext", Deny(OTHERS)),
    ("Target.createTarget", Target(Targets::Create)),
    ("Target.detachFromTarget", Target(Targets::Detach)),
    ("Target.disposeBrowserContext", Deny(OTHERS)),
    ("Target.exposeDevToolsProtocol", Deny("a page gets no hold of the browser")),
    ("Target.getBrowserContexts", Target(Targets::Contexts)),
    ("Target.getTargetInfo", Target(Targets::Info)),
    ("Target.getTargets", Target(Targets::List)),
    ("Target.sendMessageToTarget", Deny("use flat sessions")),
    ("Target.setAutoAttach", Check(Checked::AutoAttach)),
    ("Target.setDiscoverTargets", Target(Targets::Discover)),
    ("Target.setRemoteLocations", Deny(OTHERS)),
];

/// Every event of its sessions a connector may hear, in order. Downloads are not among them: `downloads` tells of those.
pub(super) const EVENTS: &[(&str, Event)] = &[
    ("Console.messageAdded", Event::Allow),
    ("DOM.attributeModified", Event::Allow),
    ("DOM.attributeRemoved", Event::Allow),
    ("DOM.characterDataModified", Event::Allow),
    ("DOM.childNodeCountUpdated", Event::Allow),
    ("DOM.childNodeInserted", Event::Allow),
    ("DOM.childNodeRemoved", Event::Allow),
    ("DOM.documentUpdated", Event::Allow),
    ("DOM.setChildNodes", Event::Allow),
    ("Fetch.authRequired", Event::Paused),
    ("Fetch.requestPaused", Event::Paused),
    ("Input.dragIntercepted", Event::Allow),
    ("Inspector.targetCrashed", Event::Allow),
    ("Inspector.targetReloadedAfterCrash", Event::Allow),
    ("Inspector.workerScriptLoaded", Event::Allow),
    ("Log.entryAdded", Event::Allow),
    ("Network.dataReceived", Event::Allow),
    ("Network.loadingFailed", Event::Allow),
    ("Network.loadingFinished", Event::Allow),
    ("Network.requestServedFromCache", Event::Allow),
    ("Network.requestWillBeSent", Event::Request),
    ("Network.requestWillBeSentExtraInfo", Event::SentHeaders),
    ("Network.responseReceived", Event::Request),
    ("Network.responseReceivedExtraInfo", Event::ReceivedHeaders),
    ("Network.webSocketClosed", Event::Allow),
    ("Network.webSocketCreated", Event::Allow),
    ("Network.webSocketFrameError", Event::Allow),
    ("Network.webSocketFrameReceived", Event::Allow),
    ("Network.webSocketFrameSent", Event::Allow),
    ("Network.webSocketHandshakeResponseReceived", Event::ReceivedHeaders),
    ("Network.webSocketWillSendHandshakeRequest", Event::ReceivedHeaders),
    ("Page.domContentEventFired", Event::Allow),
    ("Page.fileChooserOpened", Event::Allow),
    ("Page.frameAttached", Event::Allow),
    ("Page.frameDetached", Event::Allow),
    ("Page.frameNavigated", Event::Allow),
    ("Page.frameRequestedNavigation", Event::Allow),
    ("Page.frameStartedLoading", Event::Allow),
    ("Page.frameStoppedLoading", Event::Allow),
    ("Page.javascriptDialogClosed", Event::Allow),
    ("Page.javascriptDialogOpening", Event::Allow),
    ("Page.lifecycleEvent", Event::Allow),
    ("Page.loadEventFired", Event::Allow),
    ("Page.navigatedWithinDocument", Event::Allow),
    ("Page.screencastFrame", Event::Allow),
    ("Page.screencastVisibilityChanged", Event::Allow),
    ("Page.windowOpen", Event::Allow),
    ("Performance.metrics", Event::Allow),
    ("Runtime.bindingCalled", Event::Allow),
    ("Runtime.consoleAPICalled", Event::Allow),
    ("Runtime.exceptionRevoked", Event::Allow),
    ("Runtime.exceptionThrown", Event::Allow),
    ("Runtime.executionContextCreated", Event::Context),
    ("Runtime.executionContextDestroyed", Event::Context),
    ("Runtime.executionContextsCleared", Event::Context),
    ("Target.attachedToTarget", Event::Attached),
    ("Target.detachedFromTarget", Event::Detached),
];

/// What becomes of that method.
pub(super) fn method(name: &str) -> Method {
    match METHODS.binary_search_by_key(&name, |(name, _)| name) {
        Ok(at) => METHODS[at].1,
        Err(_) => Deny("it is not among what a connector may use"),
    }
}

/// What becomes of that event; `None`: the connector does not hear it.
pub(super) fn event(name: &str) -> Option<Event> {
    EVENTS.binary_search_by_key(&name, |(name, _)| name).ok().map(|at| EVENTS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_are_in_order_and_name_nothing_twice() {
        assert!(METHODS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(EVENTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn what_the_tables_do_not_name_is_denied() {
        for name in
            ["WebAuthn.enable", "Debugger.enable", "Tracing.start", "HeapProfiler.enable", "Memory.getDOMCounters", "", "x"]
        {
            assert!(matches!(method(name), Deny(_)), "{name}");
        }
        for name in ["Target.targetCreated", "Storage.indexedDBContentUpdated", "Debugger.scriptParsed", ""] {
            assert_eq!(event(name), None, "{name}");
        }
    }
}
