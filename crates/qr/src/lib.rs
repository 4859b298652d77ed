//! What a QR code in a picture says: in memory alone, with the picture's size bounded before anything is unpacked.
//!
//! Pictures are the one kind of file from outside that the server itself unpacks, so they have a crate of their own. Everything
//! held here is wiped; what the decoders hold for themselves while they work (some rows, a code's bits) is freed and not
//! wiped.

mod code;
mod corners;
mod grey;
mod plane;
mod threshold;
mod unpack;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::code::codes;
use crate::grey::Grey;
use freehold_core::SecretBytes;

/// The most bytes of a picture: what a phone's camera makes, and a screenshot many times over.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The most pixels of one.
pub const MAX_PIXELS: usize = 16_000_000;

/// Why nothing was read. Nothing here repeats what a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// No picture of a kind that is known here.
    #[error("this is no picture that can be read here: give a PNG, JPEG or WebP")]
    UnknownFormat,
    /// It begins as a picture and cannot be unpacked.
    #[error("this picture is damaged or incomplete: take it again")]
    Damaged,
    /// Too many bytes.
    #[error("this picture is larger than {} MiB: cut out the QR code alone", MAX_BYTES / 1024 / 1024)]
    TooManyBytes,
    /// Too many pixels.
    #[error("this picture has more than {} million pixels: cut out the QR code alone", MAX_PIXELS / 1_000_000)]
    TooManyPixels,
    /// Nothing like a QR code.
    #[error("there is no QR code in this picture: take one that shows the whole code, with the white around it")]
    NoCode,
    /// A code that cannot be made out.
    #[error("the QR code in this picture cannot be made out: take it again, straight and sharp")]
    Unreadable,
    /// Codes that say different things.
    #[error("there is more than one QR code in this picture: cut out the one for the authenticator app")]
    Several,
}

/// Whether these bytes begin as one of the pictures do that are read here. No text does.
pub fn is_picture(bytes: &[u8]) -> bool {
    unpack::format(bytes).is_some()
}

/// What the one QR code in a PNG, JPEG or WebP says.
///
/// # Errors
/// As [`QrError`] says. Two codes that say the same count as one.
#[expect(clippy::disallowed_methods, reason = "a picture of a secret is unpacked here and nowhere else")]
pub fn read(picture: &SecretBytes) -> Result<SecretBytes, QrError> {
    /// A picture takes a few times its pixels in memory; many at once would add up.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if picture.len() > MAX_BYTES {
        return Err(QrError::TooManyBytes);
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // Pictures are made elsewhere, and the decoders index as they go: one they do not expect is their error, not the server's.
    catch_unwind(AssertUnwindSafe(|| find(&unpack::unpack(picture.expose())?))).unwrap_or(Err(QrError::Damaged))
}

/// The picture as it is; larger, where a module is few pixels; and smaller, where grain is as large as the edges of a code.
const LOOKS: [fn(&Grey) -> Option<Grey>; 6] = [
    |picture| Some(picture.clone()),
    Grey::doubled,
    |picture| Some(picture.doubled()?.blurred()),
    Grey::halved,
    |picture| picture.halved()?.halved(),
    |picture| picture.halved()?.halved()?.halved(),
];

/// Looks until there is a code, each time with light and dark exchanged too.
fn find(picture: &Grey) -> Result<SecretBytes, QrError> {
    let mut failed = QrError::NoCode;
    for look in LOOKS {
        let Some(picture) = look(picture) else { continue };
        let mut dark = picture.dark();
        for _ in 0..2 {
            match codes(&dark) {
                Ok(mut said) if said.len() == 1 => return said.pop().ok_or(failed),
                Ok(_) => return Err(QrError::Several),
                Err(QrError::NoCode) => {}
                Err(why) => failed = why,
            }
            dark.exchange();
        }
    }
    Err(failed)
}
