//! Allocators of this program: that of libtorch on the CPU and on a GPU (`allocator.cpp`), and that of Rust.

use std::alloc::{GlobalAlloc, Layout, System};

use protocol::exit::ExitCode;

use super::host_memory;

#[expect(unsafe_code, reason = "functions of allocator.cpp")]
unsafe extern "C" {
    fn attrisweep_count_cpu();
    fn attrisweep_cuda_release() -> libc::c_int;
    fn attrisweep_cuda_forget_peak(device: libc::c_int) -> libc::c_int;
    fn attrisweep_cuda_held(device: libc::c_int, now: *mut i64, peak: *mut i64) -> libc::c_int;
    fn attrisweep_cuda_free(device: libc::c_int, free: *mut i64) -> libc::c_int;
}

/// Counts the memory that libtorch allocates on the CPU from now on, and keeps it below the limit (`host_memory`).
#[expect(unsafe_code, reason = "a function of allocator.cpp")]
pub(crate) fn count() {
    // SAFETY: what was taken before is given back by whoever gave it.
    unsafe { attrisweep_count_cpu() };
    network::settings::fill_memory();
}

/// Bytes of a GPU that libtorch has allocated: in use, or kept for the next batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) now: u64,
    /// Most bytes at once since [`forget_peak`].
    pub(crate) peak: u64,
}

/// Gives memory that is not in use back to the GPU.
#[expect(unsafe_code, reason = "a function of allocator.cpp")]
pub(crate) fn release() {
    // SAFETY: takes nothing; exceptions are caught there.
    unsafe { attrisweep_cuda_release() };
}

/// Sets the peak of GPU `device` to the bytes that are held now.
#[expect(unsafe_code, reason = "a function of allocator.cpp")]
pub(crate) fn forget_peak(device: usize) {
    // SAFETY: any number may be asked for; exceptions are caught there.
    unsafe { attrisweep_cuda_forget_peak(device as libc::c_int) };
}

/// Bytes of GPU `device` that this process holds, now and at most.
#[expect(unsafe_code, reason = "a function of allocator.cpp")]
pub(crate) fn held(device: usize) -> Option<Held> {
    let (mut now, mut peak) = (0, 0);
    // SAFETY: both numbers outlive the call; exceptions are caught there.
    let done = unsafe { attrisweep_cuda_held(device as libc::c_int, &raw mut now, &raw mut peak) };
    (done == 0).then_some(Held { now: now as u64, peak: peak as u64 })
}

/// Free bytes of GPU `device`.
#[expect(unsafe_code, reason = "a function of allocator.cpp")]
pub(crate) fn free(device: usize) -> Option<u64> {
    let mut free = 0;
    // SAFETY: the number outlives the call; exceptions are caught there.
    let done = unsafe { attrisweep_cuda_free(device as libc::c_int, &raw mut free) };
    (done == 0).then_some(free as u64)
}

/// The system's allocator, for Rust's own memory. Where there is no more, the process ends with a code that says so:
/// by itself Rust would abort, which looks like a defect.
pub(crate) struct Host;

#[expect(unsafe_code, reason = "an allocator is unsafe")]
// SAFETY: every call is the system allocator's, with the same arguments.
unsafe impl GlobalAlloc for Host {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        let moved = given(unsafe { System.realloc(memory, layout, size) }, size);
        gone(layout.size());
        moved
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) };
        gone(layout.size());
    }
}

#[expect(unsafe_code, reason = "there is no memory for anything else")]
fn given(memory: *mut u8, size: usize) -> *mut u8 {
    const WORDS: &[u8] = b"out of memory: the host gives no more\n";
    if memory.is_null() {
        // SAFETY: a constant is written, and nothing runs after the exit.
        unsafe {
            libc::write(2, WORDS.as_ptr().cast(), WORDS.len());
            libc::_exit(ExitCode::HostMemory.number());
        }
    }
    if size >= COUNTED {
        host_memory::took(size);
    }
    memory
}

fn gone(size: usize) {
    if size >= COUNTED {
        host_memory::gave(size);
    }
}

/// Smallest allocation that is counted, in bytes: images and maps, not names.
const COUNTED: usize = 64 << 10;
