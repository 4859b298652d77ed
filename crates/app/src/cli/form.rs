//! A connector's form as questions at the terminal. Every word of it comes from the connector.

use std::collections::BTreeMap;
use std::path::Path;

use freehold_core::{Problem, ProblemCode, SecretBytes, SecretKind};
use freehold_protocol::form::{self, Blank};
use freehold_protocol::manifest::{Field, FieldType};

use super::client::Outgoing;
use super::picture::{Capture, Form};
use super::prompt::Prompt;
use super::secret_input::{self, SecretInput};

/// Secrets by field name, on their way to the server.
pub(crate) type Secrets = BTreeMap<String, Outgoing>;

/// Settings: what was given as `name=value`, and the rest asked for, or left to their defaults where nobody can be asked.
pub(crate) fn settings(
    form: &Form,
    given: &[(String, String)],
    ask: Option<&Prompt>,
) -> Result<BTreeMap<String, String>, Problem> {
    refuse_unknown(form, given.iter().map(|(name, _)| name.as_str()), "--setting")?;
    let mut values: BTreeMap<String, String> = given.iter().cloned().collect();
    for (name, value) in &values {
        let field = form.fields.iter().filter(|field| field.name == *name);
        if let Some(message) = field.filter_map(|field| check(field, value)).next() {
            return Err(bad(message, "Correct the value.").at(format!("--setting {name}")));
        }
    }
    match ask {
        Some(prompt) => {
            for field in &form.fields {
                if !values.contains_key(&field.name) {
                    let value = ask_setting(field, prompt)?;
                    if !value.is_empty() {
                        values.insert(field.name.clone(), value);
                    }
                }
            }
        }
        None => {
            let has_value = |field: &Field| values.contains_key(&field.name) || field.default.is_some();
            if let Some(field) = form.fields.iter().find(|field| field.required && !has_value(field)) {
                return Err(bad(
                    format!("\"{}\" has to be set.", field.label),
                    format!("Add --setting {}=VALUE.", field.name),
                ));
            }
        }
    }
    Ok(values)
}

/// Sign-in details of one kind: what a file or standard input held, or asked for.
pub(crate) fn details(capture: &Capture, input: &SecretInput, instead: &str) -> Result<Secrets, Problem> {
    let seed = capture.seed_field();
    given_or_asked(&capture.form, seed, input.read(seed)?, instead)
}

/// Sign-in details for one run: of the first kind, and of each further one that is given too.
pub(crate) fn details_of_all(
    captures: &[Capture],
    input: &SecretInput,
    instead: &str,
) -> Result<BTreeMap<SecretKind, Secrets>, Problem> {
    let mut details = BTreeMap::new();
    if let Some(mut given) = input.read(captures.iter().find_map(Capture::seed_field))? {
        for (index, capture) in captures.iter().enumerate() {
            let own: BTreeMap<_, _> =
                capture.form.fields.iter().filter_map(|field| given.remove_entry(&field.name)).collect();
            if index == 0 || !own.is_empty() {
                details.insert(capture.kind, secrets(&capture.form, Some(own), instead)?);
            }
        }
        let fields = captures.iter().flat_map(|capture| capture.form.fields.clone()).collect();
        let known = Form { description: None, fields };
        refuse_unknown(&known, given.keys().map(String::as_str), "the sign-in details")?;
        return Ok(details);
    }
    let prompt = Prompt::open(instead)?;
    prompt.say("They are held in memory for this run only, and wiped when it ends.")?;
    for (index, capture) in captures.iter().enumerate() {
        if index == 0 || prompt.confirm(&format!("{} too?", capture.kind.label()))? {
            details.insert(capture.kind, given_or_asked(&capture.form, capture.seed_field(), None, instead)?);
        }
    }
    Ok(details)
}

/// The fields of an answer, a code: the same.
pub(crate) fn secrets(form: &Form, given: Option<BTreeMap<String, SecretBytes>>, instead: &str) -> Result<Secrets, Problem> {
    given_or_asked(form, None, given, instead)
}

/// `seed` names the field that a picture of a QR code may stand for.
fn given_or_asked(
    form: &Form,
    seed: Option<&str>,
    given: Option<BTreeMap<String, SecretBytes>>,
    instead: &str,
) -> Result<Secrets, Problem> {
    let values = match given {
        Some(given) => {
            refuse_unknown(form, given.keys().map(String::as_str), "the sign-in details")?;
            given
        }
        None => ask_secrets(form, seed, &Prompt::open(instead)?)?,
    };
    let is_missing = |field: &&Field| field.required && values.get(&field.name).is_none_or(SecretBytes::is_empty);
    if let Some(field) = form.fields.iter().find(is_missing) {
        return Err(bad(format!("\"{}\" is missing.", field.label), format!("Give a value for {}.", field.name)));
    }
    Ok(values.into_iter().map(|(name, value)| (name, Outgoing(value))).collect())
}

fn ask_secrets(form: &Form, seed: Option<&str>, prompt: &Prompt) -> Result<BTreeMap<String, SecretBytes>, Problem> {
    if let Some(description) = &form.description {
        prompt.say(description)?;
    }
    let mut values = BTreeMap::new();
    for field in &form.fields {
        say_help(field, prompt)?;
        let value = if seed == Some(&field.name) {
            ask_seed(field, prompt)?
        } else if field.secret || field.field_type == FieldType::Password {
            prompt.secret(&field.label)?
        } else {
            ask_setting(field, prompt)?.into()
        };
        values.insert(field.name.clone(), value);
    }
    Ok(values)
}

/// A seed as text, or from a picture of its QR code. The picture's path is shown as it is typed: it is no secret.
fn ask_seed(field: &Field, prompt: &Prompt) -> Result<SecretBytes, Problem> {
    let typed = prompt.secret(&format!("{}; press enter to give a picture of its QR code instead", field.label))?;
    if !typed.is_empty() {
        return Ok(typed);
    }
    loop {
        let path = prompt.line("Path of the picture")?;
        if path.is_empty() {
            return Ok(typed);
        }
        match secret_input::seed_in_picture(Path::new(&path)) {
            Ok(seed) => return Ok(seed),
            Err(problem) => prompt.say(&format!("{} {}", problem.what, problem.next))?,
        }
    }
}

/// Asks until the answer fits.
fn ask_setting(field: &Field, prompt: &Prompt) -> Result<String, Problem> {
    let default = field.default_text();
    if !field.secret {
        say_help(field, prompt)?;
    }
    if field.field_type == FieldType::Select && !field.options.is_empty() {
        let labels: Vec<String> = field.options.iter().map(|option| option.label.clone()).collect();
        let standard = field.options.iter().position(|option| Some(&option.value) == default.as_ref());
        let chosen = prompt.choose_or(&field.label, &labels, standard)?;
        return Ok(field.options[chosen].value.clone());
    }
    if field.field_type == FieldType::Checkbox {
        let yes = prompt.confirm_or(&field.label, default.as_deref() == Some("true"))?;
        return Ok(yes.to_string());
    }
    let label = match (&default, field.required) {
        (Some(default), _) => format!("{} [{default}]", field.label),
        (None, true) => field.label.clone(),
        (None, false) => format!("{} (may stay empty)", field.label),
    };
    loop {
        let typed = match field.field_type {
            FieldType::Textarea => prompt.text(&label)?,
            FieldType::Multi => prompt
                .line(&format!("{label}, with commas between"))?
                .split(',')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join("\n"),
            _ => prompt.line(&label)?,
        };
        let value = if typed.is_empty() { default.clone().unwrap_or_default() } else { typed };
        match check(field, &value) {
            None => return Ok(value),
            Some(message) => prompt.say(&message)?,
        }
    }
}

fn say_help(field: &Field, prompt: &Prompt) -> Result<(), Problem> {
    for help in field.help_text.iter().chain(&field.help_url) {
        prompt.say(&format!("  {help}"))?;
    }
    Ok(())
}

fn check(field: &Field, value: &str) -> Option<String> {
    let form = form::Form { title: None, description: None, submit_label: None, fields: vec![field.clone()] };
    form.check(Blank::IsMissing, |_| Some(value)).into_iter().next().map(|message| message.message)
}

fn refuse_unknown<'a>(form: &Form, names: impl Iterator<Item = &'a str>, place: &str) -> Result<(), Problem> {
    for name in names {
        if !form.fields.iter().any(|field| field.name == name) {
            let known: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
            let next = match known.as_slice() {
                [] => "This connector takes none.".to_owned(),
                known => format!("Known here: {}.", known.join(", ")),
            };
            return Err(bad(format!("The connector has no field \"{name}\" here."), next).at(place));
        }
    }
    Ok(())
}

fn bad(what: impl Into<String>, next: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadInput, what, next)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Input {
        #[command(flatten)]
        secrets: SecretInput,
    }

    fn read(text: &str) -> Result<Vec<(SecretKind, Vec<String>)>, Problem> {
        let field =
            |name: &str, required: bool| json!({ "name": name, "label": name, "type": "password", "required": required });
        let captures: Vec<Capture> = serde_json::from_value(json!([
            { "kind": "username_password", "consent": "", "form": { "fields": [field("username", true), field("password", true)] } },
            { "kind": "otp_seed", "consent": "", "form": { "fields": [field("seed", true)] } },
        ]))
        .expect("captures");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let input = Input::parse_from(["it", "--secret-file", &file.path().to_string_lossy()]);
        let details = details_of_all(&captures, &input.secrets, "")?;
        Ok(details.into_iter().map(|(kind, fields)| (kind, fields.into_keys().collect())).collect())
    }

    #[test]
    fn one_file_holds_details_of_several_kinds() {
        let password = (SecretKind::UsernamePassword, vec!["password".to_owned(), "username".to_owned()]);
        let both = read("username=a\nseed=c\npassword=b\n").unwrap();
        assert_eq!(both, [password.clone(), (SecretKind::OtpSeed, vec!["seed".to_owned()])]);
        assert_eq!(read("username=a\npassword=b\n").unwrap(), vec![password]);
        assert!(read("username=a\n").unwrap_err().what.contains("password"));
        assert!(read("username=a\npassword=b\nsede=c\n").unwrap_err().next.contains("username, password, seed"));
    }
}
