//! `freehold serve`: puts the server together, and takes it down again.

mod log;
mod notify;
mod socket;
mod tls;

use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use freehold_core::{Clock, Problem, ProblemCode, SystemClock};
use freehold_engine::view::SetupStage;
use freehold_engine::{Engine, EngineConfig, RunLimits, Windows};
use freehold_vault::OsRng;
use freehold_web::{Addresses, Door, Served, WebConfig};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::{Terminal, note};
use crate::config::{Config, Sandbox};
use crate::proof::Rehearsals;
use crate::{bundled, connectors};

/// How long runs under way get to end by themselves when the server stops.
const GRACE: Duration = Duration::from_secs(20);

/// Serves until it is told to stop.
pub(crate) fn serve(config: Config) -> Result<(), Problem> {
    log::start(config.log_format, config.log_level);
    if let Err(error) = freehold_sandbox::harden_self() {
        tracing::warn!(%error, "this process could not be hidden from other processes of its user");
    }
    connectors::check_app_settings(&config)?;
    report_suspects(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Problem::new(
            ProblemCode::Internal,
            format!("The server's threads could not be started: {error}."),
            "Check the limits of this user.",
        )
    })?;
    runtime.block_on(run(config))
}

/// What the engine is told of this deployment. Makes the directories it needs.
pub(crate) fn engine_config(config: &Config) -> Result<EngineConfig, Problem> {
    let scratch = scratch(config)?;
    make_directory(&config.data_dir, 0o700)?;
    if let Some(beside) = config.key_file.parent() {
        make_directory_if_absent(beside, 0o700)?;
    }
    Ok(EngineConfig {
        data_dir: config.data_dir.clone(),
        key_file: config.key_file.clone(),
        scratch,
        connector_dirs: config.connector_dirs.clone(),
        bundled: bundled::connectors(&config.program),
        launcher: "/proc/self/exe".into(),
        search_path: config.search_path.clone(),
        reduced_sandbox: config.sandbox == Sandbox::Reduced,
        parallel_runs: config.parallel_runs,
        browsers: config.browsers,
        windows: Windows::Private,
        stand_ins: config.stand_ins.clone(),
        run_limits: RunLimits::default(),
        address: config.console_address().trim_end_matches('/').to_owned(),
    })
}

/// The directory for runs, made.
pub(crate) fn scratch(config: &Config) -> Result<PathBuf, Problem> {
    let path = config.scratch_dir.clone().ok_or_else(|| {
        Problem::new(
            ProblemCode::BadInput,
            "There is no directory in memory for runs: neither the runtime directory nor /dev/shm is tmpfs.",
            "Set scratch_dir to a directory on tmpfs; on a disk, what a run leaves there could be read later.",
        )
    })?;
    // In a directory open to all, such as /dev/shm, another user may have put a link there first.
    if path.is_symlink() {
        return Err(unusable(&path, "it is a link"));
    }
    // A connector with a user id of its own has to reach the folder made for it in here; nobody can list it.
    make_directory(&path, 0o711)?;
    Ok(path)
}

async fn run(mut config: Config) -> Result<(), Problem> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (tls, served) = certificate(&config, &clock)?;
    // Before anyone is told that the server is there: a signal that comes earlier would end it without its goodbyes.
    let mut signals = Signals::listen()?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        Problem::new(
            ProblemCode::ServerUnreachable,
            format!("The server cannot listen on {}: {error}.", config.listen),
            "Stop what uses that port, or choose another with `listen` or FREEHOLD_LISTEN.",
        )
    })?;
    // Port 0 is any free one; from here on it is the one that was given.
    if let Ok(address) = listener.local_addr() {
        config.listen = address;
    }
    let engine_config = engine_config(&config)?;
    let engine = blocking(move || Engine::open(engine_config, clock, Arc::new(OsRng))).await?;
    engine.set_prover(Arc::new(Rehearsals {
        program: config.program.clone(),
        connector_dirs: config.connector_dirs.clone(),
        scratch: scratch(&config)?,
        windows: Windows::Private,
    }));
    make_directory(&config.runtime_dir, 0o700)?;
    let door = socket::open(&config)?;
    let web = WebConfig {
        addresses: addresses(&config),
        trusted_proxies: config.trusted_proxies.clone(),
        served: served.clone(),
        cli_token_hash: door.token_hash,
    };

    let (stop, stopped) = watch::channel(false);
    let stopping = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is a stop too.
        let _ended = stopped.wait_for(|stopped| *stopped).await;
    };
    let tcp = tokio::spawn(freehold_web::serve_tcp(
        listener,
        freehold_web::router(engine.clone(), web.clone(), Door::Tcp),
        tls,
        stopping(stopped.clone()),
    ));
    let unix = tokio::spawn(freehold_web::serve_unix(
        door.listener,
        freehold_web::router(engine.clone(), web, Door::Cli),
        stopping(stopped),
    ));
    let starting = engine.clone();
    blocking(move || {
        starting.start();
        Ok(())
    })
    .await?;
    announce(&config, &engine, &served.borrow())?;
    notify::tell(config.notify_socket.as_deref(), "READY=1");

    let failed = wait_for_end(&mut signals, tcp, unix).await;
    notify::tell(config.notify_socket.as_deref(), "STOPPING=1");
    tracing::info!("stopping");
    stop.send_replace(true);
    blocking(move || {
        engine.stop(GRACE);
        Ok(())
    })
    .await?;
    door.files.remove();
    tracing::info!("stopped");
    failed.map_or(Ok(()), Err)
}

/// Where the server is found.
fn addresses(config: &Config) -> Addresses {
    Addresses { listen: config.listen, public_origin: config.public_origin.clone(), tls: config.tls.is_some() }
}

/// How TLS is spoken, if it is, and what is told of it. The certificate is kept up to date from here on.
fn certificate(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<(Option<Arc<ServerConfig>>, watch::Receiver<Served>), Problem> {
    let Some(tls) = &config.tls else {
        let is_behind_proxy = !config.trusted_proxies.0.is_empty();
        return Ok((None, watch::channel(if is_behind_proxy { Served::Proxy } else { Served::Plain }).1));
    };
    let hosts = addresses(config).hosts();
    let certificate = tls::Certificate::open(tls, config.local_ca_file(), hosts, clock.clone(), Arc::new(OsRng))?;
    let (server, served) = (certificate.server(), certificate.served());
    tokio::spawn(certificate.keep_up());
    Ok((Some(server), served))
}

type Serving = tokio::task::JoinHandle<std::io::Result<()>>;

/// What ends the server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Problem> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Problem::new(
                    ProblemCode::Internal,
                    format!("Signals cannot be received: {error}."),
                    "Start the server again.",
                )
            })
        };
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }
}

/// Returns when a signal asks for the end, or with the problem when a listener failed.
async fn wait_for_end(signals: &mut Signals, mut tcp: Serving, mut unix: Serving) -> Option<Problem> {
    let ended = tokio::select! {
        _ = signals.terminate.recv() => return None,
        _ = signals.interrupt.recv() => return None,
        ended = &mut tcp => ended,
        ended = &mut unix => ended,
    };
    tracing::error!(?ended, "a listener ended");
    Some(Problem::new(
        ProblemCode::Internal,
        "The server can no longer accept connections.",
        "Start it again; its log says why.",
    ))
}

/// On standard output, plainly, for whoever started it by hand.
fn announce(config: &Config, engine: &Engine, served: &Served) -> Result<(), Problem> {
    let terminal = Terminal::new(false, false);
    terminal.line(format!("Freehold {} is running.", env!("CARGO_PKG_VERSION")))?;
    terminal.line(format!("Console     {}", config.console_address()))?;
    if let Served::LocalCa { authority, .. } = served {
        terminal.line(format!("CA          {}", authority.fingerprint()))?;
        terminal.line("            Install it on your devices: `freehold tls` says how.")?;
    }
    if engine.setup_stage()? != SetupStage::Done {
        if let Some(code) = engine.setup_code() {
            terminal.line(format!("Setup code  {}", code.reveal()))?;
        }
        terminal.line("Open the console to set it up, or run `freehold init`.")?;
    }
    tracing::info!(listen = %config.listen, data = %config.data_dir.display(), "ready");
    Ok(())
}

fn report_suspects(config: &Config) {
    let suspects = connectors::suspects(config);
    if !suspects.is_empty() {
        tracing::warn!(
            names = suspects.join(", "),
            "variables that look like sign-in details were in the environment; they were dropped unread, Freehold takes none from there"
        );
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Problem::new(ProblemCode::Internal, "A part of the server failed.", "Its log says where; please report it."))
    })
}

fn make_directory(path: &Path, mode: u32) -> Result<(), Problem> {
    make_directory_if_absent(path, mode)?;
    let metadata = std::fs::metadata(path).map_err(|error| unusable(path, &error.to_string()))?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(unusable(path, "it is not a directory of this user's"));
    }
    if metadata.permissions().mode() & 0o777 & !mode != 0 {
        // An existing directory may be the operator's own choice: tightened, and said.
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
            .map_err(|error| unusable(path, &error.to_string()))?;
        note(&format!("note: {} was open to other users of this machine; it is not any more.\n", path.display()));
    }
    Ok(())
}

fn make_directory_if_absent(path: &Path, mode: u32) -> Result<(), Problem> {
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> Problem {
    Problem::new(
        ProblemCode::StorageFailed,
        format!("This directory cannot be used: {reason}."),
        "Give it to the user Freehold runs as, or name another in the configuration.",
    )
    .at(path.display().to_string())
}
