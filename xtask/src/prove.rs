//! `cargo xtask prove`: runs that are to keep nothing, killed at random points, and a search for what they left. Longer than the tests.

use anyhow::Context;

use crate::command::{cargo, program, root, succeed};
use crate::needs;

/// What `prove` can be told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// How many runs are killed
    #[arg(long, default_value_t = 200)]
    runs: u32,
}

/// Kills them and prints one page. Anything that is left is an error.
pub(crate) fn prove(arguments: &Arguments) -> anyhow::Result<()> {
    needs::for_measuring(arguments.yes)?;
    succeed(&mut cargo(&["build", "--locked", "--package", "freehold-tests", "--bins", "--example", "prove"]))?;
    let mut prove = program(root().join("target/debug/examples/prove"));
    succeed(prove.arg(arguments.runs.to_string())).context("something was left behind, or the proof could not be made")
}
