//! Which device computes, and why that one.
//!
//! In:  what the user asked for: `auto`, `cpu`, `cuda`, `cuda:1`.
//! Out: a burn device and the reason in one line.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

/// What `--device` may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best one that this build and this machine have.
    #[default]
    Auto,
    /// The processor, through burn's `flex` backend.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
}

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not one of the words.
    #[error("the device is `{found}`, expected `auto`, `cpu`, `cuda` or `cuda:N`")]
    Word {
        /// What was found.
        found: String,
    },
    /// The program was built without CUDA.
    #[error("this build of UniFR has no CUDA; use `--device cpu`, or build with `--features cuda`")]
    NotBuilt,
    /// There is no driver.
    #[error("no NVIDIA driver answers: `libcuda.so.1` cannot be opened; install the driver or use `--device cpu`")]
    NoDriver,
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => match text.strip_prefix("cuda:").and_then(|number| number.parse().ok()) {
                Some(number) => Ok(Self::Cuda(number)),
                None => Err(DeviceError::Word { found: text.into() }),
            },
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(number) => write!(formatter, "cuda:{number}"),
        }
    }
}

/// Opens the device and says why it was chosen.
pub fn open(choice: DeviceChoice) -> Result<(Device, String), DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok((Device::flex(), "cpu, as asked".into())),
        DeviceChoice::Cuda(number) => Ok((cuda(number)?, format!("cuda:{number}, as asked"))),
        DeviceChoice::Auto => match cuda(0) {
            Ok(device) => Ok((device, "cuda:0: a driver answers".into())),
            Err(DeviceError::NotBuilt) => Ok((Device::flex(), "cpu: this build has no CUDA".into())),
            Err(reason) => Ok((Device::flex(), format!("cpu: {reason}"))),
        },
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt)
}

/// burn panics on a worker thread where there is no driver, so the driver is looked for first.
#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<Device, DeviceError> {
    if unifr_kernels::has_cuda_driver() { Ok(Device::cuda(number)) } else { Err(DeviceError::NoDriver) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_flag_are_read_and_others_named() {
        for (text, choice) in
            [("auto", DeviceChoice::Auto), ("cpu", DeviceChoice::Cpu), ("cuda:3", DeviceChoice::Cuda(3))]
        {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        assert_eq!("gpu".parse::<DeviceChoice>(), Err(DeviceError::Word { found: "gpu".into() }));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so() {
        assert_eq!(open(DeviceChoice::Cuda(0)).map(|_| ()), Err(DeviceError::NotBuilt));
    }
}
