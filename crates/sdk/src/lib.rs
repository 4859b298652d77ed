//! What a connector in Rust is written with: blocking, small, and nothing of the server behind it.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     freehold_sdk::run(|ctx| {
//!         let mut login = ctx.credentials("Sign in to the library", &["username", "password"])?;
//!         let _password = login.take("password");
//!         ctx.identity("reader-17", "Ann, reader 17")?;
//!         if ctx.wants("loans").is_some() {
//!             ctx.emit("loans", "1", &serde_json::json!({ "id": "1", "title": "Moby-Dick" }))?;
//!             ctx.checkpoint("loans", &serde_json::json!({ "last": "1" }))?;
//!         }
//!         Ok(())
//!     })
//! }
//! ```
//!
//! [`run`] reads START, calls the closure, sends DONE with the right count, waits until Freehold closes standard input (by then
//! everything is durable), and exits with 0 if and only if the closure succeeded. Standard output belongs to the protocol: logs
//! go to standard error, and never hold a secret.

mod blob;
mod browser;
mod context;
mod error;
mod narrowing;
mod years;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

pub use browser::{Browser, BrowserError, Navigation, Page};
pub use context::Context;
pub use error::Error;
pub use freehold_protocol::blob::BlobRef;
pub use freehold_protocol::message::{CollectionMode, CollectionStream, RecordKey, TimeRange};
pub use freehold_protocol::recovery::RecoveryAction;
pub use freehold_protocol::{SecretBytes, SecretFields, SecretKind, Timestamp};
pub use narrowing::{Coverage, Covered, Frozen, Narrowing};
pub use years::Years;

/// Runs a connector on this process's standard input and output. Its temporary directory is what TMPDIR says, as for any program.
pub fn run(collect: impl FnOnce(&mut Context<'_>) -> Result<(), Error>) -> ExitCode {
    run_on(io::stdin().lock(), io::stdout().lock(), std::env::temp_dir(), collect)
}

/// Runs a connector on any input and output, as a test does. `tmp` is its temporary directory.
#[expect(clippy::print_stderr, reason = "a connector's diagnostics go to standard error")]
pub fn run_on<'io>(
    input: impl Read + 'io,
    output: impl Write + 'io,
    tmp: PathBuf,
    collect: impl FnOnce(&mut Context<'io>) -> Result<(), Error>,
) -> ExitCode {
    let mut context = match Context::start(Box::new(input), Box::new(output), tmp) {
        Ok(context) => context,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let result = collect(&mut context);
    if let Err(error) = &result {
        eprintln!("{error}");
    }
    match context.finish(&result) {
        Ok(()) if result.is_ok() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
