//! CUDA devices, and every reason why there are none, found before burn would panic.
//!
//! In:  the numbers asked for, what the driver answers, where `libdevice.10.bc` is.
//! Out: burn devices with their names.

use std::path::Path;

use burn::tensor::Device;
use unifr_kernels::driver::{DRIVER_LIBRARY, DriverAnswer, driver_answer};

use super::libdevice::{LibdeviceError, LibdevicePlaces, prepare};

/// The oldest driver that has all functions which CubeCL calls.
///
/// Source: `cuMemAllocAsync` came with CUDA 11.2, `cuGraphInstantiateWithFlags` with 11.4. The text of the kernels sets no
/// limit of its own: CubeCL writes the newest PTX that the driver loads (`ptx_version.rs` of cubecl-llvm).
const OLDEST_VERSION: i32 = 11_040;
/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: i32 = 100;

/// Why CUDA cannot be used; what to do about it is said by [`CudaError::advice`].
#[derive(Debug, thiserror::Error)]
pub enum CudaError {
    /// The program was built without CUDA.
    #[error("this build has no CUDA")]
    NotBuilt,
    /// There is no driver.
    #[error("no NVIDIA driver answers, as `{DRIVER_LIBRARY}` cannot be opened")]
    NoDriver,
    /// The library is not a driver.
    #[error("`{DRIVER_LIBRARY}` is not an NVIDIA driver, as it has no function `{function}`")]
    NotADriver {
        /// What it lacks.
        function: &'static str,
    },
    /// The driver does not work.
    #[error("the NVIDIA driver does not work: `{function}` answers with error {code}")]
    Refused {
        /// What was called.
        function: &'static str,
        /// The answer.
        code: i32,
    },
    /// The driver is older than the functions we need.
    #[error("the NVIDIA driver is for CUDA {}, expected {} or newer", words(*found), words(OLDEST_VERSION))]
    OldDriver {
        /// Its version, 12080 for 12.8.
        found: i32,
    },
    /// The driver has nothing to drive.
    #[error("the NVIDIA driver has no device")]
    NoDevice,
    /// A number beyond the last device.
    #[error("there is no device `cuda:{number}`, as the driver has {count}, counted from 0")]
    NoSuchDevice {
        /// The number asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// The kernels cannot be compiled.
    #[error(transparent)]
    Libdevice(#[from] LibdeviceError),
}

impl CudaError {
    /// What to do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotBuilt => "build with `--features cuda`",
            Self::NoDriver | Self::NotADriver { .. } => "install the driver",
            Self::Refused { .. } => "see what `nvidia-smi` says",
            Self::OldDriver { .. } => "update the driver",
            Self::NoDevice => "see what `nvidia-smi` and `CUDA_VISIBLE_DEVICES` say",
            Self::NoSuchDevice { .. } => "name another",
            Self::Libdevice(LibdeviceError::TooLate { .. }) => "set it before the program starts",
            Self::Libdevice(_) => {
                "name the file of CUDA's toolkit in `UNIFR_LIBDEVICE`, or the toolkit's folder in `CUDA_PATH`"
            }
        }
    }
}

/// The devices of these numbers with their names.
pub(super) fn open(numbers: &[usize]) -> Result<(Vec<Device>, Vec<String>), CudaError> {
    if !cfg!(feature = "cuda") {
        return Err(CudaError::NotBuilt);
    }
    // The driver starts threads, and the environment can only be changed before; so this comes first.
    let libdevice = prepare(&LibdevicePlaces::of_this_process());
    let names = names(numbers, driver_answer(Path::new(DRIVER_LIBRARY)), libdevice)?;
    Ok((numbers.iter().map(|number| device(*number)).collect(), names))
}

#[cfg(feature = "cuda")]
fn device(number: usize) -> Device {
    Device::cuda(number)
}

#[cfg(not(feature = "cuda"))]
fn device(_: usize) -> Device {
    unreachable!("a build without CUDA was refused before")
}

/// The names of the devices asked for, if all of them can be used; the first obstacle otherwise.
fn names(
    numbers: &[usize],
    answer: DriverAnswer,
    libdevice: Result<(), LibdeviceError>,
) -> Result<Vec<String>, CudaError> {
    let (version, devices) = match answer {
        DriverAnswer::Missing => return Err(CudaError::NoDriver),
        DriverAnswer::Incomplete { function } => return Err(CudaError::NotADriver { function }),
        DriverAnswer::Refused { code: NO_DEVICE, .. } => return Err(CudaError::NoDevice),
        DriverAnswer::Refused { function, code } => return Err(CudaError::Refused { function, code }),
        DriverAnswer::Ready { version, devices } => (version, devices),
    };
    if version < OLDEST_VERSION {
        return Err(CudaError::OldDriver { found: version });
    }
    if devices.is_empty() {
        return Err(CudaError::NoDevice);
    }
    let name = |number: &usize| {
        let name = devices.get(*number).cloned();
        name.ok_or(CudaError::NoSuchDevice { number: *number, count: devices.len() })
    };
    let names = numbers.iter().map(name).collect::<Result<_, _>>()?;
    libdevice?;
    Ok(names)
}

/// 12080 is 12.8.
fn words(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(version: i32, devices: &[&str]) -> DriverAnswer {
        DriverAnswer::Ready { version, devices: devices.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn complaint(numbers: &[usize], answer: DriverAnswer) -> String {
        names(numbers, answer, Ok(())).unwrap_err().to_string()
    }

    #[test]
    fn devices_of_a_good_driver_are_named_in_the_order_asked_for() {
        let found = names(&[1, 0], ready(12_080, &["A", "B"]), Ok(())).unwrap();
        assert_eq!(found, ["B", "A"]);
        assert!(names(&[0], ready(OLDEST_VERSION, &["A"]), Ok(())).is_ok());
    }

    #[test]
    fn every_obstacle_has_its_line() {
        let cases = [
            (DriverAnswer::Missing, "no NVIDIA driver answers, as `libcuda.so.1` cannot be opened"),
            (
                DriverAnswer::Incomplete { function: "cuInit" },
                "`libcuda.so.1` is not an NVIDIA driver, as it has no function `cuInit`",
            ),
            (DriverAnswer::Refused { function: "cuInit", code: 100 }, "the NVIDIA driver has no device"),
            (
                DriverAnswer::Refused { function: "cuInit", code: 999 },
                "the NVIDIA driver does not work: `cuInit` answers with error 999",
            ),
            (ready(11_020, &["A"]), "the NVIDIA driver is for CUDA 11.2, expected 11.4 or newer"),
            (ready(12_080, &[]), "the NVIDIA driver has no device"),
            (ready(12_080, &["A"]), "there is no device `cuda:1`, as the driver has 1, counted from 0"),
        ];
        for (answer, line) in cases {
            assert_eq!(complaint(&[0, 1], answer), line);
        }
    }

    #[test]
    fn a_missing_libdevice_is_told_when_everything_else_is_there() {
        let missing = || Err(LibdeviceError::Missing { looked: vec!["a".into()] });
        let error = names(&[0], ready(12_080, &["A"]), missing()).unwrap_err();
        assert!(matches!(error, CudaError::Libdevice(_)));
        let error = names(&[0], DriverAnswer::Missing, missing()).unwrap_err();
        assert!(matches!(error, CudaError::NoDriver));
    }
}
