//! oneDNN's convolutions on blocked memory, by functions in C++.

#![expect(unsafe_code, reason = "the C++ half")]

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use crate::operations::Geometry;
use crate::tensors::settings;
use crate::tensors::simd;

unsafe extern "C" {
    fn blocked_free(message: *mut c_char);
    fn blocked_probe(block: *mut i64) -> *mut c_char;
    fn blocked_convolution(
        out: *mut *mut C_tensor,
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        geometry: *const i64,
        block: i64,
    ) -> *mut c_char;
}

/// Channels of a block, where oneDNN computes in blocks and this machine has the instructions of our
/// kernels: 16 with AVX-512, 8 with AVX2.
pub(crate) fn block() -> Option<i64> {
    static BLOCK: OnceLock<Option<i64>> = OnceLock::new();
    *BLOCK.get_or_init(|| {
        if !tch::utils::has_mkldnn() {
            return None;
        }
        let mut block = 0;
        // SAFETY: `block` lives as long as the call. A probe that fails says so, and nothing is blocked.
        let probed = checked(unsafe { blocked_probe(&raw mut block) });
        let fits = probed.is_ok() && simd::fit(block) && block <= settings::widest().channels();
        fits.then_some(block)
    })
}

/// A convolution of `x`, `[n, c, h, w]` or blocked. The output is blocked by `block` channels, or dense
/// without one. `beyond` is the output padding of a transposed convolution.
pub(crate) fn convolve(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    geometry: Geometry,
    beyond: Option<[i64; 2]>,
    block: Option<i64>,
) -> Result<Tensor, TchError> {
    let Geometry { stride: s, padding: p, dilation: d, groups } = geometry;
    let [down, across] = beyond.unwrap_or_default();
    let sizes = [s[0], s[1], p[0], p[1], d[0], d[1], groups, i64::from(beyond.is_some()), down, across];
    let mut out = std::ptr::null_mut();
    let bias = bias.map_or(std::ptr::null(), Tensor::as_ptr);
    // SAFETY: all tensors live as long as the call, `geometry` has the ten numbers that it reads, and `out`
    // is a tensor of our own wherever there is no message.
    unsafe {
        let block = block.unwrap_or(0);
        checked(blocked_convolution(&raw mut out, x.as_ptr(), weight.as_ptr(), bias, sizes.as_ptr(), block))?;
        Ok(Tensor::from_ptr(out))
    }
}

/// The message as an error, if there is one.
fn checked(message: *mut c_char) -> Result<(), TchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a message is a nul-terminated string that is ours to free.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        blocked_free(message);
        text
    };
    Err(TchError::Torch(text))
}
