//! Times a draw for every frame of a clip: our kernel on each device there is, the same from burn's sort, and the processor's
//! path.
//!
//! `cargo bench -p unifr-kernels --bench sampling`, with `--features cuda` or `cubecl-cpu` for the kernel; the rival on the
//! same machine is `benches/rivals/sampling.py`.

mod timing;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Distribution, Int, Tensor};
use timing::{Row, print, row};
use unifr_kernels::sampling::{Filter, Sampler, draw};

/// Frames of a clip, and tokens of the three codebooks.
const FRAMES: usize = 750;
const VOCABULARIES: [usize; 3] = [5976, 8000, 2710];
/// Rows on a device that is not a GPU: there the bench itself is tested.
const FEW_FRAMES: usize = 8;

/// As published: the first reaction of a clip, the online task, and two that keep more.
const FILTERS: [(&str, Filter); 4] = [
    ("top 5, p 0.05", Filter { temperature: 0.912, top_k: 5, top_p: 0.05 }),
    ("top 5", Filter { temperature: 0.33, top_k: 5, top_p: 1.0 }),
    ("p 0.33", Filter { temperature: 1.0, top_k: 0, top_p: 0.33 }),
    ("open", Filter::OPEN),
];

fn main() -> std::io::Result<()> {
    timing::on_threads(|| {
        for (name, device, frames) in devices() {
            let logits = VOCABULARIES
                .map(|vocabulary| Tensor::<2>::random([frames, vocabulary], Distribution::Normal(0.0, 3.0), &device));
            // LLVM takes minutes for burn's sort on the CubeCL CPU runtime, where few rows only test the bench.
            let has_rival = frames > FEW_FRAMES;
            let rows: Vec<Row> =
                FILTERS.iter().flat_map(|(filter, numbers)| both(filter, *numbers, &logits, has_rival)).collect();
            print(&format!("{name}: {frames} rows of {VOCABULARIES:?} tokens"), &rows)?;
        }
        Ok(())
    })
}

#[allow(clippy::vec_init_then_push, reason = "what is pushed depends on the build")]
fn devices() -> Vec<(&'static str, Device, usize)> {
    #[allow(unused_mut, reason = "the other devices come with their features")]
    let mut devices = vec![("flex", Device::flex(), FRAMES)];
    #[cfg(feature = "cubecl-cpu")]
    devices.push(("cubecl-cpu", Device::cpu(), FEW_FRAMES));
    #[cfg(feature = "cuda")]
    if unifr_kernels::has_cuda_driver() {
        devices.push(("cuda", Device::cuda(0), FRAMES));
    }
    devices
}

fn both(name: &str, filter: Filter, logits: &[Tensor<2>; 3], has_rival: bool) -> Vec<Row> {
    let samplers = [Sampler { filter, seed: 1 }];
    let mut rows = vec![row(format!("ours, {name}"), || {
        let drawn = logits.clone().map(|logits| draw(logits, &samplers).expect("one sampler for all rows").tokens);
        drop(drawn.map(Tensor::into_data));
    })];
    if has_rival {
        rows.push(row(format!("burn's sort, {name}"), || {
            drop(logits.clone().map(|logits| by_sorting(logits, filter)).map(Tensor::into_data));
        }));
    }
    rows
}

/// The filter from ordinary tensor operations: sort, add up, cut, draw.
fn by_sorting(logits: Tensor<2>, filter: Filter) -> Tensor<2, Int> {
    let [rows, vocabulary] = logits.dims();
    let (mut sorted, tokens) = (logits / filter.temperature).sort_descending_with_indices(1);
    if filter.top_k > 0 {
        let threshold = sorted.clone().narrow(1, filter.top_k.min(vocabulary) - 1, 1);
        let is_below = sorted.clone().lower(threshold.expand([rows, vocabulary]));
        sorted = sorted.mask_fill(is_below, f32::NEG_INFINITY);
    }
    if filter.top_p < 1.0 {
        let probabilities = softmax(sorted.clone(), 1);
        let before = probabilities.clone().cumsum(1) - probabilities;
        sorted = sorted.mask_fill(before.greater_elem(filter.top_p), f32::NEG_INFINITY);
    }
    let cumulative = softmax(sorted, 1).cumsum(1);
    let uniform = Tensor::<2>::random([rows, 1], Distribution::Uniform(0.0, 1.0), &cumulative.device());
    let place = cumulative.lower_equal(uniform.expand([rows, vocabulary])).int().sum_dim(1);
    tokens.gather(1, place.clamp_max(vocabulary as i64 - 1))
}
