//! The practice shop beside a Freehold of a test's own, by the same clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_core::{Clock, ConnectorName, CredentialMode, SecretBytes, SecretKind, SourceId};
use freehold_engine::NewSource;
use freehold_practice::{AccountCounts, Options, Practice, SecondFactor, Site};
use serde_json::Value;

use crate::house::{House, credentials, secret};

/// An account of the practice shop.
pub struct Account {
    /// Its e-mail address, which is also what identifies it.
    pub email: &'static str,
    /// Its password.
    pub password: &'static str,
}

/// Signs in with a password alone.
pub const MARIA: Account = Account { email: "maria@example.test", password: "sails-on-tuesday" };
/// Is texted a code.
pub const JONAS: Account = Account { email: "jonas@example.test", password: "seven-green-pears" };
/// Has ordered nothing yet, which is quickly collected; see [`open`] for how it signs in.
pub const NOOR: Account = Account { email: "noor@example.test", password: "first-visit-here" };
/// Has an authenticator.
pub const ADA: Account = Account { email: "ada@example.test", password: "notes-on-engines" };

/// The key of [`NOOR`]'s authenticator.
pub const SEED: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";

/// The practice shop, by the house's clock. [`NOOR`] is asked for no code until [`SecondFactor`] says so.
pub fn open(house: &House) -> Practice {
    let clock = Arc::clone(&house.clock);
    let options = Options { clock: Arc::new(move || clock.now()), ..Options::default() };
    let shop = Practice::start(options).expect("the practice shop");
    second_factor(&shop, SecondFactor::None);
    shop
}

/// Changes what [`NOOR`] is asked for after the password.
pub fn second_factor(shop: &Practice, second_factor: SecondFactor) {
    shop.set_second_factor(Site::Shop, "noor", second_factor).expect("Noor's account");
}

/// Waits until this was asked for, as in `GET shop /orders`.
pub fn wait_for_request(shop: &Practice, request: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    while !shop.counts().requests.iter().any(|asked| asked == request) {
        assert!(Instant::now() < until, "nobody asked for {request}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// What happened to [`NOOR`]'s account.
pub fn counts(shop: &Practice) -> AccountCounts {
    shop.counts().of(Site::Shop, "noor")
}

/// A source of the practice shop, to be added.
pub fn source(shop: &Practice, name: &str, mode: CredentialMode) -> NewSource {
    NewSource {
        connector: ConnectorName::parse("practice").expect("a name"),
        name: name.to_owned(),
        mode,
        settings: BTreeMap::from([("port".to_owned(), Value::from(shop.http.port()))]),
        expected_account: None,
        accept_unverified: false,
        credentials: BTreeMap::new(),
        consent: false,
    }
}

/// Adds a source that signs in with this account's saved details, and with these further ones.
pub fn add(house: &House, shop: &Practice, name: &str, account: &Account, more: &[(SecretKind, &str, &str)]) -> SourceId {
    let mut new = source(shop, name, CredentialMode::StoredCredential);
    let mut given = BTreeMap::from([(SecretKind::UsernamePassword, credentials(account.email, account.password))]);
    for (kind, field, value) in more {
        let fields: BTreeMap<String, SecretBytes> = BTreeMap::from([((*field).to_owned(), secret(value))]);
        given.insert(*kind, fields);
    }
    new.credentials = given;
    new.consent = true;
    house.engine().add_source(&house.owner(), new).expect("a source").id
}
