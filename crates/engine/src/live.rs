//! Who may watch a run's browser, and when: only while one of its interactions is open (R7), with a ticket that counts once.
//!
//! A ticket is for the owner in person. It is bound to who asked for it, to the source, the run and the interaction, and it is dead
//! as soon as any of them is over; whoever watches by then is shown out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub use freehold_browser::live::{SavedFile, Viewer, message};

use freehold_browser::LiveView;
use freehold_core::id::SessionId;
use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::{InteractionId, Problem, ProblemCode, RunId, SecretBytes, SourceId, Timestamp};
use freehold_vault::token;
use jiff::SignedDuration;

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::owner::ShownOnce;
use crate::problem::{from_store, not_found};
use crate::server::{Engine, lock};
use crate::session::hash_of;

/// How long a ticket can be used.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(30);
/// Unused tickets of one run; the oldest makes room.
const MOST_TICKETS: usize = 16;

/// A way into a run's browser, once.
pub struct LiveTicket {
    /// What has to be shown at the door.
    pub ticket: ShownOnce,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The browsers that may be watched now, and the tickets for them.
#[derive(Default)]
pub(crate) struct Stages(Mutex<HashMap<RunId, Stage>>);

struct Stage {
    source: SourceId,
    interaction: InteractionId,
    view: Arc<LiveView>,
    tickets: Vec<Ticket>,
    /// Who was let in, by the number of their seat.
    guests: Vec<(Holder, u64)>,
}

struct Ticket {
    hash: [u8; 32],
    holder: Holder,
    expires_at: Timestamp,
}

/// Who a ticket is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Session(SessionId),
    Cli,
}

/// What a ticket let its holder into.
struct LetIn {
    source: SourceId,
    run: RunId,
    interaction: InteractionId,
    viewer: Viewer,
}

impl Engine {
    /// A ticket for the browser that waits with this interaction. A closed interaction is `no_longer_needed`; one without a browser
    /// is `conflict`. Never for an API token, and for the CLI only with the passphrase.
    pub fn live_ticket(&self, caller: &Caller, id: InteractionId) -> Result<LiveTicket, Problem> {
        let inner = &self.0;
        let holder = holder(caller)?;
        let row = inner.data.interaction(id).map_err(from_store)?.ok_or_else(|| not_found("interaction"))?;
        if row.state != InteractionState::Open {
            return Err(Problem::new(
                ProblemCode::NoLongerNeeded,
                "The secure browser is no longer needed for this.",
                "Look at the source for what it needs now.",
            ));
        }
        let (ticket, hash) = token::new_token(&*inner.rng);
        let expires_at = inner.now() + GOOD_FOR;
        let may = row.run.filter(|_| opens_browser(row.kind));
        match may.filter(|run| inner.stages.admit(*run, id, Ticket { hash, holder, expires_at })) {
            Some(_) => Ok(LiveTicket { ticket: ShownOnce(ticket), expires_at }),
            None => Err(Problem::new(
                ProblemCode::Conflict,
                "The secure browser is not open for this.",
                "Wait until the run asks for you in it.",
            )),
        }
    }

    /// Lets the holder of a ticket watch and drive. It counts once, whoever shows it.
    pub fn live_join(&self, caller: &Caller, ticket: &SecretBytes) -> Result<Viewer, Problem> {
        let inner = &self.0;
        let holder = holder(caller)?;
        let let_in = inner.stages.redeem(&hash_of(ticket), holder, inner.now()).ok_or_else(no_ticket)?;
        let row = inner.data.interaction(let_in.interaction).map_err(from_store)?;
        if row.is_none_or(|row| row.state != InteractionState::Open) {
            return Err(no_ticket());
        }
        let (source, interaction) = (let_in.source.to_string(), let_in.interaction.to_string());
        let detail = [("source", source.as_str()), ("interaction", interaction.as_str())];
        inner.record(&caller.actor(), Action::LiveJoin, &let_in.run.to_string(), &detail)?;
        Ok(let_in.viewer)
    }

    /// A file that a page has handed out, by its number, for whoever was let in for that interaction while it is open. Anybody else,
    /// and a file that is not there, is `not_found`.
    pub fn live_download(&self, caller: &Caller, id: InteractionId, file: u32) -> Result<SavedFile, Problem> {
        let inner = &self.0;
        let holder = holder(caller)?;
        let nothing = || not_found("file");
        let row = inner.data.interaction(id).map_err(from_store)?.ok_or_else(nothing)?;
        if row.state != InteractionState::Open {
            return Err(nothing());
        }
        let (run, source, view) = inner.stages.watched_by(holder, id).ok_or_else(nothing)?;
        let file = view.download(file).ok_or_else(nothing)?;
        let (source, interaction) = (source.to_string(), id.to_string());
        let detail = [("source", source.as_str()), ("interaction", interaction.as_str())];
        inner.record(&caller.actor(), Action::LiveSave, &run.to_string(), &detail)?;
        Ok(file)
    }
}

impl Stages {
    /// Lets the owner into this run's browser from now on, for as long as the interaction is open.
    pub(crate) fn open(&self, source: SourceId, run: RunId, interaction: InteractionId, view: Arc<LiveView>) {
        let stage = Stage { source, interaction, view, tickets: Vec::new(), guests: Vec::new() };
        if let Some(before) = lock(&self.0).insert(run, stage) {
            before.view.dismiss();
        }
    }

    /// Shows everyone out of this run's browser.
    pub(crate) fn close(&self, run: RunId) {
        if let Some(stage) = lock(&self.0).remove(&run) {
            stage.view.dismiss();
        }
    }

    /// The same, by the interaction it was opened for.
    pub(crate) fn interaction_closed(&self, interaction: InteractionId) {
        let run = lock(&self.0).iter().find(|(_, stage)| stage.interaction == interaction).map(|(run, _)| *run);
        if let Some(run) = run {
            self.close(run);
        }
    }

    /// Shows a session's guests out, and makes its tickets void.
    pub(crate) fn session_ended(&self, session: SessionId) {
        let gone = Holder::Session(session);
        for stage in lock(&self.0).values_mut() {
            stage.tickets.retain(|ticket| ticket.holder != gone);
            for (_, seat) in stage.guests.extract_if(.., |(holder, _)| *holder == gone) {
                stage.view.show_out(seat);
            }
        }
    }

    /// Whether the owner may be let in for this interaction.
    pub(crate) fn is_open_for(&self, interaction: InteractionId) -> bool {
        lock(&self.0).values().any(|stage| stage.interaction == interaction)
    }

    /// The run, the source and the view that this holder was let into for that interaction.
    fn watched_by(&self, holder: Holder, interaction: InteractionId) -> Option<(RunId, SourceId, Arc<LiveView>)> {
        let stages = lock(&self.0);
        let (run, stage) = stages.iter().find(|(_, stage)| stage.interaction == interaction)?;
        let was_let_in = stage.guests.iter().any(|(guest, _)| *guest == holder);
        was_let_in.then(|| (*run, stage.source, Arc::clone(&stage.view)))
    }

    /// Notes a ticket, if the run's browser is open for this very interaction.
    fn admit(&self, run: RunId, interaction: InteractionId, ticket: Ticket) -> bool {
        let mut stages = lock(&self.0);
        let Some(stage) = stages.get_mut(&run).filter(|stage| stage.interaction == interaction) else { return false };
        if stage.tickets.len() >= MOST_TICKETS {
            stage.tickets.remove(0);
        }
        stage.tickets.push(ticket);
        true
    }

    /// Takes a ticket back, and lets its holder in if it is still good.
    fn redeem(&self, hash: &[u8; 32], holder: Holder, now: Timestamp) -> Option<LetIn> {
        let mut stages = lock(&self.0);
        let (run, stage) = stages.iter_mut().find(|(_, stage)| stage.tickets.iter().any(|ticket| ticket.hash == *hash))?;
        let index = stage.tickets.iter().position(|ticket| ticket.hash == *hash)?;
        let ticket = stage.tickets.remove(index);
        if ticket.holder != holder || now >= ticket.expires_at {
            return None;
        }
        let viewer = stage.view.join();
        stage.guests.push((holder, viewer.seat_number()));
        Some(LetIn { source: stage.source, run: *run, interaction: stage.interaction, viewer })
    }
}

/// The kinds of question a browser can stand beside. Details are typed into the console's form, and hosts are allowed there.
fn opens_browser(kind: InteractionKind) -> bool {
    match kind {
        InteractionKind::SignIn
        | InteractionKind::Code
        | InteractionKind::Challenge
        | InteractionKind::Approval
        | InteractionKind::Identity => true,
        InteractionKind::Credentials | InteractionKind::WiderHosts => false,
    }
}

fn holder(caller: &Caller) -> Result<Holder, Problem> {
    match caller {
        Caller::Console { session, .. } => Ok(Holder::Session(*session)),
        Caller::Cli { .. } => caller.must(Permission::Reauthenticated).map(|()| Holder::Cli),
        Caller::Token { .. } => Err(Problem::new(
            ProblemCode::Forbidden,
            "No API token may look into the secure browser.",
            "Open it in the console.",
        )),
    }
}

/// One sentence for every reason: what was wrong with a ticket helps only whoever should not have it.
fn no_ticket() -> Problem {
    Problem::new(ProblemCode::Forbidden, "This ticket is not good, or no longer.", "Ask for a new one.")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write, pipe};
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use freehold_browser::cdp::Client;
    use freehold_browser::live::message::{Said, ToClient};
    use freehold_core::{Clock, Rng};

    use super::*;

    struct Steady;

    impl Clock for Steady {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(1_790_000_000).unwrap()
        }
    }

    struct Counting(AtomicU64);

    impl Rng for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(u8::try_from(self.0.fetch_add(1, Ordering::Relaxed) % 256).unwrap());
        }
    }

    /// A view of a browser that agrees to everything and shows nothing.
    fn view() -> Arc<LiveView> {
        let (commands, to) = pipe().unwrap();
        let (from, mut answers) = pipe().unwrap();
        std::thread::spawn(move || {
            let mut commands = BufReader::new(commands);
            let mut message = Vec::new();
            while commands.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let call: serde_json::Value = serde_json::from_slice(&message).unwrap();
                message.clear();
                if write!(answers, "{{\"id\":{},\"result\":{{\"sessionId\":\"S\"}}}}\0", call["id"]).is_err() {
                    break;
                }
            }
        });
        let client = Client::over(to, from).unwrap();
        LiveView::new(&client, "page", freehold_browser::Reach::All, Path::new("/nowhere"), Arc::default()).unwrap()
    }

    struct House {
        stages: Stages,
        run: RunId,
        interaction: InteractionId,
        session: Holder,
        other: Holder,
    }

    impl House {
        fn new() -> Self {
            let rng = Counting(AtomicU64::new(1));
            let id = || Holder::Session(SessionId::new(&Steady, &rng));
            let (run, interaction) = (RunId::new(&Steady, &rng), InteractionId::new(&Steady, &rng));
            let stages = Stages::default();
            stages.open(SourceId::new(&Steady, &rng), run, interaction, view());
            Self { stages, run, interaction, session: id(), other: id() }
        }

        fn ticket(&self, hash: u8) -> bool {
            let expires_at = Steady.now() + GOOD_FOR;
            self.stages.admit(self.run, self.interaction, Ticket { hash: [hash; 32], holder: self.session, expires_at })
        }

        fn redeem(&self, hash: u8, holder: Holder, after: i64) -> Option<LetIn> {
            self.stages.redeem(&[hash; 32], holder, Steady.now() + SignedDuration::from_secs(after))
        }
    }

    fn is_shown_out(let_in: &LetIn) -> bool {
        loop {
            match let_in.viewer.next(Duration::ZERO) {
                Some(ToClient::Said(Said::Closed { .. })) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    #[test]
    fn a_ticket_counts_once_in_time_and_for_whom_it_was_made() {
        let house = House::new();
        assert!(house.ticket(1) && house.ticket(2) && house.ticket(3));
        let let_in = house.redeem(1, house.session, 29).expect("a good ticket");
        assert!(!is_shown_out(&let_in) && let_in.run == house.run && let_in.interaction == house.interaction);
        assert!(house.redeem(1, house.session, 0).is_none(), "used twice");
        assert!(house.redeem(2, house.session, 30).is_none(), "too late");
        assert!(house.redeem(3, house.other, 0).is_none(), "another session");
        assert!(house.redeem(3, house.session, 0).is_none(), "burnt by the other session");
        assert!(house.redeem(9, house.session, 0).is_none(), "never made");
    }

    #[test]
    fn a_closed_interaction_shows_everyone_out_and_voids_its_tickets() {
        let house = House::new();
        assert!(house.ticket(1) && house.ticket(2) && house.stages.is_open_for(house.interaction));
        let saves = |holder| house.stages.watched_by(holder, house.interaction).is_some();
        assert!(!saves(house.session), "a ticket that was not used lets nobody have a file");
        let let_in = house.redeem(1, house.session, 0).expect("a good ticket");
        assert!(saves(house.session) && !saves(house.other));
        house.stages.interaction_closed(house.interaction);
        assert!(!saves(house.session));
        assert!(is_shown_out(&let_in) && !house.stages.is_open_for(house.interaction));
        assert!(house.redeem(2, house.session, 0).is_none() && !house.ticket(3));
    }

    #[test]
    fn the_next_question_of_a_run_needs_a_ticket_of_its_own() {
        let house = House::new();
        assert!(house.ticket(1) && house.ticket(2));
        let let_in = house.redeem(1, house.session, 0).expect("a good ticket");
        let next = InteractionId::new(&Steady, &Counting(AtomicU64::new(200)));
        house.stages.open(let_in.source, house.run, next, view());
        assert!(is_shown_out(&let_in) && house.redeem(2, house.session, 0).is_none() && !house.ticket(3));
        house.stages.close(house.run);
        assert!(!house.stages.is_open_for(next));
    }

    #[test]
    fn signing_out_shows_that_sessions_guests_out_and_no_one_elses() {
        let house = House::new();
        assert!(house.ticket(1) && house.ticket(2));
        let expires_at = Steady.now() + GOOD_FOR;
        let of_other = Ticket { hash: [3; 32], holder: house.other, expires_at };
        assert!(house.stages.admit(house.run, house.interaction, of_other));
        let mine = house.redeem(1, house.session, 0).expect("a good ticket");
        let theirs = house.redeem(3, house.other, 0).expect("a good ticket");
        let Holder::Session(session) = house.session else { unreachable!("made above") };
        let saves = |holder| house.stages.watched_by(holder, house.interaction).is_some();
        assert!(saves(house.session) && saves(house.other));
        house.stages.session_ended(session);
        assert!(is_shown_out(&mine) && !is_shown_out(&theirs));
        assert!(!saves(house.session) && saves(house.other));
        assert!(house.redeem(2, house.session, 0).is_none());
    }

    #[test]
    fn no_token_and_no_unproven_terminal_gets_one() {
        let rng = Counting(AtomicU64::new(1));
        let token = freehold_core::id::TokenId::new(&Steady, &rng);
        let refused = |caller: &Caller| holder(caller).err().map(|problem| problem.code);
        assert_eq!(refused(&Caller::Token { token, scopes: Permission::SCOPES.into() }), Some(ProblemCode::Forbidden));
        let cli = |reauthenticated| Caller::Cli { reauthenticated };
        assert_eq!(refused(&cli(false)), Some(ProblemCode::ReauthenticationRequired));
        assert_eq!(refused(&cli(true)), None);
    }
}
