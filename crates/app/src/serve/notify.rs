//! Telling systemd how the server is (sd_notify(3)): one datagram to the socket it named.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// Sends `state`, if anyone wants to hear it. The server works the same when nobody does.
pub(crate) fn tell(socket: Option<&Path>, state: &str) {
    if let Some(path) = socket
        && let Err(error) = send(path, state)
    {
        tracing::warn!(%error, "the service manager could not be told that the server is {state}");
    }
}

fn send(path: &Path, state: &str) -> std::io::Result<()> {
    let address = match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_it_at_a_path_and_at_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("freehold-notify-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let sockets = [
            (UnixDatagram::bind(&path).unwrap(), path.clone()),
            (UnixDatagram::bind_addr(&abstract_name).unwrap(), Path::new(&format!("@{name}")).to_owned()),
        ];
        for (socket, address) in sockets {
            tell(Some(&address), "READY=1");
            let mut heard = [0; 16];
            let length = socket.recv(&mut heard).unwrap();
            assert_eq!(&heard[..length], b"READY=1");
        }
    }
}
