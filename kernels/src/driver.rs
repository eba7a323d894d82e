//! Whether this machine has NVIDIA's driver, asked before burn would panic without it.

/// Whether `libcuda.so.1` can be opened.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the only way to ask is to open the library")]
pub fn has_cuda_driver() -> bool {
    // SAFETY: the name is a C string that lives as long as the program; opening the driver's library runs nothing but
    // its own start, and it is left open, as burn will want it next.
    let library = unsafe { libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_LAZY) };
    !library.is_null()
}

/// UniFR's CUDA builds are for Linux.
#[cfg(not(target_os = "linux"))]
pub fn has_cuda_driver() -> bool {
    false
}
