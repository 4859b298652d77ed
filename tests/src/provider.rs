//! The provider that a test plays for the connector `stand_in`: it has accounts, letters and moods, and remembers every password
//! that was submitted to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

/// How the provider answers from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Right password, welcome; wrong password, refused.
    Usual,
    /// After the right password it wants this code.
    WantsCode(String),
    /// After the right password it wants something only a person can do.
    WantsPerson,
    /// It is down, whatever the password; it may say for how many seconds.
    Away(Option<u64>),
    /// It reads the password and hangs up.
    HangsUp,
    /// It reads the password and says nothing until the mood changes.
    Silent,
}

/// A running provider. It listens on loopback until the test ends.
pub struct Provider {
    /// Where.
    pub port: u16,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    accounts: BTreeMap<String, Account>,
    mood: Mood,
    submitted: Vec<(String, String)>,
}

impl Default for State {
    fn default() -> Self {
        Self { accounts: BTreeMap::new(), mood: Mood::Usual, submitted: Vec::new() }
    }
}

struct Account {
    password: String,
    account: String,
    letters: Vec<(String, String)>,
}

impl Provider {
    /// A provider with one account: who signs in with this name and password is `account` and has these letters.
    pub fn with(username: &str, password: &str, account: &str, letters: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Shared::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                // A connection that breaks is the connector's end, which the test sees by itself.
                std::thread::spawn(move || serve(&stream, &shared).ok());
            }
        });
        let provider = Self { port, state };
        provider.account(username, password, account, letters);
        provider
    }

    /// Adds or replaces an account.
    pub fn account(&self, username: &str, password: &str, account: &str, letters: &[(&str, &str)]) {
        let letters = letters.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        let account = Account { password: password.to_owned(), account: account.to_owned(), letters };
        self.lock().accounts.insert(username.to_owned(), account);
    }

    /// Changes how it answers.
    pub fn mood(&self, mood: Mood) {
        self.lock().mood = mood;
        self.state.changed.notify_all();
    }

    /// Every user name and password submitted so far, in order.
    pub fn submitted(&self) -> Vec<(String, String)> {
        self.lock().submitted.clone()
    }

    /// Waits until `count` passwords have been submitted.
    pub fn wait_for(&self, count: usize) {
        let limit = Duration::from_secs(60);
        let waited = self.state.changed.wait_timeout_while(self.lock(), limit, |state| state.submitted.len() < count);
        let (state, timeout) = waited.expect("no panic in between");
        assert!(!timeout.timed_out(), "{} passwords were submitted, and not {count}", state.submitted.len());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.state.lock().expect("no panic in between")
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut writer = stream;
    let mut signed_in: Option<Value> = None;
    while let Some(line) = lines.next().transpose()? {
        let message: Value = serde_json::from_str(&line)?;
        let mut state = shared.state.lock().expect("no panic in between");
        if let (Some(username), Some(password)) = (message["username"].as_str(), message["password"].as_str()) {
            state.submitted.push((username.to_owned(), password.to_owned()));
            shared.changed.notify_all();
            let right = state.accounts.get(username).filter(|account| account.password == password);
            signed_in = right.map(welcome);
        }
        state = shared.changed.wait_while(state, |state| state.mood == Mood::Silent).expect("no panic in between");
        let answer = match (&state.mood, &signed_in) {
            (Mood::HangsUp, _) => return Ok(()),
            (Mood::Away(wait), _) => json!({"answer": "away", "wait": wait}),
            (_, None) => json!({"answer": "refused"}),
            (Mood::WantsCode(code), Some(_)) if message["code"] != **code => json!({"answer": "code"}),
            (Mood::WantsPerson, Some(_)) if message["challenge"] != "done" => json!({"answer": "challenge"}),
            (_, Some(welcome)) => welcome.clone(),
        };
        drop(state);
        writeln!(writer, "{answer}")?;
    }
    Ok(())
}

fn welcome(account: &Account) -> Value {
    let letters: Vec<_> = account.letters.iter().map(|(id, text)| json!({"id": id, "text": text})).collect();
    json!({"answer": "welcome", "account": account.account, "letters": letters})
}
