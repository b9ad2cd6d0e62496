//! The threads that libtorch computes with, for kernels of our own.

#![expect(unsafe_code, reason = "the C++ half")]

use std::ffi::c_void;
use std::ops::Range;

unsafe extern "C" {
    fn threads_parallel(n: i64, grain: i64, act: extern "C" fn(*mut c_void, i64, i64), context: *mut c_void);
}

/// Calls `act` for parts of `0..n`, at least `grain` long, on libtorch's threads. `act` must not panic.
pub(crate) fn parallel<F: Fn(Range<usize>) + Sync>(n: usize, grain: usize, act: F) {
    extern "C" fn call<F: Fn(Range<usize>) + Sync>(context: *mut c_void, from: i64, to: i64) {
        // SAFETY: `context` is the `act` of the call below, which waits for all parts.
        let act = unsafe { &*context.cast::<F>() };
        act(from as usize..to as usize);
    }
    let context = (&raw const act).cast_mut().cast();
    // SAFETY: `act` lives until all parts are done, and may be called from several threads.
    unsafe {
        threads_parallel(n as i64, grain.max(1) as i64, call::<F>, context);
    }
}
