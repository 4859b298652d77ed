//! A line with a round trip to it, between the owner's browser and the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Carries every connection on to another port of this machine, each byte as late as the line is long.
pub(crate) struct Line {
    /// Where it begins.
    pub(crate) port: u16,
    /// Microseconds.
    one_way: Arc<AtomicU64>,
}

impl Line {
    pub(crate) fn to(end: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let one_way = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&one_way);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, end)) else { continue };
                carry(&near, &far, &shared);
                carry(&far, &near, &shared);
            }
        });
        Self { port, one_way }
    }

    /// Its round trip from now on.
    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        self.one_way.store(round_trip.as_micros() as u64 / 2, Ordering::Relaxed);
    }
}

fn carry(from: &TcpStream, to: &TcpStream, one_way: &Arc<AtomicU64>) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
    let (mut from, mut to, one_way) = (clone(from), clone(to), Arc::clone(one_way));
    to.set_nodelay(true).expect("an open socket");
    let (under_way, arriving) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length) = from.read(&mut buffer)
            && length > 0
        {
            let due = Instant::now() + Duration::from_micros(one_way.load(Ordering::Relaxed));
            if under_way.send((due, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in arriving {
            wait_until(due);
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The other side may be gone already.
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Waits until then.
pub(crate) fn wait_until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}
