//! The connectors that sources can be made with: those that come with Freehold, and those in folders the operator names.
//!
//! Folders are read afresh at each look, so that a connector dropped in is there at once, and the digest a run is bound to is
//! that of what will run.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use freehold_browser::Installed;
use freehold_core::{ConnectorName, CredentialMode, Problem, ProblemCode};
use freehold_protocol::Manifest;
use freehold_protocol::bindings::Offered;
use freehold_protocol::form::{Blank, Form};
use freehold_protocol::manifest::{Capture, Delivery, IdentityRule, IdentitySource, SignIn, SignOut, digest};
use freehold_protocol::template::{Template, Values};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::problem::bad_input;
use crate::server::{Engine, EngineConfig};
use crate::view::{CaptureView, ConnectorStreamView, ConnectorView, ModeView};

/// One connector, ready to be run.
pub(crate) struct Connector {
    pub(crate) manifest: Manifest,
    pub(crate) digest: String,
    pub(crate) folder: PathBuf,
    pub(crate) bundled: Option<(PathBuf, Vec<String>)>,
}

/// A connector's folder and, if it cannot be used, why.
struct Found {
    name: ConnectorName,
    connector: Result<Connector, String>,
}

pub(crate) struct Catalog {
    dirs: Vec<PathBuf>,
    bundled: Vec<BundledManifest>,
}

struct BundledManifest {
    name: ConnectorName,
    text: &'static str,
    folder: PathBuf,
    program: PathBuf,
    args: Vec<String>,
}

impl Catalog {
    /// A bundled connector gets a folder of its own in the scratch directory, since every child has one as its working directory.
    pub(crate) fn new(config: &EngineConfig) -> Result<Self, Problem> {
        let mut bundled = Vec::new();
        for connector in &config.bundled {
            let name = ConnectorName::parse(connector.name).map_err(|error| unusable(&error.to_string()))?;
            let folder = config.scratch.join("connectors").join(connector.name);
            let made = write_for_children(&folder, connector.manifest);
            made.map_err(|error| {
                Problem::new(
                    ProblemCode::StorageFailed,
                    format!("{} could not be written: {error}.", folder.display()),
                    "Check that the scratch directory exists and is this user's.",
                )
            })?;
            bundled.push(BundledManifest {
                name,
                text: connector.manifest,
                folder,
                program: connector.program.clone(),
                args: connector.args.clone(),
            });
        }
        Ok(Self { dirs: config.connector_dirs.clone(), bundled })
    }

    /// The connector of that name, ready to run, or the problem that says why not.
    pub(crate) fn get(&self, name: &ConnectorName) -> Result<Connector, Problem> {
        let found = self.find(name).ok_or_else(|| {
            Problem::new(
                ProblemCode::NotFound,
                format!("There is no connector named \"{name}\"."),
                "The list of connectors says what there is; `connector_dirs` says where more are looked for.",
            )
        })?;
        found.connector.map_err(|why| unusable(&why).at(name.as_str()))
    }

    fn find(&self, name: &ConnectorName) -> Option<Found> {
        if let Some(bundled) = self.bundled.iter().find(|bundled| bundled.name == *name) {
            return Some(bundled.found());
        }
        let folder =
            self.dirs.iter().map(|dir| dir.join(name.as_str())).find(|folder| folder.join("manifest.json").is_file())?;
        Some(in_folder(name.clone(), folder))
    }

    fn all(&self) -> Vec<Found> {
        let mut all: Vec<Found> = self.bundled.iter().map(BundledManifest::found).collect();
        for folder in self.dirs.iter().flat_map(|dir| subfolders(dir)) {
            let name = folder.file_name().and_then(|name| name.to_str()).map(ConnectorName::parse);
            if let Some(Ok(name)) = name
                && !all.iter().any(|found| found.name == name)
            {
                all.push(in_folder(name, folder));
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

impl BundledManifest {
    fn found(&self) -> Found {
        let connector =
            Manifest::parse(self.name.clone(), self.text).map_err(|errors| errors.to_string()).map(|manifest| Connector {
                manifest,
                // What runs is this very program, so its version is part of the digest.
                digest: HEXLOWER.encode(&Sha256::digest(format!("{}\n{}", env!("CARGO_PKG_VERSION"), self.text))),
                folder: self.folder.clone(),
                bundled: Some((self.program.clone(), self.args.clone())),
            });
        Found { name: self.name.clone(), connector }
    }
}

impl Connector {
    /// Why no source of it can be set up here.
    pub(crate) fn unavailable(&self) -> Option<String> {
        let offered = Offered::without_browser();
        let offered = if self.manifest.has_browser() { offered.with_browser("") } else { offered };
        if let Err(missing) = offered.matching(&self.manifest) {
            return Some(format!("{missing}."));
        }
        if !self.manifest.has_browser() {
            return None;
        }
        if self.manifest.sign_in.is_none() {
            return Some("It uses a browser, and its manifest does not say how its account is signed in to.".to_owned());
        }
        Installed::find().err().map(|missing| format!("It needs a browser. {missing}."))
    }

    /// The settings as they are kept: checked, with the defaults filled in, every value as text.
    pub(crate) fn checked_settings(&self, given: &BTreeMap<String, Value>) -> Result<Map<String, Value>, Problem> {
        let texts: BTreeMap<&str, String> = given.iter().map(|(name, value)| (name.as_str(), text_of(value))).collect();
        let form = Form::settings(&self.manifest);
        if let Some(unknown) = texts.keys().find(|name| !form.fields.iter().any(|field| field.name == **name)) {
            return Err(bad_input(unknown, "The connector has no such setting.", "Leave it out."));
        }
        let defaults: BTreeMap<&str, String> =
            form.fields.iter().filter_map(|field| Some((field.name.as_str(), field.default_text()?))).collect();
        let value = |name: &str| texts.get(name).or_else(|| defaults.get(name)).map(String::as_str);
        if let Some(message) = form.check(Blank::IsMissing, value).into_iter().next() {
            return Err(bad_input(&message.field, message.message, "Correct it and send the form again."));
        }
        let kept = form.fields.iter().map(|field| (field.name.clone(), value(&field.name).unwrap_or_default().into()));
        Ok(kept.collect())
    }

    /// The settings as the manifest's templates take them.
    pub(crate) fn setting_texts(&self, settings: &Map<String, Value>) -> BTreeMap<String, String> {
        let value = |name: &str| settings.get(name).map(text_of).unwrap_or_default();
        self.manifest.settings.iter().map(|field| (field.name.clone(), value(&field.name))).collect()
    }

    /// The hosts it may reach with these settings.
    pub(crate) fn resolved_hosts(&self, settings: &Map<String, Value>) -> Vec<String> {
        let values = Values { settings: self.setting_texts(settings), ..Values::default() };
        let resolved = |host: &String| Template::parse(host).ok()?.expand(&values).ok();
        self.manifest.hosts.iter().filter_map(resolved).collect()
    }

    /// The origins a secret may be typed at with these settings.
    pub(crate) fn resolved_origins(&self, settings: &Map<String, Value>) -> Vec<String> {
        self.resolved_sign_in(settings).map(|sign_in| sign_in.origins).unwrap_or_default()
    }

    /// How it is signed in to with these settings.
    pub(crate) fn resolved_sign_in(&self, settings: &Map<String, Value>) -> Option<SignIn> {
        let values = Values { settings: self.setting_texts(settings), ..Values::default() };
        let filled = |text: &str| Template::parse(text).ok()?.expand(&values).ok();
        let sign_in = self.manifest.sign_in.as_ref()?;
        let origins = sign_in.origins.iter().filter_map(|origin| filled(origin)).collect();
        Some(SignIn { start: filled(&sign_in.start)?, origins, screens: sign_in.screens.clone() })
    }

    /// How it is signed out of with these settings, if it says.
    pub(crate) fn resolved_sign_out(&self, settings: &Map<String, Value>) -> Option<SignOut> {
        let values = Values { settings: self.setting_texts(settings), ..Values::default() };
        let sign_out = self.manifest.sign_out.as_ref()?;
        let start = Template::parse(&sign_out.start).ok()?.expand(&values).ok()?;
        Some(SignOut { start, screens: sign_out.screens.clone() })
    }

    /// Where its account is read with these settings.
    pub(crate) fn resolved_identity(&self, settings: &Map<String, Value>) -> Option<IdentityRule> {
        let values = Values { settings: self.setting_texts(settings), ..Values::default() };
        let mut rule = self.manifest.identity.clone()?;
        if let IdentitySource::Page { page, .. } = &mut rule.source {
            *page = Template::parse(page).ok()?.expand(&values).ok()?;
        }
        Some(rule)
    }

    /// Its forms for sign-in details.
    pub(crate) fn captures(&self) -> Vec<Capture> {
        self.manifest.captures().cloned().collect()
    }

    /// Whether its program is given the secret itself.
    pub(crate) fn receives_secret(&self) -> bool {
        matches!(self.manifest.credential_delivery, Some(Delivery::Answered | Delivery::Env))
    }

    /// Whether its program may open network connections. Its browser's address is one, and which others it opens is not enforced.
    pub(crate) fn has_network(&self) -> bool {
        self.manifest.has_browser()
            || self.manifest.runtime_requirements.bindings.contains_key(freehold_protocol::bindings::NETWORK)
    }

    /// Whether it takes sign-in details.
    pub(crate) fn takes_credential(&self) -> bool {
        self.manifest.setup.credential_capture.is_some()
    }

    /// What it asks of the owner's trust: what a changed connector may not widen without a yes.
    pub(crate) fn asks(&self) -> Vec<String> {
        let mut asks: Vec<String> = self.manifest.hosts.iter().map(|host| format!("host {host}")).collect();
        asks.extend(self.manifest.captures().map(|capture| format!("secret {}", capture.kind.as_str())));
        asks.extend(self.manifest.credential_delivery.map(|delivery| format!("delivery {}", delivery_name(delivery))));
        asks.extend(
            self.manifest.sign_in.iter().flat_map(|sign_in| &sign_in.origins).map(|origin| format!("origin {origin}")),
        );
        asks.sort();
        asks
    }

    /// As the owner sees it, where these ways to sign in can be chosen.
    pub(crate) fn view(&self, modes: Vec<CredentialMode>) -> ConnectorView {
        let manifest = &self.manifest;
        ConnectorView {
            name: manifest.name.clone(),
            display_name: manifest.display_name.clone(),
            description: manifest.description.clone().unwrap_or_default(),
            version: manifest.version.clone(),
            digest: self.digest.clone(),
            bundled: self.bundled.is_some(),
            unavailable: self.unavailable(),
            streams: manifest
                .streams
                .iter()
                .map(|stream| ConnectorStreamView {
                    name: stream.name.clone(),
                    label: stream.label().to_owned(),
                    detail: stream
                        .display
                        .as_ref()
                        .and_then(|display| display.detail.clone())
                        .or_else(|| stream.description.clone())
                        .unwrap_or_default(),
                })
                .collect(),
            modes: modes.into_iter().map(|mode| mode_view(mode, self.takes_credential())).collect(),
            ephemeral: self.declared_modes().contains(&CredentialMode::EphemeralBrowser),
            captures: manifest.captures().map(|capture| self.capture_view(capture)).collect(),
            settings: Form::settings(manifest),
            shows_identity: manifest.identity.is_some(),
            receives_secret: self.receives_secret(),
            hosts: manifest.hosts.clone(),
            recommended_interval_seconds: self.recommended_interval(),
        }
    }

    /// The ways to sign in that its manifest says it supports.
    pub(crate) fn declared_modes(&self) -> Vec<CredentialMode> {
        let modes = self.manifest.modes();
        if modes.is_empty() {
            // A connector that needs no sign-in has nothing to store and nothing to see.
            return vec![CredentialMode::StoredCredential];
        }
        modes
    }

    pub(crate) fn recommended_interval(&self) -> Option<u64> {
        self.manifest.capabilities.refresh_policy.as_ref().and_then(|policy| policy.recommended_interval_seconds)
    }

    pub(crate) fn minimum_interval(&self) -> u64 {
        const LEAST: u64 = 60;
        let policy = self.manifest.capabilities.refresh_policy.as_ref();
        policy.and_then(|policy| policy.minimum_interval_seconds).unwrap_or(LEAST).max(LEAST)
    }

    pub(crate) fn capture_view(&self, capture: &Capture) -> CaptureView {
        CaptureView { kind: capture.kind, form: Form::capture(capture), consent: self.consent() }
    }

    /// The words the owner agrees to. They are kept with the secret, as they were shown.
    pub(crate) fn consent(&self) -> String {
        let to_whom = if self.receives_secret() {
            format!("The connector \"{}\" receives them.", self.manifest.display_name)
        } else {
            "The connector never sees them.".to_owned()
        };
        format!(
            "Save these sign-in details for this source. Freehold may use them again, for this source only, when it needs to sign \
             in. {to_whom}"
        )
    }
}

impl Engine {
    /// Every connector, with those that cannot be used here saying why.
    pub fn connectors(&self) -> Vec<ConnectorView> {
        self.0
            .catalog
            .all()
            .into_iter()
            .map(|found| match found.connector {
                Ok(connector) => connector.view(self.0.modes(&connector)),
                Err(why) => broken_view(found.name, why),
            })
            .collect()
    }

    /// One connector.
    pub fn connector(&self, name: &ConnectorName) -> Result<ConnectorView, Problem> {
        let connector = self.0.catalog.get(name)?;
        Ok(connector.view(self.0.modes(&connector)))
    }
}

/// Writes a bundled connector's manifest where a child with a uid of its own may read it: nothing in it is secret.
fn write_for_children(folder: &Path, manifest: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("manifest.json");
    std::fs::write(&file, manifest)?;
    let parent = folder.parent().unwrap_or(folder);
    let modes = [(parent, 0o755), (folder, 0o755), (&file, 0o644)];
    modes.iter().try_for_each(|(path, mode)| std::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode)))
}

fn in_folder(name: ConnectorName, folder: PathBuf) -> Found {
    let connector = Manifest::load(&folder).map_err(|errors| errors.to_string()).and_then(|manifest| {
        let digest = digest(&folder).map_err(|error| error.to_string())?;
        Ok(Connector { manifest, digest: digest.as_str().to_owned(), folder, bundled: None })
    });
    Found { name, connector }
}

fn subfolders(dir: &Path) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(dir = %dir.display(), %error, "a connector directory cannot be read");
            return Vec::new();
        }
    };
    entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.join("manifest.json").is_file()).collect()
}

fn mode_view(mode: CredentialMode, takes_credential: bool) -> ModeView {
    let (label, trade_off) = match mode {
        CredentialMode::StoredCredential if !takes_credential => {
            ("No sign-in needed", "This connector needs no sign-in details.")
        }
        CredentialMode::StoredCredential => (
            "Save sign-in details for this source",
            "Freehold may use them again, for this source only, whenever it needs to sign in. They are sealed on this machine.",
        ),
        CredentialMode::StreamedBrowser => (
            "Use the secure browser without saving sign-in details",
            "You sign in yourself in a browser on this machine. Nothing you type is kept; you are asked again when the session ends.",
        ),
        CredentialMode::EphemeralBrowser => (
            "Use the secure browser and keep nothing",
            "Less is kept: you sign in each time, and there is no automatic schedule, only a reminder.",
        ),
    };
    ModeView { mode, label: label.to_owned(), trade_off: trade_off.to_owned() }
}

fn broken_view(name: ConnectorName, why: String) -> ConnectorView {
    ConnectorView {
        display_name: name.to_string(),
        name,
        description: String::new(),
        version: String::new(),
        digest: String::new(),
        bundled: false,
        unavailable: Some(why),
        streams: Vec::new(),
        modes: Vec::new(),
        ephemeral: false,
        captures: Vec::new(),
        settings: Form { title: None, description: None, submit_label: None, fields: Vec::new() },
        shows_identity: false,
        receives_secret: false,
        hosts: Vec::new(),
        recommended_interval_seconds: None,
    }
}

fn delivery_name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Typed => "typed",
        Delivery::Answered => "answered",
        Delivery::Env => "env",
    }
}

fn unusable(why: &str) -> Problem {
    Problem::new(
        ProblemCode::ConnectorInvalid,
        format!("The connector cannot be used: {why}"),
        "Run `freehold connector check` on its folder.",
    )
}

/// A setting's value as it is entered: several values are one a line.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}
