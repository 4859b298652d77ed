//! `freehold`: the server, its command line, and what both start inside the sandbox, in one binary.
//!
//! This is the one composition root. `main` decides which of these it is, prints what went wrong, and exits.

mod bundled;
mod cli;
mod config;
mod connectors;
mod doctor;
mod proof;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use config::{Environment, Invocation};
use freehold_core::Problem;

fn main() -> ExitCode {
    match config::invocation() {
        Invocation::Launch => freehold_sandbox::launcher_main(),
        Invocation::Connector(name) => return bundled::run(&name),
        Invocation::Rehearse => {
            proof::rehearse();
            return ExitCode::SUCCESS;
        }
        Invocation::Command => {}
    }
    let environment = match Environment::settle() {
        Ok(environment) => environment,
        Err(problem) => return failed(&problem, false),
    };
    let cli = cli::Cli::parse();
    let json = cli.json();
    cli.run(&environment).unwrap_or_else(|problem| failed(&problem, json))
}

fn failed(problem: &Problem, json: bool) -> ExitCode {
    cli::report(problem, json);
    ExitCode::from(problem.code.exit_code())
}
