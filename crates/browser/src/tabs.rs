//! The pages of one browser, pop-ups included, as they come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::cdp::{Client, Event, Events, Session};
use crate::chromium::page_targets;
use crate::{BrowserError, Chromium, Page};

/// A browser's pages, watched for as long as this lives. A page that opens is attached to when they are listed next; one that closed is
/// no longer listed.
pub struct Tabs {
    client: Client,
    /// Where only pages made here, and what they and those open, count: the ones made here.
    made: Option<Mutex<Vec<String>>>,
    /// In the order in which they were seen first.
    pages: Mutex<Vec<Arc<Tab>>>,
    /// Whether dialogs are closed as they open.
    closes_dialogs: Arc<AtomicBool>,
}

/// Which pages of a browser count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every one.
    All,
    /// Those that were made for it, and what they open.
    Below,
}

/// One of them.
pub struct Tab {
    page: Page,
    /// Apart from the page's own, which waiting for a change uses up.
    events: Events,
    dialogs: Arc<Dialogs>,
}

/// What a page's dialogs are watched with.
struct Dialogs {
    is_open: AtomicBool,
    closes: Arc<AtomicBool>,
}

impl Tabs {
    /// The pages of that browser.
    pub fn of(chromium: &Chromium) -> Self {
        Self::new(chromium.client().clone(), None)
    }

    /// New pages of the same browser, and those that are opened from them; none that is there already.
    pub fn beside(&self) -> Self {
        Self::new(self.client.clone(), Some(Mutex::default()))
    }

    fn new(client: Client, made: Option<Mutex<Vec<String>>>) -> Self {
        Self { client, made, pages: Mutex::default(), closes_dialogs: Arc::default() }
    }

    /// All that are open now, the newest first: a pop-up comes before what opened it.
    pub fn list(&self) -> Result<Vec<Arc<Tab>>, BrowserError> {
        let open = self.targets()?;
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|tab| open.iter().any(|target| target == tab.page.target()));
        for target in open {
            if pages.iter().any(|tab| tab.page.target() == target) {
                continue;
            }
            match Tab::attach(&self.client, &target, &self.closes_dialogs) {
                Ok(tab) => pages.push(Arc::new(tab)),
                // It closed again.
                Err(BrowserError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(pages.iter().rev().cloned().collect())
    }

    fn targets(&self) -> Result<Vec<String>, BrowserError> {
        let all = page_targets(&self.client)?;
        let Some(made) = &self.made else { return Ok(all.into_iter().map(|page| page.id).collect()) };
        let made = made.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own: Vec<String> = Vec::new();
        for page in all {
            if made.contains(&page.id) || page.opener.is_some_and(|opener| own.contains(&opener)) {
                own.push(page.id);
            }
        }
        Ok(own)
    }

    /// The oldest of them, or a new one where there is none.
    pub fn first(&self) -> Result<Arc<Tab>, BrowserError> {
        if let Some(oldest) = self.list()?.pop() {
            return Ok(oldest);
        }
        let target = self.client.call("Target.createTarget", json!({ "url": "about:blank" }))?["targetId"].take();
        if let Some(made) = &self.made {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            made.extend(target.as_str().map(str::to_owned));
        }
        self.list()?.pop().ok_or(BrowserError::Gone)
    }

    /// Whether dialogs are closed as they open: while one is open, nothing on its page runs, no function of ours either.
    pub fn close_dialogs(&self, close: bool) {
        self.closes_dialogs.store(close, Ordering::Release);
    }

    /// Which pages of the browser they are.
    pub fn reach(&self) -> Reach {
        if self.made.is_some() { Reach::Below } else { Reach::All }
    }

    /// Closes all of them.
    pub fn close(&self) -> Result<(), BrowserError> {
        for tab in self.list()? {
            tab.page.close()?;
        }
        Ok(())
    }

    /// The connection to their browser.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        // It may be gone already; nobody waits for the answer.
        let session = self.page.session();
        let _ = session.client().send(None, "Target.detachFromTarget", &json!({ "sessionId": session.id().0 }));
    }
}

impl Tab {
    fn attach(client: &Client, target: &str, closes: &Arc<AtomicBool>) -> Result<Self, BrowserError> {
        let page = Page::attach(client, target)?;
        let events = page.session().events();
        let dialogs = Arc::new(Dialogs { is_open: AtomicBool::new(false), closes: Arc::clone(closes) });
        watch_dialogs(page.session().clone(), Arc::downgrade(&dialogs))?;
        // Whoever waits for it is told when it crashes.
        page.session().call("Inspector.enable", json!({}))?;
        // What each document was answered with is told by this domain alone; no body is kept for it.
        let quiet = json!({ "maxTotalBufferSize": 0, "maxResourceBufferSize": 0 });
        page.session().call("Network.enable", quiet)?;
        Ok(Self { page, events, dialogs })
    }

    /// The page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Whether a dialog is open, which holds up everything on the page.
    pub(crate) fn is_dialog_open(&self) -> bool {
        self.dialogs.is_open.load(Ordering::Acquire)
    }

    /// What happened on it since this was asked last, each event to `told`.
    pub(crate) fn drain(&self, mut told: impl FnMut(&Event)) -> Result<(), BrowserError> {
        while let Some(event) = self.events.next(Duration::ZERO)? {
            told(&event);
        }
        Ok(())
    }
}

/// Watches a page's dialogs until its tab is let go of. A thread of its own: whoever could close one may be waiting for the page.
fn watch_dialogs(session: Session, dialogs: Weak<Dialogs>) -> Result<(), BrowserError> {
    #[derive(Deserialize)]
    struct Opening {
        r#type: String,
    }
    let events = session.events();
    let watch = move || {
        while let Ok(event) = events.next(Duration::from_secs(1)) {
            let Some(dialogs) = dialogs.upgrade() else { break };
            let Some(event) = event else { continue };
            match event.method.as_str() {
                "Page.javascriptDialogOpening" => {
                    dialogs.is_open.store(true, Ordering::Release);
                    if dialogs.closes.load(Ordering::Acquire) {
                        let kind = event.params::<Opening>().map(|opening| opening.r#type);
                        // A message is read, leaving is allowed; a question is not answered with yes.
                        let accept = kind.is_some_and(|kind| kind == "alert" || kind == "beforeunload");
                        // Whoever else closed it first did what was wanted.
                        let _ = session.send("Page.handleJavaScriptDialog", json!({ "accept": accept }));
                    }
                }
                "Page.javascriptDialogClosed" => dialogs.is_open.store(false, Ordering::Release),
                _ => {}
            }
        }
    };
    std::thread::Builder::new().name("browser dialogs".to_owned()).spawn(watch)?;
    Ok(())
}
