//! The sandbox's launcher, for engines that tests hold in their own process.

fn main() {
    match std::env::args().nth(1) {
        Some(command) if command == freehold_sandbox::LAUNCH_COMMAND => freehold_sandbox::launcher_main(),
        other => panic!("this is started by the sandbox alone, not with {other:?}"),
    }
}
