//! The few vector operations that dynamic time warping needs, for `f32` and `f64` alike.
//!
//! In:  slices of numbers and the instruction set found at run time by `pulp` (AVX-512, AVX2 or plain).
//! Out: slices of vectors and lane-wise results; no operation is fused or reordered, so every instruction set
//! gives the same bits.

use pulp::Simd;

/// The widest vector of any instruction set, counted in `f32`: arrays are padded to multiples of it.
pub(super) const WIDEST: usize = 16;

/// A number that comes in vectors.
pub(super) trait Lanes: Copy + PartialOrd + Send + Sync + 'static {
    /// Nothing yet.
    const ZERO: Self;
    /// Larger than any sum of costs.
    const INFINITE: Self;
    /// As many numbers as the instruction set takes at once.
    type Vector<S: Simd>: Copy;

    /// The number nearest to an input value; exact for both types, as inputs are `f32`.
    fn from_input(value: f32) -> Self;
    /// How many numbers a vector holds.
    fn count<S: Simd>() -> usize;
    /// The whole vectors in `values`.
    fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    /// The whole vectors in `values`, to be written.
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>];
    /// All lanes the same.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a + b`
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The smaller of each two lanes.
    fn min<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `sum + (a - b)²`
    fn add_square<S: Simd>(simd: S, sum: Self::Vector<S>, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The smallest lane.
    fn least<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
}

macro_rules! lanes {
    ($number:ty, $vector:ident, $lanes:ident, $vectors:ident, $vectors_mut:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $min:ident, $least:ident) => {
        impl Lanes for $number {
            const ZERO: Self = 0.0;
            const INFINITE: Self = <$number>::INFINITY;
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn from_input(value: f32) -> Self {
                <$number>::from(value)
            }
            #[inline(always)]
            fn count<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>] {
                S::$vectors(values).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>] {
                S::$vectors_mut(values).0
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.$splat(value)
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn min<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.$min(a, b)
            }
            #[inline(always)]
            fn add_square<S: Simd>(
                simd: S,
                sum: Self::Vector<S>,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
            ) -> Self::Vector<S> {
                let difference = simd.$sub(a, b);
                simd.$add(sum, simd.$mul(difference, difference))
            }
            #[inline(always)]
            fn least<S: Simd>(simd: S, a: Self::Vector<S>) -> Self {
                simd.$least(a)
            }
        }
    };
}

#[rustfmt::skip]
lanes!(f32, f32s, F32_LANES, as_simd_f32s, as_mut_simd_f32s, splat_f32s, add_f32s, sub_f32s, mul_f32s, min_f32s, reduce_min_f32s);
#[rustfmt::skip]
lanes!(f64, f64s, F64_LANES, as_simd_f64s, as_mut_simd_f64s, splat_f64s, add_f64s, sub_f64s, mul_f64s, min_f64s, reduce_min_f64s);

/// Numbers that start on a cache line, so that whole vectors never straddle two.
pub(super) struct Aligned<N> {
    values: Vec<N>,
    start: usize,
    count: usize,
}

impl<N: Lanes> Aligned<N> {
    /// Bytes in a cache line of every processor with these vectors.
    const LINE_BYTES: usize = 64;

    /// `count` copies of `value`.
    pub(super) fn new(count: usize, value: N) -> Self {
        let spare = Self::LINE_BYTES / size_of::<N>();
        let values = vec![value; count + spare];
        // Where the offset cannot be known the numbers simply stay where they are: slower, not wrong.
        let start = values.as_ptr().align_offset(Self::LINE_BYTES).min(spare);
        Self { values, start, count }
    }

    pub(super) fn as_slice(&self) -> &[N] {
        &self.values[self.start..][..self.count]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [N] {
        &mut self.values[self.start..][..self.count]
    }
}
