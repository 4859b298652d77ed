//! The real server, with a source whose secure browser waits for its owner.

use std::time::{Duration, Instant};

use freehold_tests::server::Server;
use serde_json::Value;

use crate::line::wait_until;
use crate::pages::Pages;
use crate::screen::LIMIT;

/// A server at whose question a browser is open.
pub(crate) struct Freehold {
    server: Server,
    /// The owner's session, as a cookie is sent.
    pub(crate) cookie: String,
    interaction: String,
}

impl Freehold {
    /// Starts it, and a source of these pages. They are no sign-in that its connector knows, so the owner is asked.
    pub(crate) fn start(pages: &Pages) -> Self {
        let mut server = Server::new(&[]);
        server.start();
        let port = format!("port={}", pages.port);
        let add = ["source", "add", "practice", "--name", "bench", "--mode", "streamed_browser", "--setting", &port];
        server.json(&add);
        let cookie = server.sign_in();
        let interaction = until("the question", || {
            let asked = server.read(&cookie, "/interactions");
            asked[0]["id"].as_str().map(str::to_owned)
        });
        Self { server, cookie, interaction }
    }

    /// Where it is, as its pages see it.
    pub(crate) fn origin(&self) -> String {
        self.server.origin()
    }

    pub(crate) fn port(&self) -> u16 {
        self.origin().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// The page of the console that shows the browser.
    pub(crate) fn page(&self) -> String {
        format!("{}/interactions/{}", self.origin(), self.interaction)
    }

    /// A ticket for the live view.
    pub(crate) fn ticket(&self) -> String {
        until("a ticket", || {
            let headers = [("Cookie", self.cookie.as_str()), ("Origin", &self.origin())];
            let answer = self.server.http(&format!("POST /api/v1/interactions/{}/live", self.interaction), &headers, "");
            let (_, body) = answer.split_once("\r\n\r\n")?;
            let made: Value = serde_json::from_str(body).ok()?;
            made["ticket"].as_str().map(str::to_owned)
        })
    }
}

/// Waits until there is something.
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come");
        wait_until(Instant::now() + Duration::from_millis(20));
    }
}
