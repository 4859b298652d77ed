//! The people who shop here. Each site knows them by another password, as it should be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::order::{self, Market, Order};
use crate::totp;

/// One of the two sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// The practice shop, over plain HTTP.
    Shop,
    /// The Amazon-shaped shop, over TLS.
    Amazon,
}

impl Site {
    /// `shop`, `amazon`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Amazon => "amazon",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Shop, Self::Amazon].into_iter().find(|site| site.code() == code)
    }

    /// The name it gives itself in texts and authenticators.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Shop => "Lantern & Loom",
            Self::Amazon => "Amazon-shaped",
        }
    }
}

/// What an account asks for after its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Nothing.
    None,
    /// A code in a text to its phone.
    Sms,
    /// A code of its authenticator app.
    Authenticator,
}

impl SecondFactor {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sms => "sms",
            Self::Authenticator => "authenticator",
        }
    }
}

/// One account of one site.
pub(crate) struct Account {
    pub(crate) site: Site,
    /// What the control page and the counts call it: `maria`.
    pub(crate) name: &'static str,
    pub(crate) display: &'static str,
    pub(crate) email: &'static str,
    pub(crate) password: String,
    /// The last two digits of its phone.
    pub(crate) phone: &'static str,
    pub(crate) second_factor: SecondFactor,
    /// Its authenticator's seed, in base32.
    pub(crate) seed: &'static str,
    /// Recovery codes that still work.
    pub(crate) recovery: BTreeSet<String>,
    pub(crate) currency: &'static str,
    pub(crate) orders: Vec<Order>,
    /// Wrong passwords in a row.
    pub(crate) failures: u32,
    pub(crate) locked_until: Option<Timestamp>,
    /// The newest authenticator step a code was accepted for: none is accepted twice.
    pub(crate) last_step: i64,
    /// Browsers that need no second factor.
    pub(crate) browsers: BTreeSet<String>,
}

impl Account {
    fn new(site: Site, name: &'static str, display: &'static str, password: &str) -> Self {
        let (email, phone) = match name {
            "maria" => ("maria@example.test", "42"),
            "jonas" => ("jonas@example.test", "17"),
            "ada" => ("ada@example.test", "85"),
            _ => ("noor@example.test", "63"),
        };
        let seed = match (site, name) {
            (Site::Shop, "maria") => "KVKFKRCPNZQUYMLXOVYDSQKJKZDTSRLD",
            (Site::Shop, "jonas") => "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            (Site::Shop, "ada") => "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            (Site::Shop, _) => "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U",
            (Site::Amazon, "maria") => "ONSWCZDFMQ3DIMZSGEYTSOBXGY2TIMZS",
            (Site::Amazon, "jonas") => "PJUW44DJMVZGC3TEMFZXI33OMVQXG2DF",
            (Site::Amazon, _) => "OBZGCY3UNFRWKZLOORUXIZLTORZW6Y3F",
        };
        Self {
            site,
            name,
            display,
            email,
            password: password.to_owned(),
            phone,
            second_factor: SecondFactor::None,
            seed,
            recovery: (1..=8).map(|number| recovery_code(seed, number)).collect(),
            currency: "EUR",
            orders: Vec::new(),
            failures: 0,
            locked_until: None,
            last_step: 0,
            browsers: BTreeSet::new(),
        }
    }

    fn asks_for(mut self, second_factor: SecondFactor) -> Self {
        self.second_factor = second_factor;
        self
    }

    fn ordered(mut self, market: Market, currency: &'static str, per_year: &[usize]) -> Self {
        self.currency = currency;
        self.orders.extend(order::orders(market, self.name, currency, per_year));
        self
    }

    pub(crate) fn orders_in(&self, market: Market) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(move |order| order.market == market)
    }

    /// What this account pays with in a market.
    pub(crate) fn currency_in(&self, market: Market) -> &'static str {
        match market {
            Market::Shop => self.currency,
            Market::Com => "USD",
            Market::De => "EUR",
        }
    }
}

/// Known in advance, so that a walk can be written down: `4827-1630`, made from the seed as an authenticator's codes are.
fn recovery_code(seed: &str, number: i64) -> String {
    let digits = format!("{}{}", totp::code(seed, number), &totp::code(seed, number + 100)[..2]);
    format!("{}-{}", &digits[..4], &digits[4..])
}

/// Everybody, as at the start.
pub(crate) fn everybody() -> Vec<Account> {
    use SecondFactor::{Authenticator, Sms};
    let shop = |name, display, password| Account::new(Site::Shop, name, display, password);
    let amazon = |name, display, password| Account::new(Site::Amazon, name, display, password);
    vec![
        shop("maria", "Maria Lindqvist", "sails-on-tuesday").ordered(Market::Shop, "EUR", &[3, 12, 24, 9, 14, 7]),
        shop("jonas", "Jonas Weber", "seven-green-pears").asks_for(Sms).ordered(Market::Shop, "EUR", &[0, 5, 11, 13, 2, 10]),
        shop("ada", "Ada Okafor", "notes-on-engines").asks_for(Authenticator).ordered(
            Market::Shop,
            "GBP",
            &[1, 4, 0, 16, 8, 5],
        ),
        // A new customer: signing in works, and there is nothing to collect.
        shop("noor", "Noor Haddad", "first-visit-here").asks_for(Authenticator),
        amazon("maria", "Maria Lindqvist", "quiet-harbour-lights")
            .asks_for(Authenticator)
            .ordered(Market::Com, "USD", &[2, 6, 13, 22, 11, 4])
            .ordered(Market::De, "EUR", &[0, 3, 8, 12, 5, 3]),
        amazon("jonas", "Jonas Weber", "paper-boats-at-noon")
            .asks_for(Sms)
            .ordered(Market::Com, "USD", &[4, 0, 7, 12, 9, 6])
            .ordered(Market::De, "EUR", &[1, 11, 2, 4, 14, 8]),
        amazon("ada", "Ada Okafor", "brass-and-punchcards").ordered(Market::Com, "USD", &[0, 0, 1, 3, 2, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_has_a_seed_that_works_and_eight_recovery_codes() {
        for account in everybody() {
            assert_eq!(totp::code(account.seed, 1).len(), 6, "{}", account.name);
            assert_eq!(account.recovery.len(), 8, "{}", account.name);
        }
    }

    #[test]
    fn nobody_has_one_secret_twice() {
        let all = everybody();
        let seeds: BTreeSet<_> = all.iter().map(|account| account.seed).collect();
        assert_eq!(seeds.len(), all.len());
        let passwords: BTreeSet<_> = all.iter().map(|account| &account.password).collect();
        assert_eq!(passwords.len(), all.len());
    }
}
