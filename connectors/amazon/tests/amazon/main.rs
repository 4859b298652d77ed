//! The connector, as the runtime runs it, against pages shaped like the shop's in a real Chromium.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is wrong")]

mod collecting;
mod failing;
mod harness;
mod pages;
