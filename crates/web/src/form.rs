//! A manifest's form on its way to a page and back. Names, labels and help come from the manifest alone (R9).

use std::collections::BTreeMap;

use freehold_core::{Problem, ProblemCode, SecretBytes, SecretKind};
use freehold_engine::view::CaptureView;
use freehold_engine::{Field, FieldType, Form, seed_in_picture};
use serde_json::Value;

use crate::body::FormBody;

/// One field as a template shows it. A secret's `value` is always empty (R12).
#[derive(Clone, Debug)]
pub(crate) struct FieldView {
    pub(crate) name: String,
    pub(crate) label: String,
    /// The `type` of an input, or `select`, `checkbox`, `textarea`, `choices`.
    pub(crate) shape: &'static str,
    pub(crate) value: String,
    pub(crate) required: bool,
    /// Whether most owners leave it as it is: optional, and not about which host is reached.
    pub(crate) is_extra: bool,
    /// A word beside the label, where it may be left blank.
    pub(crate) aside: &'static str,
    pub(crate) autocomplete: String,
    pub(crate) placeholder: Option<String>,
    pub(crate) help_text: Option<String>,
    pub(crate) help_url: Option<String>,
    pub(crate) options: Vec<OptionView>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) error: Option<String>,
    /// The name of the field beside it for a picture of a QR code in its place, if it takes one.
    pub(crate) picture: Option<String>,
}

/// One choice of a field.
#[derive(Clone, Debug)]
pub(crate) struct OptionView {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

impl FieldView {
    /// What describes the field to a screen reader: its help and its error, by their ids.
    pub(crate) fn described_by(&self) -> Option<String> {
        let help = (self.help_text.is_some() || self.help_url.is_some()).then(|| format!("help-{}", self.name));
        let error = self.error.is_some().then(|| format!("error-{}", self.name));
        let ids: Vec<String> = help.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// What the fields of a form start with.
pub(crate) enum Start<'a> {
    /// The manifest's defaults.
    Defaults,
    /// What the source has now.
    Settings(&'a serde_json::Map<String, Value>),
    /// What was just typed: not the secrets.
    Typed(&'a FormBody),
}

/// The fields of a form; each name gets `prefix`, so that two forms fit on one page.
pub(crate) fn fields(form: &Form, prefix: &str, start: &Start<'_>, problem: Option<&Problem>) -> Vec<FieldView> {
    form.fields.iter().map(|field| view(field, prefix, start, problem)).collect()
}

fn view(field: &Field, prefix: &str, start: &Start<'_>, problem: Option<&Problem>) -> FieldView {
    let name = format!("{prefix}{}", field.name);
    let default = || field.default_text().unwrap_or_default();
    let value = match start {
        _ if is_secret(field) => String::new(),
        Start::Defaults => default(),
        Start::Settings(settings) => settings.get(&field.name).map_or_else(default, text_of),
        Start::Typed(body) if field.field_type == FieldType::Multi => lines(&body.texts(&name)),
        Start::Typed(body) => body.text(&name).unwrap_or_default().to_owned(),
    };
    let option = |option: &freehold_engine::FieldOption| OptionView {
        value: option.value.clone(),
        label: option.label.clone(),
        chosen: value.lines().any(|chosen| chosen == option.value),
    };
    FieldView {
        is_extra: !field.required && !field.affects_host && !field.identity,
        label: field.label.clone(),
        aside: if field.required { "" } else { "optional" },
        shape: shape(field),
        required: field.required,
        autocomplete: field.autocomplete.clone().unwrap_or_else(|| "off".to_owned()),
        placeholder: field.placeholder.clone(),
        help_text: field.help_text.clone(),
        help_url: field.help_url.clone().filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        options: field.options.iter().map(option).collect(),
        min: field.min,
        max: field.max,
        error: problem.filter(|problem| problem.at.as_deref() == Some(&field.name)).map(|problem| problem.what.clone()),
        picture: None,
        name,
        value,
    }
}

/// The same for sign-in details. A seed can be given as a picture too, so that it is not required as text.
pub(crate) fn capture_fields(
    capture: &CaptureView,
    prefix: &str,
    start: &Start<'_>,
    problem: Option<&Problem>,
) -> Vec<FieldView> {
    let mut views = fields(&capture.form, prefix, start, problem);
    let seed = seed_field(capture).map(|field| format!("{prefix}{}", field.name));
    for view in views.iter_mut().filter(|view| Some(&view.name) == seed.as_ref()) {
        view.picture = Some(picture_name(&view.name));
        view.required = false;
    }
    views
}

fn seed_field(capture: &CaptureView) -> Option<&Field> {
    capture.form.fields.iter().find(|field| capture.kind == SecretKind::OtpSeed && field.secret)
}

/// No field of a manifest has this prefix, since each page has its own.
fn picture_name(field: &str) -> String {
    format!("picture.{field}")
}

/// A value the engine never shows again: declared secret, or entered hidden.
fn is_secret(field: &Field) -> bool {
    field.secret || field.field_type == FieldType::Password
}

fn shape(field: &Field) -> &'static str {
    match field.field_type {
        FieldType::Textarea => "textarea",
        FieldType::Multi if field.options.is_empty() => "textarea",
        _ if is_secret(field) => "password",
        FieldType::Multi => "choices",
        FieldType::Select => "select",
        FieldType::Checkbox => "checkbox",
        FieldType::Email => "email",
        FieldType::Tel => "tel",
        FieldType::Url => "url",
        FieldType::Number => "number",
        FieldType::Text | FieldType::Password => "text",
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn lines(texts: &[&str]) -> String {
    texts.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The settings as typed. What is blank is left out, but for a box, which is either ticked or not.
pub(crate) fn settings(form: &Form, prefix: &str, body: &FormBody) -> BTreeMap<String, Value> {
    let typed = form.fields.iter().filter_map(|field| {
        let name = format!("{prefix}{}", field.name);
        let text = match field.field_type {
            FieldType::Checkbox => body.text(&name).is_some().to_string(),
            FieldType::Multi => lines(&body.texts(&name)),
            _ => body.text(&name)?.replace("\r\n", "\n"),
        };
        Some((field.name.clone(), Value::String(text)))
    });
    typed.collect()
}

/// Sign-in details as typed. What is blank is left out. The secrets are taken out of the body; what is not secret stays, so that
/// a form shown again has it.
pub(crate) fn secrets(form: &Form, prefix: &str, body: &mut FormBody) -> BTreeMap<String, SecretBytes> {
    let typed = form.fields.iter().map(|field| {
        let name = format!("{prefix}{}", field.name);
        let value = match field.field_type {
            _ if is_secret(field) => body.take(&name),
            FieldType::Checkbox => body.text(&name).is_some().to_string().into(),
            FieldType::Multi => lines(&body.texts(&name)).into(),
            _ => body.text(&name).unwrap_or_default().to_owned().into(),
        };
        (field.name.clone(), value)
    });
    typed.filter(|(_, value)| !value.is_empty()).collect()
}

/// A picture in the place of a seed.
pub(crate) struct Picture {
    field: String,
    bytes: SecretBytes,
}

/// The picture that came in the place of these details' seed, taken out of the body; none if none was chosen.
pub(crate) fn picture(capture: &CaptureView, prefix: &str, body: &mut FormBody) -> Option<Picture> {
    let field = seed_field(capture)?.name.clone();
    let bytes = body.take(&picture_name(&format!("{prefix}{field}")));
    (!bytes.is_empty()).then_some(Picture { field, bytes })
}

impl Picture {
    /// Puts the seed that is in it among the fields. Blocks while it looks.
    pub(crate) fn read_into(self, fields: &mut BTreeMap<String, SecretBytes>) -> Result<(), Problem> {
        if fields.contains_key(&self.field) {
            let what = "There is a key and a picture.";
            return Err(Problem::new(ProblemCode::BadInput, what, "Give one of them alone.").at(self.field));
        }
        let seed = seed_in_picture(&self.bytes).map_err(|problem| problem.at(&self.field))?;
        fields.insert(self.field, seed);
        Ok(())
    }
}

/// Whether a problem belongs above the form it came from: the owner can do something about it there.
pub(crate) fn is_about_input(problem: &Problem) -> bool {
    matches!(
        problem.code,
        ProblemCode::BadInput
            | ProblemCode::Conflict
            | ProblemCode::ConnectorInvalid
            | ProblemCode::ModeNotOffered
            | ProblemCode::NoLongerNeeded
            | ProblemCode::ReauthenticationRequired
            | ProblemCode::SourceBusy
            | ProblemCode::TooManyTries
            | ProblemCode::Unauthenticated
            | ProblemCode::VaultLocked
            | ProblemCode::VaultUnavailable
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn capture(kind: SecretKind) -> CaptureView {
        let fields = json!([{"name": "seed", "label": "Key", "type": "password", "secret": true, "required": true}]);
        let fields: Vec<Field> = serde_json::from_value(fields).expect("fields");
        CaptureView {
            kind,
            form: Form { title: None, description: None, submit_label: None, fields },
            consent: String::new(),
        }
    }

    #[test]
    fn a_seed_alone_may_be_a_picture() {
        let seed = &capture_fields(&capture(SecretKind::OtpSeed), "detail.", &Start::Defaults, None)[0];
        assert_eq!((seed.picture.as_deref(), seed.required), (Some("picture.detail.seed"), false));
        let token = &capture_fields(&capture(SecretKind::Token), "detail.", &Start::Defaults, None)[0];
        assert_eq!((token.picture.as_deref(), token.required), (None, true));
        let mut body = FormBody::parse(b"picture.detail.seed=x");
        assert!(picture(&capture(SecretKind::Token), "detail.", &mut body).is_none());
        assert!(picture(&capture(SecretKind::OtpSeed), "detail.", &mut body).is_some());
        assert!(picture(&capture(SecretKind::OtpSeed), "detail.", &mut body).is_none(), "taken once, and none was chosen");
    }

    #[test]
    fn what_is_wrong_with_a_picture_is_said_at_its_field() {
        let read = |fields: &[&str]| {
            let field = |name: &&str| ((*name).to_owned(), SecretBytes::from("GEZDGNBVGY3TQOJQ".to_owned()));
            let picture = Picture { field: "seed".to_owned(), bytes: SecretBytes::from("canary".to_owned()) };
            picture.read_into(&mut fields.iter().map(field).collect()).expect_err("no picture")
        };
        let problem = read(&[]);
        assert_eq!(problem.at.as_deref(), Some("seed"));
        assert!(problem.what.starts_with("This is no picture that can be read here"), "{problem}");
        assert_eq!(read(&["seed"]).what, "There is a key and a picture.");
    }
}
