//! The check of hosts, origins and the identity's place.

use std::net::IpAddr;

use super::super::{IdentitySource, Manifest};
use super::Problems;
use super::screens::{self, Goal};
use crate::template::{Place, Template};

pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    for (index, host) in manifest.hosts.iter().enumerate() {
        let at = format!("/hosts/{index}");
        if let Some(plain) = filled(manifest, &at, host, problems)
            && !is_host_pattern(&plain)
        {
            let fix = "Write a host such as api.example.com, *.example.com or example.com:993";
            problems.add(at, format!("{host:?} is not a host"), fix);
        }
    }
    if let Some(sign_in) = &manifest.sign_in {
        if !manifest.has_browser() {
            problems.add(
                "/sign_in",
                "the connector uses no browser",
                "Declare the binding browser_automation, or remove it",
            );
        }
        for (index, origin) in sign_in.origins.iter().enumerate() {
            let at = format!("/sign_in/origins/{index}");
            if let Some(plain) = filled(manifest, &at, origin, problems)
                && !is_origin(&plain)
            {
                let fix = "Write scheme, host and, where it is not the usual one, port: https://login.example.com";
                problems.add(at, format!("{origin:?} is not an exact origin over https"), fix);
            }
        }
        page(manifest, "/sign_in/start", &sign_in.start, problems);
        screens::check(manifest, "/sign_in/screens", &sign_in.screens, Goal::SignedIn, problems);
    }
    if let Some(sign_out) = &manifest.sign_out {
        page(manifest, "/sign_out/start", &sign_out.start, problems);
        screens::check(manifest, "/sign_out/screens", &sign_out.screens, Goal::SignedOut, problems);
    }
    identity(manifest, problems);
}

fn identity(manifest: &Manifest, problems: &mut Problems) {
    match manifest.identity.as_ref().map(|rule| &rule.source) {
        Some(IdentitySource::Page { page: address, key, display }) => {
            page(manifest, "/identity/page", address, problems);
            for (part, text) in [("key", Some(key)), ("display", display.as_ref())] {
                if let Some(text) = text {
                    screens::selector(&format!("/identity/{part}"), text, problems);
                }
            }
            if manifest.sign_in.is_none() {
                problems.add("/identity/page", "there is no sign_in to open it with", "Describe sign_in, or use a message");
            }
        }
        Some(IdentitySource::Stream { stream: name, key, display }) => match manifest.stream(name) {
            None => {
                problems.add("/identity/stream", format!("there is no stream {name:?}"), "Name a stream of this manifest")
            }
            Some(stream) => {
                for (part, field) in [("key", Some(key)), ("display", display.as_ref())] {
                    if let Some(field) = field
                        && stream.field_names().all(|known| known != field)
                    {
                        let problem = format!("the stream {name:?} has no field {field:?}");
                        problems.add(format!("/identity/{part}"), problem, "Name a field of its schema");
                    }
                }
            }
        },
        Some(IdentitySource::Message) | None => {}
    }
}

/// A page the runtime opens: within `sign_in.origins`, where there are any.
fn page(manifest: &Manifest, pointer: &str, address: &str, problems: &mut Problems) {
    if filled(manifest, pointer, address, problems).is_none() {
        return;
    }
    let Some(sign_in) = &manifest.sign_in else { return };
    let within = sign_in.origins.iter().any(|origin| {
        address.strip_prefix(&**origin).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    });
    if !within {
        let fix = "Use an address on one of them, or add its origin";
        problems.add(pointer, "it is not on any of sign_in.origins", fix);
    }
}

/// The text with its settings replaced by a stand-in, or `None` after reporting why it cannot be.
fn filled(manifest: &Manifest, pointer: &str, text: &str, problems: &mut Problems) -> Option<String> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            problems.add(pointer, error.to_string(), "Correct the template");
            return None;
        }
    };
    let mut plain = text.to_owned();
    for place in template.places() {
        let Place::Setting(name) = place else {
            problems.add(pointer, "only {setting.NAME} may be here", "Use a setting, or write the host itself");
            return None;
        };
        match manifest.settings.iter().position(|setting| setting.name == *name) {
            None => problems.add(pointer, format!("there is no setting {name:?}"), "Declare it in settings"),
            Some(index) if !manifest.settings[index].affects_host => problems.add(
                format!("/settings/{index}/affects_host"),
                format!("the setting decides a host ({pointer}), so the owner has to confirm a change of it"),
                "Say \"affects_host\": true",
            ),
            Some(_) => {}
        }
        // A digit is both a host's label and a port.
        plain = plain.replace(&format!("{{setting.{name}}}"), "1");
    }
    Some(plain)
}

fn is_host_pattern(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    is_host_with_port(text)
}

fn is_origin(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("https://") {
        return is_host_with_port(rest);
    }
    let Some(rest) = text.strip_prefix("http://") else { return false };
    let host = rest.rsplit_once(':').map_or(rest, |(host, _)| host);
    let loopback = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback && is_host_with_port(rest)
}

fn is_host_with_port(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<IpAddr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    host.len() <= 253 && host.split('.').all(label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}
