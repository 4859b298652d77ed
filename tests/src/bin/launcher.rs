//! The sandbox's launcher, the connectors that come with Freehold, and rehearsals, for engines that tests hold in their own process.

use std::io::BufReader;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [freehold_sandbox::LAUNCH_COMMAND, ..] => freehold_sandbox::launcher_main(),
        ["__connector", "amazon"] => freehold_connector_amazon::main(),
        ["__connector", "leaky"] => freehold_tests::leaky::main(),
        ["__connector", "practice"] => freehold_connector_practice::main(),
        [freehold_proof::REHEARSE] => {
            let program = std::env::current_exe().expect("a path");
            let mut bundled = freehold_tests::house::bundled(&program);
            bundled.push(freehold_tests::leaky::bundled(&program));
            let (clock, rng) = (Arc::new(freehold_core::SystemClock), Arc::new(freehold_vault::OsRng));
            freehold_proof::rehearse(BufReader::new(std::io::stdin()), bundled, clock, rng);
            ExitCode::SUCCESS
        }
        _ => panic!("this is started by the sandbox alone, not with {arguments:?}"),
    }
}
