//! The story Freehold exists for, told through every door: a second account is added while the working details of yet another one lie
//! in the environment, in an `.env`, in `~/.netrc` and beside the configuration. It must ask, and nothing of what lies there is used.

use std::time::{Duration, Instant};

use freehold_practice::{AccountCounts, Options, Practice, SecondFactor, Site};
use freehold_proof::{Canary, Leak, Search, process_tree};
use freehold_tests::server::{PASSPHRASE, Server};
use freehold_tests::shop::{JONAS, MARIA};
use serde_json::{Value, json};

/// Names a deployment might have put an account's details under: well known ones, and the connector's own fields.
const USERNAMES: [&str; 4] = ["AMAZON_USERNAME", "PRACTICE_USERNAME", "USERNAME", "USER_EMAIL"];
const PASSWORDS: [&str; 4] = ["AMAZON_PASSWORD", "PRACTICE_PASSWORD", "PASSWORD", "GITHUB_TOKEN"];
/// How long a run may take to come to its question or its end.
const LIMIT: Duration = Duration::from_secs(90);

/// A server in a hostile environment, the shop, and a first source that is all right.
struct Story {
    server: Server,
    shop: Practice,
    port: String,
    cookie: String,
    search: Search,
    /// Runs that were over before this day, and none at all: another one is waited for.
    ended: Vec<Value>,
    _home: tempfile::TempDir,
}

impl Story {
    /// Maria's account is connected and collected. Jonas's details lie about, and would do: he is asked for no code.
    fn begin() -> Self {
        let shop = Practice::start(Options::default()).expect("the practice shop");
        shop.set_second_factor(Site::Shop, "jonas", SecondFactor::None).expect("an account");
        let home = tempfile::tempdir().expect("a folder");
        let home_text = home.path().to_string_lossy().into_owned();
        let usernames = USERNAMES.map(|name| (name, JONAS.email));
        let passwords = PASSWORDS.map(|name| (name, JONAS.password));
        let environment: Vec<(&str, &str)> =
            usernames.into_iter().chain(passwords).chain([("HOME", home_text.as_str())]).collect();
        let mut server = Server::new(&environment);
        let lines: String = environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let netrc = format!("machine 127.0.0.1 login {} password {}\n", JONAS.email, JONAS.password);
        for name in [".env", "config/.env", "config/practice.env"] {
            server.write(name, &lines);
        }
        for name in [".netrc", ".authinfo", ".env"] {
            std::fs::write(home.path().join(name), &netrc).expect("written");
        }
        server.start();
        let search = Search::new(&[
            Canary::known("the password that lies about", JONAS.password),
            Canary::known("the address that lies about", JONAS.email),
        ]);
        let port = format!("port={}", shop.http.port());
        let cookie = server.sign_in();
        let story = Self { server, shop, port, cookie, search, ended: vec![Value::Null], _home: home };
        let details = format!("username={}\npassword={}\n", MARIA.email, MARIA.password);
        let said = story.add_by_cli("maria", &["--mode", "stored_credential", "--agree", "--secret-stdin"], &details);
        assert_eq!(said, 0);
        let maria = story.named("maria");
        assert_eq!((&maria["status"], story.records(&maria)), (&json!("fresh"), 69 + story.items(&maria)));
        story
    }

    fn add_by_cli(&self, name: &str, more: &[&str], input: &str) -> i32 {
        let add = ["source", "add", "practice", "--name", name, "--setting", &self.port];
        self.server.cli(&[&add[..], more].concat(), input).code
    }

    fn add_in_console(&self, name: &str, more: &[(&str, &str)]) -> String {
        let port = self.port.trim_start_matches("port=");
        let form = [("name", name), ("setting.port", port), ("passphrase", PASSPHRASE)];
        self.server.submit(&self.cookie, "/sources/add/practice", &[&form[..], more].concat())
    }

    fn named(&self, name: &str) -> Value {
        let sources = self.server.read(&self.cookie, "/sources");
        let found = sources.as_array().and_then(|all| all.iter().find(|source| source["name"] == name));
        found.unwrap_or_else(|| panic!("no {name} in {sources:#}")).clone()
    }

    fn records(&self, source: &Value) -> u64 {
        source["streams"].as_array().into_iter().flatten().filter_map(|stream| stream["count"].as_u64()).sum()
    }

    fn items(&self, source: &Value) -> u64 {
        let items = source["streams"].as_array().into_iter().flatten().find(|stream| stream["name"] == "order_items");
        items.and_then(|stream| stream["count"].as_u64()).unwrap_or_default()
    }

    /// Waits until a source asks for its owner, by a question or its status, and looks at everything then. Returns the reason.
    fn asks(&self, name: &str) -> String {
        let until = Instant::now() + LIMIT;
        let source = loop {
            let source = self.named(name);
            let has_ended = source["current_run"].is_null() && !self.ended.contains(&source["last_run"]);
            if source["interaction"].is_string() || has_ended {
                break source;
            }
            assert!(Instant::now() < until, "{name} neither asked nor ended: {source:#}");
            std::thread::park_timeout(Duration::from_millis(50));
        };
        assert_eq!(source["status"], "needs_owner", "{name} collects: {source:#}");
        self.untouched(name);
        if let Some(run) = source["current_run"].as_str() {
            let origin = self.server.origin();
            let headers = [("Cookie", self.cookie.as_str()), ("Origin", origin.as_str())];
            self.server.http(&format!("POST /api/v1/runs/{run}/cancel"), &headers, "");
            while self.named(name)["current_run"].is_string() {
                assert!(Instant::now() < until, "{name} is not cancelled");
                std::thread::park_timeout(Duration::from_millis(50));
            }
        }
        source["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Nothing was submitted for the account whose details lie about, nothing is shown of it, and nothing was collected.
    fn untouched(&self, name: &str) {
        assert_eq!(self.shop.counts().of(Site::Shop, "jonas"), AccountCounts::default(), "after adding {name}");
        assert_eq!(self.leaks(), [], "after adding {name}");
        if name != "maria" {
            assert_eq!(self.records(&self.named(name)), 0, "{name}");
        }
    }

    /// The folders that Freehold writes, its processes, what it logged and what it shows.
    fn leaks(&self) -> Vec<Leak> {
        let mut leaks: Vec<Leak> = ["data", "run", "scratch"]
            .iter()
            .flat_map(|name| self.search.in_directory(&self.server.folder().join(name)).complete().expect("readable"))
            .collect();
        leaks.extend(self.search.in_bytes("the log", self.server.log().as_bytes()).leaks);
        let tree = process_tree(self.server.pid());
        leaks.extend(self.search.in_process_table(|id| tree.contains(&id)).complete().expect("readable"));
        for page in ["/", "/settings", "/sources/add/practice?mode=stored_credential"] {
            let answer = self.server.http(&format!("GET {page}"), &[("Cookie", &self.cookie)], "");
            leaks.extend(self.search.in_bytes(page, answer.as_bytes()).leaks);
        }
        let doctor = self.server.cli(&["doctor"], "");
        leaks.extend(self.search.in_bytes("doctor", format!("{}{}", doctor.out, doctor.err).as_bytes()).leaks);
        leaks
    }
}

#[test]
fn a_second_account_is_asked_for_whatever_lies_about() {
    let story = Story::begin();
    let Story { server, cookie, .. } = &story;

    // Through the console: without details, and with wrong ones.
    let streamed = ("mode", "streamed_browser");
    let added = story.add_in_console("console", &[streamed]);
    assert!(added.starts_with("HTTP/1.1 303"), "{added}");
    assert_eq!(story.asks("console"), "sign_in_required");
    let saved = ("mode", "stored_credential");
    let empty = story.add_in_console("console, nothing given", &[saved, ("consent", "true")]);
    assert!(empty.starts_with("HTTP/1.1 422"), "{empty}");
    let wrong = [saved, ("consent", "true"), ("detail.username", "noor@example.test"), ("detail.password", "not hers")];
    let added = story.add_in_console("console, wrong", &wrong);
    assert!(added.starts_with("HTTP/1.1 303"), "{added}");
    assert_eq!(story.asks("console, wrong"), "credential_rejected");

    // From the command line.
    assert_eq!(story.add_by_cli("cli", &["--mode", "streamed_browser", "--no-wait"], ""), 0);
    assert_eq!(story.asks("cli"), "sign_in_required");
    assert_ne!(story.add_by_cli("cli, nothing given", &["--mode", "stored_credential", "--agree"], ""), 0);
    let stored = ["--mode", "stored_credential", "--agree", "--secret-stdin"];
    story.add_by_cli("cli, wrong", &stored, "username=noor@example.test\npassword=not hers either\n");
    assert_eq!(story.asks("cli, wrong"), "credential_rejected");

    // By the API, with a token. It may not give details at all.
    let made = server.json(&["token", "create", "program", "--scope", "read", "--scope", "configure", "--scope", "run"]);
    let bearer = format!("Bearer {}", made["token"].as_str().expect("a token"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let settings = json!({"port": story.shop.http.port()});
    let post = |body: Value| server.http("POST /api/v1/sources", &headers, &body.to_string());
    let new = json!({"connector": "practice", "name": "api", "mode": "streamed_browser", "settings": settings});
    let added = post(new.clone());
    assert!(added.starts_with("HTTP/1.1 201"), "{added}");
    assert_eq!(story.asks("api"), "sign_in_required");
    let mut with_details = new;
    with_details["name"] = json!("api, stored");
    with_details["mode"] = json!("stored_credential");
    assert!(post(with_details).starts_with("HTTP/1.1 403"), "no token may save or use sign-in details at setup");

    let names: Vec<Value> =
        server.read(cookie, "/sources").as_array().into_iter().flatten().map(|s| s["name"].clone()).collect();
    assert_eq!(names.len(), 6, "what was refused was added: {names:?}");
    assert_eq!(story.shop.counts().of(Site::Shop, "noor").passwords_wrong, 2, "each once");
}

#[test]
fn no_scheduled_run_and_no_re_login_finds_what_lies_about() {
    let mut story = Story::begin();
    assert_eq!(story.add_by_cli("second", &["--mode", "streamed_browser", "--no-wait"], ""), 0);
    assert_eq!(story.asks("second"), "sign_in_required");

    // The next day, Maria's session has run out and her password is another one.
    story.shop.expire_sessions();
    story.shop.set_password(Site::Shop, "maria", "changed-meanwhile").expect("an account");
    story.a_day_passes();
    assert_eq!(story.asks("maria"), "credential_rejected");
    assert_eq!(story.asks("second"), "sign_in_required");
    assert_eq!(story.shop.counts().of(Site::Shop, "maria").passwords_wrong, 1);

    // The day after, there is nothing saved any more.
    assert_eq!(story.server.cli(&["credential", "forget", "maria", "--yes"], "").code, 0);
    story.a_day_passes();
    assert_eq!(story.asks("maria"), "sign_in_required", "the secure browser is what is left");
    story.untouched("second");
    assert_eq!(story.records(&story.named("maria")), 69 + story.items(&story.named("maria")), "what was collected stays");

    // The control: the details that lie about do work, once their owner gives them.
    let details = format!("username={}\npassword={}\n", JONAS.email, JONAS.password);
    let stored = ["--mode", "stored_credential", "--agree", "--secret-stdin"];
    assert_eq!(story.add_by_cli("jonas", &stored, &details), 0);
    let jonas = story.named("jonas");
    assert_eq!(story.records(&jonas), 41 + story.items(&jonas));
}

impl Story {
    /// The server is down for a day: every source is due when it comes back, and its sign-ins are a day old.
    fn a_day_passes(&mut self) {
        let sources = self.server.read(&self.cookie, "/sources");
        self.ended.extend(sources.as_array().into_iter().flatten().map(|source| source["last_run"].clone()));
        self.server.stop();
        let data = rusqlite::Connection::open(self.server.folder().join("data/data.db")).expect("data.db");
        data.execute("UPDATE sources SET next_due_at = 0", []).expect("due");
        let vault = rusqlite::Connection::open(self.server.folder().join("data/vault.db")).expect("vault.db");
        vault.execute("UPDATE attempts SET at = at - 86400000", []).expect("moved");
        drop((data, vault));
        self.server.start();
    }
}
