//! What NVIDIA's driver answers, asked before burn would panic without it.
//!
//! In:  the file of the driver's library.
//! Out: a [`DriverAnswer`] in plain numbers.
//! Source: the CUDA driver API: `cuDriverGetVersion`, `cuInit`, `cuDeviceGetCount`, `cuDeviceGetName`,
//! `cuDeviceGetAttribute`.
#![allow(unsafe_code, reason = "a library that may not be there can only be asked through its C interface")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::path::Path;

/// The library that the driver brings; the system knows where it is.
pub const DRIVER_LIBRARY: &str = "libcuda.so.1";
/// What every function of the driver answers when all is well.
const SUCCESS: c_int = 0;
/// Bytes for a device's name; the longest ones have about 40.
const NAME_BYTES: usize = 256;

/// What the driver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverAnswer {
    /// The library cannot be opened.
    Missing,
    /// The library is there, but not a driver: it lacks a function.
    Incomplete {
        /// The function.
        function: &'static str,
    },
    /// A function answered with an error.
    Refused {
        /// The function.
        function: &'static str,
        /// Its answer, a `CUresult`.
        code: i32,
    },
    /// All is well.
    Ready {
        /// The newest CUDA that the driver serves, 12080 for 12.8.
        version: i32,
        /// Names of the devices, in the order of their numbers.
        devices: Vec<String>,
    },
}

/// Asks the driver; `library` is [`DRIVER_LIBRARY`] but for tests.
#[cfg(unix)]
pub fn driver_answer(library: &Path) -> DriverAnswer {
    match Library::open(library) {
        Some(library) => library.ask().unwrap_or_else(|answer| answer),
        None => DriverAnswer::Missing,
    }
}

/// UniFR's CUDA builds are for Linux.
#[cfg(not(unix))]
pub fn driver_answer(_: &Path) -> DriverAnswer {
    DriverAnswer::Missing
}

/// Whether a driver answers that has a device, for those who would do without.
pub fn has_cuda_driver() -> bool {
    matches!(driver_answer(Path::new(DRIVER_LIBRARY)), DriverAnswer::Ready { devices, .. } if !devices.is_empty())
}

/// What a CUDA device can do at most, in the driver's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CudaLimits {
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// Their highest clock, in kHz.
    pub clock_khz: u32,
    /// Highest clock of the memory, in kHz.
    pub memory_clock_khz: u32,
    /// Width of the memory's bus.
    pub memory_bus_bits: u32,
    /// Compute capability: 80 for 8.0.
    pub capability: u32,
}

/// The limits of the device of that number, if a driver answers for it.
#[cfg(unix)]
pub fn cuda_limits(number: u32) -> Option<CudaLimits> {
    let path = Path::new(DRIVER_LIBRARY);
    let DriverAnswer::Ready { devices, .. } = driver_answer(path) else { return None };
    devices.get(number as usize)?;
    let library = Library::open(path)?;
    // Numbers of `CUdevice_attribute`.
    let attribute = |attribute: c_int| library.attribute(attribute, number as c_int).ok();
    Some(CudaLimits {
        multiprocessors: attribute(16)?,
        clock_khz: attribute(13)?,
        memory_clock_khz: attribute(36)?,
        memory_bus_bits: attribute(37)?,
        capability: 10 * attribute(75)? + attribute(76)?,
    })
}

/// UniFR's CUDA builds are for Linux.
#[cfg(not(unix))]
pub fn cuda_limits(_: u32) -> Option<CudaLimits> {
    None
}

/// Tells the compiler of kernels where CUDA's files are, by the variable `CUDA_PATH` of this process.
///
/// Returns whether it could be set: only while no other thread runs, since one might be reading the environment.
#[cfg(target_os = "linux")]
pub fn set_cuda_path(folder: &Path) -> bool {
    let is_alone = std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1);
    if is_alone {
        // SAFETY: this is the only thread, so nobody reads the environment while it changes.
        unsafe { std::env::set_var("CUDA_PATH", folder) };
    }
    is_alone
}

/// UniFR's CUDA builds are for Linux.
#[cfg(not(target_os = "linux"))]
pub fn set_cuda_path(_: &Path) -> bool {
    false
}

/// The opened driver. It is never closed: burn wants it next, and the driver keeps threads of its own.
#[cfg(unix)]
struct Library(*mut c_void);

#[cfg(unix)]
impl Library {
    fn open(path: &Path) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
        // SAFETY: the path is a C string; opening the driver's library runs nothing but its own start.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY) };
        (!handle.is_null()).then_some(Self(handle))
    }

    /// The address of a function.
    fn function(&self, name: &'static CStr) -> Result<*mut c_void, DriverAnswer> {
        // SAFETY: the library is open and the name is a C string.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if address.is_null() { Err(DriverAnswer::Incomplete { function: text(name) }) } else { Ok(address) }
    }

    fn ask(&self) -> Result<DriverAnswer, DriverAnswer> {
        let mut version = 0;
        self.number(c"cuDriverGetVersion", &mut version)?;
        let start = self.function(c"cuInit")?;
        // SAFETY: the driver API defines `CUresult cuInit(unsigned int)`; its only flag is 0.
        let code = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn(c_uint) -> c_int>(start)(0) };
        checked(c"cuInit", code)?;
        let mut count = 0;
        self.number(c"cuDeviceGetCount", &mut count)?;
        let devices = (0..count).map(|number| self.device_name(number)).collect::<Result<_, _>>()?;
        Ok(DriverAnswer::Ready { version, devices })
    }

    /// Calls a function that writes one number.
    fn number(&self, name: &'static CStr, value: &mut c_int) -> Result<(), DriverAnswer> {
        let function = self.function(name)?;
        // SAFETY: called for functions that the driver API defines as `CUresult name(int *)`; the number outlives the call.
        let code = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn(*mut c_int) -> c_int>(function)(value) };
        checked(name, code)
    }

    fn attribute(&self, attribute: c_int, device: c_int) -> Result<u32, DriverAnswer> {
        type GetAttribute = extern "C" fn(*mut c_int, c_int, c_int) -> c_int;
        let function = self.function(c"cuDeviceGetAttribute")?;
        let mut value = 0;
        // SAFETY: the driver API defines `CUresult cuDeviceGetAttribute(int *, CUdevice_attribute, CUdevice)`; the number
        // outlives the call.
        let code =
            unsafe { std::mem::transmute::<*mut c_void, GetAttribute>(function)(&raw mut value, attribute, device) };
        checked(c"cuDeviceGetAttribute", code)?;
        Ok(value.unsigned_abs())
    }

    /// The name of a device. Its handle is its number, by definition of `cuDeviceGet`.
    fn device_name(&self, number: c_int) -> Result<String, DriverAnswer> {
        type GetName = extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
        let function = self.function(c"cuDeviceGetName")?;
        let mut name = [0_u8; NAME_BYTES];
        // SAFETY: the driver API defines `CUresult cuDeviceGetName(char *, int, CUdevice)`, which writes at most as many
        // bytes as it is told; the last one is kept back, so that the text ends within the buffer.
        let code = unsafe {
            std::mem::transmute::<*mut c_void, GetName>(function)(
                name.as_mut_ptr().cast(),
                NAME_BYTES as c_int - 1,
                number,
            )
        };
        checked(c"cuDeviceGetName", code)?;
        let length = name.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES);
        Ok(String::from_utf8_lossy(&name[..length]).into_owned())
    }
}

#[cfg(unix)]
fn checked(function: &'static CStr, code: c_int) -> Result<(), DriverAnswer> {
    if code == SUCCESS { Ok(()) } else { Err(DriverAnswer::Refused { function: text(function), code }) }
}

#[cfg(unix)]
fn text(name: &'static CStr) -> &'static str {
    name.to_str().expect("names of functions are plain letters")
}
