//! The connector as a program of its own.

fn main() -> std::process::ExitCode {
    freehold_connector_amazon::main()
}
