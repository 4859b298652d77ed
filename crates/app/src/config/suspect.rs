//! Which names of dropped variables look like a provider account's credentials.

use freehold_core::SecretKind;

/// The last word of a name that holds something secret, whoever it is for.
const SECRET_WORDS: [&str; 13] = [
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PWD",
    "PASSPHRASE",
    "TOKEN",
    "SECRET",
    "KEY",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "COOKIE",
    "COOKIES",
];
/// Set by every shell, and not a password.
const NOT_SECRET: [&str; 2] = ["PWD", "OLDPWD"];

/// One field a connector's forms ask for, by the connector's name and the field's.
pub(crate) struct AccountField {
    /// The connector's name.
    pub(crate) connector: String,
    /// The field's name.
    pub(crate) field: String,
}

/// Those of `names` that look like credentials: by their last word, or because they name a connector and one of its fields.
pub(crate) fn suspects<'a>(names: &'a [String], fields: &[AccountField]) -> Vec<&'a str> {
    names.iter().map(String::as_str).filter(|name| is_secret_name(name) || names_a_field(name, fields)).collect()
}

/// Whether a name says by itself that what it holds is secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let last = name.rsplit('_').next().unwrap_or_default();
    let kind = SecretKind::ALL.iter().any(|kind| name.ends_with(&kind.as_str().to_ascii_uppercase()));
    !NOT_SECRET.contains(&name.as_str()) && (kind || SECRET_WORDS.contains(&last))
}

fn names_a_field(name: &str, fields: &[AccountField]) -> bool {
    let name = normal(name);
    fields.iter().any(|field| {
        name.strip_prefix(&normal(&field.connector))
            .and_then(|rest| rest.strip_prefix('_'))
            .is_some_and(|rest| rest == normal(&field.field) || rest.ends_with(&format!("_{}", normal(&field.field))))
    })
}

fn normal(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_last_word_and_fields_by_their_connector() {
        let names = [
            "SHOP_PASSWORD",
            "my_api_key",
            "FORGE_TOKEN",
            "MAIL_USERNAME",
            "MAIL_2_USERNAME",
            "OTHER_USERNAME",
            "PWD",
            "OLDPWD",
            "HOME",
            "KEYBOARD",
            "BANK_OTP_SEED",
            "TOKENIZER",
        ]
        .map(str::to_owned);
        let fields = [AccountField { connector: "mail".to_owned(), field: "username".to_owned() }];
        assert_eq!(
            suspects(&names, &fields),
            ["SHOP_PASSWORD", "my_api_key", "FORGE_TOKEN", "MAIL_USERNAME", "MAIL_2_USERNAME", "BANK_OTP_SEED"]
        );
    }
}
