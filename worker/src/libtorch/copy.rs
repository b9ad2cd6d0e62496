//! Copies that the device makes when it comes to them, which tch does not have in place.

use std::ffi::{c_char, c_int, c_void};

use tch::{Device, TchError, Tensor};

use super::event::{TEXT, failure};

#[expect(unsafe_code, reason = "functions of event.cpp")]
unsafe extern "C" {
    fn attrisweep_copy(to: *const c_void, from: *const c_void, text: *mut c_char, size: usize) -> c_int;
    fn attrisweep_leave(device: c_int, to: *const c_void, from: *const c_void, text: *mut c_char, size: usize)
    -> c_int;
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

/// Lets the values of `from`, on `device`, leave to `to`, of the same shape and type, in pinned memory. A GPU copies them once it has
/// computed all that it was asked for so far, while it computes what it is asked for next: `from` may be let go at once, and must not be
/// overwritten. The values are there once an [`Event`](super::event::Event) that is recorded later is reached.
#[expect(unsafe_code, reason = "a function of event.cpp")]
pub(crate) fn leave(device: Device, to: &Tensor, from: &Tensor) -> Result<(), TchError> {
    let Device::Cuda(index) = device else { return copy(to, from) };
    let mut text = [0; TEXT];
    let (to, from) = (to.as_ptr().cast(), from.as_ptr().cast());
    // SAFETY: both tensors and the text outlive the call, which catches exceptions.
    let done = unsafe { attrisweep_leave(index as c_int, to, from, text.as_mut_ptr(), TEXT) };
    if done == 0 { Ok(()) } else { Err(failure(&text)) }
}
