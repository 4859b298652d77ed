//! Chromium as Freehold starts it, without Freehold: the floor, and the owner's own browser.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use data_encoding::BASE64;
use freehold_browser::cdp::Events;
use freehold_browser::{Chromium, Installed, Options, Page, StandIn, Windows};
use freehold_sandbox::{Host, Strength};
use serde::Deserialize;
use serde_json::json;

use crate::screen::{CORNER, Cast, LIMIT, PRESSED, Picture, SIZE, Screen};

/// The one that is installed.
pub(crate) fn installed() -> Installed {
    Installed::find().expect("Chromium")
}

/// A browser with one page.
pub(crate) struct Browser {
    /// The page.
    pub(crate) page: Page,
    // Ends before its folder does.
    _chromium: Chromium,
    _folder: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start(stand_ins: Vec<StandIn>) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
        // It runs as a user of its own.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("its own folder");
        std::fs::create_dir(folder.path().join("run")).expect("a folder");
        let own = std::env::current_exe().expect("this program");
        let launcher = own.ancestors().nth(2).expect("the folder it was built in").join("launcher");
        let options = Options {
            scratch: folder.path().join("run"),
            policies: folder.path().join("policies"),
            window: SIZE,
            stand_ins,
            // As the server's.
            windows: Windows::Private,
            strength: Strength::Full,
        };
        let chromium = installed().start(&Host::probe(launcher), &options).expect("a browser");
        let page = chromium.first_page().expect("a page");
        Self { page, _chromium: chromium, _folder: folder }
    }

    pub(crate) fn open(&self, url: &str) {
        self.page.goto(url, LIMIT).expect("a page");
    }

    pub(crate) fn send(&self, method: &str, params: serde_json::Value) {
        drop(self.page.session().send(method, params).expect("a running browser"));
    }
}

/// A page whose pictures are read from Chromium's pipe and acknowledged at once.
pub(crate) struct Raw {
    browser: Browser,
    events: Events,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Screencast<'a> {
    data: &'a str,
    session_id: i64,
}

impl Raw {
    pub(crate) fn start(url: &str) -> Self {
        let browser = Browser::start(Vec::new());
        let (width, height) = SIZE;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.send("Emulation.setDeviceMetricsOverride", size);
        browser.open(url);
        let events = browser.page.session().events();
        // As Freehold asks for them.
        let how = json!({ "format": "jpeg", "quality": 70, "everyNthFrame": 1, "maxWidth": width, "maxHeight": height });
        browser.send("Page.startScreencast", how);
        Self { browser, events }
    }

    pub(crate) fn open(&self, url: &str) {
        self.browser.open(url);
    }
}

impl Screen for Raw {
    fn name(&self) -> &'static str {
        "Chromium"
    }

    fn press(&mut self, down: bool) {
        let (x, y) = PRESSED;
        let r#type = if down { "mousePressed" } else { "mouseReleased" };
        let buttons = u8::from(down);
        let event = json!({ "type": r#type, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
        self.browser.send("Input.dispatchMouseEvent", event);
    }

    fn is_dark(&mut self, patience: Duration) -> Option<bool> {
        self.picture(patience).map(|jpeg| Picture::decode(&jpeg).is_dark(CORNER))
    }
}

impl Cast for Raw {
    fn picture(&mut self, patience: Duration) -> Option<Vec<u8>> {
        loop {
            let event = self.events.next(patience).expect("a running browser")?;
            if event.method == "Page.screencastFrame" {
                let cast: Screencast<'_> = event.params().expect("a frame");
                self.browser.send("Page.screencastFrameAck", json!({ "sessionId": cast.session_id }));
                return Some(BASE64.decode(cast.data.as_bytes()).expect("base64"));
            }
        }
    }
}
