//! Forms, derived from a manifest and nothing else, and the check of what was entered. The console and the CLI both render
//! these.

use regex::{Regex, RegexBuilder};
use serde::Serialize;
use serde_json::Value;

use crate::Manifest;
use crate::manifest::{Capture, Field, FieldType};

/// A form to render.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Form {
    /// Its heading.
    pub title: Option<String>,
    /// What it asks for, in a sentence or two.
    pub description: Option<String>,
    /// The button's words, where the manifest has some.
    pub submit_label: Option<String>,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// A field that does not fit. It never quotes what was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMessage {
    /// Which field.
    pub field: String,
    /// What to do, for the owner.
    pub message: String,
}

/// What an empty field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// Nothing is there yet: a required field must be filled.
    IsMissing,
    /// A secret is there already, and blank keeps it (R12). Other required fields must still be filled.
    KeepsSecret,
}

impl Form {
    /// The form of a connector's settings; without fields where it has none.
    pub fn settings(manifest: &Manifest) -> Self {
        Self { title: None, description: None, submit_label: None, fields: manifest.settings.clone() }
    }

    /// The form for one kind of secret.
    pub fn capture(capture: &Capture) -> Self {
        Self {
            title: capture.label.clone(),
            description: capture.description.clone(),
            submit_label: capture.submit_label.clone(),
            fields: capture.fields.clone(),
        }
    }

    /// Checks what was entered, one message for each field that does not fit. `entered` gives a field's text; `None` and blank
    /// are the same.
    pub fn check<'v>(&self, blank: Blank, entered: impl Fn(&str) -> Option<&'v str>) -> Vec<FieldMessage> {
        let message = |field: &Field| match entered(&field.name).filter(|text| !text.is_empty()) {
            Some(text) => check_value(field, text).err(),
            None if !field.required || (field.secret && blank == Blank::KeepsSecret) => None,
            None => Some("Fill this in.".to_owned()),
        };
        let messages = self.fields.iter().filter_map(|field| Some((field, message(field)?)));
        messages.map(|(field, message)| FieldMessage { field: field.name.clone(), message }).collect()
    }
}

impl Field {
    /// The default as text, as it is entered.
    pub fn default_text(&self) -> Option<String> {
        match self.default.as_ref()? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Whether a text that is not empty fits its field; the error is a sentence for the owner.
pub(crate) fn check_value(field: &Field, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("Remove the NUL character.".into());
    }
    let one_line = !matches!(field.field_type, FieldType::Textarea | FieldType::Multi);
    if one_line && text.contains(['\n', '\r']) {
        return Err("Use one line.".into());
    }
    let offered = |value: &str| field.options.iter().any(|option| option.value == value);
    let all = || field.options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>().join(", ");
    match field.field_type {
        FieldType::Email if !is_email(text) => return Err("Enter an e-mail address, as in name@example.com.".into()),
        FieldType::Url if !(text.starts_with("https://") || text.starts_with("http://")) => {
            return Err("Enter a web address that begins with https://.".into());
        }
        FieldType::Number => check_number(field, text)?,
        FieldType::Select if !offered(text) => return Err(format!("Choose one of {}.", all())),
        FieldType::Checkbox if text != "true" && text != "false" => return Err("Choose yes or no.".into()),
        FieldType::Multi if !field.options.is_empty() && !text.lines().all(offered) => {
            return Err(format!("Choose only from {}.", all()));
        }
        _ => {}
    }
    match &field.pattern {
        Some(pattern) if !compile_pattern(pattern).is_ok_and(|pattern| pattern.is_match(text)) => {
            Err(field.help_text.clone().unwrap_or_else(|| "This does not have the expected form.".into()))
        }
        _ => Ok(()),
    }
}

/// Compiles a field's pattern so that it must match the whole value, in linear time and bounded memory.
pub(crate) fn compile_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    // Alone first: text such as `a)(b` is no pattern, though it would be one inside the group.
    bounded(pattern)?;
    bounded(&format!("^(?:{pattern})$"))
}

fn bounded(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build()
}

fn check_number(field: &Field, text: &str) -> Result<(), String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or("Enter a number.")?;
    match (field.min, field.max) {
        (Some(min), _) if number < min => Err(format!("Enter {min} or more.")),
        (_, Some(max)) if number > max => Err(format!("Enter {max} or less.")),
        _ => Ok(()),
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(json: Value) -> Field {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn each_type_takes_what_fits_and_nothing_else() {
        let check = |json: Value, text: &str| check_value(&field(json), text).is_ok();
        let of = |kind: &str| serde_json::json!({"name": "a", "label": "A", "type": kind});
        assert!(check(of("email"), "a@b.c") && !check(of("email"), "a b@c") && !check(of("email"), "@c"));
        assert!(check(of("number"), "-1.5") && !check(of("number"), "1e999") && !check(of("number"), "one"));
        assert!(check(of("checkbox"), "true") && !check(of("checkbox"), "on"));
        assert!(check(of("textarea"), "a\nb") && !check(of("text"), "a\nb") && !check(of("textarea"), "a\0"));
        let select =
            serde_json::json!({"name": "a", "label": "A", "type": "select", "options": ["x", {"value": "y", "label": "Y"}]});
        assert!(check(select.clone(), "y"));
        assert_eq!(check_value(&field(select), "Y").unwrap_err(), "Choose one of x, y.");
        let bounded = serde_json::json!({"name": "a", "label": "A", "type": "number", "min": 1, "max": 9});
        assert!(check(bounded.clone(), "9") && !check(bounded.clone(), "10") && !check(bounded, "0"));
    }

    #[test]
    fn a_pattern_matches_the_whole_value() {
        let pattern = serde_json::json!({"name": "a", "label": "A", "pattern": "[a-z]+|[0-9]+"});
        assert!(check_value(&field(pattern.clone()), "abc").is_ok());
        assert!(check_value(&field(pattern), "abc1").is_err());
        assert!(compile_pattern("a)(b").is_err());
    }

    #[test]
    fn a_blank_secret_is_kept_and_a_blank_name_is_not() {
        let form = Form {
            title: None,
            description: None,
            submit_label: None,
            fields: vec![
                field(serde_json::json!({"name": "user", "label": "User", "required": true})),
                field(serde_json::json!({"name": "password", "label": "Password", "required": true, "secret": true})),
            ],
        };
        let fields = |blank| form.check(blank, |_| Some("")).into_iter().map(|m| m.field).collect::<Vec<_>>();
        assert_eq!(fields(Blank::IsMissing), ["user", "password"]);
        assert_eq!(fields(Blank::KeepsSecret), ["user"]);
    }

    #[test]
    fn a_message_never_quotes_what_was_entered() {
        let secret = serde_json::json!({"name": "a", "label": "A", "type": "number", "secret": true, "pattern": "x"});
        let message = check_value(&field(secret), "hunter2").unwrap_err();
        assert!(!message.contains("hunter2"));
    }
}
