//! From burn's tensors to launches: which kernel, how many cubes, where the rows lie.

use burn::backend::TensorMetadata;
use burn::tensor::{DType, Shape, bf16, f16};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::ops::permute;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::common::StridesLaunch;
use super::decode::{DecodePlan, decode_join, decode_split};
use super::launch_tiles::takes_tiles;
use super::numbers::{Numbers, blocks};
use super::plain_backward::{output_dots, plain_key_gradients, plain_query_gradient};
use super::plain_forward::{PlainPlan, plain_forward};
use crate::attention::problem::AttentionProblem;

/// Numbers in a vector of the plain kernels.
const VECTOR: usize = 4;
/// Numbers in a vector of the tensor cores' kernels.
const TILE_VECTOR: usize = super::tensor_cores::VECTOR;
/// Most queries that count as decoding: ten frames.
const DECODED_QUERIES: usize = 60;
/// Queries of a cube in decoding.
const DECODE_ROWS: usize = 8;
/// Keys that are weighed before they are summed.
const DECODE_TILE: usize = 64;
/// Keys of a cube: 4501 keys and 12 heads are 216 cubes.
const DECODE_SPLIT: usize = 256;
/// Units of a cube on a GPU; a processor's cubes have as many as it has threads.
const UNITS: u32 = 64;
/// Keys (or queries) in shared memory at a time.
const TILE: usize = 32;

/// The output `[batch, heads, queries, width]`, laid out as `[batch, queries, heads, width]`, and the level of each row
/// `[batch, heads, queries]`.
pub(crate) fn forward(
    query: CubeTensor,
    key: CubeTensor,
    value: CubeTensor,
    problem: &AttentionProblem,
) -> (CubeTensor, CubeTensor) {
    let [query, key, value] = [query, key, value].map(with_dense_rows);
    let call = Call::new(&query, &key, problem);
    let output = call.joined(&query, call.queries);
    let levels = call.row_numbers(&query);
    if call.is_decoding() {
        match query.dtype {
            DType::F16 => call.decode::<f16>(&query, &key, &value, &output, &levels),
            DType::BF16 => call.decode::<bf16>(&query, &key, &value, &output, &levels),
            _ => call.decode::<f32>(&query, &key, &value, &output, &levels),
        }
        return (split(output), levels);
    }
    match query.dtype {
        DType::F16 if call.has_tiles => call.tile_forward::<f16>(&query, &key, &value, &output, &levels),
        DType::BF16 if call.has_tiles => call.tile_forward::<bf16>(&query, &key, &value, &output, &levels),
        DType::F16 => call.plain_forward::<f16>(&query, &key, &value, &output, &levels),
        DType::BF16 => call.plain_forward::<bf16>(&query, &key, &value, &output, &levels),
        _ => call.plain_forward::<f32>(&query, &key, &value, &output, &levels),
    }
    (split(output), levels)
}

/// Gradients of queries, keys and values.
pub(crate) fn backward(
    inputs: [CubeTensor; 3],
    output: CubeTensor,
    levels: &CubeTensor,
    gradient: CubeTensor,
    problem: &AttentionProblem,
) -> [CubeTensor; 3] {
    let [query, key, value] = inputs.map(with_dense_rows);
    let [output, gradient] = [output, gradient].map(with_dense_rows);
    let call = Call::new(&query, &key, problem);
    let given = Given { query, key, value, output, levels, gradient };
    match given.query.dtype {
        DType::F16 => call.backward::<f16>(&given),
        DType::BF16 => call.backward::<bf16>(&given),
        _ => call.backward::<f32>(&given),
    }
}

/// What backward reads.
pub(super) struct Given<'a> {
    pub(super) query: CubeTensor,
    pub(super) key: CubeTensor,
    pub(super) value: CubeTensor,
    pub(super) output: CubeTensor,
    pub(super) levels: &'a CubeTensor,
    pub(super) gradient: CubeTensor,
}

/// One problem on one device.
pub(super) struct Call {
    numbers: Numbers,
    units: u32,
    /// Whether the device has tensor cores that take the tensors' type.
    has_tiles: bool,
}

impl std::ops::Deref for Call {
    type Target = Numbers;

    fn deref(&self) -> &Numbers {
        &self.numbers
    }
}

impl Call {
    fn new(query: &CubeTensor, key: &CubeTensor, problem: &AttentionProblem) -> Self {
        let [batch, heads, queries, width] = query.shape().dims();
        let properties = query.client.properties();
        let numbers = Numbers { problem: *problem, batch, heads, queries, keys: key.shape()[2], width };
        let units = properties.hardware.max_units_per_cube.min(UNITS);
        Self { numbers, units, has_tiles: takes_tiles(properties, query.dtype, width) }
    }

    fn joined(&self, like: &CubeTensor, tokens: usize) -> CubeTensor {
        empty(like, Shape::new([self.batch, tokens, self.heads, self.width]), like.dtype)
    }

    fn row_numbers(&self, like: &CubeTensor) -> CubeTensor {
        empty(like, Shape::new([self.batch, self.heads, self.queries]), DType::F32)
    }

    fn plan(&self) -> PlainPlan {
        PlainPlan { rule: self.problem.rule, vectors: self.width / VECTOR, tile: TILE, drops: self.drops() }
    }

    /// Cubes for rows at positions `first..end`: whole blocks of each group, for every head.
    pub(super) fn cubes(&self, first: usize, end: usize, rows: usize) -> CubeCount {
        CubeCount::Static(blocks(self.problem.rule, first, end, rows), (self.batch * self.heads) as u32, 1)
    }

    fn query_cubes(&self) -> CubeCount {
        let first = self.problem.first_query;
        self.cubes(first, first + self.queries, self.units as usize)
    }

    /// Few queries, many keys, nothing dropped.
    fn is_decoding(&self) -> bool {
        self.queries <= DECODED_QUERIES && self.keys >= 2 * DECODE_TILE && !self.drops()
    }

    #[allow(unsafe_code)]
    fn decode<F: Float + CubeElement>(
        &self,
        query: &CubeTensor,
        key: &CubeTensor,
        value: &CubeTensor,
        output: &CubeTensor,
        levels: &CubeTensor,
    ) {
        let vectors = self.width / VECTOR;
        let plan =
            DecodePlan { rule: self.problem.rule, vectors, rows: DECODE_ROWS, tile: DECODE_TILE, split: DECODE_SPLIT };
        let splits = self.keys.div_ceil(DECODE_SPLIT);
        let rows = self.batch * self.heads * self.queries;
        let sums = empty(query, Shape::new([splits, rows, self.width]), DType::F32);
        let statistics = empty(query, Shape::new([splits, rows, 2]), DType::F32);
        let heads = (self.batch * self.heads) as u32;
        // SAFETY: every argument is as long as its tensor; rows and keys are bounded by the sizes.
        unsafe {
            decode_split::launch_unchecked::<F>(
                &query.client,
                CubeCount::Static(splits as u32, heads, self.queries.div_ceil(DECODE_ROWS) as u32),
                CubeDim::new_1d(self.units),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(&sums, VECTOR),
                whole(&statistics, 1),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                self.sizes(),
                plan,
            );
            decode_join::launch_unchecked::<F>(
                &query.client,
                CubeCount::Static(((rows * vectors) as u32).div_ceil(self.units), 1, 1),
                CubeDim::new_1d(self.units),
                whole(&sums, VECTOR),
                whole(&statistics, 1),
                whole(output, VECTOR),
                whole(levels, 1),
                self.heads as u32,
                self.queries as u32,
                rows as u32,
                splits as u32,
                vectors,
            );
        }
    }

    #[allow(unsafe_code)]
    fn plain_forward<F: Float + CubeElement>(
        &self,
        query: &CubeTensor,
        key: &CubeTensor,
        value: &CubeTensor,
        output: &CubeTensor,
        levels: &CubeTensor,
    ) {
        // SAFETY: every argument is as long as its tensor; rows and keys are bounded by the sizes.
        unsafe {
            plain_forward::launch_unchecked::<F>(
                &query.client,
                self.query_cubes(),
                CubeDim::new_1d(self.units),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(output, VECTOR),
                whole(levels, 1),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                self.sizes(),
                self.plan(),
            );
        }
    }

    fn backward<F: Float + CubeElement>(&self, given: &Given<'_>) -> [CubeTensor; 3] {
        let dots = self.output_dots::<F>(given);
        let gradients = [(&given.query, self.queries), (&given.key, self.keys), (&given.value, self.keys)]
            .map(|(like, tokens)| self.joined(like, tokens));
        if self.has_tiles {
            self.tile_backward::<F>(given, &dots, &gradients);
        } else {
            self.plain_backward::<F>(given, &dots, &gradients);
        }
        gradients.map(split)
    }

    /// Δ of each row.
    #[allow(unsafe_code)]
    fn output_dots<F: Float + CubeElement>(&self, Given { query, output, gradient, .. }: &Given<'_>) -> CubeTensor {
        let dots = self.row_numbers(query);
        let rows = (self.batch * self.heads * self.queries) as u32;
        // SAFETY: every argument is as long as its tensor; rows beyond the last one do nothing.
        unsafe {
            output_dots::launch_unchecked::<F>(
                &query.client,
                CubeCount::Static(rows.div_ceil(self.units), 1, 1),
                CubeDim::new_1d(self.units),
                whole(output, VECTOR),
                whole(gradient, VECTOR),
                whole(&dots, 1),
                strides(output, VECTOR),
                strides(gradient, VECTOR),
                self.heads as u32,
                self.queries as u32,
                self.width / VECTOR,
            );
        }
        dots
    }

    #[allow(unsafe_code)]
    fn plain_backward<F: Float + CubeElement>(
        &self,
        given: &Given<'_>,
        dots: &CubeTensor,
        [query_gradient, key_gradient, value_gradient]: &[CubeTensor; 3],
    ) {
        let Given { query, key, value, levels, gradient, .. } = given;
        // SAFETY: every argument is as long as its tensor; rows and keys are bounded by the sizes.
        unsafe {
            plain_query_gradient::launch_unchecked::<F>(
                &query.client,
                self.query_cubes(),
                CubeDim::new_1d(self.units),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(gradient, VECTOR),
                whole(levels, 1),
                whole(dots, 1),
                whole(query_gradient, VECTOR),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                strides(gradient, VECTOR),
                self.sizes(),
                self.plan(),
            );
            plain_key_gradients::launch_unchecked::<F>(
                &query.client,
                self.cubes(0, self.keys, self.units as usize),
                CubeDim::new_1d(self.units),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(gradient, VECTOR),
                whole(levels, 1),
                whole(dots, 1),
                whole(key_gradient, VECTOR),
                whole(value_gradient, VECTOR),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                strides(gradient, VECTOR),
                self.sizes(),
                self.keys as u32,
                self.plan(),
            );
        }
    }
}

/// The tensor itself where its rows are unbroken and start at whole vectors, else a copy.
fn with_dense_rows(tensor: CubeTensor) -> CubeTensor {
    let strides = tensor.meta.strides();
    let is_dense = strides[3] == 1 && strides[..3].iter().all(|stride| stride.is_multiple_of(TILE_VECTOR));
    if is_dense && tensor.meta.num_dims() == 4 { tensor } else { into_contiguous(tensor) }
}

fn empty(like: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// `[batch, tokens, heads, width]` seen as `[batch, heads, tokens, width]`.
fn split(tensor: CubeTensor) -> CubeTensor {
    permute(tensor, &[0, 2, 1, 3])
}

/// All of a tensor's memory, in vectors.
#[allow(unsafe_code)]
pub(super) fn whole(tensor: &CubeTensor, vector: usize) -> BufferArg {
    let last: usize =
        tensor.meta.shape().iter().zip(tensor.meta.strides().iter()).map(|(size, stride)| (size - 1) * stride).sum();
    // SAFETY: the last element lies inside the tensor's memory.
    unsafe { BufferArg::from_raw_parts(tensor.handle.clone(), (last + 1) / vector) }
}

pub(super) fn strides(tensor: &CubeTensor, vector: usize) -> StridesLaunch {
    let of = |axis: usize| (tensor.meta.strides()[axis] / vector) as u32;
    StridesLaunch::new(of(0), of(1), of(2))
}
