//! Long lists of values cut into pieces of a fixed size for the threads.

use rayon::prelude::*;

/// Values of a piece: large enough that handing it out costs nothing, small enough for a first-level cache.
pub(crate) const PIECE: usize = 8192;

/// Writes each piece of the output from the same piece of the input.
pub(crate) fn map(input: &[f32], output: &mut [f32], work: impl Fn(usize, &[f32], &mut [f32]) + Sync) {
    let pieces = output.par_chunks_mut(PIECE).zip(input.par_chunks(PIECE)).enumerate();
    pieces.for_each(|(piece, (output, input))| work(piece, input, output));
}
