//! The templates in a manifest's program, hosts and origins: `{run.id}`, `{source.id}`, `{tmp}`, `{setting.NAME}`,
//! `{browser.ws_url}`, `{browser.http_url}` and, in `env` only, `{credential.FIELD}`. A brace itself is written twice.

use std::collections::BTreeMap;

use freehold_core::SecretBytes;

use crate::secret_text::SecretFields;

/// Text with places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// A place in a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `{run.id}`
    RunId,
    /// `{source.id}`
    SourceId,
    /// `{tmp}`: the run's own temporary directory.
    Tmp,
    /// `{setting.NAME}`
    Setting(String),
    /// `{browser.ws_url}`
    BrowserWsUrl,
    /// `{browser.http_url}`
    BrowserHttpUrl,
    /// `{credential.FIELD}`
    Credential(String),
}

/// What fills the places that hold no secret.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// `{run.id}`
    pub run_id: String,
    /// `{source.id}`
    pub source_id: String,
    /// `{tmp}`
    pub tmp: String,
    /// `{setting.NAME}`; a setting left empty by the owner is an empty string here.
    pub settings: BTreeMap<String, String>,
    /// `{browser.ws_url}`
    pub browser_ws_url: Option<String>,
    /// `{browser.http_url}`
    pub browser_http_url: Option<String>,
}

/// A text that is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("a brace is not closed, or not opened; write {{{{ or }}}} for a brace itself")]
    LoneBrace,
    /// An unknown place.
    #[error(
        "{{{0}}} is not known; there are {{run.id}}, {{source.id}}, {{tmp}}, {{setting.NAME}}, {{browser.ws_url}}, \
         {{browser.http_url}} and, in env under delivery \"env\", {{credential.FIELD}}"
    )]
    UnknownPlace(String),
}

/// A place that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// No value for it.
    #[error("there is no value for {{{0}}}")]
    Missing(String),
    /// A secret where none may be.
    #[error("{{credential.{0}}} may be used only in env")]
    SecretNotAllowed(String),
    /// A value with a NUL byte, which neither an argument nor a variable can hold.
    #[error("the value for {{{0}}} holds a NUL character")]
    Nul(String),
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{").ok_or(TemplateError::LoneBrace)?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Place(Place::parse(&rest[..end])?));
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// The places in it, in order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(place) => Some(place),
            Part::Text(_) => None,
        })
    }

    /// Whether it holds a `{credential.FIELD}`.
    pub fn holds_secret(&self) -> bool {
        self.places().any(|place| matches!(place, Place::Credential(_)))
    }

    /// Fills a template that holds no secret.
    pub fn expand(&self, values: &Values) -> Result<String, ExpandError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Place(Place::Credential(field)) => return Err(ExpandError::SecretNotAllowed(field.clone())),
                Part::Place(place) => text.push_str(place.value(values)?),
            }
        }
        Ok(text)
    }

    /// Fills a template that may hold secrets.
    #[expect(clippy::disallowed_methods, reason = "this is where a variable of the one child it is for gets its value")]
    pub fn expand_secret(&self, values: &Values, secrets: &SecretFields) -> Result<SecretBytes, ExpandError> {
        let mut pieces: Vec<&[u8]> = Vec::new();
        for part in &self.0 {
            pieces.push(match part {
                Part::Text(literal) => literal.as_bytes(),
                Part::Place(Place::Credential(field)) => {
                    let name = || format!("credential.{field}");
                    let secret = secrets.get(field).ok_or_else(|| ExpandError::Missing(name()))?.expose();
                    if secret.contains(&0) {
                        return Err(ExpandError::Nul(name()));
                    }
                    secret
                }
                Part::Place(place) => place.value(values)?.as_bytes(),
            });
        }
        let mut filled = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        pieces.iter().for_each(|piece| filled.extend_from_slice(piece));
        Ok(SecretBytes::new(filled))
    }
}

impl Place {
    fn parse(name: &str) -> Result<Self, TemplateError> {
        let named = |prefix: &str| name.strip_prefix(prefix).filter(|rest| is_field_name(rest)).map(str::to_owned);
        match name {
            "run.id" => Ok(Self::RunId),
            "source.id" => Ok(Self::SourceId),
            "tmp" => Ok(Self::Tmp),
            "browser.ws_url" => Ok(Self::BrowserWsUrl),
            "browser.http_url" => Ok(Self::BrowserHttpUrl),
            _ => named("setting.")
                .map(Self::Setting)
                .or_else(|| named("credential.").map(Self::Credential))
                .ok_or_else(|| TemplateError::UnknownPlace(name.to_owned())),
        }
    }

    fn value<'v>(&self, values: &'v Values) -> Result<&'v str, ExpandError> {
        let (name, value) = match self {
            Self::RunId => ("run.id".to_owned(), Some(&values.run_id)),
            Self::SourceId => ("source.id".to_owned(), Some(&values.source_id)),
            Self::Tmp => ("tmp".to_owned(), Some(&values.tmp)),
            Self::Setting(name) => (format!("setting.{name}"), values.settings.get(name)),
            Self::BrowserWsUrl => ("browser.ws_url".to_owned(), values.browser_ws_url.as_ref()),
            Self::BrowserHttpUrl => ("browser.http_url".to_owned(), values.browser_http_url.as_ref()),
            Self::Credential(field) => return Err(ExpandError::SecretNotAllowed(field.clone())),
        };
        match value {
            Some(text) if text.contains('\0') => Err(ExpandError::Nul(name)),
            Some(text) => Ok(text),
            None => Err(ExpandError::Missing(name)),
        }
    }
}

/// Whether `name` can name a field of a form: a lower-case letter, then lower-case letters, digits and `_`, at most 64.
pub(crate) fn is_field_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values {
            run_id: "r1".into(),
            tmp: "/t".into(),
            settings: BTreeMap::from([("host".into(), "{tmp}".into())]),
            ..Values::default()
        }
    }

    #[test]
    fn places_are_filled_once_and_doubled_braces_stay() {
        let template = Template::parse("{{{run.id}}} at {tmp}/{setting.host}").unwrap();
        assert_eq!(template.expand(&values()).unwrap(), "{r1} at /t/{tmp}");
    }

    #[test]
    fn unknown_places_and_lone_braces_are_refused() {
        assert_eq!(Template::parse("{HOME}"), Err(TemplateError::UnknownPlace("HOME".into())));
        assert_eq!(Template::parse("{setting.}"), Err(TemplateError::UnknownPlace("setting.".into())));
        assert_eq!(Template::parse("{setting.A-B}"), Err(TemplateError::UnknownPlace("setting.A-B".into())));
        assert_eq!(Template::parse("a{b"), Err(TemplateError::LoneBrace));
        assert_eq!(Template::parse("a}b{tmp}"), Err(TemplateError::LoneBrace));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks at what the child would get")]
    fn a_secret_goes_only_where_secrets_may() {
        let template = Template::parse("Bearer {credential.token}").unwrap();
        assert!(template.holds_secret());
        assert_eq!(template.expand(&values()), Err(ExpandError::SecretNotAllowed("token".into())));
        let mut secrets = SecretFields::new();
        assert!(matches!(template.expand_secret(&values(), &secrets), Err(ExpandError::Missing(_))));
        secrets.insert("token", SecretBytes::from("s3".to_owned())).unwrap();
        assert_eq!(template.expand_secret(&values(), &secrets).unwrap_or_else(|_| panic!()).expose(), b"Bearer s3");
    }
}
