//! The devices and types that this build and this machine can run a kernel test on. What is built but has no device here
//! is named on standard error.

use burn::tensor::{Device, FloatDType};

/// Rounding of sums of up to some hundred products in `f32`, in another order than the oracle's, as a share of the
/// largest magnitude.
const EXACT: f64 = 5e-6;
/// Weights and results are rounded to `f16`, 2^-11 each; a gradient of scores is a difference of sums of up to 128 products
/// with them, which leaves sixteen times that where the exact difference is 0.
#[cfg(feature = "cubecl")]
const HALF: f64 = 8e-3;
/// The same in `bf16`: 2^-8.
#[cfg(feature = "cuda")]
const BRAIN: f64 = 6.4e-2;

/// One way to run a kernel.
#[derive(Clone, Debug)]
pub struct Path {
    pub name: &'static str,
    pub device: Device,
    pub element: FloatDType,
    /// Share of the largest magnitude by which results may differ from the oracle's.
    pub tolerance: f64,
    /// Whether compiling takes so long here that a test should choose its problems.
    pub is_slow: bool,
}

impl Path {
    /// The fast path on the processor.
    pub fn processor() -> Self {
        Self { name: "flex", device: Device::flex(), element: FloatDType::F32, tolerance: EXACT, is_slow: false }
    }

    /// Whether it computes in `f32` throughout.
    pub fn is_exact(&self) -> bool {
        self.element == FloatDType::F32
    }
}

/// Every path there is here.
pub fn paths() -> Vec<Path> {
    #[allow(unused_mut, reason = "the other paths come with their features")]
    let mut paths = vec![Path::processor()];
    #[cfg(feature = "cubecl-cpu")]
    for (name, element, tolerance) in
        [("cubecl-cpu f32", FloatDType::F32, EXACT), ("cubecl-cpu f16", FloatDType::F16, HALF)]
    {
        paths.push(Path { name, device: Device::cpu(), element, tolerance, is_slow: true });
    }
    #[cfg(feature = "cuda")]
    if unifr_kernels::has_cuda_driver() {
        for (name, element, tolerance) in [
            ("cuda f32", FloatDType::F32, EXACT),
            ("cuda f16", FloatDType::F16, HALF),
            ("cuda bf16", FloatDType::BF16, BRAIN),
        ] {
            paths.push(Path { name, device: Device::cuda(0), element, tolerance, is_slow: false });
        }
    } else {
        eprintln!("skipped: the CUDA paths, as no driver answers here");
    }
    paths
}
