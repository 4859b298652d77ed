//! A small web site on loopback.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What a site says to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Further headers, each a whole line.
    pub headers: Vec<String>,
    /// The page.
    pub html: String,
}

impl Answer {
    /// A page.
    pub fn page(html: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), html: html.into() }
    }

    /// A page that says it cannot serve.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), html: format!("<h1>{status}</h1>") }
    }

    /// To another address.
    pub fn redirect(to: &str) -> Self {
        Self { status: 303, headers: Vec::new(), html: String::new() }.with_header(&format!("Location: {to}"))
    }

    /// The same with one more header, a whole line.
    #[must_use]
    pub fn with_header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }
}

/// A site that answers until the test's process ends.
pub struct Site {
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Serves what `answer` makes of each path, its query included, on a port of its own.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, noted) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                std::thread::spawn(move || serve(stream, &noted, &*answer));
            }
        });
        Ok(Self { origin: format!("http://{address}"), address, asked })
    }

    /// The paths asked for so far, the browser's own wish for an icon left out.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Answer) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let Some(path) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else { return Ok(()) };
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    if path == "/favicon.ico" {
        return write!(stream, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    }
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
    let Answer { status, headers, html } = answer(&path);
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    write!(
        stream,
        "HTTP/1.1 {status} As told\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{html}",
        html.len()
    )
}
