//! Which pixels are dark, by the light around each: a picture taken with a shadow over it has no one shade between dark and light.

use zeroize::Zeroizing;

use crate::grey::Grey;
use crate::plane::Point;

/// The side of a block of pixels, and how many blocks to each side are looked at around one.
const BLOCK: usize = 8;
const AROUND: usize = 2;
/// A block whose shades differ less than this has no edge in it: it is all light or all dark.
const FLAT: u8 = 24;

/// Light and dark of a picture, of its size.
pub(crate) struct Dark {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<bool>>,
}

impl Dark {
    /// How wide and how high.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// With light and dark exchanged.
    pub(crate) fn exchange(&mut self) {
        self.pixels.iter_mut().for_each(|dark| *dark = !*dark);
    }

    /// Whether the pixel at a point is dark; outside it is paper.
    pub(crate) fn near(&self, point: Point) -> bool {
        let inside = (0.0..self.width as f64).contains(&point.0) && (0.0..self.height as f64).contains(&point.1);
        inside && self.at(point.0 as usize, point.1 as usize)
    }

    /// Whether the pixel there is dark.
    pub(crate) fn at(&self, x: usize, y: usize) -> bool {
        self.pixels[y * self.width + x]
    }
}

impl Grey {
    /// Compares each pixel with the middle shades of the blocks around it.
    pub(crate) fn dark(&self) -> Dark {
        let (width, height) = self.size();
        let (columns, rows) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        let mut middles: Zeroizing<Vec<u32>> = Zeroizing::new(Vec::with_capacity(columns * rows));
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let known = (row > 0 && column > 0).then(|| {
                let above = middles.len() - columns;
                (middles[above] + 2 * middles[middles.len() - 1] + middles[above - 1]) / 4
            });
            middles.push(self.middle(column * BLOCK, row * BLOCK, known));
        }
        let mut pixels = Zeroizing::new(vec![false; width * height]);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let near = |at: usize, all: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(all);
            let (mut sum, mut count) = (0, 0);
            for near_row in near(row, rows) {
                for middle in &middles[near_row * columns..][near(column, columns)] {
                    (sum, count) = (sum + middle, count + 1);
                }
            }
            for y in row * BLOCK..height.min((row + 1) * BLOCK) {
                for x in column * BLOCK..width.min((column + 1) * BLOCK) {
                    pixels[y * width + x] = u32::from(self.at(x, y)) <= sum / count;
                }
            }
        }
        Dark { width, height, pixels }
    }

    /// The shade between dark and light in the block that begins there. One without an edge is light, unless what is known of the
    /// blocks before it says that such a shade is dark there.
    fn middle(&self, left: usize, top: usize, known: Option<u32>) -> u32 {
        let (width, height) = self.size();
        let (mut darkest, mut lightest, mut sum, mut count) = (u8::MAX, 0, 0, 0);
        for y in top..height.min(top + BLOCK) {
            for x in left..width.min(left + BLOCK) {
                let shade = self.at(x, y);
                (darkest, lightest) = (darkest.min(shade), lightest.max(shade));
                (sum, count) = (sum + u32::from(shade), count + 1);
            }
        }
        let darkest_shade = u32::from(darkest);
        if lightest - darkest > FLAT {
            return sum / count;
        }
        known.filter(|known| darkest_shade < *known).unwrap_or(darkest_shade / 2)
    }
}
