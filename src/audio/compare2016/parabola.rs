//! The vertex of a parabola through three points: peaks between the points of a grid.
//!
//! Source: `compare2016.md`, section 1.

/// Vertex `(x, y)` of the parabola through three points; where there is none, the highest of the points.
pub fn vertex(x: [f64; 3], y: [f64; 3]) -> (f64, f64) {
    let ([x1, x2, x3], [y1, y2, y3]) = (x, y);
    let (s1, s2, s3) = (x1 * x1, x2 * x2, x3 * x3);
    let determinant = s1 * x2 + s2 * x3 + s3 * x1 - s3 * x2 - s2 * x1 - s1 * x3;
    let a = (y1 * x2 + y2 * x3 + y3 * x1 - y3 * x2 - y2 * x1 - y1 * x3) / determinant;
    if determinant == 0.0 || a == 0.0 {
        return highest(x, y);
    }
    let b = (s1 * y2 + s2 * y3 + s3 * y1 - s3 * y2 - s2 * y1 - s1 * y3) / determinant;
    let c = (s1 * x2 * y3 + s2 * x3 * y1 + s3 * x1 * y2 - s3 * x2 * y1 - s2 * x1 * y3 - s1 * x3 * y2) / determinant;
    let place = -b / (2.0 * a);
    (place, c - a * place * place)
}

/// The point above both others, or the first.
fn highest(x: [f64; 3], y: [f64; 3]) -> (f64, f64) {
    let is_above = |point: usize| (0..3).all(|other| other == point || y[point] > y[other]);
    let point = (0..3).find(|point| is_above(*point)).unwrap_or(0);
    (x[point], y[point])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vertex_is_between_the_points() {
        // y = 5 - (x - 2.25)^2 at 1, 2, 3.
        let (x, y) = vertex([1.0, 2.0, 3.0], [5.0 - 1.5625, 5.0 - 0.0625, 5.0 - 0.5625]);
        assert!((x - 2.25).abs() < 1e-12 && (y - 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_line_gives_its_highest_point_and_a_plane_its_first() {
        assert_eq!(vertex([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]), (2.0, 3.0));
        assert_eq!(vertex([0.0, 1.0, 2.0], [4.0, 4.0, 4.0]), (0.0, 4.0));
        assert_eq!(vertex([1.0, 1.0, 2.0], [4.0, 5.0, 4.0]), (1.0, 5.0));
    }
}
