//! `freehold`: the server, its command line, and what both start inside the sandbox, in one binary.
//!
//! This is the one composition root. `main` decides which of these it is, prints what went wrong, and exits.

mod bundled;
mod cli;
mod config;
mod connectors;
mod doctor;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use config::{Environment, Invocation};

fn main() -> ExitCode {
    match config::invocation() {
        Invocation::Launch => freehold_sandbox::launcher_main(),
        Invocation::Connector(name) => return bundled::run(&name),
        Invocation::Command => {}
    }
    let result = Environment::settle().and_then(|environment| cli::Cli::parse().run(&environment));
    result.unwrap_or_else(|problem| {
        cli::report(&problem);
        ExitCode::from(problem.code.exit_code())
    })
}
