//! Which device computes, in which number format, and why.
//!
//! In:  what the user asked for: `auto`, `cpu`, `cubecl-cpu`, `cuda`, `cuda:1`, `cuda:0,1`.
//! Out: burn devices and the reason in one line; an error in one line before burn would panic.

mod choice;
mod cuda;
mod libdevice;
mod precision;

use burn::tensor::Device;

pub use choice::{ChoiceError, DeviceChoice};
pub use cuda::CudaError;
pub use libdevice::{LibdeviceError, LibdevicePlaces};
pub use precision::Precision;

/// What computes, and why.
#[derive(Clone, Debug)]
pub struct Opened {
    /// At least one; more than one only if several were asked for.
    pub devices: Vec<Device>,
    /// In a few words, with the device's name.
    pub reason: String,
    /// Whether it is a graphics card.
    pub is_gpu: bool,
}

/// Why a device cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// CUDA cannot be used.
    #[error("{0}; {advice}, or use `--device cpu`", advice = .0.advice())]
    Cuda(#[from] CudaError),
    /// The program was built without the kernels' test runtime.
    #[error("this build has no `cubecl-cpu`; build with `--features cubecl-cpu`, or use `--device cpu`")]
    NoCubeclCpu,
    /// The device lacks a number format.
    #[error("the device does not compute in {precision}; use `--precision f32`")]
    Precision {
        /// The format.
        precision: Precision,
    },
}

/// Opens what was asked for and says why it was chosen.
pub fn open(choice: &DeviceChoice) -> Result<Opened, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(processor(Device::flex(), "cpu, as asked".into())),
        DeviceChoice::CubeclCpu => Ok(processor(cubecl_cpu()?, "cubecl-cpu, as asked".into())),
        DeviceChoice::Cuda(numbers) => {
            let (devices, names) = cuda::open(numbers)?;
            Ok(Opened { devices, reason: format!("{choice} ({}), as asked", names.join(", ")), is_gpu: true })
        }
        DeviceChoice::Auto => Ok(match cuda::open(&[0]) {
            Ok((devices, names)) => {
                Opened { devices, reason: format!("cuda:0 ({}): a driver answers", names.join(", ")), is_gpu: true }
            }
            Err(reason) => processor(Device::flex(), format!("cpu: {reason}")),
        }),
    }
}

fn processor(device: Device, reason: String) -> Opened {
    Opened { devices: vec![device], reason, is_gpu: false }
}

#[cfg(feature = "cubecl-cpu")]
#[expect(clippy::unnecessary_wraps, reason = "a build without it refuses")]
fn cubecl_cpu() -> Result<Device, DeviceError> {
    Ok(Device::cpu())
}

#[cfg(not(feature = "cubecl-cpu"))]
fn cubecl_cpu() -> Result<Device, DeviceError> {
    Err(DeviceError::NoCubeclCpu)
}

#[cfg(test)]
mod tests {
    #[cfg(not(feature = "cuda"))]
    use super::*;

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so_and_goes_on_with_the_processor_if_it_may_choose() {
        let error = open(&DeviceChoice::Cuda(vec![0])).unwrap_err().to_string();
        assert_eq!(error, "this build has no CUDA; build with `--features cuda`, or use `--device cpu`");
        let opened = open(&DeviceChoice::Auto).unwrap();
        assert_eq!(opened.reason, "cpu: this build has no CUDA");
        assert_eq!(opened.devices, [Device::flex()]);
    }

    #[cfg(not(feature = "cubecl-cpu"))]
    #[test]
    fn a_build_without_the_test_runtime_says_so() {
        let error = open(&DeviceChoice::CubeclCpu).unwrap_err().to_string();
        assert!(error.starts_with("this build has no `cubecl-cpu`"), "{error}");
    }
}
