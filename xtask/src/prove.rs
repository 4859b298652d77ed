//! `cargo xtask prove`: runs that are to keep nothing, killed at random points, and a search for what they left. Longer than the tests.

use std::hash::{BuildHasher, RandomState};

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
    /// The seed of the moments they are killed at; one of its own, printed, if none is given
    #[arg(long)]
    seed: Option<u8>,
}

/// Kills them and prints one page. Anything that is left is an error.
pub(crate) fn prove(arguments: &Arguments) -> anyhow::Result<()> {
    needs::for_measuring(arguments.yes)?;
    succeed(&mut cargo(&["build", "--locked", "--package", "freehold-tests", "--bins", "--example", "prove"]))?;
    let mut prove = program(root().join("target/debug/examples/prove"));
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(()) as u8);
    succeed(prove.args([arguments.runs.to_string(), seed.to_string()]))
        .context("something was left behind, or the proof could not be made")
}
