//! Choosing what to do: the first screen that shows, is not left over from before, and that something can be done about.

use std::collections::BTreeSet;
use std::time::Instant;

use freehold_core::attempt::AttemptState;
use freehold_core::sign_in::SignInSecrets;
use freehold_protocol::manifest::{Means, Screen};

use super::given_cookies::GivenCookies;
use super::look::{FrameLook, Matched, PageLook};
use super::outcome::{Need, Turn};
use super::round::Round;
use super::{SLICE, SignInMachine};
use crate::BrowserError;
use crate::tabs::Tabs;

/// What was done last, and what was showing then: until the page reacts, that says nothing.
pub(super) struct Acted {
    screen: usize,
    frame: String,
    document: f64,
    /// The screens that the page's frames showed already. One that disappears and comes back is no longer left over.
    left_over: BTreeSet<(String, usize)>,
    is_fill: bool,
    since: Instant,
}

impl Acted {
    fn is_in(&self, look: &FrameLook) -> bool {
        look.frame.id() == self.frame && look.document == self.document
    }
}

/// Where a screen was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'l> {
    pub(super) page: &'l PageLook,
    pub(super) frame: &'l FrameLook,
    pub(super) matched: &'l Matched,
}

/// What is showing, to be compared with what will.
#[derive(PartialEq)]
pub(super) struct Mark(Vec<(String, Vec<(String, usize)>)>);

impl Mark {
    pub(super) fn of(looks: &[PageLook]) -> Self {
        Self(looks.iter().map(|page| (page.address.clone(), page.shows().collect())).collect())
    }
}

/// More actions than this in one go are a loop.
const MOST_ACTIONS: u32 = 30;

impl SignInMachine {
    /// Looks and acts until there is a turn.
    pub(super) fn work(
        &mut self,
        tabs: &Tabs,
        secrets: &mut dyn SignInSecrets,
        stop: &dyn Fn() -> bool,
    ) -> Result<Turn, BrowserError> {
        let mut round = Round::new();
        loop {
            if stop() {
                return Ok(Turn::Stopped);
            }
            let looks = match self.eye.look(tabs) {
                // The page's scripts keep it busy.
                Err(BrowserError::Silent { .. }) => Vec::new(),
                looks => looks?,
            };
            // After the look: by then it is told how whatever was seen came about.
            self.answers.hear(tabs)?;
            if let Some(turn) = self.step(&looks, &mut round, secrets)? {
                return Ok(turn);
            }
            if round.started.elapsed() > self.patience.total || round.actions > MOST_ACTIONS {
                self.note(None, looks.first().map_or("", |page| &page.address), "no progress: left to the owner");
                return Ok(Turn::NeedsOwner(Need::UnknownScreen));
            }
            match looks.first() {
                Some(page) => page.tab.page().wait_for_change(SLICE)?,
                None => tabs.first()?.page().wait_for_change(SLICE)?,
            }
        }
    }

    fn step(
        &mut self,
        looks: &[PageLook],
        round: &mut Round,
        secrets: &mut dyn SignInSecrets,
    ) -> Result<Option<Turn>, BrowserError> {
        round.watch(looks);
        self.react(looks);
        if round.not_before.is_some_and(|time| self.clock.now() < time) {
            return Ok(None);
        }
        round.not_before = None;
        let Some(found) = self.choose(looks, round) else { return Ok(self.nothing_shows(looks, round)) };
        let screen = &self.descriptor.screens[found.matched.screen];
        if screen.means == Some(self.goal) {
            let since = *round.signed_in_since.get_or_insert_with(Instant::now);
            // Before anything was done it is what the profile kept, and needs no proof.
            let is_kept = round.actions == 0 && self.mark.is_none() || since.elapsed() >= self.patience.kept;
            if is_kept {
                self.note(Some(found.matched.screen), &found.page.address, "reached");
            }
            return Ok(is_kept.then_some(Turn::SignedIn));
        }
        if !screen.fill.is_empty() && round.signed_in_since.is_some() {
            self.note(Some(found.matched.screen), &found.page.address, "signed out again");
            return Ok(Some(Turn::SessionNotKept));
        }
        if self.was_sent_back(screen) {
            // Or it says why, which may take a moment.
            let is_over = self.refusal_beside(found).is_none() && round.is_puzzled_for(self.patience.explain);
            if is_over {
                // Most likely it was right; a form that says nothing of a refusal looks the same.
                self.attempts.settle(Some(AttemptState::Unknown), None, secrets)?;
                self.note(Some(found.matched.screen), &found.page.address, "signed in, and sent back here");
                return Ok(Some(Turn::SessionNotKept));
            }
            return Ok(None);
        }
        if screen.means.is_none() && self.use_cookies(found, round, secrets)? {
            return Ok(None);
        }
        self.act(found, round, secrets)
    }

    /// Whether the provider answered what was typed with the start page, which is for those who are signed in, and that led to this
    /// screen, which asks for the same again.
    fn was_sent_back(&self, screen: &Screen) -> bool {
        let asks_again = screen.fill.values().any(|fill| self.attempts.have_typed(fill));
        let is_answer = self.acted.is_none() && self.cookies != GivenCookies::Set;
        is_answer && self.attempts.is_waiting() && self.answers.went_to(&self.descriptor.start) && asks_again
    }

    /// Lets go of what was done last, as far as the page has reacted to it.
    fn react(&mut self, looks: &[PageLook]) {
        let Some(acted) = &mut self.acted else { return };
        let mut frames = looks.iter().flat_map(|page| &page.frames);
        let now = frames.find(|look| acted.is_in(look));
        let is_over = acted.since.elapsed() > self.patience.answer;
        let Some(now) = now.filter(|_| !is_over) else {
            self.acted = None;
            return;
        };
        let own = now.matched.iter().find(|matched| matched.screen == acted.screen);
        let was_emptied = acted.is_fill && own.is_some_and(|matched| matched.empty);
        let is_still = own.is_some() && !was_emptied;
        let showing: BTreeSet<_> = looks.iter().flat_map(PageLook::shows).collect();
        let screens = &self.descriptor.screens;
        acted.left_over.retain(|left| {
            let is_its_own = left.1 == acted.screen && left.0 == acted.frame && was_emptied;
            // What a press has removed, such as a notice, uncovers what was behind; words of refusal stay what they are.
            let was_behind = !acted.is_fill && !is_still && screens[left.1].means != Some(Means::Rejected);
            showing.contains(left) && !is_its_own && !was_behind
        });
    }

    /// The first screen that shows, on the newest page that shows any.
    fn choose<'l>(&self, looks: &'l [PageLook], round: &Round) -> Option<Found<'l>> {
        for page in looks {
            let found = self.shown_on(page).find(|found| self.is_fresh(found));
            match found {
                // While it loads, what comes first may not be there yet.
                Some(_) if page.is_loading && !round.is_still_for(self.patience.explain) => return None,
                Some(found) => return Some(found),
                // What opened a pop-up is not gone back to before the pop-up has reacted.
                None if self.acted.as_ref().is_some_and(|acted| page.frames.iter().any(|look| acted.is_in(look))) => {
                    return None;
                }
                // A pop-up on its way comes before what opened it.
                None if page.is_loading && !round.is_still_for(self.patience.settle) => return None,
                None => {}
            }
        }
        None
    }

    /// The screens a page shows, in the descriptor's order; each first where a secret may be typed.
    pub(super) fn shown_on<'l>(&self, page: &'l PageLook) -> impl Iterator<Item = Found<'l>> {
        let frames = page.frames.iter();
        let mut all: Vec<_> =
            frames.flat_map(|frame| frame.matched.iter().map(move |matched| Found { page, frame, matched })).collect();
        all.sort_by_key(|found| (found.matched.screen, !self.is_ours(&found.frame.origin)));
        all.into_iter().filter(|found| self.is_about_us(found.matched.screen))
    }

    /// The first screen that shows anywhere.
    pub(super) fn first_shown(&self, looks: &[PageLook]) -> Option<usize> {
        looks.iter().find_map(|page| self.shown_on(page).next()).map(|found| found.matched.screen)
    }

    /// What the first screen that shows anywhere means.
    pub(super) fn means(&self, looks: &[PageLook]) -> Option<Means> {
        self.first_shown(looks).and_then(|screen| self.descriptor.screens[screen].means)
    }

    /// Whether the origin is exactly one of the descriptor's.
    pub(super) fn is_ours(&self, origin: &str) -> bool {
        self.descriptor.origins.iter().any(|ours| ours == origin)
    }

    /// Words of refusal count for what was typed, and for nothing else.
    fn is_about_us(&self, screen: usize) -> bool {
        let screen = &self.descriptor.screens[screen];
        screen.means != Some(Means::Rejected) || self.attempts.concern(screen.rejected(), &self.captures)
    }

    /// Whether it is not left over from before the last action.
    pub(super) fn is_fresh(&self, found: &Found<'_>) -> bool {
        let key = (found.frame.frame.id().to_owned(), found.matched.screen);
        self.acted.as_ref().is_none_or(|acted| !acted.left_over.contains(&key))
    }

    /// No screen shows that anything can be done about: the provider may be down, the page on its way, or unknown.
    fn nothing_shows(&mut self, looks: &[PageLook], round: &Round) -> Option<Turn> {
        let page = looks.first()?;
        let answer = self.answers.of(&page.tab);
        if page.is_error && (answer.error.is_some() || round.is_still_for(self.patience.explain)) {
            let detail = answer.error.unwrap_or_else(|| "the page could not be opened".to_owned());
            self.note(None, &page.address, "could not be opened");
            return Some(Turn::ProviderDown { detail });
        }
        if self.acted.is_some() {
            // It has not reacted yet; that has its own limit.
            return None;
        }
        if !page.is_loading && (answer.status == 429 || answer.status >= 500) {
            self.note(None, &page.address, format!("answered with status {}", answer.status));
            return Some(match answer.status {
                429 => Turn::RateLimited { until: answer.retry_at(self.clock.now()) },
                status => Turn::ProviderDown { detail: format!("status {status}") },
            });
        }
        let limit = if page.is_loading { self.patience.answer } else { self.patience.settle };
        if !round.is_still_for(limit) {
            return None;
        }
        self.note(None, &page.address, "matches no screen: left to the owner");
        Some(Turn::NeedsOwner(Need::UnknownScreen))
    }

    /// Remembers what was done on a screen, so that what is left over is told from what is new.
    pub(super) fn acted_on(&mut self, found: &Found<'_>, round: &mut Round) {
        let screen = found.matched.screen;
        self.counts[screen] += 1;
        round.actions += 1;
        round.still_since = Instant::now();
        round.puzzled_since = None;
        self.acted = Some(Acted {
            screen,
            frame: found.frame.frame.id().to_owned(),
            document: found.frame.document,
            left_over: found.page.shows().collect(),
            is_fill: !self.descriptor.screens[screen].fill.is_empty(),
            since: Instant::now(),
        });
    }
}
