//! `cargo xtask run | test | bench | prove`: everything a person or a machine does with this repository.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod command;
mod needs;
mod prove;
mod run;
mod second;
mod server;
mod shop;
mod stop;
mod test;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What there is to do with this repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build Freehold, start it, and beside it a demo mailbox to connect
    Run(run::Arguments),
    /// Run every check and every test
    Test(test::Arguments),
    /// Measure, and print one table
    Bench(bench::Arguments),
    /// Kill runs that are to keep nothing at random points, and search for what they left
    Prove(prove::Arguments),
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().task {
        Task::Run(arguments) => run::run(&arguments),
        Task::Test(arguments) => test::test(&arguments),
        Task::Bench(arguments) => bench::bench(&arguments),
        Task::Prove(arguments) => prove::prove(&arguments),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
