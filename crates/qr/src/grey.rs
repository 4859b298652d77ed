//! A picture in shades of grey.

use zeroize::Zeroizing;

use crate::MAX_PIXELS;

/// Below this many pixels a side, a code has too few for each of its modules.
const SMALLEST: usize = 160;

/// Pixels from 0, black, to 255, white, row by row.
#[derive(Clone)]
pub(crate) struct Grey {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<u8>>,
}

impl Grey {
    /// From pixels of one to four bytes: grey, grey and alpha, colours, colours and alpha. Paper shows where it is transparent.
    /// None unless there are exactly as many as the size says.
    pub(crate) fn new(width: usize, height: usize, channels: usize, bytes: &[u8]) -> Option<Self> {
        let count = width.checked_mul(height).filter(|count| *count > 0)?;
        if !(1..=4).contains(&channels) || bytes.len() != count.checked_mul(channels)? {
            return None;
        }
        let mut pixels = Zeroizing::new(Vec::with_capacity(count));
        pixels.extend(bytes.chunks_exact(channels).map(|pixel| match *pixel {
            [grey] => grey,
            [grey, alpha] => on_paper(grey, alpha),
            [red, green, blue] => lightness(red, green, blue),
            [red, green, blue, alpha] => on_paper(lightness(red, green, blue), alpha),
            _ => u8::MAX,
        }));
        Some(Self { width, height, pixels })
    }

    /// How wide and how high.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The shade at a place within its size.
    pub(crate) fn at(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.width + x]
    }

    /// Half as wide and half as high; none if that is too small for a code.
    pub(crate) fn halved(&self) -> Option<Self> {
        let (width, height) = (self.width / 2, self.height / 2);
        (width >= SMALLEST && height >= SMALLEST).then(|| {
            Self::drawn(width, height, |x, y| {
                [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| (self.at(2 * x + right, 2 * y + down), 1))
            })
        })
    }

    /// Twice as wide and twice as high, each pixel between its neighbours; none if that is larger than a picture may be.
    pub(crate) fn doubled(&self) -> Option<Self> {
        let (width, height) = (self.width * 2, self.height * 2);
        let near = |at: usize, size: usize| match at % 2 {
            0 => (at / 2, (at / 2).saturating_sub(1)),
            _ => (at / 2, (at / 2 + 1).min(size - 1)),
        };
        (width * height <= MAX_PIXELS).then(|| {
            Self::drawn(width, height, |x, y| {
                let ((x, next), (y, beside)) = (near(x, self.width), near(y, self.height));
                [(self.at(x, y), 9), (self.at(next, y), 3), (self.at(x, beside), 3), (self.at(next, beside), 1)]
            })
        })
    }

    /// Each pixel the mean of the nine around it.
    pub(crate) fn blurred(&self) -> Self {
        let near = |at: usize, size: usize| [at.saturating_sub(1), at, (at + 1).min(size - 1)];
        Self::drawn(self.width, self.height, |x, y| {
            let columns = near(x, self.width);
            let [above, here, below] = near(y, self.height).map(|y| columns.map(|x| (self.at(x, y), 1)));
            [above[0], above[1], above[2], here[0], here[1], here[2], below[0], below[1], below[2]]
        })
    }

    /// A picture whose pixels are the means of others, by their weights.
    fn drawn<const N: usize>(width: usize, height: usize, of: impl Fn(usize, usize) -> [(u8, u32); N]) -> Self {
        let mut pixels = Zeroizing::new(Vec::with_capacity(width * height));
        for y in 0..height {
            pixels.extend((0..width).map(|x| {
                let parts = of(x, y);
                let sum: u32 = parts.iter().map(|(shade, weight)| u32::from(*shade) * weight).sum();
                (sum / parts.iter().map(|(_, weight)| weight).sum::<u32>()) as u8
            }));
        }
        Self { width, height, pixels }
    }
}

/// How light a colour is to the eye (ITU-R BT.601).
fn lightness(red: u8, green: u8, blue: u8) -> u8 {
    ((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue)) >> 8) as u8
}

fn on_paper(grey: u8, alpha: u8) -> u8 {
    u8::MAX - (u32::from(u8::MAX - grey) * u32::from(alpha) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_pixel_becomes_a_shade() {
        let grey = |channels, bytes: &[u8]| Grey::new(2, 1, channels, bytes).map(|grey| grey.pixels.to_vec());
        assert_eq!(grey(1, &[0, 200]), Some(vec![0, 200]));
        assert_eq!(grey(2, &[0, 255, 0, 0]), Some(vec![0, 255]), "black, and nothing on paper");
        assert_eq!(grey(3, &[255, 255, 255, 0, 0, 0]), Some(vec![255, 0]));
        assert_eq!(grey(4, &[0, 0, 0, 255, 0, 0, 0, 127]), Some(vec![0, 128]));
        assert_eq!(grey(1, &[0]), None, "fewer than the size says");
        assert!(Grey::new(0, 1, 1, &[]).is_none());
    }

    #[test]
    fn sizes_change_within_their_bounds() {
        let large = Grey::new(321, 320, 1, &[0, 255].repeat(321 * 160)).expect("a picture");
        let half = large.halved().expect("large enough");
        assert_eq!((half.size(), half.at(0, 0)), ((160, 160), 127));
        assert!(half.halved().is_none(), "a code would be lost");
        let pair = Grey::new(2, 1, 1, &[0, 160]).expect("a picture");
        assert_eq!(*pair.doubled().expect("small enough").pixels, [0, 40, 120, 160, 0, 40, 120, 160]);
        assert_eq!(*pair.blurred().pixels, [53, 106]);
        let largest = Grey::new(4000, 4000, 1, &vec![0; MAX_PIXELS]).expect("a picture");
        assert!(largest.doubled().is_none());
    }
}
