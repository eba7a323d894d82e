//! From logits to tokens: temperature, top-k, top-p, softmax, one draw a row.
//!
//! In:  logits `[rows, vocabulary]`, one [`Sampler`] for some rows that follow each other.
//! Out: [`Drawn`]: a token and its probability per row, the same on every device, whatever else is in the batch.
//!
//! On a processor (`flex`) rows are drawn by `host.rs`, on the backends of CubeCL by `draw_kernel.rs`; both use the
//! exact arithmetic of `numbers.rs`. `reference.rs` is the published filter as it was written down.
//! Which of the drawn tokens an unmask step accepts is decided by [`Unmasked::keep`].

#[cfg(feature = "cubecl")]
mod draw_kernel;
mod host;
mod keep;
#[cfg(feature = "cubecl")]
mod keep_kernel;
#[cfg(feature = "cuda")]
pub mod lowered;
mod numbers;
#[cfg(feature = "cubecl")]
mod numbers_kernel;
mod operations;
mod problem;
pub mod reference;
#[cfg(feature = "cubecl")]
mod select_kernel;

use burn::backend::{Dispatch, DispatchTensorKind};
use burn::tensor::{Int, Tensor};

pub use host::{Candidates, probabilities};
pub use keep::{CODEBOOKS, Masking, Ties, Unmasked};
pub use operations::SamplingOps;
pub use problem::{DrawError, Filter, LARGEST_VOCABULARY, Pick, Sampler, SamplingError, fraction_bits};

/// What was drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Token of each row, `[rows]` of `i32`; 0 where none can be drawn.
    pub tokens: Tensor<1, Int>,
    /// Its probability after filtering, `[rows]` of `f32`; a number below 0 where none can be drawn, see
    /// [`SamplingError::of`].
    pub probabilities: Tensor<1>,
}

/// Draws one token from every row; equal numbers of rows follow each sampler in turn.
///
/// # Shapes
/// - `logits`: `[rows, vocabulary]`
pub fn draw(logits: Tensor<2>, samplers: &[Sampler]) -> Result<Drawn, DrawError> {
    let rows_per_sampler = problem::rows_per_sampler(logits.dims(), samplers.len())?;
    let logits = if is_tracked(&logits) { logits.inner() } else { logits };
    let (tokens, probabilities) =
        <Dispatch as SamplingOps>::draw_tokens(logits.into_dispatch(), samplers.to_vec(), rows_per_sampler);
    Ok(Drawn { tokens: Tensor::from_dispatch(tokens), probabilities: Tensor::from_dispatch(probabilities) })
}

fn is_tracked(tensor: &Tensor<2>) -> bool {
    matches!(tensor.clone().into_dispatch().kind, DispatchTensorKind::Autodiff(_))
}
