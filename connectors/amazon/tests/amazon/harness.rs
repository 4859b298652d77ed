//! The shop under its own names, a browser that is signed in to it, and the connector's runs.

use std::sync::Arc;
use std::time::Duration;

use freehold_chromium::{Chromium, Connector, Run, StandIns};
use freehold_practice::{Options, Practice, Site};
use freehold_sdk::{Browser, Page};
use serde_json::{Value, json};

pub(crate) const COM: &str = "https://www.amazon.com";
pub(crate) const DE: &str = "https://www.amazon.de";

/// Someone who needs no code, and someone who does.
pub(crate) const ADA: (&str, &str) = ("ada@example.test", "brass-and-punchcards");
pub(crate) const MARIA: (&str, &str) = ("maria@example.test", "quiet-harbour-lights");

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Walk {
    pub(crate) shop: Practice,
    pub(crate) chromium: Chromium,
}

impl Walk {
    /// A shop, and a browser that nobody is signed in with.
    pub(crate) fn begin() -> Self {
        // After every order there is, whatever the day of the test.
        let clock = Arc::new(|| "2026-10-01T12:00:00Z".parse().unwrap());
        let shop = Practice::start(Options { clock, ..Options::default() }).unwrap();
        let hosts = ["www.amazon.com", "www.amazon.de"].map(|host| (host.to_owned(), shop.tls)).into();
        let chromium = Chromium::start(&StandIns { hosts, spki: Some(shop.spki.clone()) }).unwrap();
        Self { shop, chromium }
    }

    /// The same, signed in at a country's shop.
    pub(crate) fn signed_in(origin: &str, who: (&str, &str)) -> Self {
        let walk = Self::begin();
        walk.sign_in(origin, who);
        walk
    }

    /// Signs in as the runtime does before it hands the page over.
    pub(crate) fn sign_in(&self, origin: &str, (email, password): (&str, &str)) {
        const SUBMIT: &str = "(field, value, button) => {
            document.querySelector(field).value = value;
            document.querySelector(button).click();
        }";
        let mut page = self.page();
        page.goto(&format!("{origin}/your-orders/orders")).unwrap();
        page.wait_for("#ap_email", PATIENCE).unwrap();
        page.evaluate::<()>(SUBMIT, ("#ap_email", email, "#continue")).unwrap();
        page.wait_for("#ap_password", PATIENCE).unwrap();
        page.evaluate::<()>(SUBMIT, ("#ap_password", password, "#signInSubmit")).unwrap();
        page.wait_for("#auth-mfa-otpcode, #time-filter", PATIENCE).unwrap();
        if page.url().unwrap().contains("/ap/mfa") {
            let name = email.split('@').next().unwrap();
            let code = self.shop.authenticator_code(Site::Amazon, name).unwrap();
            page.evaluate::<()>(SUBMIT, ("#auth-mfa-otpcode", code, "#auth-signin-button")).unwrap();
            page.wait_for("#time-filter", PATIENCE).unwrap();
        }
    }

    pub(crate) fn page(&self) -> Page {
        Browser::at(&self.chromium.ws_url).unwrap().page().unwrap()
    }

    /// Runs it for everything, from that state on.
    pub(crate) fn run(&self, origin: &str, state: &Value) -> Run {
        self.run_for(origin, &[json!("orders"), json!("order_items")], state)
    }

    pub(crate) fn run_for(&self, origin: &str, streams: &[Value], state: &Value) -> Run {
        connector(origin).run(&self.chromium, streams, state)
    }

    /// The requests for pages of orders since so many requests.
    pub(crate) fn order_pages(&self, since: usize) -> Vec<String> {
        let requests = self.shop.counts().requests;
        let paths = requests.iter().skip(since).filter_map(|request| request.strip_prefix("GET amazon /your-orders/"));
        paths.map(str::to_owned).collect()
    }
}

pub(crate) fn connector(origin: &str) -> Connector {
    Connector::new(env!("CARGO_BIN_EXE_freehold-connector-amazon")).with("SHOP_ORIGIN", origin)
}
