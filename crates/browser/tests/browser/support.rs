//! A Chromium of a test's own, and a small web site for it to look at.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use freehold_browser::{Chromium, Installed, Options};
use freehold_sandbox::{Host, Strength};

/// A browser and the directory it lives in. Dropping it kills the browser.
pub(crate) struct Browser {
    pub(crate) chromium: Chromium,
    pub(crate) folder: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir_in("/dev/shm").unwrap())
    }

    pub(crate) fn start_in(folder: tempfile::TempDir) -> Self {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        let chromium = Installed::find().unwrap().start(&host(), &options(folder.path().to_owned())).unwrap();
        Self { chromium, folder }
    }
}

pub(crate) fn host() -> Host {
    Host::probe(env!("CARGO_BIN_EXE_browser-launcher").into())
}

pub(crate) fn options(folder: PathBuf) -> Options {
    Options {
        scratch: folder.join("run"),
        policies: folder.join("policies"),
        window: (1280, 800),
        stand_ins: Vec::new(),
        strength: Strength::Full,
    }
}

/// Serves what `answer` makes of each path, on a port of its own, until the test ends. Returns its origin.
pub(crate) fn site(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let Some(path) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else { return };
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let body = answer(&path);
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    origin
}
