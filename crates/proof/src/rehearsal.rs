//! A rehearsal: a Freehold of its own, in a process of its own, with one source in the ephemeral mode and one run of it. It is told what
//! to do on its standard input, and tells what it comes to on its standard output; whoever started it may kill it at any time.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use freehold_core::interaction::InteractionKind;
use freehold_core::{Clock, ConnectorName, CredentialMode, Problem, Rng, SecretBytes, SecretKind, SourceId};
use freehold_engine::view::RunView;
use freehold_engine::{
    Answer, BundledConnector, Caller, Engine, EngineConfig, NewOwner, NewSource, Proof, RunLimits, StandIn, Windows,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The word a program is started with to be one.
pub const REHEARSE: &str = "__rehearse";

/// How long a question waits that nobody is to answer.
const LAPSE: Duration = Duration::from_secs(1);

/// How long the server's threads may take to end.
const GRACE: Duration = Duration::from_secs(20);

/// What a rehearsal is to do.
#[derive(Serialize, Deserialize)]
pub struct Plan {
    /// Where its data is.
    pub folder: PathBuf,
    /// Where its runs work.
    pub scratch: PathBuf,
    /// Folders whose subfolders are connectors.
    pub connector_dirs: Vec<PathBuf>,
    /// Which connector.
    pub connector: String,
    /// Its settings.
    pub settings: BTreeMap<String, Value>,
    /// Sign-in details for the run: made up, and what is searched for later.
    pub details: BTreeMap<SecretKind, BTreeMap<String, String>>,
    /// Host, address and key of each stand-in.
    pub stand_ins: Vec<(String, String, Option<String>)>,
    /// Whether its browsers have windows.
    pub windows: bool,
    /// What is done.
    pub act: Act,
}

/// What is done in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The run, signing in with the details.
    Run,
    /// The run without details, called off when it asks for a person.
    CallOff,
    /// The run without details, and nobody answers when it asks for a person.
    LetLapse,
    /// Nothing but a start on what is there, which sweeps.
    Sweep,
}

/// What a rehearsal tells, a line of JSON each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// An event of the run's timeline.
    Event {
        /// Its name.
        event: String,
    },
    /// The run is over, and its receipt.
    Ended {
        /// How, in one word and its reason.
        outcome: String,
        /// Whether the receipt says that nothing is left; none if there is no receipt.
        verified: Option<bool>,
        /// What it says is left.
        left: Vec<String>,
    },
    /// It could not be done.
    Failed {
        /// Why.
        why: String,
    },
}

/// Is the rehearsal that the first line of `input` plans. `bundled` are the connectors that come with this program.
pub fn rehearse(mut input: impl BufRead, bundled: Vec<BundledConnector>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) {
    let mut line = String::new();
    let plan = input.read_line(&mut line).ok().and_then(|_| serde_json::from_str::<Plan>(&line).ok());
    let Some(plan) = plan else {
        return tell(&Told::Failed { why: "no plan was given".to_owned() });
    };
    let act = plan.act;
    let played = Stage::open(plan, bundled, clock, rng).and_then(|stage| {
        let ended = match act {
            Act::Sweep => stage.swept(),
            Act::Run | Act::CallOff | Act::LetLapse => stage.run(act),
        };
        stage.engine.stop(GRACE);
        ended
    });
    tell(&played.unwrap_or_else(|problem| Told::Failed { why: problem.to_string() }));
}

fn tell(told: &Told) {
    let mut out = std::io::stdout().lock();
    // Whoever listened may be gone; then it is told to nobody.
    let _ = serde_json::to_writer(&mut out, told);
    let _ = out.write_all(b"\n").and_then(|()| out.flush());
}

struct Stage {
    engine: Engine,
    plan: Plan,
}

/// The owner, at this machine.
const OWNER: Caller = Caller::Cli { reauthenticated: true };

impl Stage {
    fn open(plan: Plan, bundled: Vec<BundledConnector>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, Problem> {
        let stand_in = |(host, address, key): &(String, String, Option<String>)| StandIn {
            host: host.clone(),
            address: address.clone(),
            key: key.clone(),
        };
        let config = EngineConfig {
            data_dir: plan.folder.join("data"),
            key_file: plan.folder.join("vault.key"),
            scratch: plan.scratch.clone(),
            connector_dirs: plan.connector_dirs.clone(),
            bundled,
            launcher: "/proc/self/exe".into(),
            search_path: Vec::new(),
            reduced_sandbox: false,
            parallel_runs: 1,
            browsers: Some(1),
            windows: if plan.windows { Windows::Private } else { Windows::None },
            stand_ins: plan.stand_ins.iter().map(stand_in).collect(),
            address: "http://127.0.0.1:7180".to_owned(),
            run_limits: match plan.act {
                Act::LetLapse => RunLimits { answer: LAPSE, ..RunLimits::default() },
                _ => RunLimits::default(),
            },
        };
        let engine = Engine::open(config, Arc::clone(&clock), rng)?;
        let stage = Self { engine, plan };
        if stage.plan.act != Act::Sweep {
            stage.move_in(&*clock)?;
        }
        Ok(stage)
    }

    /// An owner, and a connector whose ephemeral mode is taken as proven: that is what is being found out.
    fn move_in(&self, clock: &dyn Clock) -> Result<(), Problem> {
        let secret = |text: &str| SecretBytes::from(text.to_owned());
        if let Some(code) = self.engine.setup_code() {
            let passphrase = secret("a rehearsal keeps no secret of anybody's");
            let shown = self.engine.create_owner(NewOwner { setup_code: secret(code.reveal()), passphrase })?;
            let groups: Vec<String> = shown.reveal().split('-').map(str::to_owned).collect();
            let asked = self.engine.recovery_challenge()?;
            let typed: Vec<_> = asked.iter().filter_map(|group| Some(secret(groups.get(group - 1)?))).collect();
            self.engine.confirm_recovery_key(&typed)?;
        }
        let name = self.connector()?;
        let subject = self.engine.subject_of_proof(&name)?;
        let words = || vec!["rehearsed".to_owned()];
        let proof =
            Proof { subject, at: clock.now(), runs: words(), planted: words(), searched: words(), leaks: Vec::new() };
        self.engine.keep_proof(&OWNER, &name, &proof)
    }

    fn connector(&self) -> Result<ConnectorName, Problem> {
        ConnectorName::parse(&self.plan.connector).map_err(|error| {
            let code = freehold_core::ProblemCode::BadInput;
            Problem::new(code, format!("{error}."), "Name an installed connector.")
        })
    }

    /// One run, told about as it goes on.
    fn run(&self, act: Act) -> Result<Told, Problem> {
        let mut events = self.engine.events();
        let source = self.engine.add_source(
            &OWNER,
            NewSource {
                connector: self.connector()?,
                name: "rehearsal".to_owned(),
                mode: CredentialMode::EphemeralBrowser,
                settings: self.plan.settings.clone(),
                expected_account: None,
                accept_unverified: true,
                credentials: BTreeMap::new(),
                consent: false,
            },
        )?;
        let mut run = source.current_run;
        if act == Act::Run {
            // The one that setup began has no details; nobody has taken it up yet.
            if let Some(first) = run {
                self.engine.cancel_run(&OWNER, first)?;
            }
            run = Some(self.engine.start_run_with(&OWNER, source.id, self.details())?.id);
        }
        self.engine.start();
        let Some(run) = run else { return Ok(Told::Failed { why: "no run was queued".to_owned() }) };
        let mut told = 0;
        loop {
            for entry in self.engine.timeline(&OWNER, run, told)? {
                told = entry.seq;
                tell(&Told::Event { event: entry.event });
            }
            let view = self.engine.run(&OWNER, run)?;
            if view.outcome.is_some() {
                return self.ended(&view);
            }
            self.answer(source.id, &view, act)?;
            // Every change is an event; one that was missed is followed by another look.
            let _ = events.blocking_recv();
        }
    }

    fn details(&self) -> BTreeMap<SecretKind, BTreeMap<String, SecretBytes>> {
        let typed = |fields: &BTreeMap<String, String>| {
            fields.iter().map(|(name, value)| (name.clone(), SecretBytes::from(value.clone()))).collect()
        };
        self.plan.details.iter().map(|(kind, fields)| (*kind, typed(fields))).collect()
    }

    /// Answers as an owner would who is there for the run alone.
    fn answer(&self, source: SourceId, run: &RunView, act: Act) -> Result<(), Problem> {
        let asked = self.engine.interactions(&OWNER)?.into_iter().find(|asked| asked.source == source);
        let Some(asked) = asked else { return Ok(()) };
        match act {
            Act::CallOff => return self.engine.cancel_run(&OWNER, run.id).map(drop),
            Act::LetLapse => return Ok(()),
            Act::Run | Act::Sweep => {}
        }
        let answer = match asked.kind {
            InteractionKind::Code => {
                let code = SecretBytes::from("123456".to_owned());
                Answer::Fields(BTreeMap::from([("code".to_owned(), code)]))
            }
            InteractionKind::Identity => Answer::Yes,
            _ => Answer::No,
        };
        match self.engine.answer(&OWNER, asked.id, answer) {
            // The run went on by itself meanwhile.
            Err(problem) if problem.code == freehold_core::ProblemCode::NoLongerNeeded => Ok(()),
            answered => answered.map(drop),
        }
    }

    fn ended(&self, run: &RunView) -> Result<Told, Problem> {
        let receipt = run.receipt.map(|id| self.engine.receipt(&OWNER, id)).transpose()?;
        let outcome = run.outcome.as_ref().and_then(|outcome| serde_json::to_value(outcome).ok()).unwrap_or_default();
        let words = ["outcome", "reason"].map(|key| outcome[key].as_str().unwrap_or_default().to_owned());
        Ok(Told::Ended {
            outcome: words.join(" ").trim().to_owned(),
            verified: receipt.as_ref().map(|receipt| receipt.verified),
            left: receipt.map(|receipt| receipt.receipt.left).unwrap_or_default(),
        })
    }

    /// What the newest run came to, after a start.
    fn swept(&self) -> Result<Told, Problem> {
        let source = self.engine.sources(&OWNER)?.into_iter().next();
        let runs = source.map(|source| self.engine.runs(&OWNER, source.id, None, 1)).transpose()?;
        match runs.unwrap_or_default().first() {
            Some(run) => self.ended(run),
            // It was killed before there was one.
            None => Ok(Told::Ended { outcome: "none".to_owned(), verified: None, left: Vec::new() }),
        }
    }
}
