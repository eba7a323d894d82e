//! Times the GPU kernels of attention: ours under every rule, burn's own, and the plain composition; forward, and forward
//! with backward; cached decoding.
//!
//! `cargo bench -p unifr-kernels --features cuda --bench gpu_attention [-- --json FILE]` on a machine with a GPU, with
//! `--features cubecl-cpu` on one without (small sizes: the same kernels, to test the bench itself). The rival on the same
//! machine is `benches/rivals/gpu_attention.py`.

mod floor;

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{DType, Device, Distribution, FloatDType, Tensor, module};
use floor::{Peak, Timed, Work, report, seconds};
use unifr_kernels::attention::{attention, reference};
use unifr_kernels::{AttentionProblem, Dropout, MaskRule};

/// Materialised scores of more than this many bytes are not tried.
const MOST_SCORES_BYTES: usize = 4 << 30;

/// Batch, heads, queries, keys, width of a head.
type Shape = [usize; 5];
type Function = Box<dyn Fn([Tensor<4>; 3]) -> Tensor<4>>;

fn main() -> std::io::Result<()> {
    let devices = devices();
    if devices.is_empty() {
        eprintln!("no GPU here; build with `--features cubecl-cpu` to run the kernels on the processor");
    }
    devices.iter().try_for_each(on_device)
}

/// A device with what is timed on it.
struct Bench {
    name: &'static str,
    device: Device,
    peak: Peak,
    elements: Vec<FloatDType>,
    shapes: Vec<Shape>,
    /// Whether burn's own ways are timed beside ours.
    has_rivals: bool,
}

#[allow(clippy::vec_init_then_push, reason = "each is there with its feature")]
fn devices() -> Vec<Bench> {
    #[allow(unused_mut, reason = "as above")]
    let mut devices = Vec::new();
    #[cfg(feature = "cuda")]
    if let Some(peak) = Peak::of_cuda() {
        devices.push(Bench {
            name: "cuda",
            device: Device::cuda(0),
            peak,
            elements: vec![FloatDType::BF16, FloatDType::F16, FloatDType::F32],
            shapes: vec![[1, 12, 4501, 4501, 64], [1, 12, 6, 4501, 64], [10, 12, 6, 4501, 64]],
            has_rivals: true,
        });
    }
    // LLVM takes minutes for burn's matrix products on this runtime, so ours stand alone.
    #[cfg(feature = "cubecl-cpu")]
    devices.push(Bench {
        name: "cubecl-cpu",
        device: Device::cpu(),
        peak: Peak::measured(&Device::flex()),
        elements: vec![FloatDType::F32],
        shapes: vec![[1, 2, 301, 301, 64], [1, 2, 6, 301, 64]],
        has_rivals: false,
    });
    devices
}

fn on_device(bench: &Bench) -> std::io::Result<()> {
    let mut rows = Vec::new();
    for element in &bench.elements {
        for shape in &bench.shapes {
            for (name, pairs, function) in ways(*shape, bench.has_rivals) {
                rows.extend(both(&name, pairs, *shape, *element, &bench.device, &function));
            }
        }
    }
    report(bench.name, &bench.peak, &rows)
}

/// Name, pairs of query and key that are looked at, and what to run.
fn ways([batch, heads, queries, keys, _]: Shape, has_rivals: bool) -> Vec<(String, f64, Function)> {
    let first_query = keys - queries;
    let pairs = |rule: MaskRule| -> f64 {
        let seen = |query| (0..keys).filter(|key| rule.allows(first_query + query, *key)).count();
        (batch * heads) as f64 * (0..queries).map(seen).sum::<usize>() as f64
    };
    let ours = |name: &str, rule: MaskRule, dropout: Option<Dropout>| -> (String, f64, Function) {
        let problem = AttentionProblem { first_query, dropout, ..AttentionProblem::whole(rule) };
        let run =
            move |[query, key, value]: [Tensor<4>; 3]| attention(query, key, value, &problem).expect("shapes fit");
        (format!("ours, {name}"), pairs(rule), Box::new(run))
    };
    let dropout = Some(Dropout { probability: 0.1, seed: 1 });
    let mut ways = vec![
        ours("full", MaskRule::Full, None),
        ours("published 1", MaskRule::Published { online_step: 1 }, None),
        ours("frame-causal 1", MaskRule::FrameCausal { online_step: 1 }, None),
    ];
    if queries == keys {
        ways.push(ours("full, dropout", MaskRule::Full, dropout));
        ways.push(ours("published 1, dropout", MaskRule::Published { online_step: 1 }, dropout));
        ways.push(ours("frame-causal 1, dropout", MaskRule::FrameCausal { online_step: 1 }, dropout));
    }
    if !has_rivals {
        return ways;
    }
    let problem = AttentionProblem { first_query, ..AttentionProblem::whole(MaskRule::Full) };
    if batch * heads * queries * keys * size_of::<f32>() <= MOST_SCORES_BYTES {
        let run: Function = Box::new(move |[q, k, v]| reference::attention(q, k, v, &problem));
        ways.push(("composition, full".into(), pairs(MaskRule::Full), run));
    }
    let burns: Function =
        Box::new(|[q, k, v]| module::attention(q, k, v, None, None, AttentionModuleOptions::default()));
    ways.push(("burn's, full".into(), pairs(MaskRule::Full), burns));
    ways
}

fn both(name: &str, pairs: f64, shape: Shape, element: FloatDType, device: &Device, run: &Function) -> Vec<Timed> {
    let [batch, heads, queries, keys, width] = shape;
    let random = |tokens: usize| {
        Tensor::<4>::random([batch, tokens, heads, width], Distribution::Normal(0.0, 1.0), device)
            .cast(element)
            .swap_dims(1, 2)
    };
    let inputs = [random(queries), random(keys), random(keys)];
    let element = DType::from(element);
    let bytes_each = element.size() as f64;
    let [long, short] = [queries, keys].map(|tokens| (batch * heads * tokens * width) as f64 * bytes_each);
    let shape = format!("{batch} x {heads} x {queries} x {keys} x {width} {element:?}");
    // Two products forward, five backward, two operations each.
    let forward = Work { flops: 4.0 * pairs * width as f64, bytes: 2.0 * (long + short), element };
    let whole = Work { flops: 14.0 * pairs * width as f64, bytes: 6.0 * long + 6.0 * short, element };
    let time = seconds(device, || drop(run(inputs.clone())));
    let mut rows = vec![Timed { name: format!("{name}: forward"), shape: shape.clone(), work: forward, seconds: time }];
    if queries == keys {
        let direction = random(queries).autodiff();
        let time = seconds(device, || {
            let inputs = inputs.clone().map(|input| input.autodiff().require_grad());
            drop((run(inputs) * direction.clone()).sum().backward());
        });
        rows.push(Timed { name: format!("{name}: forward, backward"), shape, work: whole, seconds: time });
    }
    rows
}
