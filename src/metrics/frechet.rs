//! The Fréchet distance between two sets of vectors, each taken as a normal distribution; the heart of FRRea.
//!
//! In:  real and generated vectors, `[rows, width]`.
//! Out: `‖μ₁ - μ₂‖² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₁ Σ₂)^½`, covariances with ddof 1.
//! Source: section 8 (FRRea); golden `frechet.*`.
//!
//! With `Σ = Aᵀ A` the eigenvalues of `Σ₁ Σ₂` are the squared singular values of `A₁ A₂ᵀ`, so the trace of the root is
//! their plain sum. This needs no matrix root and is exact for singular covariances.
//!
//! Departure: the published code adds 1e-6 to both diagonals where its matrix root is not finite, and drops an imaginary
//! part; neither can occur here.

use super::MetricsError;

/// The Fréchet distance between row-major sets of vectors of `width` numbers.
pub fn frechet_distance(real: &[f64], generated: &[f64], width: usize) -> Result<f64, MetricsError> {
    let shape = |rows: &[f64]| [rows.len().checked_div(width).unwrap_or(0), width];
    let fits = |rows: &[f64]| width > 0 && rows.len() >= 2 * width && rows.len().is_multiple_of(width);
    if !fits(real) || !fits(generated) {
        return Err(MetricsError::Frechet { real: shape(real), generated: shape(generated) });
    }
    let (first, second) = (Normal::of(real, width), Normal::of(generated, width));
    let apart: f64 = first.mean.iter().zip(&second.mean).map(|(a, b)| (a - b) * (a - b)).sum();
    let squares = |factor: &[Vec<f64>]| factor.iter().flatten().map(|value| value * value).sum::<f64>();
    let root = sum_of_singular_values(product_with_transposed(&first.factor, &second.factor));
    // Rounding may leave a tiny negative number for equal sets.
    Ok((apart + squares(&first.factor) + squares(&second.factor) - 2.0 * root).max(0.0))
}

/// A mean and a factor `A` of the covariance `Aᵀ A`, with at most `width` rows.
struct Normal {
    mean: Vec<f64>,
    factor: Vec<Vec<f64>>,
}

impl Normal {
    fn of(values: &[f64], width: usize) -> Self {
        let row_count = values.len() / width;
        let mut mean = vec![0.0; width];
        for row in values.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let mean: Vec<f64> = mean.into_iter().map(|sum| sum / row_count as f64).collect();
        let scale = 1.0 / (row_count as f64 - 1.0).sqrt();
        let centred = |row: &[f64]| row.iter().zip(&mean).map(|(value, mean)| (value - mean) * scale).collect();
        let factor = triangular_factor(values.chunks_exact(width).map(centred).collect(), width);
        Self { mean, factor }
    }
}

/// `R` with `Rᵀ R = Aᵀ A` by Householder reflections; `rows` themselves where they are not more than `width`.
fn triangular_factor(mut rows: Vec<Vec<f64>>, width: usize) -> Vec<Vec<f64>> {
    if rows.len() <= width {
        return rows;
    }
    for pivot in 0..width {
        let mut axis: Vec<f64> = rows[pivot..].iter().map(|row| row[pivot]).collect();
        axis[0] += norm(&axis).copysign(axis[0]);
        let square: f64 = axis.iter().map(|value| value * value).sum();
        if square == 0.0 {
            continue;
        }
        let mut shares = vec![0.0; width - pivot];
        for (row, weight) in rows[pivot..].iter().zip(&axis) {
            shares.iter_mut().zip(&row[pivot..]).for_each(|(share, value)| *share += weight * value);
        }
        for (row, weight) in rows[pivot..].iter_mut().zip(&axis) {
            let factor = 2.0 * weight / square;
            row[pivot..].iter_mut().zip(&shares).for_each(|(value, share)| *value -= factor * share);
        }
    }
    rows.truncate(width);
    // What is left below the diagonal is rounding.
    rows.iter_mut().enumerate().for_each(|(index, row)| row[..index].fill(0.0));
    rows
}

/// `A Bᵀ` for matrices of equal width.
fn product_with_transposed(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    a.iter().map(|row| b.iter().map(|other| dot(row, other)).collect()).collect()
}

/// The sum of all singular values, by one-sided Jacobi rotations: rows are turned until all are orthogonal; their
/// lengths are the singular values then.
fn sum_of_singular_values(mut rows: Vec<Vec<f64>>) -> f64 {
    const MOST_SWEEPS: usize = 60; // convergence is quadratic; ten sweeps are usual
    let negligible = f64::EPSILON * rows.iter().map(|row| dot(row, row)).sum::<f64>();
    for _ in 0..MOST_SWEEPS {
        let mut turned = false;
        for first in 0..rows.len() {
            let (head, tail) = rows.split_at_mut(first + 1);
            for second in tail {
                turned |= made_orthogonal(&mut head[first], second, negligible);
            }
        }
        if !turned {
            break;
        }
    }
    rows.iter().map(|row| norm(row)).sum()
}

/// Rotates two rows so that they become orthogonal; says whether they were not yet.
fn made_orthogonal(a: &mut [f64], b: &mut [f64], negligible: f64) -> bool {
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    if ab.abs() <= f64::EPSILON * (aa * bb).sqrt() || ab.abs() <= f64::EPSILON * negligible {
        return false;
    }
    let slope = (bb - aa) / (2.0 * ab);
    let tangent = 1f64.copysign(slope) / (slope.abs() + slope.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (x, y) in a.iter_mut().zip(b) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
    true
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight partial sums that vectors can hold; the order is fixed.
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f64>()
}

fn norm(values: &[f64]) -> f64 {
    dot(values, values).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension_is_the_distance_of_means_and_deviations() {
        // (μ₁ - μ₂)² + (σ₁ - σ₂)²: means 1 and 5, variances 2 and 8: 16 + 2.
        let found = frechet_distance(&[0.0, 2.0], &[3.0, 7.0], 1).unwrap();
        assert!((found - 18.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn crossed_directions_share_no_root() {
        // Variance 2 along x against variance 2 along y, equal means: 2 + 2 - 0.
        let found = frechet_distance(&[-1.0, 0.0, 1.0, 0.0], &[0.0, -1.0, 0.0, 1.0], 2).unwrap();
        assert!((found - 4.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn a_set_is_at_distance_zero_from_itself() {
        let set: Vec<f64> = (0..60).map(|index| f64::from(index * index % 17)).collect();
        assert!(frechet_distance(&set, &set, 3).unwrap() < 1e-10);
        assert!(frechet_distance(&set, &set, 30).unwrap() < 1e-10);
    }

    #[test]
    fn a_single_row_is_refused() {
        let error = frechet_distance(&[1.0, 2.0], &[1.0, 2.0, 3.0, 4.0], 2).unwrap_err().to_string();
        assert!(error.contains("found [1, 2] and [2, 2]"), "{error}");
        assert!(frechet_distance(&[], &[], 0).is_err());
    }
}
