//! Times attention on two threads (`-- 1`: on one): our fast path, its reference, and burn's own; forward, and forward with backward.
//!
//! `cargo bench -p unifr-kernels --bench attention`; the rival on the same machine is `benches/rivals/attention.py`.
//! `--bench blocks` beside it times whole blocks.

mod timing;

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Distribution, Tensor, module};
use timing::{Row, print, row};
use unifr_kernels::attention::{attention, reference};
use unifr_kernels::{AttentionProblem, Dropout, MaskRule};

/// Batch, heads, tokens, width of a head: the demo's, a middle-sized model's, the published model's.
const SHAPES: [[usize; 4]; 3] = [[1, 4, 601, 24], [1, 4, 901, 64], [1, 12, 4501, 64]];
/// Materialised scores of more than this many bytes are not tried.
const MOST_SCORES_BYTES: usize = 1 << 29;

type Function = Box<dyn Fn([Tensor<4>; 3]) -> Tensor<4>>;

fn main() -> std::io::Result<()> {
    timing::on_threads(|| {
        for shape in SHAPES {
            let [batch, heads, tokens, width] = shape;
            let rows: Vec<Row> =
                ways(shape).into_iter().flat_map(|(name, function)| both(&name, shape, &function)).collect();
            print(&format!("{batch} x {heads} heads x {tokens} tokens x {width}"), &rows)?;
        }
        Ok(())
    })
}

fn ways([batch, heads, tokens, _]: [usize; 4]) -> Vec<(String, Function)> {
    let whole = |rule| AttentionProblem::whole(rule).with_dropout(Some(Dropout { probability: 0.1, seed: 1 }));
    let ours = |name: &str, problem: AttentionProblem| -> (String, Function) {
        let run =
            move |[query, key, value]: [Tensor<4>; 3]| attention(query, key, value, &problem).expect("shapes fit");
        (format!("ours, {name}"), Box::new(run))
    };
    let mut ways = vec![
        ours("full, no dropout", AttentionProblem::whole(MaskRule::Full)),
        ours("full", whole(MaskRule::Full)),
        ours("published 1", whole(MaskRule::Published { online_step: 1 })),
        ours("frame-causal 5", whole(MaskRule::FrameCausal { online_step: 5 })),
    ];
    if batch * heads * tokens * tokens * size_of::<f32>() <= MOST_SCORES_BYTES {
        let problem = whole(MaskRule::Full);
        ways.push(("reference, full".into(), Box::new(move |[q, k, v]| reference::attention(q, k, v, &problem))));
        let burns = |[query, key, value]: [Tensor<4>; 3]| {
            module::attention(query, key, value, None, None, AttentionModuleOptions::default())
        };
        ways.push(("burn's, full, no dropout".into(), Box::new(burns)));
    }
    ways
}

fn both(name: &str, [batch, heads, tokens, width]: [usize; 4], function: &Function) -> [Row; 2] {
    let random = || {
        Tensor::<4>::random([batch, tokens, heads, width], Distribution::Normal(0.0, 1.0), &Device::flex())
            .swap_dims(1, 2)
    };
    let inputs = [random(), random(), random()];
    let direction = random().autodiff();
    let forward = row(format!("{name}: forward"), || drop(function(inputs.clone())));
    let both = row(format!("{name}: forward, backward"), || {
        let inputs = inputs.clone().map(|input| input.autodiff().require_grad());
        drop((function(inputs) * direction.clone()).sum().backward());
    });
    [forward, both]
}
