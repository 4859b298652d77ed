//! The squares in three corners of a QR code: dark, light, dark, light, dark as 1 : 1 : 3 : 1 : 1, whichever way they are crossed.

use crate::threshold::Dark;

/// No picture has use for more; so many bound what a picture full of them can cost.
const MOST: usize = 200;

/// The middle of such a square.
#[derive(Clone, Copy)]
pub(crate) struct Corner {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Pixels of one module, along a row or a column.
    pub(crate) module: f64,
    /// How many rows cross it.
    pub(crate) rows: u32,
}

/// All of a picture, those that most rows cross first.
pub(crate) fn corners(dark: &Dark) -> Vec<Corner> {
    let (width, height) = dark.size();
    let mut found: Vec<Corner> = Vec::new();
    let mut starts = Vec::new();
    for y in 0..height {
        starts.clear();
        // Where runs begin, the first one light: even ones are light, odd ones dark.
        starts.push(0);
        for x in 0..width {
            if dark.at(x, y) == (starts.len() % 2 == 1) {
                starts.push(x);
            }
        }
        starts.push(width);
        for first in (1..starts.len().saturating_sub(5)).step_by(2) {
            let runs: [usize; 5] = std::array::from_fn(|run| starts[first + run + 1] - starts[first + run]);
            let middle = starts[first + 2] + runs[2] / 2;
            if is_cross_section(runs)
                && let Some(corner) = crossed(dark, middle, y, runs.iter().sum())
            {
                add(&mut found, corner);
            }
        }
    }
    found.sort_by_key(|corner| std::cmp::Reverse(corner.rows));
    found
}

fn is_cross_section(runs: [usize; 5]) -> bool {
    let total: usize = runs.iter().sum();
    let module = total as f64 / 7.0;
    let fits = |run: usize, modules: f64| (run as f64 - modules * module).abs() < modules * module * 0.6;
    total >= 7 && fits(runs[2], 3.0) && [0, 1, 3, 4].into_iter().all(|run| fits(runs[run], 1.0))
}

/// The square around that place, if its column, and then its row, cross one too.
fn crossed(dark: &Dark, x: usize, y: usize, total: usize) -> Option<Corner> {
    let (middle_y, height) = cross(dark, (x, y), (0, 1), total)?;
    let (middle_x, width) = cross(dark, (x, middle_y as usize), (1, 0), total)?;
    let is_square = height * 2 > width && width * 2 > height;
    is_square.then(|| Corner { x: middle_x, y: middle_y, module: (width + height) as f64 / 14.0, rows: 1 })
}

/// The middle and the length of the cross section through that place, in one direction.
fn cross(dark: &Dark, (x, y): (usize, usize), (right, down): (usize, usize), longest: usize) -> Option<(f64, usize)> {
    let is_dark = |along: isize| {
        let (x, y) = (x.checked_add_signed(along * right as isize)?, y.checked_add_signed(along * down as isize)?);
        let (width, height) = dark.size();
        (x < width && y < height).then(|| dark.at(x, y))
    };
    let runs = |sign: isize| -> Option<[usize; 3]> {
        let (mut along, mut runs) = (sign, [0; 3]);
        for (run, wanted) in runs.iter_mut().zip([true, false, true]) {
            while is_dark(along) == Some(wanted) {
                (*run, along) = (*run + 1, along + sign);
                if *run > longest {
                    return None;
                }
            }
        }
        Some(runs)
    };
    if is_dark(0) != Some(true) {
        return None;
    }
    let (before, after) = (runs(-1)?, runs(1)?);
    let runs = [before[2], before[1], before[0] + 1 + after[0], after[1], after[2]];
    let at = if right == 1 { x } else { y };
    let middle = at as f64 + 0.5 + (after[0] as f64 - before[0] as f64) / 2.0;
    is_cross_section(runs).then(|| (middle, runs.iter().sum()))
}

/// The same square is crossed by many rows.
fn add(found: &mut Vec<Corner>, new: Corner) {
    let is_same = |known: &&mut Corner| {
        (known.x - new.x).abs().max((known.y - new.y).abs()) < 2.0 * known.module
            && (0.5..2.0).contains(&(known.module / new.module))
    };
    let has_room = found.len() < MOST;
    match found.iter_mut().find(is_same) {
        Some(known) => {
            let mean = |mean: f64, new: f64| (mean * f64::from(known.rows) + new) / f64::from(known.rows + 1);
            (known.x, known.y, known.module) = (mean(known.x, new.x), mean(known.y, new.y), mean(known.module, new.module));
            known.rows += 1;
        }
        None if has_room => found.push(new),
        None => {}
    }
}
