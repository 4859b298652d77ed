//! `kill -9` while a browser signs in, is looked at and collects: nothing of it is left running or lying about, no record is lost or
//! doubled, nothing is submitted a second time by itself, no code is used twice, and what the owner is asked for leads to the end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use freehold_core::Rng;
use freehold_practice::{Options, Practice, Site};
use freehold_tests::processes::processes_that_name;
use freehold_tests::random::TestRng;
use freehold_tests::server::Server;
use freehold_tests::shop::{ADA, Account, JONAS, MARIA};
use serde_json::Value;

/// After it came to a state, a server lives on for any part of this.
const WITHIN: Duration = Duration::from_millis(400);
/// How long the runs may take in the end, a wait for the next code among it.
const LIMIT: Duration = Duration::from_secs(100);
/// The states of a browser's run, in their order.
const STATES: [&str; 7] =
    ["opening_profile", "looking", "signing_in", "waiting_for_owner", "identifying", "collecting", "committing"];
/// Of the practice shop, for Ada.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn with_a_password_alone() {
    let first = ["looking", "signing_in", "opening_profile", "signing_in"];
    survives("maria", &MARIA, 69, &[&first[..], &["identifying", "collecting", "collecting", "committing"]].concat());
}

#[test]
fn with_codes_the_owner_is_asked_for() {
    let deaths = ["signing_in", "waiting_for_owner", "waiting_for_owner", "signing_in", "collecting", "looking"];
    survives("jonas", &JONAS, 41, &deaths);
}

#[test]
fn with_codes_of_a_seed() {
    let deaths = ["signing_in", "signing_in", "identifying", "collecting", "opening_profile", "committing"];
    survives("ada", &ADA, 34, &deaths);
}

/// Kills the server once in each of these states, or past it, and lets the owner bring it to the end: so many orders of the account
/// that is called `name` at the shop.
fn survives(name: &str, account: &Account, orders: u64, deaths: &[&str]) {
    let shop = Practice::start(Options::default()).expect("the practice shop");
    let mut server = Server::new(&[]);
    server.start();
    let rng = TestRng::new(20);
    let mut died_in = BTreeSet::new();
    let owner = Owner { shop: &shop, name, cookie: server.sign_in(), id: add(&server, &shop, name, account) };
    for aim in deaths {
        owner.wait_for(&server, aim);
        std::thread::park_timeout(part_of(WITHIN, &rng));
        server.kill();
        let place = format!("{name}, from {aim} on");
        let scratch = server.folder().join("scratch");
        assert_eq!(processes_that_name(&scratch), Vec::<u32>::new(), "left running: {place}");
        died_in.extend(state_at_death(&server));
        let left = browser_directories(&server);
        let submitted = shop.counts();

        server.start();
        let still: Vec<_> = left.iter().filter(|directory| directory.exists()).collect();
        assert!(still.is_empty(), "{still:?} left: {place}");
        if owner.source(&server)["reason"] == "attempt_unknown" {
            // Nobody has been asked yet, so nothing may be sent.
            std::thread::park_timeout(Duration::from_millis(500));
            assert_eq!(shop.counts().of(Site::Shop, name), submitted.of(Site::Shop, name), "{place}");
        }
        a_day_passes(&server);
    }
    owner.finish(&server);
    let page = server.json(&["records", name, "orders", "--limit", "500"]);
    assert_eq!(page["total"], orders);
    let once = |record: &Value| record["versions"] == 1;
    assert!(page["records"].as_array().is_some_and(|records| records.iter().all(once)), "{page:#}");
    let counts = shop.counts().of(Site::Shop, name);
    assert_eq!((counts.codes_wrong, counts.codes_used_before, counts.codes_expired), (0, 0, 0));
    assert_eq!(counts.passwords, counts.passwords_right);
    assert!(counts.passwords <= password_attempts(&server, &owner.id), "a password that is not in the ledger");
    assert_eq!(server.cli(&["audit", "verify"], "").code, 0);
    assert!(died_in.len() >= 3, "the servers died in {died_in:?} alone: the moments are wrong");
}

/// What lay open in memory is gone with its server; the copy sealed right after signing in is the one that counts (decision 10).
#[test]
fn who_was_signed_in_when_the_server_died_still_is() {
    let shop = Practice::start(Options::default()).expect("the practice shop");
    let mut server = Server::new(&[]);
    server.start();
    let owner = Owner { shop: &shop, name: "maria", cookie: server.sign_in(), id: add(&server, &shop, "maria", &MARIA) };
    owner.wait_for(&server, "collecting");
    server.kill();
    let left = browser_directories(&server);
    assert!(left.iter().any(|directory| directory.join("profile").is_dir()), "nothing lay open: {left:?}");
    // A sealed copy that was never finished, as a power cut leaves it.
    let unfinished = server.folder().join("data/profiles").join(format!("{}.new", owner.id));
    std::fs::write(&unfinished, "half a profile").expect("written");
    server.start();
    let still: Vec<_> = left.iter().filter(|directory| directory.exists()).collect();
    assert!(still.is_empty() && !unfinished.exists(), "{still:?} left");
    owner.finish(&server);
    assert_eq!(shop.counts().of(Site::Shop, "maria").passwords, 1, "signed in a second time");
    let runs = server.json(&["runs", "maria"]);
    let outcomes: Vec<_> = runs.as_array().into_iter().flatten().map(|run| &run["outcome"]["outcome"]).collect();
    assert_eq!(outcomes, ["succeeded", "interrupted"]);
}

/// The owner of one of the sources, in the console.
struct Owner<'a> {
    shop: &'a Practice,
    name: &'a str,
    cookie: String,
    id: String,
}

impl Owner<'_> {
    fn source(&self, server: &Server) -> Value {
        server.read(&self.cookie, &format!("/sources/{}", self.id))
    }

    /// Waits until a run is in this state, past it or just over, and does what it asks for until then.
    fn wait_for(&self, server: &Server, aim: &str) {
        let rank = |state: &str| STATES.iter().position(|known| *known == state);
        let until = Instant::now() + LIMIT;
        let mut seen = false;
        while Instant::now() < until {
            let run =
                self.source(server)["current_run"].as_str().map(|run| server.read(&self.cookie, &format!("/runs/{run}")));
            let state = run.as_ref().and_then(|run| run["run_state"]["state"].as_str()).and_then(rank);
            if state.is_some_and(|state| Some(state) >= rank(aim)) {
                return;
            }
            seen |= state.is_some();
            if self.is_done(server) {
                if seen {
                    return;
                }
                // Signed out at the provider, and once more.
                self.shop.expire_sessions();
                assert_eq!(server.cli(&["run", self.name, "--no-wait"], "").code, 0);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        panic!("{} never came to {aim}: {:#}\n{}", self.name, self.source(server), server.log());
    }

    /// Does what is asked for until the source is collected.
    fn finish(&self, server: &Server) {
        let until = Instant::now() + LIMIT;
        while !self.is_done(server) {
            assert!(Instant::now() < until, "{} never got there: {:#}", self.name, self.source(server));
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Does what is asked for now. True once nothing is asked, nothing runs and the last run succeeded.
    fn is_done(&self, server: &Server) -> bool {
        let source = self.source(server);
        if let Some(asked) = source["interaction"].as_str() {
            let question = server.read(&self.cookie, &format!("/interactions/{asked}"));
            assert_eq!(question["kind"], "code", "asked for without a cause: {question:#}");
            if question["interaction_state"] == "open" {
                let code = self.shop.texted_code(Site::Shop, self.name).expect("a text");
                // Nobody needs it any more if the run has ended meanwhile.
                server.cli(&["answer", asked, "--secret-stdin", "--no-wait"], &format!("code={code}\n"));
            }
        } else if source["current_run"].is_string() {
            return false;
        } else if source["reason"] == "attempt_unknown" {
            assert_eq!(server.cli(&["--json", "credential", "try-again", self.name], "").code, 0);
        } else if source["status"] == "setting_up" {
            // Taken up again by itself once, and killed again: nobody is asked for anything but to go on.
            assert_eq!(server.cli(&["run", self.name, "--no-wait"], "").code, 0);
        } else {
            assert!(matches!(source["status"].as_str(), Some("fresh" | "due")), "{source:#}");
            return true;
        }
        false
    }
}

fn part_of(whole: Duration, rng: &dyn Rng) -> Duration {
    let mut bytes = [0; 2];
    rng.fill(&mut bytes);
    whole * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}

/// Adds the source and returns its id.
fn add(server: &Server, shop: &Practice, name: &str, account: &Account) -> String {
    let port = format!("port={}", shop.http.port());
    let add = ["source", "add", "practice", "--mode", "stored_credential", "--agree", "--secret-stdin", "--no-wait"];
    let details = format!("username={}\npassword={}\n", account.email, account.password);
    let said = server.cli(&[&add[..], &["--name", name, "--setting", &port]].concat(), &details);
    assert_eq!(said.code, 0, "{said:?}");
    if name == "ada" {
        let save = ["credential", "save", name, "--kind", "otp_seed", "--agree", "--secret-stdin", "--no-wait"];
        let said = server.cli(&save, &format!("otp_seed={SEED}\n"));
        assert_eq!(said.code, 0, "{said:?}");
    }
    server.json(&["source", "show", name])["id"].as_str().expect("an id").to_owned()
}

/// The times of the ledger are moved back by a day, so that its limit on automatic sign-ins is not what stops a run here.
fn a_day_passes(server: &Server) {
    let vault = rusqlite::Connection::open(server.folder().join("data/vault.db")).expect("vault.db");
    vault.busy_timeout(Duration::from_secs(5)).expect("patient");
    vault.execute("UPDATE attempts SET at = at - 86400000", []).expect("moved");
}

/// How many password attempts of a source are in the ledger. One whose answer never came is followed by another only if the owner
/// asked for it, and no step of a code is there twice.
fn password_attempts(server: &Server, id: &str) -> u64 {
    let vault = rusqlite::Connection::open(server.folder().join("data/vault.db")).expect("vault.db");
    let mut passwords = vault
        .prepare("SELECT state, asked_again FROM attempts WHERE source = ?1 AND kind = 'username_password' ORDER BY n")
        .expect("prepared");
    let rows: Vec<(String, bool)> = passwords
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("read")
        .collect::<rusqlite::Result<_>>()
        .expect("read");
    for pair in rows.windows(2) {
        assert!(pair[0].0 != "unknown" || pair[0].1, "repeated by itself: {rows:?}");
    }
    let mut twice = vault
        .prepare("SELECT step FROM attempts WHERE source = ?1 AND step IS NOT NULL GROUP BY step HAVING count(*) > 1")
        .expect("prepared");
    assert!(!twice.exists([id]).expect("read"), "a code used twice");
    rows.len() as u64
}

/// The states of the runs that were under way, read in a copy: the dead server's files are for the next one to recover.
fn state_at_death(server: &Server) -> Vec<String> {
    let copy = tempfile::tempdir().expect("a folder");
    for file in ["data.db", "data.db-wal"] {
        // Right after a clean start there is no log.
        let _ = std::fs::copy(server.folder().join("data").join(file), copy.path().join(file));
    }
    let data = rusqlite::Connection::open(copy.path().join("data.db")).expect("data.db");
    let mut states =
        data.prepare("SELECT json_extract(state, '$.state') FROM runs WHERE ended_at IS NULL").expect("prepared");
    states.query_map([], |row| row.get(0)).expect("read").collect::<rusqlite::Result<_>>().expect("read")
}

fn browser_directories(server: &Server) -> Vec<PathBuf> {
    let all = std::fs::read_dir(server.folder().join("scratch/r"));
    all.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("b"))).filter(|path| path.exists()).collect()
}
