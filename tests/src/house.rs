//! A Freehold of a test's own: a data directory, an engine in this process, an owner, and time that stands still.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_core::{Clock, ConnectorName, CredentialMode, SecretBytes, SecretKind, SourceId};
use freehold_engine::view::{InteractionView, RunView, SourceView};
use freehold_engine::{
    BackupOutcome, BundledConnector, Caller, Engine, EngineConfig, NewOwner, NewSource, Proof, RecordQuery, RestoreKey,
    RunLimits, StandIn, Windows, restore,
};
use serde_json::Value;

use crate::clock::ManualClock;
use crate::provider::Provider;
use crate::random::TestRng;
use crate::source::root;

/// How long anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(90);

/// A Freehold of a test's own.
pub struct House {
    engine: Option<Engine>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The recovery key, as it was shown.
    pub recovery_key: String,
    folder: tempfile::TempDir,
    launcher: PathBuf,
    stand_ins: Vec<StandIn>,
}

impl House {
    /// A new one, with its owner, started. `launcher` is this package's binary of that name.
    pub fn new(launcher: &str) -> Self {
        Self::with_stand_ins(launcher, Arc::default(), Vec::new())
    }

    /// The same by a clock that others go by too, whose browsers find stand-ins at these hosts.
    pub fn with_stand_ins(launcher: &str, clock: Arc<ManualClock>, stand_ins: Vec<StandIn>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let launcher = PathBuf::from(launcher);
        let engine = open(folder.path(), &launcher, clock.clone(), stand_ins.clone());
        let setup_code = engine.setup_code().expect("a setup code while there is no owner");
        let setup_code = secret(setup_code.reveal());
        let shown = engine.create_owner(NewOwner { setup_code, passphrase: passphrase() }).expect("an owner");
        let recovery_key = shown.reveal().to_owned();
        let groups: Vec<&str> = recovery_key.split('-').collect();
        let asked = engine.recovery_challenge().expect("a challenge");
        let typed: Vec<_> = asked.iter().map(|group| secret(groups[group - 1])).collect();
        engine.confirm_recovery_key(&typed).expect("the key was written down");
        engine.start();
        Self { engine: Some(engine), clock, recovery_key, folder, launcher, stand_ins }
    }

    /// Stops it and starts it again on the same data, as a restart of the server would.
    pub fn restart(&mut self) {
        self.engine().stop(Duration::from_secs(10));
        // The data directory's lock goes with the last of the old engine.
        self.engine = None;
        let engine = open(self.folder.path(), &self.launcher, self.clock.clone(), self.stand_ins.clone());
        engine.start();
        self.engine = Some(engine);
    }

    /// Makes a backup of this Freehold, stops it, and restores it as another, on directories of its own and by the same clock.
    pub fn moved(self) -> Self {
        let begun = self.engine().back_up(&self.owner()).expect("a backup");
        let file = self.until("the backup", || {
            let backups = self.engine().backups(&self.owner()).expect("the backups").backups;
            match backups.into_iter().find(|backup| backup.id == begun.id)?.outcome {
                BackupOutcome::Made { path, .. } => Some(path),
                BackupOutcome::Failed { problem } => panic!("{problem}"),
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let key = RestoreKey::RecoveryKey(secret(&self.recovery_key));
        let to = config(folder.path(), &self.launcher, self.stand_ins.clone());
        restore(&to, &file, &key, self.clock.clone(), &TestRng::new(251), &mut |_, _| {}).expect("restored");
        let engine = open(folder.path(), &self.launcher, self.clock.clone(), self.stand_ins.clone());
        engine.start();
        Self {
            engine: Some(engine),
            clock: self.clock.clone(),
            recovery_key: self.recovery_key.clone(),
            folder,
            launcher: self.launcher.clone(),
            stand_ins: self.stand_ins.clone(),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("running between restarts")
    }

    /// The owner at the terminal, passphrase given.
    pub fn owner(&self) -> Caller {
        Caller::Cli { reauthenticated: true }
    }

    /// Everything this Freehold wrote is below here; `data` is the data directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connector folder of its own, beside the tests' connectors.
    pub fn connectors(&self) -> PathBuf {
        self.folder.path().join("connectors")
    }

    /// The directory runs work in.
    pub fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// Loses a source's session, as a new machine would: its browser's profile is gone, and nobody at the provider knows.
    pub fn lose_session(&self, source: SourceId) {
        let place = self.folder.path().join(format!("data/profiles/{source}.sealed"));
        for path in [place.with_extension("previous"), place] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
                _ => {}
            }
        }
    }

    /// Takes a connector's ephemeral mode as proven, for tests of what follows from that; the proof has tests of its own.
    pub fn take_as_proven(&self, connector: &str) {
        let name = ConnectorName::parse(connector).expect("a name");
        let subject = self.engine().subject_of_proof(&name).expect("a browser");
        let words = |words: &str| vec![words.to_owned()];
        let (runs, planted, searched) = (words("none"), words("nothing"), words("nowhere"));
        let proof = Proof { subject, at: self.clock.now(), runs, planted, searched, leaks: Vec::new() };
        self.engine().keep_proof(&self.owner(), &name, &proof).expect("kept");
    }

    /// Adds a source of `stand_in` for this account, expecting `username` to be the account.
    pub fn add(&self, provider: &Provider, name: &str, username: &str, password: &str) -> SourceId {
        let fields = credentials(username, password);
        let mut new = self.stand_in(provider, name);
        new.credentials = BTreeMap::from([(SecretKind::UsernamePassword, fields)]);
        new.consent = true;
        self.engine().add_source(&self.owner(), new).expect("a source").id
    }

    /// A source of `stand_in` without sign-in details, to be added.
    pub fn stand_in(&self, provider: &Provider, name: &str) -> NewSource {
        NewSource {
            connector: ConnectorName::parse("stand_in").expect("a name"),
            name: name.to_owned(),
            mode: CredentialMode::StoredCredential,
            settings: BTreeMap::from([("port".to_owned(), Value::from(provider.port))]),
            expected_account: None,
            accept_unverified: false,
            credentials: BTreeMap::new(),
            consent: false,
        }
    }

    /// The source now.
    pub fn source(&self, source: SourceId) -> SourceView {
        self.engine().source(&self.owner(), source).expect("the source")
    }

    /// Status and reason, as the API names them.
    pub fn status(&self, source: SourceId) -> (String, String) {
        let status = self.source(source).status;
        (status.as_str().to_owned(), status.reason().unwrap_or_default().to_owned())
    }

    /// The texts of the letters kept, by id.
    pub fn letters(&self, source: SourceId) -> BTreeMap<String, String> {
        let page = self.engine().records(&self.owner(), source, "letters", &RecordQuery::default()).expect("a page");
        let text = |data: &Value| data["text"].as_str().unwrap_or_default().to_owned();
        page.records.iter().map(|record| (record.key.clone(), text(&record.data))).collect()
    }

    /// Waits until nothing of the source is under way, and returns the run that ended last.
    pub fn settled(&self, source: SourceId) -> RunView {
        self.until("the run to end", || {
            let view = self.source(source);
            let last = view.last_run.filter(|_| view.current_run.is_none())?;
            Some(self.engine().run(&self.owner(), last).expect("a run"))
        })
    }

    /// Collects now, and waits for the end.
    pub fn collect(&self, source: SourceId) -> RunView {
        self.engine().start_run(&self.owner(), source).expect("a run");
        self.settled(source)
    }

    /// Lets time pass until the next run is due, and waits for its end.
    pub fn collect_by_schedule(&self, source: SourceId) -> RunView {
        let before = self.source(source).last_run;
        self.clock.advance(Duration::from_secs(2 * 24 * 3600));
        self.engine().wake();
        self.until("the schedule's run to end", || {
            let view = self.source(source);
            let last = view.last_run.filter(|last| view.current_run.is_none() && Some(*last) != before)?;
            Some(self.engine().run(&self.owner(), last).expect("a run"))
        })
    }

    /// Waits until the source asks its owner something.
    pub fn asked(&self, source: SourceId) -> InteractionView {
        self.until("a question", || {
            let id = self.source(source).interaction?;
            Some(self.engine().interaction(&self.owner(), id).expect("the question"))
        })
    }

    /// Waits, from event to event, until `look` sees something.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let mut events = self.engine().events();
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let event = runtime.block_on(async { tokio::time::timeout(left, events.recv()).await });
            assert!(event.is_ok(), "waited {LIMIT:?} for {what}; the sources are: {}", self.picture());
        }
    }

    fn picture(&self) -> String {
        let sources = self.engine().sources(&self.owner()).expect("the sources");
        let runs = sources
            .iter()
            .filter_map(|source| self.engine().run(&self.owner(), source.current_run.or(source.last_run)?).ok());
        let lines: Vec<_> = runs.map(|run| format!("{}: {:?} {:?}", run.source_name, run.run_state, run.detail)).collect();
        lines.join("\n")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(engine) = &self.engine {
            engine.stop(Duration::from_secs(5));
        }
    }
}

/// The owner's passphrase in every test.
pub fn passphrase() -> SecretBytes {
    secret("a passphrase for tests alone")
}

/// Text as a secret.
pub fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

/// The fields of `stand_in`'s form.
pub fn credentials(username: &str, password: &str) -> BTreeMap<String, SecretBytes> {
    BTreeMap::from([("username".to_owned(), secret(username)), ("password".to_owned(), secret(password))])
}

/// The connectors that come with Freehold and have a browser, started as `program __connector NAME`.
pub fn bundled(program: &Path) -> Vec<BundledConnector> {
    let one = |name: &'static str, manifest| BundledConnector {
        name,
        manifest,
        program: program.to_owned(),
        args: vec!["__connector".to_owned(), name.to_owned()],
    };
    vec![
        one("amazon", include_str!("../../connectors/amazon/manifest.json")),
        one("practice", include_str!("../../connectors/practice/manifest.json")),
    ]
}

fn config(folder: &Path, launcher: &Path, stand_ins: Vec<StandIn>) -> EngineConfig {
    for name in ["config", "scratch", "connectors"] {
        std::fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    EngineConfig {
        data_dir: folder.join("data"),
        key_file: folder.join("config/vault.key"),
        scratch: folder.join("scratch"),
        connector_dirs: vec![root().join("tests/connectors"), folder.join("connectors")],
        bundled: bundled(launcher),
        launcher: launcher.to_owned(),
        search_path: Vec::new(),
        reduced_sandbox: false,
        parallel_runs: 4,
        browsers: None,
        windows: Windows::None,
        stand_ins,
        address: "http://127.0.0.1:7180".to_owned(),
        run_limits: RunLimits::default(),
    }
}

fn open(folder: &Path, launcher: &Path, clock: Arc<ManualClock>, stand_ins: Vec<StandIn>) -> Engine {
    let config = config(folder, launcher, stand_ins);
    // Each opening draws on: a restarted server does not repeat its random bytes.
    static OPENED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
    let seed = OPENED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Engine::open(config, clock, Arc::new(TestRng::new(seed))).unwrap_or_else(|problem| panic!("{problem}"))
}
