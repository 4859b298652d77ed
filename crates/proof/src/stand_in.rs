//! A stand-in for a provider, made from what a manifest says of its screens.
//!
//! It answers on loopback for every origin the manifest names, over HTTP and HTTPS: pages that the manifest's screens recognise, through
//! which its own sign-in, the reading of the account and its sign-out lead. Whoever is signed in is left a marked value in every place
//! where a page can leave one.

mod address;
mod element;
mod pages;
mod planted;
mod recognise;
mod selector;
mod server;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use freehold_core::Identity;
use freehold_protocol::manifest::{IdentityRule, IdentitySource, Manifest, SignIn, SignOut};
use freehold_protocol::template::{Template, Values};

pub use planted::{Plant, Planted};
pub use site::Seen;

use pages::{ACCOUNT, Maker};
use server::Server;
use site::Site;

/// The folder among a connector's fixtures with its author's own pages: `NAME.html` for the screen of that name, and `identity.html`.
const GIVEN: &str = "ephemeral";

/// Why there is no stand-in for a connector.
#[derive(Debug, thiserror::Error)]
pub enum NoStandIn {
    /// It has nothing to sign in to.
    #[error("the manifest does not say how its account is signed in to")]
    NoSignIn,
    /// A template has a setting without a value.
    #[error("{pointer}: {why}")]
    Setting {
        /// The JSON pointer into the manifest.
        pointer: String,
        /// What is wrong.
        why: String,
    },
    /// A screen of which no page can be made.
    #[error(
        "{pointer}: no page can be made of this: {why}. Give the page itself, as {GIVEN}/{page}.html among the fixtures"
    )]
    Unmade {
        /// The JSON pointer into the manifest.
        pointer: String,
        /// What is wrong.
        why: String,
        /// The page's name.
        page: String,
    },
    /// A screen at an address that is none of the manifest's.
    #[error("{pointer}: no address on any of sign_in.origins has this part")]
    Nowhere {
        /// The JSON pointer into the manifest.
        pointer: String,
    },
    /// A page of the author's that cannot be read.
    #[error("{} cannot be read: {error}", file.display())]
    Given {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A value that does not stay the same wherever it is left.
    #[error("the value for the {} is not 8 to 128 letters, digits, - or _", .0.name())]
    Value(Plant),
    /// No server could be opened.
    #[error("the stand-in cannot be opened: {0}")]
    Server(#[from] io::Error),
}

/// A running stand-in. Dropping it ends it.
pub struct StandIn {
    site: Arc<Site>,
    server: Server,
    hosts: BTreeSet<String>,
    identity: Option<Identity>,
}

impl StandIn {
    /// Opens one for a connector with these settings. `fixtures` is the connector's folder of fixtures, where it has one.
    pub fn open(
        manifest: &Manifest,
        settings: &BTreeMap<String, String>,
        fixtures: Option<&Path>,
        planted: Planted,
    ) -> Result<Self, NoStandIn> {
        if let Some(plant) = planted.unfit() {
            return Err(NoStandIn::Value(plant));
        }
        let resolved = Resolved::of(manifest, settings)?;
        let given = fixtures.map(|folder| folder.join(GIVEN));
        let maker = Maker {
            manifest,
            sign_in: &resolved.sign_in,
            sign_out: resolved.sign_out.as_ref(),
            identity: resolved.identity.as_ref(),
            given: given.as_deref(),
        };
        let pages = maker.make()?;
        let identity = resolved.identity.as_ref().filter(|_| pages.identity.is_some()).map(|rule| {
            let is_shown =
                matches!(&rule.source, IdentitySource::Page { key, display: Some(display), .. } if display != key);
            let display = if is_shown { ACCOUNT.1 } else { ACCOUNT.0 }.to_owned();
            Identity { key: rule.normalised(ACCOUNT.0), display }
        });
        let hosts = resolved.hosts();
        let site = Arc::new(Site {
            pages,
            origins: resolved.sign_in.origins,
            start: resolved.sign_in.start,
            way_out: resolved.sign_out.map(|sign_out| sign_out.start),
            planted,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let answering = Arc::clone(&site);
        let server = Server::open(move |request| answering.answer(request))?;
        Ok(Self { site, server, hosts, identity })
    }

    /// What a browser is told, so that it finds the stand-in at every host of the manifest's, and at any other nothing.
    pub fn stand_ins(&self) -> Vec<freehold_browser::StandIn> {
        let here = |host: &String| freehold_browser::StandIn {
            host: host.clone(),
            address: self.server.address().to_string(),
            key: Some(server::KEY.to_owned()),
        };
        // The first that fits counts.
        let nowhere = freehold_browser::StandIn { host: "*".to_owned(), address: "~NOTFOUND".to_owned(), key: None };
        self.hosts.iter().map(here).chain([nowhere]).collect()
    }

    /// The account that its page shows, where the manifest reads one there and the page was made.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What happened so far.
    pub fn seen(&self) -> Seen {
        self.site.seen()
    }

    /// Waits until the last session's pages have left everything they leave. `false` where they have not within `patience`.
    pub fn wait_until_planted(&self, patience: Duration) -> bool {
        self.site.wait_until_planted(patience)
    }
}

/// A manifest's addresses with its settings filled in.
struct Resolved {
    sign_in: SignIn,
    sign_out: Option<SignOut>,
    identity: Option<IdentityRule>,
    hosts: Vec<String>,
}

impl Resolved {
    fn of(manifest: &Manifest, settings: &BTreeMap<String, String>) -> Result<Self, NoStandIn> {
        let values = Values { settings: settings.clone(), ..Values::default() };
        let filled = |pointer: String, text: &str| {
            let wrong = |why: String| NoStandIn::Setting { pointer, why };
            let template = Template::parse(text).map_err(|error| error.to_string());
            template.and_then(|template| template.expand(&values).map_err(|error| error.to_string())).map_err(wrong)
        };
        let each = |pointer: &str, texts: &[String]| -> Result<Vec<String>, NoStandIn> {
            texts.iter().enumerate().map(|(index, text)| filled(format!("{pointer}/{index}"), text)).collect()
        };
        let SignIn { start, origins, screens } = manifest.sign_in.clone().ok_or(NoStandIn::NoSignIn)?;
        let start = filled("/sign_in/start".to_owned(), &start)?;
        let sign_in = SignIn { start, origins: each("/sign_in/origins", &origins)?, screens };
        let mut sign_out = manifest.sign_out.clone();
        if let Some(SignOut { start, .. }) = &mut sign_out {
            *start = filled("/sign_out/start".to_owned(), start)?;
        }
        let mut identity = manifest.identity.clone();
        if let Some(IdentityRule { source: IdentitySource::Page { page, .. }, .. }) = &mut identity {
            *page = filled("/identity/page".to_owned(), page)?;
        }
        Ok(Self { sign_in, sign_out, identity, hosts: each("/hosts", &manifest.hosts)? })
    }

    /// The hosts that are answered here, as Chromium's rules have them. One on this machine is so at its own port only, for there are
    /// others.
    fn hosts(&self) -> BTreeSet<String> {
        // The check of a manifest keeps every page at one of the origins.
        let origins = self.sign_in.origins.iter().map(|origin| origin.split_once("://").unwrap_or(("https", origin)));
        let named = self.hosts.iter().map(|host| ("", host.as_str()));
        let rule = |(scheme, host): (&str, &str)| {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
                _ => (host, None),
            };
            let is_here =
                name == "localhost" || name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            match (is_here, port, scheme) {
                (false, _, _) => name.to_owned(),
                (true, Some(port), _) => format!("{name}:{port}"),
                (true, None, "http") => format!("{name}:80"),
                (true, None, _) => format!("{name}:443"),
            }
        };
        origins.chain(named).map(rule).collect()
    }
}
