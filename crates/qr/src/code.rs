//! A code by its three corners: which corners belong together, where its modules are, and what they say.
//!
//! What it says is decoded by `rqrr`, which checks and corrects it. That library could find codes too, but what that costs grows
//! with the third power of what looks like a corner; here it is bounded.

use freehold_core::SecretBytes;
use rqrr::{Grid, MAX_PAYLOAD_SIZE, SimpleGrid};
use zeroize::Zeroizing;

use crate::QrError;
use crate::corners::{Corner, corners};
use crate::plane::{Point, Projection};
use crate::threshold::Dark;

/// Corners that are looked at, those crossed by most rows first, and threes of them, those most like a code's first.
const CORNERS: usize = 24;
const THREES: usize = 24;
/// A corner that fewer rows cross is chance.
const ROWS: u32 = 3;
/// How far the fourth point may be from where three corners let expect it, in modules, and in which steps it is looked for.
const REACH: i32 = 8;
const STEP: f64 = 0.5;
/// Of the 25 modules of that point, those that have to fit.
const FIT: usize = 21;

/// What the codes of a picture say, each once; none are an error.
pub(crate) fn codes(dark: &Dark) -> Result<Vec<SecretBytes>, QrError> {
    let mut corners = corners(dark);
    corners.truncate(CORNERS);
    let threes = threes(&corners);
    let mut is_read = vec![false; corners.len()];
    let mut found: Vec<SecretBytes> = Vec::new();
    for three in threes.iter().take(THREES) {
        if three.corners.iter().any(|corner| is_read[*corner]) {
            continue;
        }
        if let Some(said) = three.read(dark) {
            three.corners.iter().for_each(|corner| is_read[*corner] = true);
            if !found.iter().any(|known| is_same(known, &said)) {
                found.push(said);
            }
        }
    }
    match (found.is_empty(), threes.is_empty()) {
        (false, _) => Ok(found),
        (true, false) => Err(QrError::Unreadable),
        (true, true) => Err(QrError::NoCode),
    }
}

/// Three corners that may be a code's.
struct Three {
    corners: [usize; 3],
    top_left: Point,
    top_right: Point,
    bottom_left: Point,
    /// Modules from the first to either other, as it seems.
    modules: f64,
    /// How unlike a code's they are; 0 is a square seen from straight above.
    unlike: f64,
}

fn threes(corners: &[Corner]) -> Vec<Three> {
    let mut threes = Vec::new();
    for first in 0..corners.len() {
        for second in 0..first {
            for third in 0..second {
                threes.extend(Three::new(corners, [first, second, third]));
            }
        }
    }
    threes.sort_by(|one, other| one.unlike.total_cmp(&other.unlike));
    threes
}

impl Three {
    fn new(all: &[Corner], corners: [usize; 3]) -> Option<Self> {
        let of = corners.map(|corner| all[corner]);
        let points = of.map(|corner| Point(corner.x, corner.y));
        let sides = [0, 1, 2].map(|at| points[(at + 1) % 3].distance(points[(at + 2) % 3]));
        // The longest side is across from the corner between the two others.
        let between = (0..3).max_by(|one, other| sides[*one].total_cmp(&sides[*other]))?;
        let (top_left, one, other) = (points[between], points[(between + 1) % 3], points[(between + 2) % 3]);
        let (leg, other_leg) = (sides[(between + 2) % 3], sides[(between + 1) % 3]);
        let turn = (one.0 - top_left.0) * (other.1 - top_left.1) - (one.1 - top_left.1) * (other.0 - top_left.0);
        let (top_right, bottom_left) = if turn > 0.0 { (one, other) } else { (other, one) };
        let modules = of.map(|corner| corner.module);
        let (smallest, largest) = (modules.into_iter().fold(f64::MAX, f64::min), modules.into_iter().fold(0.0, f64::max));
        // A row crosses a code that is turned at an angle, and what it crosses seems longer.
        let straight =
            [one, other].map(|end| (end.0 - top_left.0).abs().max((end.1 - top_left.1).abs()) / end.distance(top_left));
        let module = modules.iter().sum::<f64>() / 3.0 * (straight[0] + straight[1]) / 2.0;
        let unlike = (leg / other_leg).ln().abs()
            + (sides[between].powi(2) / (leg.powi(2) + other_leg.powi(2)) - 1.0).abs()
            + (largest / smallest).ln();
        let modules = (leg + other_leg) / 2.0 / module;
        let fits = unlike < 1.0 && (12.0..180.0).contains(&modules) && of.iter().all(|corner| corner.rows >= ROWS);
        fits.then_some(Self { corners, top_left, top_right, bottom_left, modules, unlike })
    }

    /// What the code says. Its size is what it seems to be, or one of those beside: only what was checked is taken.
    fn read(&self, dark: &Dark) -> Option<SecretBytes> {
        let version = ((self.modules - 10.0) / 4.0).round() as i32;
        [0, -1, 1, -2, 2].into_iter().map(|more| version + more).filter(|version| (1..=40).contains(version)).find_map(
            |version| {
                let size = 17 + 4 * version as usize;
                let fourth = self.fourth(dark, size);
                let corner = self.place(size, size as f64 - 3.5, size as f64 - 3.5);
                let ends = [fourth.map(|point| (size as f64 - 6.5, point)), Some((size as f64 - 3.5, corner))];
                ends.into_iter().flatten().find_map(|(at, point)| self.read_as(dark, size, at, point))
            },
        )
    }

    /// Where a place counted in modules is, were the code seen from straight above.
    fn place(&self, size: usize, right: f64, down: f64) -> Point {
        let all = size as f64 - 7.0;
        let there = self.top_left.plus(self.top_left, self.top_right, (right - 3.5) / all);
        there.plus(self.top_left, self.bottom_left, (down - 3.5) / all)
    }

    /// The middle of the small square near the fourth corner, which shows the angle at which the code is seen.
    fn fourth(&self, dark: &Dark, size: usize) -> Option<Point> {
        let middle = size as f64 - 6.5;
        let fit = |right: f64, down: f64| {
            let modules = (0..25).map(|at| (f64::from(at % 5) - 2.0, f64::from(at / 5) - 2.0));
            modules
                .filter(|(x, y)| {
                    let is_dark = x.abs().max(y.abs()) != 1.0;
                    dark.near(self.place(size, right + x, down + y)) == is_dark
                })
                .count()
        };
        let (mut best, mut sum, mut count) = (FIT, (0.0, 0.0), 0);
        for (right, down) in (-REACH..=REACH).flat_map(|right| (-REACH..=REACH).map(move |down| (right, down))) {
            let (right, down) = (middle + f64::from(right) * STEP, middle + f64::from(down) * STEP);
            let fits = fit(right, down);
            if fits > best {
                (best, sum, count) = (fits, (0.0, 0.0), 0);
            }
            if fits == best {
                (sum, count) = ((sum.0 + right, sum.1 + down), count + 1);
            }
        }
        let count = (count > 0).then(|| f64::from(count))?;
        Some(self.place(size, sum.0 / count, sum.1 / count))
    }

    /// What it says, if it has that size and the place `at`, `at` is at that point.
    fn read_as(&self, dark: &Dark, size: usize, at: f64, point: Point) -> Option<SecretBytes> {
        let far = size as f64 - 3.5;
        let modules = [Point(3.5, 3.5), Point(far, 3.5), Point(at, at), Point(3.5, far)];
        let seen = Projection::new(modules, [self.top_left, self.top_right, point, self.bottom_left]);
        let module = |x: usize, y: usize| dark.near(seen.of(Point(x as f64 + 0.5, y as f64 + 0.5)));
        let grid = Grid::new(SimpleGrid::from_func(size, module));
        let mut said = Zeroizing::new(Vec::with_capacity(MAX_PAYLOAD_SIZE));
        grid.decode_to(&mut *said).ok()?;
        (!said.is_empty()).then(|| SecretBytes::new(std::mem::take(&mut *said)))
    }
}

#[expect(clippy::disallowed_methods, reason = "both are from the same picture, and neither leaves")]
fn is_same(one: &SecretBytes, other: &SecretBytes) -> bool {
    one.expose() == other.expose()
}
