//! A Chromium of a test's own, and a small web site for it to look at.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use freehold_browser::{Chromium, Installed, Options, Windows};
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
        Self::start_with(folder, Windows::None)
    }

    /// With windows or without.
    pub(crate) fn start_with(folder: tempfile::TempDir, windows: Windows) -> Self {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        let chromium = Installed::find().unwrap().start(&host(), &options(folder.path().to_owned(), windows)).unwrap();
        Self { chromium, folder }
    }
}

pub(crate) fn host() -> Host {
    Host::probe(env!("CARGO_BIN_EXE_browser-launcher").into())
}

pub(crate) fn options(folder: PathBuf, windows: Windows) -> Options {
    Options {
        scratch: folder.join("run"),
        policies: folder.join("policies"),
        window: (1280, 800),
        stand_ins: Vec::new(),
        windows,
        strength: Strength::Full,
    }
}

/// Serves what `answer` makes of each path, on a port of its own, until the test ends. Returns its origin.
pub(crate) fn site(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    serve(move |request| Response::page(answer(&request.target)))
}

/// What a browser asked for.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The cookies, as they were sent.
    pub(crate) cookie: String,
    /// The fields of a form that was posted.
    pub(crate) form: BTreeMap<String, String>,
}

/// What it is answered with.
pub(crate) struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Response {
    pub(crate) fn page(body: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn see(target: impl Into<String>) -> Self {
        Self::page("").status(303).header("Location", target)
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The same with whole requests and responses.
pub(crate) fn serve(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let Some(request) = read(&mut BufReader::new(stream.try_clone().unwrap())) else { return };
                let Response { status, headers, body } = answer(&request);
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} Status\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n{headers}\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    origin
}

fn read(from: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let of =
            |line: &String| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned());
        lines.iter().find_map(of).unwrap_or_default()
    };
    let mut first = lines.first()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next()?);
    let mut body = vec![0; header("Content-Length").parse().unwrap_or(0)];
    from.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let form = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    Some(Request { method, target, cookie: header("Cookie"), form })
}

fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&hex, 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}
