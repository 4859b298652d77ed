//! A rehearsal seen from outside: what it tells, and the end of its process.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::REHEARSE;
use crate::rehearsal::{Plan, Told};

/// A rehearsal under way. Dropping it kills it.
pub(super) struct Actor {
    process: Child,
    told: Receiver<Told>,
    /// The run's last event so far.
    last_event: Option<String>,
    log: Option<JoinHandle<Vec<u8>>>,
}

/// What was waited for, and came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The event.
    Event,
    /// The end, told by itself.
    Ended(Told),
    /// The process was killed.
    Killed,
    /// Nothing, for too long.
    Silence,
}

impl Actor {
    pub(super) fn start(program: &Path, plan: &Plan) -> io::Result<Self> {
        let mut process = freehold_sandbox::start_beside(program, &[REHEARSE])?;
        let mut line = serde_json::to_vec(plan)?;
        line.push(b'\n');
        if let Some(mut stdin) = process.stdin.take() {
            stdin.write_all(&line)?;
        }
        let (tell, told) = channel();
        if let Some(stdout) = process.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let Ok(said) = serde_json::from_str(&line) else { continue };
                    if tell.send(said).is_err() {
                        break;
                    }
                }
            });
        }
        let log = process.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What came before it broke off is looked at too.
                let _ = stderr.read_to_end(&mut bytes);
                bytes
            })
        });
        Ok(Self { process, told, last_event: None, log })
    }

    /// Waits for an event of the run's timeline.
    pub(super) fn until_event(&mut self, wanted: &str, limit: Duration) -> Heard {
        self.until(limit, |told| match told {
            Told::Event { event } => (event == wanted).then_some(Heard::Event),
            _ => None,
        })
    }

    /// Waits for the end of the run.
    pub(super) fn until_ended(&mut self, limit: Duration) -> Heard {
        self.until(limit, |_| None)
    }

    fn until(&mut self, limit: Duration, wanted: impl Fn(&Told) -> Option<Heard>) -> Heard {
        let until = Instant::now() + limit;
        loop {
            match self.told.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(told) => {
                    if let Told::Event { event } = &told {
                        self.last_event = Some(event.clone());
                    }
                    if let Some(heard) = wanted(&told) {
                        return heard;
                    }
                    if !matches!(told, Told::Event { .. }) {
                        return Heard::Ended(told);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Heard::Silence,
                Err(RecvTimeoutError::Disconnected) => {
                    return Heard::Ended(Told::Failed { why: "its process ended without a word".to_owned() });
                }
            }
        }
    }

    /// What the run was at, as far as it has told.
    pub(super) fn last_event(&self) -> &str {
        self.last_event.as_deref().unwrap_or("before it began")
    }

    /// Kills the process, as losing power would.
    pub(super) fn kill(&mut self) -> Heard {
        // It may have ended at this very moment, which is an end as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
        Heard::Killed
    }

    /// Waits until the process is gone; what it wrote to its log.
    pub(super) fn close(mut self) -> Vec<u8> {
        let _ = self.process.wait();
        self.log.take().and_then(|log| log.join().ok()).unwrap_or_default()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
