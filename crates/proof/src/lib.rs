//! Proof that an ephemeral run leaves nothing behind: a stand-in for the provider that plants what could be left, and a search that
//! finds it wherever it got to.

mod search;
mod stand_in;

pub use stand_in::{NoStandIn, Plant, Planted, Seen, StandIn};
