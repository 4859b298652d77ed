//! The same page in a Chromium on a TigerVNC display, watched over RFB (RFC 6143), where that is installed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::freehold::until;
use crate::screen::{CORNER, LIMIT, PRESSED, SIZE, Screen};

const SERVER: &str = "/usr/bin/Xtigervnc";
/// Its number; its port is 5900 more.
const DISPLAY: u16 = 417;

/// A display that is watched.
pub(crate) struct Vnc {
    stream: TcpStream,
    asked: bool,
    _browser: Running,
    _server: Running,
    _profile: tempfile::TempDir,
}

/// A process that ends with what it is for.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, arguments: &[&str]) -> Running {
    #[expect(clippy::disallowed_methods, reason = "what is measured beside, by a program that does not ship")]
    let mut command = Command::new(program);
    command.args(arguments).env("DISPLAY", format!(":{DISPLAY}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("a process"))
}

impl Vnc {
    /// Starts it with a browser that shows this address; `None` where it is not installed.
    pub(crate) fn start(url: &str) -> Option<Self> {
        if !Path::new(SERVER).exists() {
            return None;
        }
        let (width, height) = SIZE;
        let (display, port) = (format!(":{DISPLAY}"), 5900 + DISPLAY);
        let geometry = format!("{width}x{height}");
        let server = ["-SecurityTypes", "None", "-localhost", "-geometry", &geometry, "-depth", "24", "-AlwaysShared"];
        let server = start(SERVER, &[&[display.as_str()], &server[..]].concat());
        let stream = until("the display", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        stream.set_nodelay(true).expect("an open socket");
        let profile = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
        std::fs::set_permissions(profile.path(), std::fs::Permissions::from_mode(0o700)).expect("its own folder");
        let browser = start(
            &crate::chromium::installed().path().to_string_lossy(),
            &[
                "--no-first-run",
                "--no-default-browser-check",
                "--disable-gpu",
                "--ozone-platform=x11",
                "--password-store=basic",
                // It shows one page of this bench's own, and root cannot have the sandbox.
                "--no-sandbox",
                "--test-type",
                "--window-position=0,0",
                &format!("--window-size={width},{height}"),
                &format!("--user-data-dir={}", profile.path().display()),
                &format!("--app={url}"),
            ],
        );
        let mut vnc = Self { stream, asked: false, _browser: browser, _server: server, _profile: profile };
        vnc.shake_hands();
        Some(vnc)
    }

    fn shake_hands(&mut self) {
        self.read::<12>();
        self.write(b"RFB 003.008\n");
        let [kinds] = self.read::<1>();
        self.skip(kinds.into());
        // No password; shared.
        self.write(&[1]);
        self.read::<4>();
        self.write(&[1]);
        self.skip(20);
        let name = u32::from_be_bytes(self.read());
        self.skip(name as usize);
        // One encoding: raw, 32 bits a pixel, which is what a depth of 24 comes in.
        self.write(&[2, 0, 0, 1, 0, 0, 0, 0]);
    }

    /// One message; whether the corner in it is dark, if it is in it.
    fn message(&mut self) -> Option<bool> {
        let mut dark = None;
        match self.read::<1>() {
            [0] => {
                self.asked = false;
                let [_, high, low] = self.read();
                for _ in 0..u16::from_be_bytes([high, low]) {
                    let head: [u8; 12] = self.read();
                    let [x, y, width, height] =
                        [0, 2, 4, 6].map(|at| u32::from(u16::from_be_bytes([head[at], head[at + 1]])));
                    let mut pixels = vec![0; (width * height * 4) as usize];
                    self.stream.read_exact(&mut pixels).expect("the display");
                    if (x..x + width).contains(&CORNER.0) && (y..y + height).contains(&CORNER.1) {
                        let pixel = ((CORNER.1 - y) * width + CORNER.0 - x) * 4;
                        dark = Some(pixels[pixel as usize + 1] < 128);
                    }
                }
            }
            [1] => {
                let head: [u8; 5] = self.read();
                self.skip(6 * usize::from(u16::from_be_bytes([head[3], head[4]])));
            }
            [3] => {
                let head: [u8; 7] = self.read();
                self.skip(u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize);
            }
            _ => {}
        }
        dark
    }

    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).expect("the display");
        bytes
    }

    fn skip(&mut self, length: usize) {
        self.stream.read_exact(&mut vec![0; length]).expect("the display");
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the display");
    }
}

impl Screen for Vnc {
    fn name(&self) -> &'static str {
        "TigerVNC"
    }

    fn press(&mut self, down: bool) {
        let [x, y] = [PRESSED.0, PRESSED.1].map(|at| (at as u16).to_be_bytes());
        self.write(&[5, u8::from(down), x[0], x[1], y[0], y[1]]);
    }

    fn is_dark(&mut self, patience: Duration) -> Option<bool> {
        loop {
            if !self.asked {
                self.asked = true;
                let [width, height] = [SIZE.0, SIZE.1].map(|side| (side as u16).to_be_bytes());
                self.write(&[3, 1, 0, 0, 0, 0, width[0], width[1], height[0], height[1]]);
            }
            self.stream.set_read_timeout(Some(patience)).expect("an open socket");
            let waiting = self.stream.peek(&mut [0]).is_ok();
            self.stream.set_read_timeout(Some(LIMIT)).expect("an open socket");
            if !waiting {
                return None;
            }
            if let Some(dark) = self.message() {
                return Some(dark);
            }
        }
    }
}
