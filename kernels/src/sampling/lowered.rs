//! The kernels of this room as PTX, with what a launch of them takes.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;

use super::draw_kernel::{self, staged};
use super::keep_kernel;
use super::problem::{SAMPLER_WORDS, Sampler};
use super::{CODEBOOKS, Masking, Ties};
use crate::lowering::{Lowered, buffer, device, info, lower, settings, target};

/// The draw for logits `[rows, vocabulary]` of that type, with so many units a row.
///
/// Its buffers: logits, the words of the samplers ([`words`]), tokens, probabilities.
pub fn draw(
    [rows, vocabulary]: [usize; 2],
    samplers: usize,
    element: DType,
    units: u32,
    architecture: u32,
) -> Result<Lowered, String> {
    let kernel = draw_kernel::draw_kernel::DrawKernel::new(
        settings(units),
        device(),
        target(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        (),
        (),
        units as usize,
        staged(vocabulary, units as usize, device().hardware.max_shared_memory_size),
        dtype_to_storage_type(element),
    );
    let (ptx, entry, shared_bytes) = lower(&kernel, architecture)?;
    let info = info(&[rows * vocabulary, samplers * SAMPLER_WORDS, rows, rows], |scalars| {
        scalars.push(vocabulary as u32);
        scalars.push((rows / samplers) as u32);
    });
    Ok(Lowered { name: "draw".into(), entry, ptx, cubes: [rows as u32, 1, 1], units, shared_bytes, info })
}

/// Samplers as the kernel reads them.
pub fn words(samplers: &[Sampler]) -> Vec<u32> {
    samplers.iter().flat_map(|sampler| sampler.words()).collect()
}

/// An unmask step of so many reactions with so many places each.
///
/// Its buffers: probabilities and tokens that are known; probabilities drawn of each codebook, then tokens; tokens and
/// probabilities to write.
pub fn keep(
    [reactions, places]: [usize; 2],
    masking: Masking,
    units: u32,
    architecture: u32,
) -> Result<Lowered, String> {
    let kernel = keep_kernel::keep_kernel::KeepKernel::new(
        settings(units),
        device(),
        target(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        (),
        (),
        masking.ties == Ties::Ordered,
        units as usize,
    );
    let (ptx, entry, shared_bytes) = lower(&kernel, architecture)?;
    let (all, drawn) = (reactions * places, reactions * places / CODEBOOKS);
    let info = info(&[all, all, drawn, drawn, drawn, drawn, drawn, drawn, all, all], |scalars| {
        scalars.push(places as u32);
        scalars.push(masking.left.min(places) as u32);
    });
    Ok(Lowered { name: "keep".into(), entry, ptx, cubes: [reactions as u32, 1, 1], units, shared_bytes, info })
}
