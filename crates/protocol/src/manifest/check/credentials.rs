//! The check of forms, settings, modes and the delivery of secrets.

use freehold_core::CredentialMode;

use super::super::{Capture, Delivery, Field, FieldType, Fill, Manifest};
use super::{Problems, repeated};
use crate::bindings::BROWSER_AUTOMATION;
use crate::form;
use crate::message::InteractionKind;
use crate::template::{Place, Template};

/// Each form with its place.
pub(super) fn forms(manifest: &Manifest) -> impl Iterator<Item = (String, &Capture)> {
    let main = manifest.setup.credential_capture.iter().map(|capture| ("/setup/credential_capture".to_owned(), capture));
    let extra = manifest.setup.extra_captures.iter().enumerate();
    main.chain(extra.map(|(index, capture)| (format!("/setup/extra_captures/{index}"), capture)))
}

pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    fields("/settings", &manifest.settings, problems);
    for (index, setting) in manifest.settings.iter().enumerate() {
        if setting.secret || setting.field_type == FieldType::Password {
            problems.add(
                format!("/settings/{index}"),
                "a setting is not sealed, so it cannot be a secret",
                "Move it into setup.credential_capture",
            );
        }
    }
    let mut kinds = Vec::new();
    for (pointer, capture) in forms(manifest) {
        fields(&format!("{pointer}/fields"), &capture.fields, problems);
        if capture.fields.iter().all(|field| !field.secret) {
            problems.add(format!("{pointer}/fields"), "no field is secret", "Say \"secret\": true on the secret one");
        }
        for (index, field) in capture.fields.iter().enumerate() {
            if field.secret && field.default.is_some() {
                let at = format!("{pointer}/fields/{index}/default");
                problems.add(at, "a secret has no default: it would be a credential shared by everyone", "Remove it");
            }
        }
        if kinds.contains(&capture.kind) {
            let problem = format!("there are two forms of the kind {}", capture.kind.as_str());
            problems.add(format!("{pointer}/kind"), problem, "Use one form for each kind");
        }
        kinds.push(capture.kind);
    }
    if manifest.setup.credential_capture.is_none() && !manifest.setup.extra_captures.is_empty() {
        problems.add("/setup/extra_captures", "there is no main form", "Make the main one setup.credential_capture");
    }
    let names = forms(manifest).flat_map(|(at, capture)| {
        capture
            .fields
            .iter()
            .enumerate()
            .map(move |(index, field)| (format!("{at}/fields/{index}/name"), field.name.as_str()))
    });
    let mut seen = Vec::new();
    for (at, name) in names {
        if seen.contains(&name) && !problems.0.iter().any(|problem| problem.pointer == at) {
            problems.add(at, format!("two forms have a field {name:?}"), "Give each its own name");
        }
        seen.push(name);
    }
    modes(manifest, problems);
    delivery(manifest, problems);
}

fn fields(pointer: &str, fields: &[Field], problems: &mut Problems) {
    for (index, name) in repeated(fields.iter().map(|field| field.name.as_str())) {
        problems.add(format!("{pointer}/{index}/name"), format!("there are two fields {name:?}"), "Give each its own name");
    }
    for (index, field) in fields.iter().enumerate() {
        let at = |part: &str| format!("{pointer}/{index}/{part}");
        if field.field_type == FieldType::Select && field.options.is_empty() {
            problems.add(at("options"), "there is nothing to choose from", "List the options, or use another type");
        }
        for (option, value) in repeated(field.options.iter().map(|option| option.value.as_str())) {
            problems.add(at(&format!("options/{option}")), format!("there are two options {value:?}"), "Keep one");
        }
        if let Some(pattern) = &field.pattern
            && let Err(error) = form::compile_pattern(pattern)
        {
            problems.add(at("pattern"), format!("it is not a regular expression: {error}"), "Correct it");
        }
        if let (Some(min), Some(max)) = (field.min, field.max)
            && min > max
        {
            problems.add(at("min"), "it is more than max", "Exchange them");
        }
        if let Some(default) = field.default_text()
            && let Err(message) = form::check_value(field, &default)
        {
            problems.add(at("default"), format!("the default does not fit the field: {message}"), "Correct it");
        }
    }
}

fn modes(manifest: &Manifest, problems: &mut Problems) {
    for (index, mode) in manifest.setup.modes.iter().flatten().enumerate() {
        let at = format!("/setup/modes/{index}");
        match mode {
            CredentialMode::StoredCredential if manifest.setup.credential_capture.is_none() => {
                problems.add(
                    at,
                    "there is no form for sign-in details",
                    "Declare setup.credential_capture, or remove the mode",
                );
            }
            CredentialMode::StreamedBrowser | CredentialMode::EphemeralBrowser if !manifest.has_browser() => {
                let fix = format!("Declare the binding {BROWSER_AUTOMATION}, or remove the mode");
                problems.add(at, "the connector uses no browser", fix);
            }
            _ => {}
        }
    }
}

fn delivery(manifest: &Manifest, problems: &mut Problems) {
    const AT: &str = "/credential_delivery";
    let has_form = manifest.setup.credential_capture.is_some();
    match manifest.credential_delivery {
        None if has_form => problems.add(
            AT,
            "there is a form for sign-in details, and nothing says how they reach the connector",
            "Say exactly one of \"typed\", \"answered\", \"env\"",
        ),
        Some(_) if !has_form => {
            problems.add(AT, "there is no form for sign-in details", "Declare setup.credential_capture, or remove it");
        }
        Some(Delivery::Typed) => typed(manifest, problems),
        Some(Delivery::Answered) => {
            let kinds = &manifest.capabilities.human_interaction;
            if !kinds.is_empty() && !kinds.contains(&InteractionKind::Credentials) {
                let fix = "Add \"credentials\" to capabilities.human_interaction";
                problems.add(AT, "the connector never asks for credentials", fix);
            }
        }
        Some(Delivery::Env) => env(manifest, problems),
        None => {}
    }
}

fn typed(manifest: &Manifest, problems: &mut Problems) {
    if !manifest.has_browser() {
        let fix = format!("Declare the binding {BROWSER_AUTOMATION}, or use another delivery");
        problems.add("/credential_delivery", "there is no page to type into: the connector uses no browser", fix);
    }
    let Some(sign_in) = &manifest.sign_in else {
        return problems.add("/sign_in", "nothing says where the runtime types the secret", "Describe signing in");
    };
    let fills: Vec<&Fill> = sign_in.screens.iter().flat_map(|screen| screen.fill.values()).collect();
    for (pointer, capture) in forms(manifest) {
        for (index, field) in capture.fields.iter().enumerate() {
            let typed = fills.iter().any(|fill| matches!(fill, Fill::Field(name) if *name == field.name));
            let is_main = pointer == "/setup/credential_capture";
            if is_main && field.required && !typed {
                let at = format!("{pointer}/fields/{index}");
                problems.add(at, "no screen of sign_in fills it in", "Fill it in on a screen, or remove the field");
            }
        }
    }
}

fn env(manifest: &Manifest, problems: &mut Problems) {
    let templates = manifest.program.env.values().filter_map(|text| Template::parse(text).ok());
    let named: Vec<String> = templates
        .flat_map(|template| template.places().cloned().collect::<Vec<_>>())
        .filter_map(|place| if let Place::Credential(field) = place { Some(field) } else { None })
        .collect();
    for (pointer, capture) in forms(manifest) {
        for (index, field) in capture.fields.iter().enumerate() {
            if field.required && field.env.is_empty() && !named.contains(&field.name) {
                problems.add(
                    format!("{pointer}/fields/{index}"),
                    "no variable carries it to the connector",
                    format!("Add \"env\": [\"NAME\"] to it, or \"NAME\": \"{{credential.{}}}\" to program.env", field.name),
                );
            }
        }
    }
}
