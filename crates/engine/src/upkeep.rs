//! The thread that follows what becomes of the records: it makes them searchable, and takes off the disk what was deleted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_store::StoreError;

use crate::server::Inner;

/// Records put into the index in one transaction: some hundredths of a second.
const INDEXED: usize = 500;
/// Records of deleted streams that go in one transaction: about as long.
const CLEARED: usize = 1_000;
/// Pages given back to the disk at a time: four megabytes.
const PAGES: u32 = 1_000;
/// While a run is under way, this thread has one part in so many of the database's time, so that collecting is not held up.
const GIVES_WAY: u32 = 8;
/// Looked at least this often, should a change not have been told.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Goes on in small pieces, and more slowly while a run is under way, until the engine stops.
pub(crate) fn run(inner: &Arc<Inner>) {
    loop {
        let began = Instant::now();
        let goes_on = match piece(inner) {
            Ok(false) => inner.upkeep.wait(LONGEST_SLEEP),
            Ok(true) if inner.active_runs() > 0 => inner.upkeep.rest(began.elapsed() * GIVES_WAY),
            Ok(true) => inner.upkeep.rest(Duration::ZERO),
            Err(error) => {
                tracing::error!(%error, "records could not be made searchable, or removed; this is tried again");
                inner.upkeep.rest(LONGEST_SLEEP)
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// Does one piece, and says whether there was one to do.
fn piece(inner: &Inner) -> Result<bool, StoreError> {
    if inner.data.clear_removed(CLEARED)? > 0 {
        return Ok(true);
    }
    let indexed = inner.data.index_records(INDEXED);
    // A full disk keeps the index from following, and what was deleted is room for it.
    let may_give_back = matches!(indexed, Ok(0) | Err(StoreError::DiskFull));
    if may_give_back && inner.data.give_back(PAGES)? {
        return Ok(true);
    }
    Ok(indexed? > 0)
}
