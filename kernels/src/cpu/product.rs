//! Matrix products on slices, one thread each; the caller spreads products over threads.

use gemm::Parallelism;

/// A matrix inside a slice; either stride may be 1.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row after row without gaps.
    pub(crate) fn dense(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// Some columns of a wider matrix.
    pub(crate) fn columns_of(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn fits(&self) -> bool {
        reach(self.rows, self.columns, self.row_stride, self.column_stride) <= self.values.len()
    }
}

/// Where a product goes; rows are dense in themselves.
pub(crate) struct Target<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) row_stride: usize,
}

/// How many values a matrix reaches over, from its first to behind its last.
fn reach(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    if rows == 0 || columns == 0 { 0 } else { (rows - 1) * row_stride + (columns - 1) * column_stride + 1 }
}

/// `target = factor * left * right`, or added to what the target holds.
#[allow(unsafe_code)]
#[allow(clippy::needless_pass_by_value, reason = "the target is a borrowed slice that nobody needs afterwards")]
pub(crate) fn multiply(target: Target<'_>, left: Matrix<'_>, right: Matrix<'_>, factor: f32, add: bool) {
    assert_eq!(left.columns, right.rows, "kernels: matrices of a product do not fit together");
    assert!(left.fits() && right.fits(), "kernels: a matrix reaches behind its values");
    assert!(reach(left.rows, right.columns, target.row_stride, 1) <= target.values.len(), "kernels: target too small");
    let strides = |matrix: &Matrix<'_>| (matrix.column_stride as isize, matrix.row_stride as isize);
    let ((left_column, left_row), (right_column, right_row)) = (strides(&left), strides(&right));
    // SAFETY: the three matrices lie within their slices, as asserted above, with these sizes and strides;
    // the target is borrowed exclusively, so it overlaps neither factor, and its rows do not overlap because
    // `reach` counts columns with stride 1 and each caller's row stride is at least the number of columns.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            target.values.as_mut_ptr(),
            1,
            target.row_stride as isize,
            add,
            left.values.as_ptr(),
            left_column,
            left_row,
            right.values.as_ptr(),
            right_column,
            right_row,
            1.0,
            factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_scaled_and_added() {
        // [1 2; 3 4] * [5; 6] = [17; 39]; times 2, plus 1.
        let mut target = [1.0; 2];
        let left = Matrix::dense(&[1.0, 2.0, 3.0, 4.0], 2, 2);
        let right = Matrix::dense(&[5.0, 6.0], 2, 1);
        multiply(Target { values: &mut target, row_stride: 1 }, left, right, 2.0, true);
        assert_eq!(target.map(f32::to_bits), [35.0, 79.0].map(f32::to_bits));
    }

    #[test]
    fn a_transposed_matrix_swaps_its_strides() {
        // [1 3; 2 4] * [1; 1] = [4; 6].
        let mut target = [0.0; 2];
        let left = Matrix::dense(&[1.0, 2.0, 3.0, 4.0], 2, 2).transposed();
        multiply(Target { values: &mut target, row_stride: 1 }, left, Matrix::dense(&[1.0, 1.0], 2, 1), 1.0, false);
        assert_eq!(target.map(f32::to_bits), [4.0, 6.0].map(f32::to_bits));
    }
}
