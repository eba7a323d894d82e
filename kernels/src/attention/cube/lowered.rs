//! The attention kernels of one problem as PTX.

use burn::tensor::{DType, bf16, f16};
use cubecl::prelude::*;
use cubecl::{CubeElement, ScalarBuilder};

use super::common::{SizesCompilationArg, StridesCompilationArg};
use super::numbers::{Numbers, blocks};
use super::tensor_cores::{TilePlan, VECTOR};
use super::tile_backward::{tile_key_gradients, tile_query_gradient};
use super::tile_forward::tile_forward;
use crate::attention::AttentionProblem;
use crate::lowering::{Lowered, buffer, device, info, lower, settings, target};

/// Sizes of a problem: batch, heads, queries, keys, width of a head.
pub type ProblemSizes = [usize; 5];

/// Forward, the gradient of the queries, the gradients of keys and values, for tensors `[batch, heads, tokens, width]`
/// that lie in memory in this order, in `f16` or `bf16`.
///
/// The buffers of forward are query, key, value, output, levels; of backward query, key, value, gradient, levels, Δ,
/// then the gradients; after them comes the info of each, by value.
pub fn lowered(
    problem: &AttentionProblem,
    sizes: ProblemSizes,
    element: DType,
    architecture: u32,
) -> Result<Vec<Lowered>, String> {
    match element {
        DType::F16 => lowered_as::<f16>(problem, sizes, architecture),
        DType::BF16 => lowered_as::<bf16>(problem, sizes, architecture),
        other => Err(format!("the tensor cores' kernels take `f16` and `bf16`, not {other:?}")),
    }
}

fn lowered_as<F: Float + CubeElement>(
    problem: &AttentionProblem,
    sizes: ProblemSizes,
    architecture: u32,
) -> Result<Vec<Lowered>, String> {
    let [batch, heads, queries, keys, width] = sizes;
    let numbers = Numbers { problem: *problem, batch, heads, queries, keys, width };
    let [forward_plan, query_plan, key_plan] = numbers.tile_plans();
    let forward = tile_forward::TileForward::<F>::new(
        settings(forward_plan.units()),
        device(),
        target(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        strides(),
        strides(),
        strides(),
        problem_sizes(),
        forward_plan,
    );
    let query_gradient = tile_query_gradient::TileQueryGradient::<F>::new(
        settings(query_plan.units()),
        device(),
        target(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        strides(),
        strides(),
        strides(),
        strides(),
        problem_sizes(),
        query_plan,
    );
    let key_gradients = tile_key_gradients::TileKeyGradients::<F>::new(
        settings(key_plan.units()),
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
        strides(),
        strides(),
        strides(),
        strides(),
        problem_sizes(),
        (),
        key_plan,
    );
    let of_queries = batch * heads * queries;
    let of_keys = batch * heads * keys;
    let [long, short] = [of_queries * width, of_keys * width];
    let rows = [problem.first_query, problem.first_query + queries];
    Ok(vec![
        finish(
            "forward",
            lower(&forward, architecture)?,
            &numbers,
            forward_plan,
            rows,
            &[long / VECTOR, short / VECTOR, short / VECTOR, long / 2, of_queries],
            3,
            None,
        ),
        finish(
            "query gradient",
            lower(&query_gradient, architecture)?,
            &numbers,
            query_plan,
            rows,
            &[long / VECTOR, short / VECTOR, short / VECTOR, long / VECTOR, of_queries, of_queries, long / 2],
            4,
            None,
        ),
        finish(
            "key gradients",
            lower(&key_gradients, architecture)?,
            &numbers,
            key_plan,
            [0, keys],
            &[
                long / VECTOR,
                short / VECTOR,
                short / VECTOR,
                long / VECTOR,
                of_queries,
                of_queries,
                short / 2,
                short / 2,
            ],
            4,
            Some(keys as u32),
        ),
    ])
}

#[allow(clippy::too_many_arguments)]
fn finish(
    name: &str,
    (ptx, entry, shared_bytes): (String, String, usize),
    numbers: &Numbers,
    plan: TilePlan,
    [first, end]: [usize; 2],
    lengths: &[usize],
    strided: usize,
    all_keys: Option<u32>,
) -> Lowered {
    let scalars = |scalars: &mut ScalarBuilder| {
        // In the order of the arguments: query, key, value, gradient.
        for tokens in [numbers.queries, numbers.keys, numbers.keys, numbers.queries].into_iter().take(strided) {
            let row = numbers.width / VECTOR;
            for stride in [numbers.heads * tokens * row, tokens * row, row] {
                scalars.push(stride as u32);
            }
        }
        numbers.push(scalars);
        if let Some(keys) = all_keys {
            scalars.push(keys);
        }
    };
    Lowered {
        name: name.into(),
        entry,
        ptx,
        cubes: [blocks(numbers.problem.rule, first, end, plan.rows()), (numbers.batch * numbers.heads) as u32, 1],
        units: plan.units(),
        shared_bytes,
        info: info(lengths, scalars),
    }
}

fn strides() -> StridesCompilationArg {
    StridesCompilationArg { batch: (), head: (), token: () }
}

fn problem_sizes() -> SizesCompilationArg {
    SizesCompilationArg {
        queries: (),
        keys: (),
        first_query: (),
        heads: (),
        scale: (),
        threshold: (),
        kept: (),
        seed: (),
    }
}
