//! The connector, as the runtime runs it, against a real Dovecot and against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is wrong")]

mod collecting;
mod failing;
mod harness;
mod incremental;
