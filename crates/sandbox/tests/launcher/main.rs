//! The launcher alone and, started in any other way, a child that tries one thing and says how that went.

mod attempts;

fn main() {
    let mut args = std::env::args().skip(1);
    match args.next() {
        Some(first) if first == freehold_sandbox::LAUNCH_COMMAND => freehold_sandbox::launcher_main(),
        Some(attempt) => attempts::run(&attempt, &args.collect::<Vec<_>>()),
        None => {}
    }
}
