//! The engine as one thing: made from its configuration, started, stopped.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use freehold_browser::{StandIn, Windows};
use freehold_core::run::CancelledBy;
use freehold_core::{Clock, OwnerId, Problem, ProblemCode, Rng, RunId, ServerId, Timestamp};
use freehold_sandbox::Host;
use freehold_store::{DataDb, DataDir, OpenError, VaultDb};
use tokio::sync::broadcast;

use crate::backup::Backups;
use crate::browsers::Browsers;
use crate::catalog::Catalog;
use crate::counters::Counters;
use crate::ephemeral::InMemory;
use crate::event::Event;
use crate::live::Stages;
use crate::notification::notifier;
use crate::owner::FirstStart;
use crate::picture::Live;
use crate::problem::from_store;
use crate::profile::remove_unfinished;
use crate::proving::{PROOF_FOLDER, Provings};
use crate::run::{Mail, directory};
use crate::schedule::{self, Wake};
use crate::slots::ShownKey;
use crate::throttle::Throttle;
use crate::upkeep;
use crate::vault::Door;
use crate::view::Numbers;

/// Where things are, and what this deployment chose. Nothing of a provider account's has a place here (R1).
pub struct EngineConfig {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The vault's key file, outside the data directory.
    pub key_file: PathBuf,
    /// A directory on tmpfs for runs.
    pub scratch: PathBuf,
    /// Folders whose subfolders are connectors.
    pub connector_dirs: Vec<PathBuf>,
    /// The connectors that come with Freehold.
    pub bundled: Vec<BundledConnector>,
    /// This program, to start as the sandbox's launcher.
    pub launcher: PathBuf,
    /// Where a connector's interpreter is looked up, after the system's own folders.
    pub search_path: Vec<PathBuf>,
    /// Whether a child may start with less isolation than a secret needs.
    pub reduced_sandbox: bool,
    /// How many runs may be under way at once.
    pub parallel_runs: usize,
    /// How many browsers may run at once; by the machine's memory where it is not said.
    pub browsers: Option<usize>,
    /// Whether browsers have windows.
    pub windows: Windows,
    /// Hosts answered by a stand-in, for trying connectors without their provider. Every page says so while there are any.
    pub stand_ins: Vec<StandIn>,
    /// How long a run may take.
    pub run_limits: RunLimits,
    /// Where the owner's browser finds the console, as in `https://freehold.example.org`: what messages to the owner link to.
    pub address: String,
}

/// How long a run's connector, and a question to its owner, may take. Waiting for the owner does not count as the connector's time.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// From its start to its end.
    pub whole: Duration,
    /// Between two messages.
    pub silence: Duration,
    /// From the end of its input, or being told to stop, to its exit.
    pub exit: Duration,
    /// A question of a sign-in, for its answer. One of a connector's own waits as long as that says.
    pub answer: Duration,
}

impl Default for RunLimits {
    /// Six hours, ten minutes of silence, ten seconds to exit, and a quarter of an hour for an answer.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { whole: seconds(6 * 3600), silence: seconds(600), exit: seconds(10), answer: seconds(15 * 60) }
    }
}

/// A connector that comes with Freehold.
pub struct BundledConnector {
    /// Its name.
    pub name: &'static str,
    /// Its manifest, as JSON.
    pub manifest: &'static str,
    /// The program.
    pub program: PathBuf,
    /// The program's arguments.
    pub args: Vec<String>,
}

/// The engine. Cheap to clone; every clone is the same engine.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: EngineConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) server: ServerId,
    pub(crate) data: DataDb,
    pub(crate) vault_db: VaultDb,
    pub(crate) door: Door,
    pub(crate) catalog: Catalog,
    pub(crate) host: Host,
    pub(crate) first_start: Mutex<FirstStart>,
    /// A new recovery key, shown and not typed back yet.
    pub(crate) next_recovery_key: Mutex<Option<ShownKey>>,
    pub(crate) passphrase_tries: Throttle,
    pub(crate) counters: Counters,
    pub(crate) live: Live,
    pub(crate) wake: Wake,
    pub(crate) upkeep: Wake,
    pub(crate) notifier: Wake,
    pub(crate) browsers: Browsers,
    pub(crate) stages: Stages,
    pub(crate) provings: Provings,
    pub(crate) backups: Backups,
    /// What runs in the ephemeral mode have in memory alone.
    pub(crate) in_memory: Mutex<HashMap<RunId, InMemory>>,
    active: Mutex<HashMap<RunId, Sender<Mail>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    events: broadcast::Sender<Event>,
    // Last, so that the lock on the data directory outlives the databases.
    _data_dir: DataDir,
}

impl Engine {
    /// Opens the data directory and the vault, and closes what a dead server left open. Nothing runs yet.
    ///
    /// A second server on the directory is `data_directory_in_use`, data of a later version `data_newer`; neither writes anything.
    pub fn open(config: EngineConfig, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Engine, Problem> {
        let data_dir = DataDir::open(&config.data_dir).map_err(open_problem)?;
        let vault_db = VaultDb::open(&data_dir).map_err(open_problem)?;
        let data = DataDb::open(&data_dir, Arc::clone(&clock)).map_err(open_problem)?;
        // What a dead server left there. Its runs' directories go further down, once it is counted what was in them.
        clear_scratch(&config.scratch, &["connectors", "policies", PROOF_FOLDER]);
        remove_unfinished(&config.data_dir);
        make_scratch(&config.scratch)?;
        let catalog = Catalog::new(&config)?;
        let door = Door::open(&vault_db, &config.key_file)?;
        let first_start = Mutex::new(FirstStart::new(&vault_db, &*rng)?);
        let inner = Inner {
            server: ServerId::new(&*clock, &*rng),
            host: Host::probe(config.launcher.clone()).with_search_path(config.search_path.clone()),
            first_start,
            next_recovery_key: Mutex::default(),
            door,
            catalog,
            data,
            vault_db,
            passphrase_tries: Throttle::new(),
            counters: Counters::default(),
            live: Live::default(),
            wake: Wake::default(),
            upkeep: Wake::default(),
            notifier: Wake::default(),
            browsers: Browsers::default(),
            stages: Stages::default(),
            provings: Provings::default(),
            backups: Backups::default(),
            in_memory: Mutex::default(),
            active: Mutex::default(),
            threads: Mutex::default(),
            events: broadcast::channel(256).0,
            config,
            clock,
            rng,
            _data_dir: data_dir,
        };
        let engine = Engine(Arc::new(inner));
        engine.0.clear_unfinished_backups();
        engine.0.close_what_a_dead_server_left()?;
        engine.0.data.close_cut_off_deliveries(engine.0.now()).map_err(from_store)?;
        // Its runs are over, and their processes died with it. A browser's open profile goes too, since the copy that was sealed when it
        // was signed in is the better one (docs/decisions/0010).
        clear_scratch(&engine.0.config.scratch, &[directory::FOLDER]);
        Ok(engine)
    }

    /// Starts the scheduler, what follows the records, and what tells the owner.
    pub fn start(&self) {
        let inner = Arc::clone(&self.0);
        self.0.spawn("scheduler", move || schedule::run(&inner));
        let inner = Arc::clone(&self.0);
        self.0.spawn("upkeep", move || upkeep::run(&inner));
        let inner = Arc::clone(&self.0);
        self.0.spawn("notifier", move || notifier::run(&inner));
    }

    /// Stops taking up runs and ends those under way, waiting for at most `grace`.
    pub fn stop(&self, grace: Duration) {
        self.0.wake.stop();
        self.0.upkeep.stop();
        self.0.notifier.stop();
        for mailbox in lock(&self.0.active).values() {
            // A run that has just ended no longer listens.
            let _ = mailbox.send(Mail::Cancel(CancelledBy::Shutdown));
        }
        let until = Instant::now() + grace;
        let threads = std::mem::take(&mut *lock(&self.0.threads));
        while threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        for thread in threads.into_iter().filter(JoinHandle::is_finished) {
            if thread.join().is_err() {
                tracing::error!("a thread of the engine had panicked");
            }
        }
        clear_scratch(&self.0.config.scratch, &[directory::FOLDER, PROOF_FOLDER, "connectors", "policies"]);
    }

    /// Looks at once whether a run or a message is due: for tests that move the clock.
    pub fn wake(&self) {
        self.0.wake.now();
        self.0.notifier.now();
    }

    /// Changes, from now on. A receiver that falls behind is told so and looks at everything again.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Numbers for the metrics page.
    pub fn numbers(&self) -> Numbers {
        self.0.numbers()
    }

    /// Whether the databases answer: the readiness check.
    pub fn is_ready(&self) -> Result<(), Problem> {
        self.0.vault_db.owner().map_err(from_store)?;
        self.0.data.setting("ready").map_err(from_store)?;
        Ok(())
    }

    /// What the sandbox can do on this machine.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// The present instant, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells whoever watches. No one watching is fine.
    pub(crate) fn tell(&self, event: Event) {
        // Records come and go with nothing but such a change.
        self.upkeep.now();
        // What it says itself it knows.
        if !matches!(event, Event::Notifications) {
            self.notifier.now();
        }
        let _ = self.events.send(event);
    }

    /// The owner, once there is one.
    pub(crate) fn owner(&self) -> Result<OwnerId, Problem> {
        match self.vault_db.owner().map_err(from_store)? {
            Some(owner) => Ok(owner.id),
            None => Err(Problem::new(
                ProblemCode::NotSetUp,
                "Freehold has no owner yet.",
                "Open the console, or run `freehold init`, to set it up.",
            )),
        }
    }

    pub(crate) fn mailbox(&self, run: RunId) -> Option<Sender<Mail>> {
        lock(&self.active).get(&run).cloned()
    }

    pub(crate) fn mailboxes(&self) -> Vec<Sender<Mail>> {
        lock(&self.active).values().cloned().collect()
    }

    pub(crate) fn active_run_ids(&self) -> Vec<RunId> {
        lock(&self.active).keys().copied().collect()
    }

    pub(crate) fn active_runs(&self) -> usize {
        lock(&self.active).len()
    }

    pub(crate) fn register(&self, run: RunId, mailbox: Sender<Mail>) {
        lock(&self.active).insert(run, mailbox);
    }

    pub(crate) fn unregister(&self, run: RunId) {
        lock(&self.active).remove(&run);
        self.stages.close(run);
    }

    /// A thread that `stop` waits for.
    pub(crate) fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) {
        match std::thread::Builder::new().name(name.to_owned()).spawn(body) {
            Ok(thread) => {
                let mut threads = lock(&self.threads);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => tracing::error!(%error, thread = name, "a thread could not be started"),
        }
    }
}

/// A lock whose holder panicked is still a lock: what it guards is changed in single steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the processes of a dead server, which the kernel is ending, may go on writing where they did.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Removes what a server keeps in the scratch directory under these names, and nothing else that may be there; the directory too if
/// that leaves it empty.
fn clear_scratch(scratch: &Path, names: &[&str]) {
    for own in names.iter().map(|name| scratch.join(name)) {
        let until = Instant::now() + LAST_WRITES;
        while let Err(error) = std::fs::remove_dir_all(&own)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            if Instant::now() >= until {
                tracing::warn!(dir = %own.display(), %error, "a scratch directory could not be removed");
                break;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
    // It may hold what others keep there, and then it stays.
    let _ = std::fs::remove_dir(scratch);
}

/// Nobody else can list it, and a child with a uid of its own can reach what is made for it in there.
fn make_scratch(scratch: &Path) -> Result<(), Problem> {
    let made = std::fs::create_dir_all(scratch)
        .and_then(|()| std::fs::set_permissions(scratch, std::fs::Permissions::from_mode(0o711)));
    made.map_err(|error| {
        Problem::new(
            ProblemCode::StorageFailed,
            format!("The scratch directory {} cannot be used: {error}.", scratch.display()),
            "Check that it is on a writable disk and is this user's.",
        )
    })
}

pub(crate) fn open_problem(error: OpenError) -> Problem {
    let (code, next) = match &error {
        OpenError::InUse { .. } => {
            (ProblemCode::DataDirectoryInUse, "Stop the other server, or give this one a data directory of its own.")
        }
        OpenError::HalfRestored { .. } => (ProblemCode::StorageFailed, "Run `freehold restore` with the backup again."),
        OpenError::NotEmpty { .. } => {
            (ProblemCode::Conflict, "Set data_dir to an empty directory, or move what is there away; nothing was changed.")
        }
        OpenError::Newer { .. } => {
            (ProblemCode::DataNewer, "Use the newer Freehold, or restore the copy made before its migration.")
        }
        _ => (ProblemCode::StorageFailed, "Check the data directory's path, owner and free space."),
    };
    Problem::new(code, format!("{error}."), next)
}
