//! The shop, a browser that is signed in to it, and the connector's runs.

use std::sync::Arc;
use std::time::Duration;

use freehold_chromium::{Chromium, Connector, Run, StandIns};
use freehold_practice::{Options, Practice};
use freehold_sdk::Browser;
use serde_json::{Value, json};

pub(crate) const MARIA: (&str, &str) = ("maria@example.test", "sails-on-tuesday");

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
        Self { shop, chromium: Chromium::start(&StandIns::default()).unwrap() }
    }

    /// The same, signed in as someone who needs no code.
    pub(crate) fn signed_in((email, password): (&str, &str)) -> Self {
        let walk = Self::begin();
        walk.sign_in(email, password);
        walk
    }

    /// Signs in as the runtime does before it hands the page over.
    pub(crate) fn sign_in(&self, email: &str, password: &str) {
        const SUBMIT: &str = "(field, value, button) => {
            document.querySelector(field).value = value;
            document.querySelector(button).click();
        }";
        let mut page = Browser::at(&self.chromium.ws_url).unwrap().page().unwrap();
        page.goto(&self.shop.url("/orders")).unwrap();
        page.wait_for("#email", PATIENCE).unwrap();
        page.evaluate::<()>(SUBMIT, ("#email", email, "#continue")).unwrap();
        page.wait_for("#password", PATIENCE).unwrap();
        page.evaluate::<()>(SUBMIT, ("#password", password, "#sign-in")).unwrap();
        page.wait_for("#account-menu", PATIENCE).unwrap();
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::new(env!("CARGO_BIN_EXE_freehold-connector-practice")).with("SHOP_ORIGIN", &self.shop.url(""))
    }

    /// Runs it for everything, from that state on.
    pub(crate) fn run(&self, state: &Value) -> Run {
        self.run_for(&[json!("orders"), json!("order_items")], state)
    }

    pub(crate) fn run_for(&self, streams: &[Value], state: &Value) -> Run {
        self.connector().run(&self.chromium, streams, state)
    }

    /// The requests for pages of orders since the last look.
    pub(crate) fn order_pages(&self, since: usize) -> Vec<String> {
        let requests = self.shop.counts().requests;
        requests
            .iter()
            .skip(since)
            .filter_map(|request| request.strip_prefix("GET shop /orders"))
            .map(str::to_owned)
            .collect()
    }
}
