//! One setting of the C allocator that tensors profit from.

/// Lets the allocator keep what is freed instead of giving it back to the system.
///
/// Every operation makes and frees large tensors. By default glibc maps each of them anew, and the system clears every
/// page before it is used: a third of a training step's processor time. Other C libraries are left as they are.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the only way to the allocator's settings is a C function")]
pub fn keep_freed_pages() {
    const NEVER: libc::c_int = libc::c_int::MAX;
    // SAFETY: `mallopt` takes two plain numbers and changes limits of the allocator, which has locks of its own; both
    // limits may be any non-negative number.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER);
        libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
    }
}

/// Other C libraries are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_pages() {}
