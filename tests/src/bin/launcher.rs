//! The sandbox's launcher, and the connectors that come with Freehold, for engines that tests hold in their own process.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [freehold_sandbox::LAUNCH_COMMAND, ..] => freehold_sandbox::launcher_main(),
        ["__connector", "amazon"] => freehold_connector_amazon::main(),
        ["__connector", "practice"] => freehold_connector_practice::main(),
        _ => panic!("this is started by the sandbox alone, not with {arguments:?}"),
    }
}
