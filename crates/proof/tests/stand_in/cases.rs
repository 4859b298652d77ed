//! The manifests that are signed in to: those that are here, and some that are odd.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freehold_core::ConnectorName;
use freehold_proof::StandIn;
use freehold_protocol::Manifest;
use serde_json::{Value, json};

use crate::support::planted;

/// A manifest, and the screens that are submitted on the way in.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) submitted: Vec<&'static str>,
    text: String,
    settings: BTreeMap<String, String>,
    fixtures: Option<PathBuf>,
}

impl Case {
    fn new(name: &'static str, text: String, submitted: &[&'static str]) -> Self {
        Self { name, submitted: submitted.to_vec(), text, settings: BTreeMap::new(), fixtures: None }
    }

    fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn stand_in(&self) -> StandIn {
        let manifest = parsed(self.name, &self.text);
        StandIn::open(&manifest, &self.settings, self.fixtures.as_deref(), planted(self.name))
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// With its settings filled in, as the machine takes it.
    pub(crate) fn filled(&self) -> Manifest {
        let filled = |text: String, (name, value): (&String, &String)| text.replace(&format!("{{setting.{name}}}"), value);
        let text = self.settings.iter().fold(self.text.clone(), filled);
        // A setting that nothing uses any more may stay.
        parsed(self.name, &text)
    }
}

pub(crate) fn parsed(name: &str, text: &str) -> Manifest {
    Manifest::parse(ConnectorName::parse(name).unwrap(), text).unwrap_or_else(|errors| panic!("{name}: {errors}"))
}

/// All of them; `folder` is for the fixtures of the last.
pub(crate) fn all(folder: &Path) -> Vec<Case> {
    let page = "<!doctype html><title>Shop</title><form action=/elsewhere><input id=who name=a><input id=pass type=password \
                name=b><button id=in>Sign in</button></form>";
    std::fs::create_dir(folder.join("ephemeral")).unwrap();
    std::fs::write(folder.join("ephemeral/door.html"), page).unwrap();
    vec![
        Case::new("practice", crate::connector("connectors/practice"), &["e-mail address", "password", "code"])
            .setting("port", "7290"),
        Case::new("amazon", crate::connector("connectors/amazon"), &["e-mail address", "password", "code"])
            .setting("site", "amazon.de"),
        Case::new("unseen", crate::connector("tests/connectors/unseen"), &["card and PIN", "code"]).setting("port", "7291"),
        Case::new("german", german(), &["Name", "Kennwort"]),
        Case::new("single-page", single_page(), &["password", "code"]),
        Case { fixtures: Some(folder.to_owned()), ..Case::new("given", given(), &["door"]) },
    ]
}

/// A manifest with nothing but a way in and out.
pub(crate) fn manifest(name: &str, own: Value) -> String {
    let mut manifest = json!({
        "protocol_version": "0.1.0",
        "connector_key": name,
        "version": "1",
        "display_name": name,
        "program": {"command": "node", "args": []},
        "runtime_requirements": {"bindings": {"browser_automation": {"required": true}}},
        "setup": {
            "modes": ["ephemeral_browser", "stored_credential"],
            "credential_capture": {"kind": "username_password", "label": "Account", "fields": [
                {"name": "username", "label": "Name", "identity": true, "required": true},
                {"name": "password", "label": "Password", "type": "password", "secret": true, "required": true}
            ]},
            "extra_captures": [{"kind": "otp_seed", "label": "Codes", "fields": [
                {"name": "seed", "label": "Key", "type": "password", "secret": true, "required": true}
            ]}]
        },
        "credential_delivery": "typed",
        "provider_terms": ["example-provider"],
        "streams": [{"name": "things", "semantics": "append_only", "primary_key": ["id"], "schema": {
            "type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]
        }}]
    });
    for (key, value) in own.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    manifest.to_string()
}

/// Recognised by German words alone, at two origins, without a button anywhere.
fn german() -> String {
    let own = json!({
        "hosts": ["kasse.test"],
        "sign_in": {
            "start": "https://kasse.test/konto",
            "origins": ["https://kasse.test", "https://anmeldung.kasse.test"],
            "screens": [
                {"name": "angemeldet", "when": {"url": "kasse.test/konto", "text": {"de": "Willkommen zurück"}}, "means": "signed_in"},
                {"name": "falsch", "when": {"text": {"de": "Kennwort ist falsch"}}, "means": "rejected", "of": "password"},
                {"name": "Kennwort", "when": {"text": {"de": "Bitte geben Sie Ihr Kennwort ein"}},
                 "fill": {"input[type=password]": "password"}},
                {"name": "Name", "when": {"url": "anmeldung.kasse.test", "text": {"de": "Bitte geben Sie Ihren Namen ein"}},
                 "fill": {"form input[type=text]": "username"}}
            ]
        },
        "sign_out": {
            "start": "https://kasse.test/abmelden",
            "screens": [
                {"name": "fragt", "when": {"text": {"de": "Wirklich abmelden?"}}, "submit": "main > a.weiter"},
                {"name": "weg", "when": {"text": {"de": "Auf Wiedersehen"}}, "means": "signed_out"}
            ]
        },
        "identity": {"page": "https://kasse.test/konto/profil", "key": "meta[name='konto']", "normalise": ["lowercase"]}
    });
    manifest("german", own)
}

/// The password and the code are asked for at the same address, and what is shown is in the fragment.
fn single_page() -> String {
    let own = json!({
        "hosts": ["app.test", "*.app.test"],
        "sign_in": {
            "start": "https://app.test/#/home",
            "origins": ["https://app.test"],
            "screens": [
                {"name": "home", "when": {"url": "#/home", "visible": "header .avatar", "hidden": "form"}, "means": "signed_in"},
                {"name": "password", "when": {"url": "/login", "visible": "#secret"},
                 "fill": {"#user": "username", "#secret": "password"}, "submit": "#go"},
                {"name": "code", "when": {"url": "/login", "visible": "form .code input", "hidden": "#secret"},
                 "fill": {"form .code input": "otp"}, "tick": ["#trust"], "submit": "#go"},
                {"name": "fifth answer", "when": {"visible": "li:nth-child(5)"}, "means": "challenge", "kind": "question"}
            ]
        },
        "sign_out": {
            "start": "https://app.test/logout",
            "screens": [{"name": "out", "when": {"url": "/login", "visible": "#user"}, "means": "signed_out"}]
        },
        "identity": {"page": "https://app.test/#/profile", "key": ".profile > b:first-child", "display": ".profile > i"}
    });
    manifest("single-page", own)
}

/// With a page of the author's, for a selector of which none is made.
fn given() -> String {
    let own = json!({
        "hosts": ["given.test"],
        "sign_in": {
            "start": "https://given.test/",
            "origins": ["https://given.test"],
            "screens": [
                {"name": "in", "when": {"visible": "#menu"}, "means": "signed_in"},
                {"name": "door", "when": {"visible": "form :nth-child(2)"},
                 "fill": {"form :nth-child(1)": "username", "form :nth-child(2)": "password"}, "submit": "#in"}
            ]
        },
        "sign_out": {
            "start": "https://given.test/",
            "screens": [
                {"name": "menu", "when": {"visible": "#menu"}, "submit": "#menu a"},
                {"name": "out", "when": {"visible": "#bye"}, "means": "signed_out"}
            ]
        },
        "identity": {"page": "https://given.test/me", "key": "#mail"}
    });
    manifest("given", own)
}
