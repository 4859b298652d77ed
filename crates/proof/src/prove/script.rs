//! The ways a run can end.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::actor::{Actor, Heard};
use super::{LIMIT, PLANTING};
use crate::StandIn;
use crate::rehearsal::Act;

/// A way for a run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By itself, whatever it comes to.
    ByItself,
    /// Called off by the owner while it waits for them.
    CalledOff,
    /// A question nobody answers, until its time is up.
    TimedOut,
    /// Its browser is killed while the connector is at work.
    BrowserKilled,
    /// Its connector is killed.
    ConnectorKilled,
    /// The server is killed when the run's timeline has come to this event.
    ServerKilledAt(&'static str),
    /// The server is killed so long after it was started, unless the run is over by then.
    ServerKilledAfter(Duration),
}

impl Way {
    /// One of each, and the server killed at each state of a run.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::ByItself, Self::CalledOff, Self::TimedOut, Self::BrowserKilled, Self::ConnectorKilled];
        all.extend(["open_profile", "look", "sign_in", "identify", "collect", "wipe"].map(Self::ServerKilledAt));
        all
    }

    /// What the rehearsal is to do.
    pub(super) fn act(self) -> Act {
        match self {
            Self::CalledOff => Act::CallOff,
            Self::TimedOut => Act::LetLapse,
            _ => Act::Run,
        }
    }

    /// Whether what is planted has to be there when it is cut off.
    pub(super) fn leaves_a_session(self) -> bool {
        self == Self::ServerKilledAt("collect")
    }

    /// Whether it can end before there was anything to wipe.
    pub(super) fn may_come_to_nothing(self) -> bool {
        matches!(self, Self::ServerKilledAfter(_))
    }

    /// Plays it with a rehearsal that was started.
    pub(super) fn play(self, actor: &mut Actor, stand_in: &StandIn, scratch: &Path) -> Heard {
        match self {
            Self::ByItself | Self::CalledOff | Self::TimedOut => actor.until_ended(LIMIT),
            Self::ServerKilledAt(event) => match actor.until_event(event, LIMIT) {
                Heard::Event => {
                    if self.leaves_a_session() {
                        stand_in.wait_until_planted(PLANTING);
                    }
                    actor.kill()
                }
                other => other,
            },
            Self::ServerKilledAfter(time) => match actor.until_ended(time) {
                Heard::Silence => actor.kill(),
                other => other,
            },
            Self::BrowserKilled => self.play_killing(actor, scratch, "b"),
            Self::ConnectorKilled => self.play_killing(actor, scratch, "c"),
        }
    }

    fn play_killing(self, actor: &mut Actor, scratch: &Path, part: &str) -> Heard {
        match actor.until_event("collect", LIMIT) {
            Heard::Event => {
                super::surfaces::kill_in_runs(scratch, part);
                actor.until_ended(LIMIT)
            }
            other => other,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByItself => f.write_str("ended by itself"),
            Self::CalledOff => f.write_str("called off"),
            Self::TimedOut => f.write_str("timed out"),
            Self::BrowserKilled => f.write_str("browser killed"),
            Self::ConnectorKilled => f.write_str("connector killed"),
            Self::ServerKilledAt(event) => write!(f, "server killed at {event}"),
            Self::ServerKilledAfter(time) => write!(f, "server killed after {} ms", time.as_millis()),
        }
    }
}
