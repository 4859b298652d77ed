//! The connector's browser: what works through it, and what cannot be had through it.

mod aside;
mod attacks;
mod client;
mod leaving;
mod playwright;

use std::path::PathBuf;

use freehold_browser::{ConnectorBrowser, Directories, Hosts, Page};

use crate::support::Browser;

const TOKEN: &str = "0123456789abcdefghijklmnopqrstuv";

/// A browser with a connector's in front of it.
pub(crate) struct Rig {
    /// Dropped before the browser.
    pub(crate) connector: Option<ConnectorBrowser>,
    pub(crate) page: Page,
    pub(crate) browser: Browser,
}

impl Rig {
    /// On a page at that address, for a connector with these hosts.
    pub(crate) fn at(url: &str, hosts: &[&str]) -> Self {
        let browser = Browser::start();
        let page = browser.chromium.first_page().unwrap();
        page.goto(url, super::proxy::LIMIT).unwrap();
        Self::over(browser, page, hosts)
    }

    pub(crate) fn over(browser: Browser, page: Page, hosts: &[&str]) -> Self {
        let tmp = tmp(&browser);
        std::fs::create_dir_all(&tmp).unwrap();
        let client = browser.chromium.client();
        let directories = Directories { browser: browser.folder.path().join("run"), connector: tmp };
        let connector = ConnectorBrowser::open(client, &page, Hosts::new(hosts), directories, TOKEN).unwrap();
        Self { connector: Some(connector), page, browser }
    }

    pub(crate) fn connector(&self) -> &ConnectorBrowser {
        self.connector.as_ref().unwrap()
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        tmp(&self.browser)
    }
}

fn tmp(browser: &Browser) -> PathBuf {
    browser.folder.path().join("connector/tmp")
}

pub(crate) const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

/// The host and port of an origin.
pub(crate) fn host(origin: &str) -> String {
    origin.split_once("://").unwrap().1.to_owned()
}
