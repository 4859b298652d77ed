//! The audit chain: each event's hash takes in the one before it, so that a change anywhere shows from there on.
//!
//! The chain is plain SHA-256 and anyone who can write the database can make a new one; that is what the MAC of its head
//! ([`Vault::mac_audit_head`](crate::Vault::mac_audit_head)) is for. No secret's value, and no hash of one, goes into an event.

use aws_lc_rs::digest;
use freehold_core::Timestamp;

/// One thing that happened: a put, a take, a denial with its reason, an unlock, an export, a wipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When, to the millisecond: what is finer is not part of the chain.
    pub at: Timestamp,
    /// Who did it: the owner, a token, a run.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// What else is worth keeping, by name, in the order given.
    pub detail: Vec<(String, String)>,
}

/// An event as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place, from 1.
    pub seq: u64,
    /// The event.
    pub event: AuditEvent,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last event's place; 0 if there is none.
    pub seq: u64,
    /// The last event's hash; zeros if there is none.
    pub hash: [u8; 32],
}

impl Head {
    /// The head of a chain with no events.
    pub const EMPTY: Head = Head { seq: 0, hash: [0; 32] };
}

/// Where a chain does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log does not hold at event {seq}: {why}")]
pub struct AuditBroken {
    /// The first event that does not fit.
    pub seq: u64,
    /// In what way.
    pub why: Broken,
}

/// In what way a chain does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An event is missing before it, or it is out of order.
    #[error("events before it are missing or out of order")]
    Sequence,
    /// It, or one before it, was changed.
    #[error("it was changed after it was written")]
    Hash,
}

/// The hash of event `seq` after an event (or an empty chain) with hash `prev`: SHA-256 over a name, `prev`, `seq`, the time in
/// milliseconds, and the texts, each number 64 bits and each text with its length before it.
pub fn link(prev: &[u8; 32], seq: u64, event: &AuditEvent) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(b"freehold audit 1");
    hash.update(prev);
    hash.update(&seq.to_be_bytes());
    hash.update(&event.at.as_millisecond().to_be_bytes());
    let mut text = |text: &str| {
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    text(&event.actor);
    text(&event.action);
    text(&event.subject);
    for (name, value) in &event.detail {
        text(name);
        text(value);
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

/// Follows the chain from `head` over the records after it, and gives the head it ends in. A long chain is followed page by page,
/// each from the head the last one gave, the first from [`Head::EMPTY`].
pub fn verify(mut head: Head, records: impl IntoIterator<Item = AuditRecord>) -> Result<Head, AuditBroken> {
    for AuditRecord { seq, event, hash } in records {
        if seq != head.seq + 1 {
            return Err(AuditBroken { seq, why: Broken::Sequence });
        }
        if link(&head.hash, seq, &event) != hash {
            return Err(AuditBroken { seq, why: Broken::Hash });
        }
        head = Head { seq, hash };
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str) -> AuditEvent {
        AuditEvent {
            at: Timestamp::from_millisecond(1_767_268_800_123).expect("a time"),
            actor: "owner".to_owned(),
            action: "secret.put".to_owned(),
            subject: subject.to_owned(),
            detail: vec![("kind".to_owned(), "token".to_owned())],
        }
    }

    fn chain(len: u64) -> Vec<AuditRecord> {
        let mut hash = [0; 32];
        (1..=len)
            .map(|seq| {
                let event = event(&format!("source {seq}"));
                hash = link(&hash, seq, &event);
                AuditRecord { seq, event, hash }
            })
            .collect()
    }

    #[test]
    fn an_untouched_chain_holds_whole_or_page_by_page() {
        let records = chain(10);
        let whole = verify(Head::EMPTY, records.clone()).expect("it holds");
        assert_eq!(whole, Head { seq: 10, hash: records[9].hash });
        let first = verify(Head::EMPTY, records[..4].to_vec()).expect("it holds");
        assert_eq!(verify(first, records[4..].to_vec()), Ok(whole));
        assert_eq!(verify(Head::EMPTY, []), Ok(Head::EMPTY));
    }

    #[test]
    fn a_change_to_any_part_of_an_event_shows_at_that_event() {
        let changes: [fn(&mut AuditRecord); 9] = [
            |row| row.event.at = Timestamp::from_millisecond(1_767_268_800_124).expect("a time"),
            |row| row.event.actor.push('x'),
            |row| row.event.action.push('x'),
            |row| row.event.subject.push('x'),
            |row| row.event.detail[0].0.push('x'),
            |row| row.event.detail[0].1.push('x'),
            |row| row.event.detail.push((String::new(), String::new())),
            |row| row.event.detail.clear(),
            |row| row.hash[31] ^= 1,
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut records = chain(5);
            change(&mut records[2]);
            assert_eq!(verify(Head::EMPTY, records), Err(AuditBroken { seq: 3, why: Broken::Hash }), "change {at}");
        }
        let mut moved = chain(1);
        let AuditEvent { actor, action, .. } = &mut moved[0].event;
        action.insert(0, actor.pop().expect("a letter"));
        assert!(verify(Head::EMPTY, moved).is_err(), "a letter moved from one text to the next");
    }

    #[test]
    fn rewriting_one_event_and_its_hash_shows_at_the_next() {
        let mut records = chain(5);
        records[2].event.subject = "another".to_owned();
        records[2].hash = link(&records[1].hash, 3, &records[2].event);
        assert_eq!(verify(Head::EMPTY, records), Err(AuditBroken { seq: 4, why: Broken::Hash }));
    }

    #[test]
    fn a_deleted_doubled_or_reordered_event_shows() {
        let broken = |change: fn(&mut Vec<AuditRecord>)| {
            let mut records = chain(5);
            change(&mut records);
            verify(Head::EMPTY, records)
        };
        let at = |seq| Err(AuditBroken { seq, why: Broken::Sequence });
        assert_eq!(broken(|rows| drop(rows.remove(2))), at(4));
        assert_eq!(broken(|rows| drop(rows.remove(0))), at(2));
        assert_eq!(broken(|rows| rows.swap(1, 2)), at(3));
        assert_eq!(broken(|rows| rows.insert(2, rows[1].clone())), at(2));
        let renumbered = broken(|rows| {
            rows.remove(2);
            rows[2].seq = 3;
        });
        assert_eq!(renumbered, Err(AuditBroken { seq: 3, why: Broken::Hash }));
    }

    #[test]
    fn a_chain_cut_at_its_end_or_made_anew_fails_the_head_s_mac() {
        let owner = freehold_core::OwnerId::parse("own_00000000000000000000000001").expect("an owner's id");
        let (vault, _) = crate::Vault::create(owner, &crate::OsRng);
        let mac = vault.mac_audit_head(&chain(5)[4].hash);
        let mac_holds = |records: Vec<AuditRecord>| {
            let head = verify(Head::EMPTY, records).expect("each of them holds by itself");
            vault.check_audit_head_mac(&head.hash, &mac)
        };
        assert!(mac_holds(chain(5)));
        assert!(!mac_holds(chain(4)), "its end was cut off");
        assert!(!mac_holds(chain(6)));
        let event = event("another");
        assert!(!mac_holds(vec![AuditRecord { seq: 1, hash: link(&[0; 32], 1, &event), event }]), "made anew");
    }
}
