//! The owner's own browser: a second Chromium, with the console's page in it, whose keys are pressed as fast as someone types.

use std::time::{Duration, Instant};

use freehold_browser::StandIn;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::freehold::{Freehold, until};
use crate::line::{Line, wait_until};

/// Between two keys: thirty a second.
const PACE: Duration = Duration::from_micros(33_333);
/// How long after the last key the page may take to have it all.
const IN_THE_END: Duration = Duration::from_secs(2);

/// A browser, in which `note.js` takes notes.
pub(crate) struct Owner(Browser);

/// What was noted of some keys; times in milliseconds.
#[derive(Deserialize)]
pub(crate) struct Notes {
    /// From each key to the end of the frame that shows it.
    pub(crate) shown: Vec<f64>,
    /// Keys that the first frame after them did not show.
    pub(crate) late: u64,
    /// From each key to knowing that the page has it.
    pub(crate) equal: Vec<f64>,
    /// How often the page was told to hold something else than was typed.
    pub(crate) unequal: u64,
}

impl Owner {
    /// Signed in to the console, at the other end of this line.
    pub(crate) fn start(freehold: &Freehold, line: &Line) -> Self {
        let host = freehold.origin().replace("http://", "");
        let through = StandIn { host, address: format!("127.0.0.1:{}", line.port), key: None };
        let browser = Browser::start(vec![through]);
        let (name, value) = freehold.cookie.split_once('=').expect("a cookie");
        let cookie = json!({ "name": name, "value": value, "url": freehold.origin(), "httpOnly": true });
        browser.send("Network.setCookie", cookie);
        browser.send("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
        browser.send("Page.addScriptToEvaluateOnNewDocument", json!({ "source": include_str!("note.js") }));
        Self(browser)
    }

    /// Goes to this page.
    pub(crate) fn open(&self, url: &str) {
        self.0.open(url);
    }

    /// Loads what the secure browser shows again, by the console's own button.
    pub(crate) fn reload_watched(&self) {
        let reload =
            "(button => button?.disabled === false && (button.click(), true))(document.querySelector('[data-part=reload]'))";
        self.wait_for("the console's page", reload);
    }

    /// Waits for an empty field with the focus.
    pub(crate) fn wait_for_field(&self) {
        let has = "(field => field?.matches('[data-part=field], #field') && field.value === '')(document.activeElement)";
        self.wait_for("the field", has);
    }

    fn wait_for(&self, what: &str, holds: &str) {
        until(what, || (self.run(holds) == true).then_some(()));
    }

    /// Types that at thirty keys a second.
    pub(crate) fn type_text(&self, text: &str) -> Notes {
        self.run("restartNotes()");
        let begun = Instant::now();
        for (number, letter) in (0..).zip(text.chars()) {
            wait_until(begun + PACE * number);
            let code = format!("Key{}", letter.to_ascii_uppercase());
            let key_code = letter.to_ascii_uppercase() as u32;
            for r#type in ["keyDown", "keyUp"] {
                let mut event = json!({ "type": r#type, "key": letter.to_string(), "code": code });
                event["windowsVirtualKeyCode"] = key_code.into();
                if r#type == "keyDown" {
                    event["text"] = letter.to_string().into();
                }
                self.0.send("Input.dispatchKeyEvent", event);
            }
        }
        wait_until(Instant::now() + IN_THE_END);
        serde_json::from_value(self.run("notes")).expect("notes")
    }

    fn run(&self, expression: &str) -> Value {
        let how = json!({ "expression": expression, "returnByValue": true });
        // Between two documents there is nothing to ask.
        let answer = self.0.page.session().call("Runtime.evaluate", how).unwrap_or_default();
        answer["result"]["value"].clone()
    }
}
