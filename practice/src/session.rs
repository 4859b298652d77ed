//! Who is signed in where: one session for each browser.

use jiff::Timestamp;

use crate::account::Site;
use crate::sign_in::Attempt;

/// What the server knows of one browser.
pub(crate) struct Session {
    pub(crate) site: Site,
    /// Has to come back with everything submitted.
    pub(crate) csrf: String,
    /// A sign-in under way.
    pub(crate) attempt: Option<Attempt>,
    /// The account signed in, and since when.
    pub(crate) account: Option<(&'static str, Timestamp)>,
}
