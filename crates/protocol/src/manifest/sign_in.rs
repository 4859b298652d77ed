//! Sign-in and sign-out descriptors: screens, each with how it is recognised and what to do or what it means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the runtime signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The page to begin at.
    pub start: String,
    /// The exact origins a secret may be typed at.
    pub origins: Vec<String>,
    /// The screens; the first that matches counts.
    pub screens: Vec<Screen>,
}

/// How the runtime signs out, so that the provider's own session ends too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOut {
    /// The page to begin at.
    pub start: String,
    /// The screens; the first that matches counts.
    pub screens: Vec<Screen>,
}

/// One screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// What the owner and the author call it.
    pub name: String,
    /// How it is recognised.
    pub when: When,
    /// What goes into which field, by selector.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fill: BTreeMap<String, Fill>,
    /// Selectors of boxes that are ticked before anything is submitted, as in "remember this browser".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tick: Vec<String>,
    /// The selector of what is clicked then; the form is sent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit: Option<String>,
    /// What it means, where there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// What was rejected: fields of a form, `otp` or `recovery_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<OneOrMany>,
    /// The kind of challenge, as in `captcha`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The selector of the time until which the account is locked, or less is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Screen {
    /// What was rejected, where the screen says so.
    pub fn rejected(&self) -> &[String] {
        self.of.as_ref().map_or(&[], |of| &of.0)
    }
}

/// How a screen is recognised; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Part of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The selector of something visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<String>,
    /// The selector of something that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<String>,
    /// Words on the page, or within what `visible` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<LocalText>,
}

impl When {
    /// Whether it says nothing, and so would match anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Words, for every language or by language tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LocalText {
    /// Whatever the language.
    Any(String),
    /// By language tag, as in `en`.
    ByLanguage(BTreeMap<String, String>),
}

impl LocalText {
    /// Every wording.
    pub fn wordings(&self) -> impl Iterator<Item = &str> {
        let (any, by_language) = match self {
            Self::Any(text) => (Some(text), None),
            Self::ByLanguage(texts) => (None, Some(texts.values())),
        };
        any.into_iter().chain(by_language.into_iter().flatten()).map(String::as_str)
    }
}

/// What goes into a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Fill {
    /// A code made from the seed, or asked for.
    Otp,
    /// A recovery code. Where one field takes either code, this is a screen of its own, recognised by the same, after the one for
    /// [`Fill::Otp`]: its turn comes when no code can be made.
    RecoveryCode,
    /// A field of a form.
    Field(String),
}

impl From<String> for Fill {
    fn from(name: String) -> Self {
        match name.as_str() {
            "otp" => Self::Otp,
            "recovery_code" => Self::RecoveryCode,
            _ => Self::Field(name),
        }
    }
}

impl From<Fill> for String {
    fn from(fill: Fill) -> Self {
        match fill {
            Fill::Otp => "otp".to_owned(),
            Fill::RecoveryCode => "recovery_code".to_owned(),
            Fill::Field(name) => name,
        }
    }
}

/// What a screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Signed in.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// The provider refused what `of` names.
    Rejected,
    /// Something only a person can solve.
    Challenge,
    /// A yes on another device.
    Approval,
    /// A new password is wanted.
    PasswordExpired,
    /// The account is locked.
    LockedOut,
    /// The provider asks for less.
    RateLimited,
    /// The provider is down.
    ProviderDown,
}

/// One name, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneOrMany(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            One(String),
            Many(Vec<String>),
        }
        Ok(Self(match Shape::deserialize(deserializer)? {
            Shape::One(name) => vec![name],
            Shape::Many(names) => names,
        }))
    }
}
