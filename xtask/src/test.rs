//! `cargo xtask test`: every check and every test, in the order in which a mistake shows soonest.

use std::process::Command;
use std::time::Instant;

use anyhow::Context;

use crate::command::{cargo, program, succeed, variable};
use crate::{needs, second};

/// What `test` can be told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Install what is missing without asking; so does CI=true in the environment
    #[arg(long)]
    yes: bool,
}

/// One step, and what to do when it fails.
struct Step {
    name: &'static str,
    work: Work,
    advice: &'static str,
}

/// What a step does.
enum Work {
    /// A command that passes or does not.
    Once(Command),
    /// All tests; one that failed by chance has a second try.
    Tests,
    /// Journeys, each with a second try.
    Journeys(Vec<Command>),
}

impl Work {
    /// Does it, and says what passed at its second try alone.
    fn run(&mut self) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Once(command) => succeed(command).map(|()| Vec::new()),
            Self::Tests => {
                succeed(&mut cargo(&["build", "--locked", "--workspace"]))?;
                second::tests()
            }
            Self::Journeys(journeys) => {
                let again: anyhow::Result<Vec<_>> = journeys.iter_mut().map(second::whole).collect();
                Ok(again?.concat())
            }
        }
    }
}

/// Runs everything. The first step that fails ends it with one sentence on what to do.
pub(crate) fn test(arguments: &Arguments) -> anyhow::Result<()> {
    let begun = Instant::now();
    let in_ci = variable("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
    needs::for_testing(arguments.yes || in_ci)?;
    let steps = steps();
    let count = steps.len();
    let (mut took, mut second) = (Vec::new(), Vec::new());
    for (index, mut step) in steps.into_iter().enumerate() {
        println!("\n── {}/{count} {} ──", index + 1, step.name);
        let begun = Instant::now();
        second.extend(step.work.run().with_context(|| format!("{}: {}", step.name, step.advice))?);
        took.push((step.name, begun.elapsed().as_secs_f64()));
    }
    println!("\nAll of it passed:");
    for (name, seconds) in took {
        println!("  {name:<34} {seconds:>7.1} s");
    }
    println!("  {:<34} {:>7.1} s", "together", begun.elapsed().as_secs_f64());
    if !second.is_empty() {
        println!("At the second try alone, so to be mended: {}", second.join(", "));
    }
    Ok(())
}

fn steps() -> Vec<Step> {
    let journeys = ["pages", "run", "plain", "live", "shop", "ephemeral", "tls", "lighthouse"].map(|name| {
        let mut journey = program("node");
        journey.arg(format!("tests/console/{name}.mjs"));
        journey
    });
    vec![
        Step {
            name: "formatting",
            work: Work::Once(cargo(&["fmt", "--all", "--check"])),
            advice: "run `cargo fmt --all` and commit what it changes",
        },
        Step {
            name: "architecture",
            work: Work::Once(cargo(&["test", "--locked", "--package", "freehold-tests", "--test", "architecture"])),
            advice: "the test's message names the file and the line; ARCHITECTURE.md says why the rule is there",
        },
        Step {
            name: "lints",
            work: Work::Once(cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])),
            advice: "mend what it names; clippy.toml says what to use instead of what is banned",
        },
        Step {
            name: "tests, rules and the canary scan",
            work: Work::Tests,
            advice: "repeat the one test that failed with `cargo test --package CRATE NAME`",
        },
        Step {
            name: "the console in a real browser",
            work: Work::Journeys(journeys.into()),
            advice: "the last screenshots are in test-results/screens; repeat with `node tests/console/NAME.mjs`",
        },
    ]
}
