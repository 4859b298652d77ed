//! Sources in a browser as a whole: a real Chromium, the practice shop with its moods, a real engine.

mod amazon;
mod moods;
mod stored;
mod story;
mod streamed;
mod unseen;

/// The sandbox's launcher for engines in these tests' own process.
const LAUNCHER: &str = env!("CARGO_BIN_EXE_launcher");
