//! What the owner is needed for now, from the one status of each source and of the vault (R14).

use std::collections::HashSet;

use freehold_core::Problem;
use freehold_core::reason::{BrokenReason, WaitReason};
use freehold_core::status::Status;
use freehold_store::{NeedChange, NeedNow, NeedRow};

use crate::server::Inner;
use crate::view::SourceView;

/// The subject of a need that is not of one source.
const VAULT: &str = "vault";

/// What was seen in one look.
pub(super) struct Looked {
    /// What the owner is needed for.
    pub(super) now: Vec<NeedNow>,
    /// The sources that are on their way: a need of theirs is not over because a run tries again, and does not arise anew when it
    /// fails in the same way.
    pub(super) undecided: HashSet<String>,
}

impl Inner {
    pub(super) fn needs(&self) -> Result<Looked, Problem> {
        Ok(look(&self.source_views()?))
    }
}

fn look(sources: &[SourceView]) -> Looked {
    let mut looked = Looked { now: Vec::new(), undecided: HashSet::new() };
    let mut vault = None;
    for source in sources {
        match &source.status {
            // One for all of them: there is one vault.
            Status::Waiting { reason: WaitReason::WaitingForUnlock }
            | Status::Broken {
                reason: BrokenReason::VaultWrongKey | BrokenReason::VaultCorrupt | BrokenReason::VaultKeyMissing,
            } => {
                vault.get_or_insert_with(|| of_vault(&source.status));
                looked.undecided.insert(source.id.to_string());
            }
            Status::NeedsOwner { .. } | Status::Broken { .. } => looked.now.push(of_source(source)),
            Status::Running | Status::Waiting { .. } => {
                looked.undecided.insert(source.id.to_string());
            }
            Status::SettingUp if source.current_run.is_some() => {
                looked.undecided.insert(source.id.to_string());
            }
            Status::SettingUp | Status::Fresh | Status::Due | Status::Paused => {}
        }
    }
    looked.now.extend(vault);
    looked
}

/// The words are the status's own, and the connector's name. The source's name may be an account's, which is nobody's business who
/// reads a lock screen.
fn of_source(source: &SourceView) -> NeedNow {
    let path = match source.interaction {
        Some(question) => format!("/interactions/{question}"),
        None => format!("/sources/{}", source.id),
    };
    NeedNow {
        subject: source.id.to_string(),
        reason: source.status.reason().unwrap_or_default().to_owned(),
        title: source.connector_display_name.clone(),
        body: source.status.sentence().to_owned(),
        path,
        urgent: source.interaction.is_some() && source.current_run.is_some(),
    }
}

fn of_vault(status: &Status) -> NeedNow {
    NeedNow {
        subject: VAULT.to_owned(),
        reason: status.reason().unwrap_or_default().to_owned(),
        title: "Freehold".to_owned(),
        body: status.sentence().to_owned(),
        path: "/settings/vault".to_owned(),
        urgent: false,
    }
}

/// How what is noted comes to what was seen.
pub(super) fn changes(open: &[NeedRow], looked: &Looked) -> Vec<NeedChange> {
    let mut changes = Vec::new();
    for row in open {
        let now = looked.now.iter().find(|need| need.subject == row.need.subject);
        match now {
            Some(need) if need.reason == row.need.reason && need.path != row.need.path => {
                changes.push(NeedChange::Move(row.n, need.path.clone()));
            }
            Some(need) if need.reason == row.need.reason => {}
            None if looked.undecided.contains(&row.need.subject) => {}
            _ => changes.push(NeedChange::End(row.n)),
        }
    }
    let is_new =
        |need: &&NeedNow| !open.iter().any(|row| row.need.subject == need.subject && row.need.reason == need.reason);
    changes.extend(looked.now.iter().filter(is_new).cloned().map(NeedChange::Begin));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(subject: &str, reason: &str, path: &str) -> NeedNow {
        NeedNow {
            subject: subject.to_owned(),
            reason: reason.to_owned(),
            title: "Letterbox".to_owned(),
            body: "The provider asks for a code.".to_owned(),
            path: path.to_owned(),
            urgent: false,
        }
    }

    fn row(n: i64, need: NeedNow) -> NeedRow {
        NeedRow { n, need, arose_at: freehold_core::Timestamp::UNIX_EPOCH, told_at: None, reminded_at: None }
    }

    fn changed(open: &[NeedRow], now: &[NeedNow], undecided: &[&str]) -> Vec<NeedChange> {
        let undecided = undecided.iter().map(|subject| (*subject).to_owned()).collect();
        changes(open, &Looked { now: now.to_vec(), undecided })
    }

    #[test]
    fn a_need_is_one_from_its_first_question_to_its_end() {
        let asked = need("a", "code_required", "/interactions/1");
        assert_eq!(changed(&[], std::slice::from_ref(&asked), &[]), [NeedChange::Begin(asked.clone())]);
        let open = [row(1, asked)];
        // The question lapsed; then a run tries again; then it asks again: all the same need.
        let lapsed = need("a", "code_required", "/sources/a");
        assert_eq!(changed(&open, &[lapsed], &[]), [NeedChange::Move(1, "/sources/a".to_owned())]);
        assert_eq!(changed(&open, &[], &["a"]), []);
        assert_eq!(changed(&open, &[need("a", "code_required", "/interactions/1")], &[]), []);
        assert_eq!(changed(&open, &[], &[]), [NeedChange::End(1)]);
    }

    #[test]
    fn another_reason_is_another_need() {
        let open = [row(1, need("a", "code_required", "/sources/a"))];
        let refused = need("a", "credential_rejected", "/sources/a");
        let expected = [NeedChange::End(1), NeedChange::Begin(refused.clone())];
        assert_eq!(changed(&open, &[refused], &[]), expected);
    }
}
