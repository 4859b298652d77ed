//! What the watched page looks like to whoever watches, whatever it came by.

use std::time::{Duration, Instant};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// How large every watched page is, in pixels.
pub(crate) const SIZE: (u32, u32) = (1280, 800);
/// Where it is pressed.
pub(crate) const PRESSED: (u32, u32) = (600, 400);
/// The pixel that is looked at: of pictures that come in parts, the last.
pub(crate) const CORNER: (u32, u32) = (SIZE.0 - 8, SIZE.1 - 8);
/// How long anything may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// A click that shows nothing for so long is not shown at all.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// Nothing comes any more after so long without anything.
const QUIET: Duration = Duration::from_millis(250);

/// A page that is watched and can be pressed.
pub(crate) trait Screen {
    /// What it comes by.
    fn name(&self) -> &'static str;
    /// Presses the mouse's button on it, or lets go.
    fn press(&mut self, down: bool);
    /// Whether the next picture, within that time, is dark in its corner.
    fn is_dark(&mut self, patience: Duration) -> Option<bool>;
}

/// One that comes as whole pictures.
pub(crate) trait Cast: Screen {
    /// The next picture within that time, a JPEG.
    fn picture(&mut self, patience: Duration) -> Option<Vec<u8>>;

    /// Waits until no more pictures come.
    fn settle(&mut self) {
        while self.picture(QUIET).is_some() {}
    }

    /// Shows one picture more at least, and waits until no more come.
    fn settle_anew(&mut self) {
        self.picture(LIMIT).expect("a picture");
        self.settle();
    }
}

/// A picture that is decoded.
pub(crate) struct Picture {
    grey: Vec<u8>,
    width: usize,
}

impl Picture {
    pub(crate) fn decode(jpeg: &[u8]) -> Self {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let grey = decoder.decode().expect("a JPEG");
        let (width, _) = decoder.dimensions().expect("decoded");
        Self { grey, width }
    }

    pub(crate) fn is_dark(&self, (x, y): (u32, u32)) -> bool {
        self.grey[y as usize * self.width + x as usize] < 128
    }

    /// How old what `pages/moves.html` shows is, in milliseconds, at that time since the epoch.
    pub(crate) fn age(&self, now: i64) -> i64 {
        let made = (0..16).map(|bit| i64::from(self.is_dark((16 * bit + 8, 8))) << bit).sum::<i64>();
        // Somewhat into the future would be a clock that differs, which it cannot.
        (now - made).rem_euclid(1 << 16)
    }
}

/// Presses once; how long until a decoded picture shows what came of it, in milliseconds. `None` where none did: under load Chromium
/// now and then makes no picture of a last change, with Freehold or without.
pub(crate) fn click(screen: &mut dyn Screen, was_dark: &mut bool) -> Option<f64> {
    let begun = Instant::now();
    screen.press(true);
    let shown = loop {
        match screen.is_dark(LOST_AFTER) {
            Some(dark) if dark == *was_dark => {}
            other => break other,
        }
    };
    let took = begun.elapsed();
    screen.press(false);
    if let Some(dark) = shown {
        *was_dark = dark;
        return Some(took.as_secs_f64() * 1e3);
    }
    // One press more brings a picture again, whichever way the page has turned by then.
    screen.press(true);
    screen.press(false);
    let next = screen.is_dark(LIMIT);
    *was_dark = next.unwrap_or_else(|| panic!("{} shows nothing any more", screen.name()));
    while let Some(dark) = screen.is_dark(QUIET) {
        *was_dark = dark;
    }
    None
}
