//! A picture of a QR code in the place of a seed.

use freehold_core::{Problem, ProblemCode, SecretBytes};
use freehold_vault::otp_seed;

pub use freehold_qr::{MAX_BYTES as MOST_PICTURE_BYTES, is_picture};

/// The seed in a PNG, JPEG or WebP of the QR code that an authenticator app is to scan: what its `otpauth://` URI would have given.
/// Takes up to seconds for a large picture, and keeps nothing of it.
///
/// # Errors
/// Says what is wrong with the picture or with what its code is for, and repeats nothing of either.
pub fn seed_in_picture(picture: &SecretBytes) -> Result<SecretBytes, Problem> {
    let said = freehold_qr::read(picture).map_err(|error| {
        bad(error.to_string(), "A picture of the screen is enough, or paste the key that is shown beside the code.")
    })?;
    otp_seed::from_qr_code(&said)
        .map_err(|error| bad(error.to_string(), "Look again at what the provider's page shows for the app."))
}

/// The reasons are written to follow a name, and stand alone here.
fn bad(what: String, next: &str) -> Problem {
    let mut letters = what.chars();
    let what = letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default();
    Problem::new(ProblemCode::BadInput, what, next)
}
