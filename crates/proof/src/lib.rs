//! Proof that an ephemeral run leaves nothing behind: a stand-in for the provider that plants what could be left, and a search that
//! finds it wherever it got to.

mod prove;
mod rehearsal;
mod search;
mod stand_in;

pub use prove::{NotProven, Proving, Shown, Way};
pub use rehearsal::{Act, Plan, REHEARSE, Told, rehearse};
pub use search::{Canary, Leak, Looked, PART, Report, Search, Surface, process_tree};
pub use stand_in::{NoStandIn, Plant, Planted, Seen, StandIn};
