//! What an entry of the audit log is about, in words: the name a person gave it, where it still has one.

use std::collections::HashMap;

use freehold_core::Problem;

use crate::problem::from_store;
use crate::server::Inner;

/// The names there are, by id.
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// Those of the sources, removed ones whose records are kept too, and of the tokens.
    pub(super) fn of(inner: &Inner) -> Result<Names, Problem> {
        let owner = inner.owner()?;
        let mut names = HashMap::new();
        for sources in [inner.data.sources(owner), inner.data.removed_sources(owner)] {
            names.extend(sources.map_err(from_store)?.into_iter().map(|row| (row.id.to_string(), row.name)));
        }
        names.extend(inner.data.tokens().map_err(from_store)?.into_iter().map(|row| (row.id.to_string(), row.name)));
        Ok(Names(names))
    }

    /// What an entry calls its subject, in words.
    pub(super) fn of_subject(&self, subject: &str) -> String {
        if let Some(name) = self.0.get(subject) {
            return name.clone();
        }
        let kind = match subject.split_once('_') {
            Some(("src", _)) => "A source that is gone",
            Some(("tok", _)) => "A token",
            Some(("ses", _)) => "A browser",
            Some(("run", _)) => "A run",
            Some(("att", _)) => "An attempt",
            Some(("int", _)) => "A question",
            Some(("chn", _)) => "A channel",
            Some(("bkp", _)) => "A backup",
            _ => match subject {
                "owner" => "You",
                "vault" => "The vault",
                "backups" => "The plan",
                "key_file" => "Key file",
                "passphrase" => "Passphrase",
                "recovery_key" => "Recovery key",
                other => other,
            },
        };
        kind.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_name_is_called_by_it() {
        let names = Names([("src_1".to_owned(), "notes".to_owned())].into());
        assert_eq!(names.of_subject("src_1"), "notes");
        assert_eq!(names.of_subject("src_2"), "A source that is gone");
        assert_eq!(names.of_subject("recovery_key"), "Recovery key");
        assert_eq!(names.of_subject("letterbox"), "letterbox", "a connector's name is its own word");
    }
}
