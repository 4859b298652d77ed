//! The practice provider from outside: every flow and every mood, over real connections.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

mod amazon;
mod browser;
mod control;
mod moods;
mod program;
mod shop;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use browser::{Answer, Browser};
use freehold_practice::{Options, Practice};
use jiff::Timestamp;

/// 15 November 2026, ten seconds into an authenticator's step.
const START: i64 = 1_794_700_810;

/// A practice provider with a clock that stands until it is moved.
struct Stage {
    practice: Practice,
    seconds: Arc<AtomicI64>,
    /// Holds the certificate that TLS clients trust.
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let seconds = Arc::new(AtomicI64::new(START));
        let folder = tempfile::tempdir().unwrap();
        let clock = {
            let seconds = Arc::clone(&seconds);
            Arc::new(move || Timestamp::from_second(seconds.load(Ordering::Relaxed)).unwrap())
        };
        let options = Options { clock, folder: Some(folder.path().to_owned()), ..Options::default() };
        Self { practice: Practice::start(options).unwrap(), seconds, folder }
    }

    fn pass(&self, time: Duration) {
        self.seconds.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::Relaxed);
    }

    fn browser(&self) -> Browser {
        Browser::plain(self.practice.http)
    }

    /// A browser at a country's Amazon-shaped shop: `www.amazon.de`.
    fn amazon(&self, host: &'static str) -> Browser {
        Browser::secure(self.practice.tls, host, &self.folder.path().join("practice.pem"))
    }
}

/// Types an e-mail address and a password on the practice shop, on the way to a page; returns what is shown then.
fn sign_in(browser: &mut Browser, wanted: &str, email: &str, password: &str) -> Answer {
    browser.visit(wanted);
    let answer = browser.submit("email-form", &[("email", email)]);
    assert!(answer.has("password-form"), "{}", answer.body);
    browser.submit("password-form", &[("password", password)])
}
