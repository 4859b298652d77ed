//! A real engine on real files, with a clock the test moves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use freehold_core::run::{Outcome, RunState};
use freehold_core::{Clock, CredentialMode, Problem, SecretBytes, SecretKind, SourceId, Timestamp};
use freehold_engine::view::{RunView, SourceView};
use freehold_engine::{Caller, Engine, EngineConfig, Event, NewOwner, NewSource, RunLimits, Windows};
use freehold_vault::OsRng;
use serde_json::Value;

pub const OWNER: Caller = Caller::Cli { reauthenticated: true };
pub const PASSPHRASE: &str = "correct horse battery staple";
/// Far longer than anything here takes, so that only a stuck test meets it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        // A millisecond on at each look, so that what happens later is later.
        Timestamp::from_millisecond(self.0.fetch_add(1, Ordering::SeqCst)).unwrap()
    }
}

/// One server's life and its directories, which outlive it.
pub struct Server {
    pub engine: Engine,
    pub clock: Arc<ManualClock>,
    pub dir: Arc<tempfile::TempDir>,
    events: Mutex<tokio::sync::broadcast::Receiver<Event>>,
}

impl Server {
    /// A server that is set up.
    pub fn new() -> Self {
        let dir = Arc::new(tempfile::Builder::new().prefix("freehold-engine-").tempdir().unwrap());
        let clock = Arc::new(ManualClock(AtomicI64::new(1_790_000_000_000)));
        let server = Self::open(dir, clock).unwrap();
        let code = server.engine.setup_code().unwrap();
        let new = NewOwner { setup_code: secret(code.reveal()), passphrase: secret(PASSPHRASE) };
        let key = server.engine.create_owner(new).unwrap();
        let groups: Vec<&str> = key.reveal().split('-').collect();
        let asked = server.engine.recovery_challenge().unwrap();
        let typed: Vec<SecretBytes> = asked.iter().map(|group| secret(groups[group - 1])).collect();
        server.engine.confirm_recovery_key(&typed).unwrap();
        server
    }

    pub fn open(dir: Arc<tempfile::TempDir>, clock: Arc<ManualClock>) -> Result<Self, Problem> {
        let config = config(dir.path());
        std::fs::create_dir_all(dir.path().join("connectors")).unwrap();
        open_to_children(dir.path());
        let engine = Engine::open(config, clock.clone(), Arc::new(OsRng))?;
        let events = Mutex::new(engine.events());
        engine.start();
        Ok(Self { engine, clock, dir, events })
    }

    /// Adds a source and gives what the owner would: its first run is queued.
    pub fn add(&self, connector: &str, settings: &[(&str, &str)], fields: &[(&str, &str)]) -> SourceView {
        self.try_add(connector, connector, settings, fields).unwrap()
    }

    pub fn try_add(
        &self,
        connector: &str,
        name: &str,
        settings: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Result<SourceView, Problem> {
        let connector = freehold_core::ConnectorName::parse(connector).unwrap();
        let kind = self.engine.connector(&connector).unwrap().captures.first().map(|capture| capture.kind);
        self.engine.add_source(
            &OWNER,
            NewSource {
                connector,
                name: name.to_owned(),
                mode: CredentialMode::StoredCredential,
                settings: settings.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect(),
                expected_account: None,
                accept_unverified: false,
                credentials: kind.map(|kind| (kind, filled(fields))).into_iter().collect(),
                consent: true,
            },
        )
    }

    /// Adds a source of a connector that needs no sign-in, with the account the owner expects.
    pub fn add_named(&self, connector: &str, account: &str) -> SourceId {
        self.add_called(connector, connector, account)
    }

    /// The same, with a name of its own.
    pub fn add_called(&self, connector: &str, name: &str, account: &str) -> SourceId {
        let new = NewSource {
            connector: freehold_core::ConnectorName::parse(connector).unwrap(),
            name: name.to_owned(),
            mode: CredentialMode::StoredCredential,
            settings: BTreeMap::new(),
            expected_account: Some(account.to_owned()),
            accept_unverified: false,
            credentials: BTreeMap::new(),
            consent: false,
        };
        self.engine.add_source(&OWNER, new).unwrap().id
    }

    /// Drops a connector in while the server runs: a manifest with `more` in it, and a program in Python that begins after START
    /// was read, with `say` and `hear` for lines.
    pub fn drop_in(&self, name: &str, more: Value, program: &str) {
        let folder = self.dir.path().join("connectors").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut manifest = serde_json::json!({
            "protocol_version": "0.1.0", "connector_key": name, "version": "1.0.0", "display_name": name,
            "program": { "command": "python3", "args": ["program.py"] },
            "identity": { "message": true },
            "streams": [{ "name": "items", "primary_key": ["id"], "schema": {
                "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] } }]
        });
        manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let prelude = "import json, os, sys\n\
            def say(**message): print(json.dumps(message), flush=True)\n\
            def hear(): return json.loads(sys.stdin.readline())\n\
            def item(**data): say(type='RECORD', stream='items', key=data['id'], data=data, emitted_at='2026-01-01T00:00:00Z')\n\
            def done(count): say(type='DONE', status='succeeded', records_emitted=count); sys.stdin.read()\n\
            start = hear()\n";
        std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        std::fs::write(folder.join("program.py"), format!("{prelude}{program}")).unwrap();
    }

    pub fn save(&self, source: SourceId, kind: SecretKind, fields: &[(&str, &str)]) -> Result<(), Problem> {
        self.engine.save_credential(&OWNER, source, kind, filled(fields), true).map(drop)
    }

    /// Waits for the newest run of a source to be over.
    pub fn ended(&self, source: SourceId) -> RunView {
        self.wait(source, |run| run.outcome.is_some())
    }

    pub fn outcome(&self, source: SourceId) -> Outcome {
        self.ended(source).outcome.unwrap()
    }

    /// Waits for the newest run of a source to ask the owner.
    pub fn asked(&self, source: SourceId) -> RunView {
        self.wait(source, |run| matches!(run.run_state, RunState::WaitingForOwner { .. }))
    }

    /// Waits, by events, until the newest run of a source is as wanted.
    pub fn wait(&self, source: SourceId, wanted: impl Fn(&RunView) -> bool) -> RunView {
        let until = Instant::now() + PATIENCE;
        loop {
            let run = self.engine.runs(&OWNER, source, None, 1).unwrap().remove(0);
            if wanted(&run) {
                return run;
            }
            assert!(Instant::now() < until, "still {:?}: {:?}", run.run_state, run.detail);
            self.next_event();
        }
    }

    /// Waits, from event to event, until `look` sees something.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
            self.next_event();
        }
    }

    pub fn source(&self, id: SourceId) -> SourceView {
        self.engine.source(&OWNER, id).unwrap()
    }

    pub fn count(&self, source: SourceId, stream: &str) -> u64 {
        self.source(source).streams.iter().find(|view| view.name == stream).map_or(0, |view| view.count)
    }

    /// The server ends and another begins on the same data.
    pub fn restart(self) -> Self {
        let (dir, clock) = (Arc::clone(&self.dir), Arc::clone(&self.clock));
        self.engine.stop(Duration::from_secs(20));
        drop(self);
        Self::open(dir, clock).unwrap()
    }

    pub fn next_event(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut events = self.events.lock().unwrap();
        // Whether told or not, the database is looked at again.
        let _ = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(500), events.recv()).await });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(20));
    }
}

/// A server's configuration on the directories of `dir`.
pub fn config(dir: &Path) -> EngineConfig {
    EngineConfig {
        data_dir: dir.join("data"),
        key_file: dir.join("key"),
        scratch: dir.join("scratch"),
        connector_dirs: vec![repository().join("tests/connectors"), dir.join("connectors")],
        bundled: Vec::new(),
        launcher: PathBuf::from(env!("CARGO_BIN_EXE_engine-launcher")),
        search_path: std::env::split_paths(env!("PATH")).collect(),
        reduced_sandbox: false,
        parallel_runs: 2,
        browsers: None,
        windows: Windows::None,
        stand_ins: Vec::new(),
        address: "http://127.0.0.1:7180".to_owned(),
        run_limits: RunLimits {
            whole: Duration::from_secs(30),
            silence: Duration::from_secs(3),
            exit: Duration::from_secs(2),
            ..RunLimits::default()
        },
    }
}

pub fn secret(text: &str) -> SecretBytes {
    SecretBytes::from(text.to_owned())
}

pub fn filled(fields: &[(&str, &str)]) -> BTreeMap<String, SecretBytes> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect()
}

/// What a dropped-in connector's manifest says that asks for a token.
pub fn token_answered() -> Value {
    serde_json::json!({
        "setup": { "credential_capture": { "kind": "token", "fields": [
            { "name": "token", "label": "Token", "type": "password", "secret": true, "required": true }] } },
        "credential_delivery": "answered"
    })
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A temporary directory is the test's own alone; a child with a uid of its own has to pass through it.
fn open_to_children(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711)).unwrap();
}
