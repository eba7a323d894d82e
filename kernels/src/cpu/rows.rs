//! One buffer whose rows are written by many threads, each row by one of them.

use std::marker::PhantomData;

/// Rows of equal width that threads may write at the same time.
pub(crate) struct Rows<'a> {
    first: *mut f32,
    count: usize,
    width: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: rows are only reached through `row`, whose callers promise that no row is held twice.
#[allow(unsafe_code)]
unsafe impl Sync for Rows<'_> {}

impl<'a> Rows<'a> {
    pub(crate) fn new(values: &'a mut [f32], width: usize) -> Self {
        let count = values.len().checked_div(width).unwrap_or(0);
        Self { first: values.as_mut_ptr(), count, width, borrowed: PhantomData }
    }

    /// One row, to write.
    ///
    /// # Safety
    /// No other thread, and no other borrow, may hold the same row.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub(crate) unsafe fn row(&self, index: usize) -> &mut [f32] {
        assert!(index < self.count, "kernels: row {index} of {}", self.count);
        // SAFETY: the row lies inside the borrowed buffer, as asserted; the caller holds it alone.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(index * self.width), self.width) }
    }
}
