//! The form of each kind of channel: the console and the CLI both render it, as they do a connector's.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;
use freehold_core::{Problem, Rng, SecretBytes};
use freehold_notify::{Channel, ChannelKind};
use freehold_protocol::form::Form;
use freehold_protocol::manifest::Field;
use serde_json::{Value, json};

use crate::problem::bad_input;

/// The form. A topic is proposed that nobody guesses.
pub(super) fn of(kind: ChannelKind, rng: &dyn Rng) -> Form {
    let authority = json!({
        "name": "authority", "label": "Certificate of an authority of your own", "type": "textarea",
        "help_text": "In PEM form, for a server whose certificate no public authority signed.",
    });
    let (title, description, fields) = match kind {
        ChannelKind::Ntfy => (
            "ntfy",
            "A message on your phone, by an ntfy server. Subscribe to the topic in the ntfy app.",
            json!([
                {"name": "server", "label": "Server", "type": "url", "required": true, "placeholder": "https://ntfy.example.org",
                 "affects_host": true},
                {"name": "topic", "label": "Topic", "type": "text", "required": true, "default": topic(rng),
                 "help_text": "On a server open to all, whoever knows the topic can read it and write to it. The one proposed cannot be guessed."},
                {"name": "token", "label": "Access token", "type": "password", "secret": true,
                 "help_text": "Only where the server asks for one. It is sealed in the vault: while that is locked, nothing goes out this way."},
                authority,
            ]),
        ),
        ChannelKind::Email => (
            "E-mail",
            "A short e-mail, by an SMTP server of your provider's or your own.",
            json!([
                {"name": "to", "label": "To", "type": "email", "required": true, "autocomplete": "email"},
                {"name": "from", "label": "From", "type": "email", "required": true, "help_text": "An address the server lets you send from."},
                {"name": "host", "label": "Server", "type": "text", "required": true, "placeholder": "mail.example.org", "affects_host": true},
                {"name": "security", "label": "Encryption", "type": "select", "default": "tls", "affects_host": true, "options": [
                    {"value": "tls", "label": "TLS"}, {"value": "starttls", "label": "STARTTLS"},
                    {"value": "none", "label": "None, for a server on this machine"}]},
                {"name": "port", "label": "Port", "type": "number", "min": 1, "max": 65535, "help_text": "The usual one if left blank."},
                {"name": "username", "label": "User name", "type": "text", "affects_host": true},
                {"name": "password", "label": "Password", "type": "password", "secret": true,
                 "help_text": "Sealed in the vault: while that is locked, nothing goes out this way."},
                authority,
            ]),
        ),
    };
    let fields: Vec<Field> = serde_json::from_value(fields).unwrap_or_default();
    Form { title: Some(title.to_owned()), description: Some(description.to_owned()), submit_label: None, fields }
}

fn topic(rng: &dyn Rng) -> Value {
    let mut random = [0; 10];
    rng.fill(&mut random);
    Value::from(format!("freehold-{}", BASE32_NOPAD.encode(&random).to_ascii_lowercase()))
}

/// The settings as they were typed, without the secret.
pub(super) fn read(kind: ChannelKind, fields: &BTreeMap<String, SecretBytes>) -> Result<Channel, Problem> {
    let known = ["server", "topic", "authority", "to", "from", "host", "security", "port", "username"];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(bad_input(name, "A channel has no such field.", "Leave it out."));
    }
    let typed = |name: &str| fields.get(name).map(text).map(str::trim).filter(|text| !text.is_empty());
    Channel::read(kind, typed).map_err(|wrong| bad_input(wrong.field, wrong.what, wrong.next))
}

/// Whether the secret that is there, or is not, goes with the rest.
pub(super) fn check_secret(channel: &Channel, has_secret: bool) -> Result<(), Problem> {
    let Channel::Email(email) = channel else { return Ok(()) };
    match (&email.username, has_secret) {
        (Some(_), false) => Err(bad_input("password", "The password is missing.", "Give it, or leave the user name blank.")),
        (None, true) => Err(bad_input("username", "The user name is missing.", "Give it, or leave the password blank.")),
        _ => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "what is not secret came with what is, in the same form")]
fn text(field: &SecretBytes) -> &str {
    std::str::from_utf8(field.expose()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_its_fields_and_marks_its_secret() {
        for kind in ChannelKind::ALL {
            let form = of(kind, &freehold_vault::OsRng);
            assert!(form.fields.len() >= 4, "{kind:?}");
            let secrets: Vec<&str> =
                form.fields.iter().filter(|field| field.secret).map(|field| field.name.as_str()).collect();
            assert_eq!(secrets, [kind.secret_field()]);
        }
        assert_ne!(topic(&freehold_vault::OsRng), topic(&freehold_vault::OsRng));
    }
}
