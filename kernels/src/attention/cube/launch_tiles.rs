//! Launches of the tensor cores' kernels.

use burn::tensor::{DType, bf16, f16};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Call, Given, strides, whole};
use super::tensor_cores::{LANES, VECTOR, product};
use super::tile_backward::{tile_key_gradients, tile_query_gradient};
use super::tile_forward::tile_forward;

/// Widest head whose sums stay in registers.
const WIDEST_TILE: usize = 128;

impl Call {
    #[allow(unsafe_code)]
    pub(super) fn tile_forward<F: Float + CubeElement>(
        &self,
        query: &CubeTensor,
        key: &CubeTensor,
        value: &CubeTensor,
        output: &CubeTensor,
        levels: &CubeTensor,
    ) {
        let [plan, ..] = self.tile_plans();
        let first = self.problem.first_query;
        // SAFETY: every argument is as long as its tensor; rows and keys are bounded by the sizes.
        unsafe {
            tile_forward::launch_unchecked::<F>(
                &query.client,
                self.cubes(first, first + self.queries, plan.rows()),
                CubeDim::new_1d(plan.units()),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(output, 2),
                whole(levels, 1),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                self.sizes(),
                plan,
            );
        }
    }

    #[allow(unsafe_code)]
    pub(super) fn tile_backward<F: Float + CubeElement>(
        &self,
        given: &Given<'_>,
        dots: &CubeTensor,
        [query_gradient, key_gradient, value_gradient]: &[CubeTensor; 3],
    ) {
        let Given { query, key, value, levels, gradient, .. } = given;
        let [_, query_plan, key_plan] = self.tile_plans();
        let first = self.problem.first_query;
        // SAFETY: every argument is as long as its tensor; rows and keys are bounded by the sizes.
        unsafe {
            tile_query_gradient::launch_unchecked::<F>(
                &query.client,
                self.cubes(first, first + self.queries, query_plan.rows()),
                CubeDim::new_1d(query_plan.units()),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(gradient, VECTOR),
                whole(levels, 1),
                whole(dots, 1),
                whole(query_gradient, 2),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                strides(gradient, VECTOR),
                self.sizes(),
                query_plan,
            );
            tile_key_gradients::launch_unchecked::<F>(
                &query.client,
                self.cubes(0, self.keys, key_plan.rows()),
                CubeDim::new_1d(key_plan.units()),
                whole(query, VECTOR),
                whole(key, VECTOR),
                whole(value, VECTOR),
                whole(gradient, VECTOR),
                whole(levels, 1),
                whole(dots, 1),
                whole(key_gradient, 2),
                whole(value_gradient, 2),
                strides(query, VECTOR),
                strides(key, VECTOR),
                strides(value, VECTOR),
                strides(gradient, VECTOR),
                self.sizes(),
                self.keys as u32,
                key_plan,
            );
        }
    }
}

/// Whether tensor cores take this type and this width here.
pub(super) fn takes_tiles(properties: &DeviceProperties, dtype: DType, width: usize) -> bool {
    let element = match dtype {
        DType::F16 => f16::cube_type(),
        DType::BF16 => bf16::cube_type(),
        _ => return false,
    };
    let features = &properties.features.matmul;
    properties.hardware.plane_size_min == LANES
        && properties.hardware.plane_size_max == LANES
        && features.mma.contains(&product(element))
        && features.ldmatrix.contains(&element)
        && width.is_multiple_of(16)
        && width <= WIDEST_TILE
}
