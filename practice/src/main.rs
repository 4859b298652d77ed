//! `freehold-practice`: the practice provider as a program.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use clap::Parser;
use freehold_practice::{Options, Practice};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A web shop to try sign-ins on, in every mood a real site has. Prints one JSON line with its addresses when it is ready.
#[derive(Parser)]
#[command(name = "freehold-practice", version)]
struct Arguments {
    /// Where the practice shop and its control page listen
    #[arg(long, default_value = "127.0.0.1:7290")]
    listen: SocketAddr,
    /// Where the Amazon-shaped shop listens, over TLS
    #[arg(long, default_value = "127.0.0.1:7293")]
    tls_listen: SocketAddr,
    /// Keep the certificate here, so that its key stays the same
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// End when standard input is closed
    #[arg(long)]
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "freehold-practice: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (end, is_over) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let signalled = end.clone();
    std::thread::spawn(move || signals.forever().next().map(|_| signalled.send(())));
    let Arguments { listen, tls_listen, folder, until_stdin_closes } = arguments;
    let practice = Practice::start(Options { listen, tls_listen, folder, ..Options::default() })?;
    let ready = serde_json::json!({ "http": practice.http, "tls": practice.tls, "spki": practice.spki });
    writeln!(std::io::stdout(), "{ready}")?;
    if until_stdin_closes {
        std::thread::spawn(move || {
            let mut rest = [0; 1024];
            while std::io::stdin().read(&mut rest).is_ok_and(|read| read > 0) {}
            end.send(())
        });
    }
    let _ = is_over.recv();
    Ok(())
}
