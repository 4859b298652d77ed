//! The CLI's door: a socket and a token, in the runtime directory, for this user alone.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use freehold_core::{Problem, ProblemCode};
use freehold_vault::OsRng;
use freehold_web::WebConfig;
use tokio::net::UnixListener;

use crate::config::Config;

/// The open door.
pub(crate) struct SocketDoor {
    /// Where the CLI connects.
    pub(crate) listener: UnixListener,
    /// What its token has to hash to.
    pub(crate) token_hash: [u8; 32],
    /// What is left to remove when the server stops.
    pub(crate) files: Files,
}

/// The files of the door.
pub(crate) struct Files([PathBuf; 2]);

impl Files {
    /// Removes them, so that the CLI does not find a door without a server.
    pub(crate) fn remove(&self) {
        for path in &self.0 {
            // The next start replaces what cannot be removed now.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Makes a new token and listens. Call it with the data directory's lock held.
pub(crate) fn open(config: &Config) -> Result<SocketDoor, Problem> {
    let (socket, token_file) = (config.socket(), config.token_file());
    if UnixStream::connect(&socket).is_ok() {
        return Err(Problem::new(
            ProblemCode::DataDirectoryInUse,
            "Another server, with another data directory, listens for the command line here.",
            "Give this one a runtime directory of its own: runtime_dir or FREEHOLD_RUNTIME_DIR.",
        )
        .at(socket.display().to_string()));
    }
    let failed = |path: &PathBuf| {
        let place = path.display().to_string();
        move |error: std::io::Error| {
            Problem::new(
                ProblemCode::StorageFailed,
                format!("The command line's door cannot be opened: {error}."),
                "Check the runtime directory: runtime_dir or FREEHOLD_RUNTIME_DIR.",
            )
            .at(place)
        }
    };
    // What a server that died left behind.
    for path in [&socket, &token_file] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(path)(error)),
            _ => {}
        }
    }
    let token_hash = write_token(&token_file).map_err(failed(&token_file))?;
    let listener = UnixListener::bind(&socket).map_err(failed(&socket))?;
    std::fs::set_permissions(&socket, PermissionsExt::from_mode(0o600)).map_err(failed(&socket))?;
    Ok(SocketDoor { listener, token_hash, files: Files([socket, token_file]) })
}

#[expect(clippy::disallowed_methods, reason = "R3: the token leaves here, for a file that only this user can read")]
fn write_token(path: &PathBuf) -> std::io::Result<[u8; 32]> {
    let (token, _) = freehold_vault::new_token(&OsRng);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.expose())?;
    Ok(WebConfig::hash_token(token.expose()))
}
