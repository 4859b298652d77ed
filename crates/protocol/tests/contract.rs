//! The contract suite against real programs: the connectors of `tests/connectors` and a fresh scaffold.
#![expect(clippy::disallowed_methods, reason = "the suite starts no process; this test is the one who does")]
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use freehold_protocol::contract::{self, Check, CheckResult, Control, Fixture, Patience, Process, Spawn};
use freehold_protocol::session::Exit;
use freehold_protocol::template::Values;
use freehold_protocol::{Manifest, SecretFields};

struct Starter {
    folder: PathBuf,
    manifest: Manifest,
}

impl Spawn for Starter {
    fn spawn(&mut self, settings: &BTreeMap<String, String>, secrets: &SecretFields) -> io::Result<Process> {
        let values = Values { settings: settings.clone(), ..Values::default() };
        let mut command = Command::new(&self.manifest.program.command);
        command.current_dir(&self.folder).args(self.manifest.arguments(&values).unwrap());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.envs(self.manifest.plain_variables(&values).unwrap());
        for (name, value) in self.manifest.secret_variables(&values, secrets).unwrap_or_else(|e| panic!("{e}")) {
            command.env(name, std::str::from_utf8(value.expose()).unwrap());
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Ok(Process { input: Box::new(input), output: Box::new(output), control: Box::new(Started(child)) })
    }
}

struct Started(Child);

impl Control for Started {
    fn terminate(&mut self) -> io::Result<()> {
        Command::new("kill").arg(self.0.id().to_string()).status().map(drop)
    }

    fn kill(&mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(drop)
    }

    fn wait(&mut self, limit: Duration) -> io::Result<Option<Exit>> {
        use std::os::unix::process::ExitStatusExt;
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status.code().map(Exit::Code).or(status.signal().map(Exit::Signal)));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

fn run(folder: &Path, change: impl FnOnce(&mut Fixture)) -> Vec<Check> {
    let manifest = Manifest::load(folder).unwrap_or_else(|errors| panic!("{errors}"));
    let mut fixture = Fixture::load(folder).unwrap();
    change(&mut fixture);
    let patience =
        Patience { line: Duration::from_secs(10), silence: Duration::from_millis(200), exit: Duration::from_secs(3) };
    let mut starter = Starter { folder: folder.to_owned(), manifest: manifest.clone() };
    contract::run(&manifest, &fixture, patience, &mut starter)
}

fn connector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/connectors").join(name).canonicalize().unwrap()
}

fn failures(checks: &[Check]) -> Vec<String> {
    let failed = checks.iter().filter_map(|check| match &check.result {
        CheckResult::Failed(why) => Some(format!("{}: {why}", check.name)),
        CheckResult::Passed | CheckResult::Skipped(_) => None,
    });
    failed.collect()
}

#[test]
fn connectors_written_from_the_specification_alone_keep_the_contract() {
    for name in ["spec_only", "token_api"] {
        let checks = run(&connector(name), |_| {});
        assert!(checks.len() >= 10, "{checks:?}");
        assert_eq!(failures(&checks), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_scaffold_passes_its_check_without_a_warning_and_keeps_the_contract() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("my_library");
    let name = "my_library".to_owned().try_into().unwrap_or_else(|_| panic!("a name"));
    for file in freehold_protocol::scaffold::files(&name, "My \"library\"") {
        let path = folder.join(file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.content).unwrap();
    }
    let report = Manifest::report(&folder);
    assert!(report.problems.is_empty() && report.warnings.is_empty(), "{report:?}");
    assert_eq!(report.manifest.unwrap().display_name, "My \"library\"");
    assert_eq!(failures(&run(&folder, |_| {})), Vec::<String>::new());
}

#[test]
fn each_sin_is_caught_by_a_check_that_names_it() {
    let sins = [
        ("garbage", "not JSON"),
        ("not_utf8", "line 1"),
        ("long_line", "longer than"),
        ("half_line", "without a line feed"),
        ("done_twice", "after DONE"),
        ("after_done", "after DONE"),
        ("wrong_count", "DONE says 7"),
        ("out_of_scope", "stream_not_in_scope"),
        ("interaction_storm", "while it waits"),
        ("speaks_while_waiting", "while it waits"),
        ("ignore_sigterm", "did not end within"),
        ("stays_after_done", "did not end within"),
        ("wrong_exit", "exited with code 3"),
        ("exit_early", "without DONE"),
        ("crash", "exited with code 1 before DONE"),
        ("state_before_identity", "STATE came first"),
    ];
    std::thread::scope(|scope| {
        for (sin, words) in sins {
            scope.spawn(move || {
                let found = failures(&run(&connector("misbehaving"), |fixture| {
                    fixture.settings.insert("sin".into(), sin.into());
                }));
                assert!(found.iter().any(|failure| failure.contains(words)), "{sin}: {found:?}");
            });
        }
    });
}

#[test]
fn without_a_sin_the_same_connector_keeps_the_contract() {
    assert_eq!(failures(&run(&connector("misbehaving"), |_| {})), Vec::<String>::new());
}
