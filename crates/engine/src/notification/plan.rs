//! What to send now: one message for each need, never a storm of them.
//!
//! - A need is told of half a minute after it arose, so that an owner who is there answers first.
//! - It is told of once, and reminded of once, a day later.
//! - More than three at a time are one message that says how many; more than six messages an hour are never sent.

use freehold_core::Timestamp;
use freehold_store::{MessageKind, NeedRow};
use jiff::SignedDuration;

/// How long a need has to last before it is told of.
const HOLD: SignedDuration = SignedDuration::from_secs(30);
/// How long after it was told of a need is reminded of.
const REMIND_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// The time over which messages are counted.
pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Messages in that time.
const MOST_AN_HOUR: usize = 6;
/// Needs that each have a message of their own.
const MOST_APART: usize = 3;

/// A message to be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) kind: MessageKind,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) path: String,
    pub(super) urgent: bool,
    /// The needs it tells of, by number.
    pub(super) tells: Vec<i64>,
    /// The needs it reminds of.
    pub(super) reminds: Vec<i64>,
}

/// The messages to make now of the needs there are, and when that could change by itself. `recent` is when the messages of the
/// last hour were made, the oldest first.
pub(super) fn plan(needs: &[&NeedRow], recent: &[Timestamp], now: Timestamp) -> (Vec<Planned>, Option<Timestamp>) {
    let mut due = Vec::new();
    let mut next = None;
    for need in needs {
        let (at, is_reminder) = match (need.told_at, need.reminded_at) {
            (None, _) => (need.arose_at + HOLD, false),
            (Some(told), None) => (told + REMIND_AFTER, true),
            (Some(_), Some(_)) => continue,
        };
        if at <= now {
            due.push((*need, is_reminder));
        } else {
            next = Some(next.map_or(at, |next: Timestamp| next.min(at)));
        }
    }
    if due.is_empty() {
        return (Vec::new(), next);
    }
    let room = MOST_AN_HOUR.saturating_sub(recent.len());
    if room == 0 {
        return (Vec::new(), recent.first().map(|oldest| *oldest + HOUR));
    }
    // The last of the hour is kept for a summary.
    let apart = due.len() == 1 || due.len() <= MOST_APART && due.len() < room;
    let planned = if apart { due.into_iter().map(one).collect() } else { vec![summary(&due)] };
    (planned, next)
}

fn one((row, is_reminder): (&NeedRow, bool)) -> Planned {
    let need = &row.need;
    let (kind, body, tells, reminds) = if is_reminder {
        (MessageKind::Reminder, format!("Reminder: {}", need.body), vec![], vec![row.n])
    } else {
        (MessageKind::Need, need.body.clone(), vec![row.n], vec![])
    };
    Planned { kind, title: need.title.clone(), body, path: need.path.clone(), urgent: need.urgent, tells, reminds }
}

fn summary(due: &[(&NeedRow, bool)]) -> Planned {
    let of = |wanted: bool| due.iter().filter(|(_, is_reminder)| *is_reminder == wanted).map(|(row, _)| row.n).collect();
    Planned {
        kind: MessageKind::Summary,
        title: "Freehold".to_owned(),
        body: format!("{} things need you.", due.len()),
        path: "/".to_owned(),
        urgent: due.iter().any(|(row, _)| row.need.urgent),
        tells: of(false),
        reminds: of(true),
    }
}

#[cfg(test)]
mod tests {
    use freehold_store::NeedNow;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).expect("in range")
    }

    fn need(n: i64, arose: i64) -> NeedRow {
        let need = NeedNow {
            subject: format!("source {n}"),
            reason: "code_required".to_owned(),
            title: "Letterbox".to_owned(),
            body: "The provider asks for a code.".to_owned(),
            path: format!("/interactions/{n}"),
            urgent: true,
        };
        NeedRow { n, need, arose_at: at(arose), told_at: None, reminded_at: None }
    }

    /// Plays the hours: needs arise as listed, and each look sends what is planned. Returns what was sent, and when.
    fn played(mut needs: Vec<NeedRow>, until: i64) -> Vec<(i64, Planned)> {
        let mut sent: Vec<(i64, Planned)> = Vec::new();
        let mut now = 0;
        while now <= until {
            let here: Vec<&NeedRow> = needs.iter().filter(|need| need.arose_at <= at(now)).collect();
            let recent: Vec<Timestamp> =
                sent.iter().map(|(when, _)| at(*when)).filter(|when| *when > at(now) - HOUR).collect();
            let (planned, _) = plan(&here, &recent, at(now));
            for message in planned {
                for need in &mut needs {
                    if message.tells.contains(&need.n) {
                        assert_eq!(need.told_at.replace(at(now)), None, "told twice");
                    }
                    if message.reminds.contains(&need.n) {
                        assert_eq!(need.reminded_at.replace(at(now)), None, "reminded twice");
                    }
                }
                sent.push((now, message));
            }
            now += 10;
        }
        sent
    }

    #[test]
    fn fifty_at_once_are_one_message_and_one_reminder() {
        let sent = played((0..50).map(|n| need(n, 0)).collect(), 3 * 86_400);
        let told: Vec<(i64, &str)> = sent.iter().map(|(when, message)| (*when, message.body.as_str())).collect();
        assert_eq!(told, [(30, "50 things need you."), (86_430, "50 things need you.")]);
        assert_eq!(sent[0].1.tells.len(), 50);
        assert_eq!(sent[1].1.reminds.len(), 50);
    }

    #[test]
    fn one_after_the_other_they_are_at_most_six_an_hour_and_none_is_left_out() {
        let sent = played((0..200).map(|n| need(n, n * 60)).collect(), 6 * 3_600);
        for (when, _) in &sent {
            let within = sent.iter().filter(|(other, _)| (*when..when + 3_600).contains(other)).count();
            assert!(within <= MOST_AN_HOUR, "{within} within the hour after {when}");
        }
        let told: usize = sent.iter().map(|(_, message)| message.tells.len()).sum();
        assert_eq!(told, 200);
    }

    #[test]
    fn two_have_a_message_each_and_the_page_of_each() {
        let (planned, _) = plan(&[&need(1, 0), &need(2, 0)], &[], at(30));
        let paths: Vec<&str> = planned.iter().map(|message| message.path.as_str()).collect();
        assert_eq!(paths, ["/interactions/1", "/interactions/2"]);
        assert_eq!(plan(&[&need(1, 0)], &[], at(29)), (vec![], Some(at(30))), "not before it has lasted");
    }

    #[test]
    fn when_the_hour_is_full_it_is_said_when_there_is_room() {
        let recent: Vec<Timestamp> = (0..6).map(|n| at(n * 60)).collect();
        assert_eq!(plan(&[&need(1, 0)], &recent, at(600)), (vec![], Some(at(3_600))));
    }
}
