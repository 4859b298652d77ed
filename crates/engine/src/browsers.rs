//! The browsers of this server: how many may run at once, and who waits for one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use freehold_browser::{BrowserError, Chromium, Installed, Options};
use freehold_core::RunId;
use freehold_sandbox::Strength;

use crate::run::Mail;
use crate::server::{Inner, lock};

/// Memory one browser takes with its display, measured with a shop's page open.
const EACH: u64 = 460 << 20;
/// Left to everything else on the machine.
const SPARED: u64 = 1 << 30;
/// The size of a browser's window until somebody looks at it with another.
const WINDOW: (u32, u32) = (1280, 800);

/// The browsers in use, and the queue for them.
#[derive(Default)]
pub(crate) struct Browsers(Mutex<Queue>);

/// How many are in use, and who waits for one in which order.
#[derive(Default)]
struct Queue {
    in_use: usize,
    waiting: VecDeque<RunId>,
}

/// The leave to run one browser. Dropping it lets the next run have one.
pub(crate) struct Lease(Arc<Inner>);

impl Inner {
    /// How many browsers may run at once: what the configuration says, else what the memory carries, at least one.
    pub(crate) fn browser_capacity(&self) -> usize {
        self.config.browsers.unwrap_or_else(|| {
            let memory = rustix::system::sysinfo().totalram;
            usize::try_from(memory.saturating_sub(SPARED) / EACH).unwrap_or(1).clamp(1, 8)
        })
    }

    /// A browser for this run, or its place in the queue, from 1. Whoever waits is told by mail when it is worth asking again.
    pub(crate) fn lease_browser(self: &Arc<Self>, run: RunId) -> Result<Lease, u32> {
        lock(&self.browsers.0).ask(run, self.browser_capacity())?;
        Ok(Lease(Arc::clone(self)))
    }

    /// The run no longer waits.
    pub(crate) fn leave_browser_queue(&self, run: RunId) {
        lock(&self.browsers.0).waiting.retain(|waiting| *waiting != run);
        self.tell_browser_queue();
    }

    fn tell_browser_queue(&self) {
        let waiting = lock(&self.browsers.0).waiting.clone();
        for mailbox in waiting.into_iter().filter_map(|run| self.mailbox(run)) {
            // A run that has just ended no longer listens.
            let _ = mailbox.send(Mail::BrowserFree);
        }
    }

    /// Starts a browser on the profile in this run's directory.
    pub(crate) fn start_browser(&self, run: RunId) -> Result<Chromium, BrowserError> {
        let options = Options {
            scratch: self.browser_directory(run),
            policies: self.config.scratch.join("policies"),
            window: WINDOW,
            stand_ins: self.config.stand_ins.clone(),
            windows: self.config.windows,
            strength: if self.config.reduced_sandbox { Strength::Reduced } else { Strength::Full },
        };
        Installed::find()?.start(&self.host, &options)
    }
}

impl Queue {
    /// Takes one for this run, or says its place. First come, first served, and as many as are free.
    fn ask(&mut self, run: RunId, capacity: usize) -> Result<(), u32> {
        let place = match self.waiting.iter().position(|waiting| *waiting == run) {
            Some(place) => place,
            None => {
                self.waiting.push_back(run);
                self.waiting.len() - 1
            }
        };
        if place >= capacity.saturating_sub(self.in_use) {
            return Err(u32::try_from(place + 1).unwrap_or(u32::MAX));
        }
        self.waiting.remove(place);
        self.in_use += 1;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.0.browsers.0).in_use -= 1;
        self.0.tell_browser_queue();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(last: char) -> RunId {
        RunId::parse(&format!("run_0000000000000000000000000{last}")).expect("a run's id")
    }

    #[test]
    fn whoever_came_first_is_served_first_and_nobody_is_passed_over() {
        let mut queue = Queue::default();
        assert_eq!(queue.ask(run('1'), 2), Ok(()));
        assert_eq!(queue.ask(run('2'), 2), Ok(()));
        assert_eq!(queue.ask(run('3'), 2), Err(1));
        assert_eq!(queue.ask(run('4'), 2), Err(2));
        assert_eq!(queue.ask(run('4'), 2), Err(2), "asking again is no way forward");
        queue.in_use -= 1;
        assert_eq!(queue.ask(run('4'), 2), Err(2), "one is free, and it is another's");
        assert_eq!(queue.ask(run('3'), 2), Ok(()));
        assert_eq!(queue.ask(run('4'), 2), Err(1));
        queue.in_use -= 1;
        assert_eq!(queue.ask(run('4'), 2), Ok(()));
        assert_eq!((queue.in_use, queue.waiting.len()), (2, 0));
    }
}
