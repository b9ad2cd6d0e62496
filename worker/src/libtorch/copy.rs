//! Copies that the device makes when it comes to them, which tch does not have in place.

use std::ffi::{c_char, c_int, c_void};

use tch::{TchError, Tensor};

use super::event::{TEXT, failure};

#[expect(unsafe_code, reason = "a function of event.cpp")]
unsafe extern "C" {
    fn attrisweep_copy(to: *const c_void, from: *const c_void, text: *mut c_char, size: usize) -> c_int;
}

/// Copies the values of `from` into `to`, of the same shape. A GPU copies from pinned memory when it comes to that: `from` must
/// not be written or let go before a mark behind the copy is reached.
#[expect(unsafe_code, reason = "a function of event.cpp")]
pub(crate) fn copy(to: &Tensor, from: &Tensor) -> Result<(), TchError> {
    let mut text = [0; TEXT];
    // SAFETY: both tensors and the text outlive the call, which catches exceptions.
    let done = unsafe { attrisweep_copy(to.as_ptr().cast(), from.as_ptr().cast(), text.as_mut_ptr(), TEXT) };
    if done == 0 { Ok(()) } else { Err(failure(&text)) }
}
