//! One loop, compiled for several widths of vectors; the widest that the processor has is taken at run time.
//!
//! The compiler turns plain loops over `f32` into vector instructions only as wide as it may assume, which for a
//! program that runs everywhere is 128 bits. [`vectorised`] compiles the same body three times.

/// Defines a function whose body is compiled for AVX-512, for AVX2 with FMA, and for every processor.
///
/// The constant parameter tells the body whether a fused multiply-add is one instruction.
macro_rules! vectorised {
    ($(#[$note:meta])* $visibility:vis fn $name:ident<const $fused:ident: bool>(
        $($argument:ident: $kind:ty),* $(,)?
    ) $(-> $result:ty)? $body:block) => {
        $(#[$note])*
        #[allow(unsafe_code, clippy::too_many_arguments)]
        $visibility fn $name($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn body<const $fused: bool>($($argument: $kind),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn widest($($argument: $kind),*) $(-> $result)? {
                    body::<true>($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide($($argument: $kind),*) $(-> $result)? {
                    body::<true>($($argument),*)
                }
                match $crate::cpu::simd::vectors() {
                    // SAFETY: `vectors` has found every feature the function is compiled for.
                    $crate::cpu::simd::Vectors::Avx512 => return unsafe { widest($($argument),*) },
                    // SAFETY: as above.
                    $crate::cpu::simd::Vectors::Avx2 => return unsafe { wide($($argument),*) },
                    $crate::cpu::simd::Vectors::Plain => {}
                }
            }
            body::<{ cfg!(target_arch = "aarch64") }>($($argument),*)
        }
    };
}
pub(crate) use vectorised;

/// What the processor has.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) enum Vectors {
    Avx512,
    Avx2,
    Plain,
}

/// The widest vectors of this processor; the answer is looked up once by the standard library.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn vectors() -> Vectors {
    let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let widest = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (fused, widest) {
        (true, true) => Vectors::Avx512,
        (true, false) => Vectors::Avx2,
        _ => Vectors::Plain,
    }
}

/// `a * b + c`, rounded once where that is one instruction.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Independent partial results of a reduction: as many as an AVX-512 register holds, whatever the processor, so
/// that the order of additions is the same everywhere.
pub(crate) const LANES: usize = 16;

/// Adds the partial sums in a fixed order.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn sum_of(lanes: [f32; LANES]) -> f32 {
    let mut parts = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            parts[lane] += parts[lane + width];
        }
        width /= 2;
    }
    parts[0]
}
