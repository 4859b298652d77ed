//! The proof itself: rehearsals of ephemeral runs that end in every way, and a search afterwards for all that was planted in them.

mod actor;
mod script;
mod surfaces;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use freehold_core::{Rng, SecretKind};
use freehold_engine::PROOF_FOLDER;
use freehold_protocol::Manifest;
use serde_json::Value;

pub use script::Way;

use crate::rehearsal::{Act, Plan, Told};
use crate::{Canary, NoStandIn, Planted, Search, StandIn};
use actor::{Actor, Heard};

/// How long one rehearsal may take.
const LIMIT: Duration = Duration::from_secs(120);
/// How long the pages of the stand-in may take to leave what they leave.
const PLANTING: Duration = Duration::from_secs(10);

/// What is proven, and with what.
pub struct Proving<'a> {
    /// The connector's manifest.
    pub manifest: &'a Manifest,
    /// Its folder's fixtures, where it has some.
    pub fixtures: Option<PathBuf>,
    /// Folders whose subfolders are connectors.
    pub connector_dirs: Vec<PathBuf>,
    /// The program that rehearses when it is started with [`crate::REHEARSE`].
    pub program: PathBuf,
    /// A directory in memory for the rehearsals.
    pub scratch: PathBuf,
    /// Whether browsers have windows.
    pub windows: bool,
    /// Randomness, for what is planted.
    pub rng: &'a dyn Rng,
}

/// What was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Each rehearsal, and how it ended.
    pub runs: Vec<String>,
    /// The events at which servers were killed, and how many at each. A run that was over sooner is in none.
    pub killed_at: BTreeMap<String, usize>,
    /// What was planted.
    pub planted: Vec<String>,
    /// What was searched.
    pub searched: Vec<String>,
    /// What was found, and what went wrong. Nothing, in a proof.
    pub leaks: Vec<String>,
}

/// Why there is no proof, neither for nor against.
#[derive(Debug, thiserror::Error)]
pub enum NotProven {
    /// The connector cannot be rehearsed.
    #[error(transparent)]
    NoStandIn(#[from] NoStandIn),
    /// A setting has no value that could be made up.
    #[error("no value can be made up for the setting \"{0}\": give it a default, or options, in the manifest")]
    Setting(String),
    /// A rehearsal could not be done.
    #[error("the rehearsal \"{way}\" could not be done: {why}")]
    Rehearsal {
        /// Which.
        way: String,
        /// Why.
        why: String,
    },
    /// What was planted was not found even where it had to be.
    #[error("what was planted was not found in a run that was cut off, so a search that finds nothing shows nothing")]
    Blind,
    /// The directories could not be made.
    #[error("the directory for rehearsals cannot be used: {0}")]
    Io(#[from] std::io::Error),
}

impl Proving<'_> {
    /// Rehearses every way to end, and searches. `tell` is told what is being done.
    pub fn prove(&self, tell: &dyn Fn(&str)) -> Result<Shown, NotProven> {
        self.rehearse(&Way::all(), tell)
    }

    /// Rehearses these ways to end, one after the other.
    pub fn rehearse(&self, ways: &[Way], tell: &dyn Fn(&str)) -> Result<Shown, NotProven> {
        let place = Place::make(&self.scratch)?;
        // What changes from now on, by the clock that files are dated with.
        let since = place.0.metadata()?.modified()?;
        let settings = settings(self.manifest)?;
        let canaries = Canaries::new(self.manifest, self.rng);
        let search = Search::new(&canaries.all);
        let mut shown =
            Shown { planted: canaries.all.iter().map(|canary| canary.what.clone()).collect(), ..Shown::default() };
        let mut found_before = 0;
        let mut cut_off = false;
        for (number, way) in ways.iter().enumerate() {
            tell(&format!("{} of {}: {way}", number + 1, ways.len()));
            let stage = place.stage()?;
            let texts = texts(&settings);
            let stand_in = StandIn::open(self.manifest, &texts, self.fixtures.as_deref(), canaries.planted.clone())?;
            let plan = |act| Plan {
                folder: stage.home.clone(),
                scratch: stage.scratch.clone(),
                connector_dirs: self.connector_dirs.clone(),
                connector: self.manifest.name.to_string(),
                settings: settings.clone(),
                details: canaries.details.clone(),
                stand_ins: stand_in.stand_ins().into_iter().map(|own| (own.host, own.address, own.key)).collect(),
                windows: self.windows,
                act,
            };
            let failed = |why: String| NotProven::Rehearsal { way: way.to_string(), why };
            let mut actor = Actor::start(&self.program, &plan(way.act())).map_err(|error| failed(error.to_string()))?;
            let mut ended = way.play(&mut actor, &stand_in, &stage.scratch);
            let was_at = actor.last_event().to_owned();
            let mut said = actor.close();
            if ended == Heard::Killed {
                *shown.killed_at.entry(was_at).or_default() += 1;
                if way.leaves_a_session() {
                    cut_off = true;
                    found_before += search.in_directory(&stage.scratch).leaks.len();
                }
                let mut again = Actor::start(&self.program, &plan(Act::Sweep)).map_err(|error| failed(error.to_string()))?;
                ended = again.until_ended(LIMIT);
                said.extend(again.close());
            }
            match ended {
                Heard::Ended(Told::Ended { outcome, verified, left }) => {
                    shown.runs.push(format!("{way}: {outcome}"));
                    match verified {
                        Some(true) => {}
                        // It was killed before there was anything to wipe.
                        None if left.is_empty() && way.may_come_to_nothing() => {}
                        _ => shown.leaks.push(format!("{way}: the wipe was not verified ({})", left.join("; "))),
                    }
                }
                Heard::Ended(Told::Failed { why }) => return Err(failed(why)),
                other => return Err(failed(format!("{other:?}"))),
            }
            let mut report = search.in_directory(&stage.home);
            report.join(search.in_bytes("what the server wrote to its log", &said));
            // A server that ended takes its own with it.
            if stage.scratch.exists() {
                report.join(search.in_directory(&stage.scratch));
            }
            shown.leaks.extend(named(way, &report.leaks));
            // What was not read is not clean.
            shown.leaks.extend(report.could_not_look);
        }
        if cut_off && found_before == 0 {
            return Err(NotProven::Blind);
        }
        tell("searching the machine");
        let report = surfaces::elsewhere(&search, since, &place.0);
        shown.searched = report
            .looked
            .iter()
            .map(|(surface, looked)| format!("{}: {} ({} bytes)", surface.as_str(), looked.items, looked.bytes))
            .collect();
        // Another user's processes are none of a run's; how many were passed over is said all the same.
        if !report.could_not_look.is_empty() {
            shown.searched.push(format!("could not be read elsewhere: {}", report.could_not_look.len()));
        }
        if cut_off {
            shown.searched.push(format!("in runs that were cut off, before they were wiped: {found_before} found"));
        }
        shown.leaks.extend(report.leaks.iter().map(|leak| format!("elsewhere: {leak}")));
        Ok(shown)
    }
}

fn named(way: &Way, leaks: &[crate::Leak]) -> Vec<String> {
    leaks.iter().map(|leak| format!("{way}: {leak}")).collect()
}

/// The directory of a proof, of which there is one at a time. Removed when dropped.
struct Place(PathBuf);

impl Place {
    fn make(scratch: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let place = scratch.join(PROOF_FOLDER);
        remove_if_there(&place)?;
        fs::create_dir_all(&place)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o711))?;
        Ok(Self(place))
    }

    /// The stage, empty: what the rehearsal before this one left there has been searched.
    fn stage(&self) -> std::io::Result<Stage> {
        let stage = Stage { home: self.0.join("h"), scratch: self.0.join("s") };
        remove_if_there(&stage.home)?;
        remove_if_there(&stage.scratch)?;
        fs::create_dir_all(&stage.home)?;
        Ok(stage)
    }
}

fn remove_if_there(directory: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where one rehearsal is.
struct Stage {
    home: PathBuf,
    /// Its name is short: a browser makes a socket below it, whose path has a limit.
    scratch: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "the directory of a proof could not be removed");
        }
    }
}

/// What is planted: by the stand-in's pages, and typed into them.
struct Canaries {
    all: Vec<Canary>,
    planted: Planted,
    details: BTreeMap<SecretKind, BTreeMap<String, String>>,
}

impl Canaries {
    fn new(manifest: &Manifest, rng: &dyn Rng) -> Self {
        const LENGTH: usize = 32;
        let mut all = Vec::new();
        let planted = Planted::with(|plant| {
            let canary = Canary::plain(plant.name(), LENGTH, rng);
            all.push(canary.clone());
            canary.value
        });
        let mut details: BTreeMap<SecretKind, BTreeMap<String, String>> = BTreeMap::new();
        for capture in manifest.captures() {
            // A password, and a seed where there is one: everything else a sign-in may ask for is asked of the owner then.
            if !matches!(capture.kind, SecretKind::UsernamePassword | SecretKind::OtpSeed) {
                continue;
            }
            for field in &capture.fields {
                let canary = match (capture.kind, field.secret) {
                    (SecretKind::UsernamePassword, true) => Canary::password("typed password", rng),
                    // Letters and digits of base32, as a seed is.
                    (_, true) => Canary::plain("authenticator's seed", LENGTH, rng),
                    // The account's name is no secret, and is shown where the account is.
                    (_, false) => {
                        details
                            .entry(capture.kind)
                            .or_default()
                            .insert(field.name.clone(), "somebody@example.test".to_owned());
                        continue;
                    }
                };
                details.entry(capture.kind).or_default().insert(field.name.clone(), canary.value.clone());
                all.push(canary);
            }
        }
        Self { all, planted, details }
    }
}

/// A value for each setting that needs one.
fn settings(manifest: &Manifest) -> Result<BTreeMap<String, Value>, NotProven> {
    let mut settings = BTreeMap::new();
    for field in &manifest.settings {
        let chosen = field.options.first().map(|option| Value::from(option.value.clone()));
        let number = field.max.map(|most| Value::from(most as u64));
        match field.default.clone().or(chosen).or(number) {
            Some(value) => drop(settings.insert(field.name.clone(), value)),
            None if field.required => return Err(NotProven::Setting(field.name.clone())),
            None => {}
        }
    }
    Ok(settings)
}

fn texts(settings: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    settings.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}
