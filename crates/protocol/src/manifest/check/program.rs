//! The check of `program`.

use super::super::{Delivery, Manifest, check_env_name};
use super::Problems;
use crate::bindings::BROWSER_AUTOMATION;
use crate::template::{Place, Template};

pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    let program = &manifest.program;
    if program.command.contains("..") || program.command.contains(['\0', '{', '}']) {
        problems.add(
            "/program/command",
            "it is not a plain name or path",
            "Name a program found on the PATH, or a path in this folder such as ./main; arguments go into args",
        );
    }
    for (index, arg) in program.args.iter().enumerate() {
        template(manifest, &format!("/program/args/{index}"), arg, false, problems);
    }
    for (name, value) in &program.env {
        let pointer = format!("/program/env/{name}");
        env_name(&pointer, name, problems);
        template(manifest, &pointer, value, true, problems);
    }
    for (form, capture) in super::credentials::forms(manifest) {
        for (index, field) in capture.fields.iter().enumerate() {
            for (position, name) in field.env.iter().enumerate() {
                env_name(&format!("{form}/fields/{index}/env/{position}"), name, problems);
            }
        }
    }
}

fn env_name(pointer: &str, name: &str, problems: &mut Problems) {
    if let Err(problem) = check_env_name(name) {
        problems.add(pointer, format!("a connector may not set the variable {name:?}: {problem}"), "Use another name");
    }
}

fn template(manifest: &Manifest, pointer: &str, text: &str, in_env: bool, problems: &mut Problems) {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => return problems.add(pointer, error.to_string(), "Correct the template"),
    };
    for place in template.places() {
        match place {
            Place::Setting(name) if manifest.settings.iter().all(|setting| setting.name != *name) => {
                problems.add(
                    pointer,
                    format!("there is no setting {name:?}"),
                    "Declare it in settings, or remove the place",
                );
            }
            Place::BrowserWsUrl | Place::BrowserHttpUrl if !manifest.has_browser() => problems.add(
                pointer,
                "it names a browser's address, and the connector uses none",
                format!("Declare the binding {BROWSER_AUTOMATION}, or remove the place"),
            ),
            Place::Credential(_) if !in_env => problems.add(
                pointer,
                "a secret may not be an argument: any process of the machine can read those",
                "Deliver it in env",
            ),
            Place::Credential(_) if manifest.credential_delivery != Some(Delivery::Env) => problems.add(
                pointer,
                "a secret may be in a variable only under credential_delivery \"env\"",
                "Say \"env\", or remove the place",
            ),
            Place::Credential(field)
                if manifest.captures().all(|capture| capture.fields.iter().all(|known| known.name != *field)) =>
            {
                problems.add(pointer, format!("no form has a field {field:?}"), "Declare it in credential_capture");
            }
            _ => {}
        }
    }
}
