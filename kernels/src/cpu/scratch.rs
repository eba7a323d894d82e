//! Working memory of a thread, kept from one call to the next.
//!
//! Measured: fresh buffers of half a megabyte per block cost as many page faults as the block has arithmetic.

use std::cell::RefCell;

thread_local! {
    static KEPT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends `length` values of no particular content.
pub(crate) fn with<R>(length: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    KEPT.with_borrow_mut(|kept| {
        if kept.len() < length {
            kept.resize(length, 0.0);
        }
        work(&mut kept[..length])
    })
}
