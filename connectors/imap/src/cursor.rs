//! How far collection has come, mailbox by mailbox: the STATE of the `messages` stream. It holds no mail and no secret.

use std::collections::BTreeMap;

use freehold_sdk::{Coverage, Covered};
use serde::{Deserialize, Serialize};

/// The cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// By the mailbox's name on the server.
    pub(crate) mailboxes: BTreeMap<String, Position>,
}

/// How far one mailbox is collected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The numbering the rest is true for (RFC 3501 section 2.3.1.1).
    pub(crate) uidvalidity: u32,
    /// The highest UID collected.
    pub(crate) last_uid: u32,
    /// The modification sequence up to which flags are known, where the server has CONDSTORE.
    pub(crate) modseq: Option<u64>,
    /// The flags of the newest messages, where it has not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) flags: BTreeMap<u32, Vec<String>>,
    /// What was collected up to there.
    pub(crate) covered: Covered,
}

impl Cursor {
    /// The position from which this run can go on; none if the server numbered the mailbox anew, or if this run wants more than
    /// was collected then.
    pub(crate) fn position(&self, mailbox: &str, uidvalidity: u32, wanted: &Covered) -> Option<&Position> {
        let position = self.mailboxes.get(mailbox).filter(|position| position.uidvalidity == uidvalidity)?;
        let covered = |(stream, coverage)| position.covered.get(stream).is_some_and(|old: &Coverage| old.includes(coverage));
        wanted.iter().all(covered).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_only_for_its_numbering_and_streams() {
        let covered: Covered = BTreeMap::from([("messages".to_owned(), Coverage::default())]);
        let position = Position { uidvalidity: 5, last_uid: 9, covered: covered.clone(), ..Position::default() };
        let cursor = Cursor { mailboxes: BTreeMap::from([("INBOX".to_owned(), position)]) };
        assert_eq!(cursor.position("INBOX", 5, &covered).map(|position| position.last_uid), Some(9));
        assert_eq!(cursor.position("INBOX", 6, &covered), None);
        assert_eq!(cursor.position("Other", 5, &covered), None);
        let more: Covered =
            [("messages", ()), ("attachments", ())].map(|(name, ())| (name.to_owned(), Coverage::default())).into();
        assert_eq!(cursor.position("INBOX", 5, &more), None);
    }
}
