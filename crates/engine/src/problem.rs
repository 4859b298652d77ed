//! How the parts' errors become problems a person reads.

use freehold_browser::BrowserError;
use freehold_core::{Problem, ProblemCode};
use freehold_store::StoreError;

/// A database error. `Conflict` and `NotFound` say what they are about; callers that know better words catch them first.
pub(crate) fn from_store(error: StoreError) -> Problem {
    match error {
        StoreError::DiskFull => Problem::new(
            ProblemCode::StorageFull,
            "The data directory's disk is full.",
            "Free some space; nothing that was saved is lost.",
        ),
        StoreError::Conflict { what } => {
            Problem::new(ProblemCode::Conflict, format!("This cannot be done now: {what}."), "Look again and repeat it.")
        }
        StoreError::NotFound { what } => {
            Problem::new(ProblemCode::NotFound, format!("There is no such {what}."), "Look at the list of them.")
        }
        other => {
            tracing::error!(error = %other, "the database failed");
            Problem::new(
                ProblemCode::StorageFailed,
                "The database could not do this.",
                "See the server's log; `freehold doctor` checks the data directory.",
            )
        }
    }
}

/// Input that does not fit, at a named place.
pub(crate) fn bad_input(at: &str, what: impl Into<String>, next: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadInput, what, next).at(at)
}

/// Nothing of that kind with that name.
pub(crate) fn not_found(what: &str) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("There is no such {what}."), "Look at the list of them.")
}

/// A browser failed at something that is no run's.
pub(crate) fn browser_failed(error: &BrowserError) -> Problem {
    Problem::new(ProblemCode::Internal, format!("The browser failed: {error}."), "See `freehold doctor`.")
}
