//! Times whole transformer blocks on two threads (`-- 1`: on one): our operations against burn's own layers and materialised scores.
//!
//! `cargo bench -p unifr-kernels --bench blocks`; the rival on the same machine is `benches/rivals/attention.py`.

mod timing;

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Tensor, activation};
use timing::{print, row};
use unifr_kernels::attention::reference;
use unifr_kernels::{AttentionProblem, Dropout, MaskRule, attention, dropout, gelu, layer_norm};

#[derive(Clone, Copy)]
struct Sizes {
    blocks: usize,
    width: usize,
    heads: usize,
    tokens: usize,
    probability: f32,
}

const DEMO: Sizes = Sizes { blocks: 3, width: 96, heads: 4, tokens: 601, probability: 0.1 };
const MIDDLE: Sizes = Sizes { blocks: 4, width: 256, heads: 4, tokens: 901, probability: 0.1 };
const PUBLISHED: Sizes = Sizes { blocks: 1, width: 768, heads: 12, tokens: 4501, probability: 0.0 };
const EPSILON: f64 = 1e-5;

#[derive(Module, Debug)]
struct Block {
    norms: [LayerNorm; 2],
    projections: [Linear; 4],
    widen: Linear,
    narrow: Linear,
}

impl Block {
    fn new(width: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            norms: [0, 1].map(|_| LayerNormConfig::new(width).init(device)),
            projections: [0; 4].map(|_| linear(width, width)),
            widen: linear(width, 4 * width),
            narrow: linear(4 * width, width),
        }
    }

    fn forward(&self, hidden: Tensor<3>, sizes: Sizes, way: &Way) -> Tensor<3> {
        let [batch, tokens, width] = hidden.dims();
        let drop = (sizes.probability > 0.0).then_some(Dropout { probability: sizes.probability, seed: 3 });
        let normed = (way.norm)(hidden.clone(), &self.norms[0]);
        let split = |projection: &Linear| {
            projection
                .forward(normed.clone())
                .reshape([batch, tokens, sizes.heads, width / sizes.heads])
                .swap_dims(1, 2)
        };
        let [query, key, value, output] = &self.projections;
        let problem = AttentionProblem::whole(MaskRule::Full).with_dropout(drop);
        let joined = (way.attention)(split(query), split(key), split(value), &problem);
        let joined = joined.swap_dims(1, 2).reshape([batch, tokens, width]);
        let hidden = hidden + (way.drop)(output.forward(joined), drop);
        let normed = (way.norm)(hidden.clone(), &self.norms[1]);
        hidden + (way.drop)(self.narrow.forward((way.gelu)(self.widen.forward(normed))), drop)
    }
}

/// One way to run a block.
struct Way {
    name: &'static str,
    norm: fn(Tensor<3>, &LayerNorm) -> Tensor<3>,
    attention: fn(Tensor<4>, Tensor<4>, Tensor<4>, &AttentionProblem) -> Tensor<4>,
    drop: fn(Tensor<3>, Option<Dropout>) -> Tensor<3>,
    gelu: fn(Tensor<3>) -> Tensor<3>,
}

const OURS: Way = Way {
    name: "ours",
    norm: |hidden, norm| {
        let bias = norm.beta.as_ref().expect("the norm has a bias").val();
        layer_norm(hidden, norm.gamma.val(), bias, EPSILON)
    },
    attention: |query, key, value, problem| attention(query, key, value, problem).expect("shapes fit"),
    drop: dropout,
    gelu,
};

const BURNS: Way = Way {
    name: "burn's layers",
    norm: |hidden, norm| norm.forward(hidden),
    attention: |query, key, value, problem| match problem.dropout {
        None => reference::attention(query, key, value, problem),
        Some(dropout) => {
            let width = query.dims()[3] as f64;
            let scores = query.matmul(key.transpose()).mul_scalar(width.sqrt().recip());
            bernoulli(activation::softmax(scores, 3), dropout.probability).matmul(value)
        }
    },
    drop: |hidden, dropout| match dropout {
        None => hidden,
        Some(dropout) => bernoulli(hidden, dropout.probability),
    },
    gelu: activation::gelu,
};

fn bernoulli<const D: usize>(input: Tensor<D>, probability: f32) -> Tensor<D> {
    let kept = 1.0 - f64::from(probability);
    let mask = Tensor::random(input.shape(), Distribution::Bernoulli(kept), &input.device());
    input * mask.div_scalar(kept)
}

fn main() -> std::io::Result<()> {
    timing::on_threads(|| {
        step("demo", DEMO, &[OURS, BURNS])?;
        step("middle", MIDDLE, &[OURS, BURNS])?;
        let device = Device::flex();
        let (block, hidden) = (Block::new(PUBLISHED.width, &device), hidden(PUBLISHED, &device));
        let forward = row("ours: forward", || drop(block.forward(hidden.clone(), PUBLISHED, &OURS)));
        print(&title("published", PUBLISHED), &[forward])
    })
}

/// Forward and backward of all blocks.
fn step(name: &str, sizes: Sizes, ways: &[Way]) -> std::io::Result<()> {
    let device = Device::flex().autodiff();
    let blocks: Vec<Block> = (0..sizes.blocks).map(|_| Block::new(sizes.width, &device)).collect();
    let hidden = hidden(sizes, &device);
    let rows: Vec<_> = ways
        .iter()
        .map(|way| {
            row(format!("{}: forward, backward", way.name), || {
                let output = blocks.iter().fold(hidden.clone(), |hidden, block| block.forward(hidden, sizes, way));
                drop(output.square().mean().backward());
            })
        })
        .collect();
    print(&title(name, sizes), &rows)
}

fn hidden(sizes: Sizes, device: &Device) -> Tensor<3> {
    Tensor::random([1, sizes.tokens, sizes.width], Distribution::Normal(0.0, 1.0), device)
}

fn title(name: &str, sizes: Sizes) -> String {
    let Sizes { blocks, width, heads, tokens, probability } = sizes;
    format!("{name}: {blocks} blocks, width {width}, {heads} heads, {tokens} tokens, dropout {probability}")
}
