//! Points of a picture, and where a code's modules are among them when it is seen at an angle.

/// A point, to the right and down.
#[derive(Clone, Copy)]
pub(crate) struct Point(pub(crate) f64, pub(crate) f64);

impl Point {
    /// This one, gone on by so many of the way from another to a third.
    pub(crate) fn plus(self, from: Point, to: Point, of_the_way: f64) -> Self {
        Self(self.0 + (to.0 - from.0) * of_the_way, self.1 + (to.1 - from.1) * of_the_way)
    }

    /// How far it is to another.
    pub(crate) fn distance(self, other: Point) -> f64 {
        (self.0 - other.0).hypot(self.1 - other.1)
    }
}

/// What takes points of one plane to those of another.
pub(crate) struct Projection([[f64; 3]; 3]);

impl Projection {
    /// The one that takes four points to four others, both in order around.
    pub(crate) fn new(from: [Point; 4], to: [Point; 4]) -> Self {
        let (from, to) = (of_the_square(from), of_the_square(to));
        let back = adjugate(from);
        Self(std::array::from_fn(|row| {
            std::array::from_fn(|column| (0..3).map(|inner| to[row][inner] * back[inner][column]).sum())
        }))
    }

    /// Where it takes a point.
    pub(crate) fn of(&self, Point(x, y): Point) -> Point {
        let [a, b, c] = self.0.map(|row| row[0] * x + row[1] * y + row[2]);
        Point(a / c, b / c)
    }
}

/// Takes the corners of the unit square to these (Heckbert, "Fundamentals of Texture Mapping and Image Warping", section 2.2.3).
fn of_the_square([p0, p1, p2, p3]: [Point; 4]) -> [[f64; 3]; 3] {
    let sum = Point(p0.0 - p1.0 + p2.0 - p3.0, p0.1 - p1.1 + p2.1 - p3.1);
    let (one, three) = (Point(p1.0 - p2.0, p1.1 - p2.1), Point(p3.0 - p2.0, p3.1 - p2.1));
    let scale = one.0 * three.1 - three.0 * one.1;
    let g = (sum.0 * three.1 - three.0 * sum.1) / scale;
    let h = (one.0 * sum.1 - sum.0 * one.1) / scale;
    [
        [p1.0 - p0.0 + g * p1.0, p3.0 - p0.0 + h * p3.0, p0.0],
        [p1.1 - p0.1 + g * p1.1, p3.1 - p0.1 + h * p3.1, p0.1],
        [g, h, 1.0],
    ]
}

/// The inverse, but for a factor, which a projection does not mind.
fn adjugate(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |row: usize, column: usize| {
        let [r, s] = [(row + 1) % 3, (row + 2) % 3];
        let [c, d] = [(column + 1) % 3, (column + 2) % 3];
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    std::array::from_fn(|row| std::array::from_fn(|column| minor(column, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_points_go_where_they_should() {
        let from = [Point(3.5, 3.5), Point(21.5, 3.5), Point(18.5, 18.5), Point(3.5, 21.5)];
        let to = [Point(10.0, 12.0), Point(90.0, 20.0), Point(80.0, 70.0), Point(15.0, 95.0)];
        let projection = Projection::new(from, to);
        for (from, to) in from.into_iter().zip(to) {
            assert!(projection.of(from).distance(to) < 1e-9);
        }
    }
}
