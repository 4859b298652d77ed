//! All there is, in memory: accounts, sessions, texts, approvals, moods, counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{Timestamp, tz::TimeZone};

use crate::Clock;
use crate::account::{Account, Site, everybody};
use crate::count::Counts;
use crate::mood::Moods;
use crate::order::{self, Market};
use crate::session::Session;
use crate::tokens::Tokens;

/// A site has no account of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{site:?} has no account named {name:?}")]
pub struct NoSuchAccount {
    /// The site.
    pub site: Site,
    /// The name asked for.
    pub name: String,
}

/// A text that was sent to a phone.
pub(crate) struct Text {
    pub(crate) site: Site,
    pub(crate) account: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) code: String,
}

/// A question on a phone: is this you, signing in?
pub(crate) struct Approval {
    pub(crate) number: u64,
    pub(crate) site: Site,
    pub(crate) account: &'static str,
    pub(crate) at: Timestamp,
    /// What was tapped.
    pub(crate) answer: Option<bool>,
}

/// Both sites' whole state.
pub(crate) struct World {
    clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) accounts: Vec<Account>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) texts: Vec<Text>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) moods: Moods,
    pub(crate) counts: Counts,
}

impl World {
    pub(crate) fn new(clock: Clock) -> Self {
        let accounts = everybody();
        let mut counts = Counts::default();
        for account in &accounts {
            counts.of_mut(account.site, account.name);
        }
        Self {
            clock,
            tokens: Tokens::new(),
            accounts,
            sessions: HashMap::new(),
            texts: Vec::new(),
            approvals: Vec::new(),
            moods: Moods::default(),
            counts,
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(Arc::clone(&self.clock));
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn account(&self, site: Site, name: &str) -> Result<&Account, NoSuchAccount> {
        let found = self.accounts.iter().find(|account| account.site == site && account.name == name);
        found.ok_or_else(|| NoSuchAccount { site, name: name.to_owned() })
    }

    pub(crate) fn account_mut(&mut self, site: Site, name: &str) -> Result<&mut Account, NoSuchAccount> {
        let found = self.accounts.iter_mut().find(|account| account.site == site && account.name == name);
        found.ok_or_else(|| NoSuchAccount { site, name: name.to_owned() })
    }

    /// A new session with nobody signed in; returns its id.
    pub(crate) fn open_session(&mut self, site: Site) -> String {
        let (id, csrf) = (self.tokens.token(), self.tokens.token());
        self.sessions.insert(id.clone(), Session { site, csrf, attempt: None, account: None });
        id
    }

    /// The account signed in with a session on a site. A session that is over is removed.
    pub(crate) fn signed_in(&mut self, site: Site, id: &str) -> Option<&Account> {
        let session = self.sessions.get(id).filter(|session| session.site == site)?;
        let (name, since) = session.account?;
        let age = self.now().duration_since(since).as_secs();
        if self.moods.session_seconds > 0 && age >= i64::from(self.moods.session_seconds) {
            self.sessions.remove(id);
            return None;
        }
        self.account(site, name).ok()
    }

    /// Ends a session, and counts it if someone was signed in.
    pub(crate) fn sign_out(&mut self, site: Site, id: &str) {
        if let Some(name) = self.signed_in(site, id).map(|account| account.name) {
            self.counts.of_mut(site, name).signed_out += 1;
            self.sessions.remove(id);
        }
    }

    pub(crate) fn expire_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Sends a code to an account's phone and returns it.
    pub(crate) fn send_code(&mut self, site: Site, account: &'static str) -> String {
        let (code, at) = (self.tokens.code(), self.now());
        self.texts.push(Text { site, account, at, code: code.clone() });
        self.counts.of_mut(site, account).texts += 1;
        code
    }

    /// Asks on an account's phone and returns the question's number.
    pub(crate) fn ring(&mut self, site: Site, account: &'static str) -> u64 {
        let number = self.approvals.last().map_or(1, |last| last.number + 1);
        let at = self.now();
        self.approvals.push(Approval { number, site, account, at, answer: None });
        number
    }

    /// What was tapped, if anything was.
    pub(crate) fn phone_answer(&self, number: u64) -> Option<bool> {
        self.approvals.iter().find(|approval| approval.number == number).and_then(|approval| approval.answer)
    }

    /// Answers every question that waits on an account's phone, and says how many there were.
    pub(crate) fn answer_phone(&mut self, site: Site, account: &str, approve: bool) -> usize {
        let waiting = self.approvals.iter_mut();
        let waiting = waiting.filter(|one| one.site == site && one.account == account && one.answer.is_none());
        waiting.map(|approval| approval.answer = Some(approve)).count()
    }

    /// Places an order of today and returns its number.
    pub(crate) fn place_order(&mut self, market: Market, name: &str) -> Result<String, NoSuchAccount> {
        let today = TimeZone::UTC.to_datetime(self.now()).date();
        let account = self.account_mut(market.site(), name)?;
        let (currency, number) = (account.currency_in(market), account.orders.len());
        let order = order::placed(market, name, currency, today, number);
        let id = order.id.clone();
        let newest = account.orders.iter().position(|other| other.market == market && other.date <= order.date);
        account.orders.insert(newest.unwrap_or(account.orders.len()), order);
        Ok(id)
    }
}

/// The world, for every request and for the handle.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Mutex::new(World::new(clock))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
