//! Marks in the work that a GPU has been given: what was asked for before a mark is done once the mark is reached.
//!
//! So maps are copied to the host while the GPU computes the next ones, and nobody waits for both.

use std::ffi::{CStr, c_char, c_int, c_void};

use tch::{Device, TchError};

#[expect(unsafe_code, reason = "functions of mark.cpp")]
unsafe extern "C" {
    fn attrisweep_mark(device: c_int, mark: *mut *mut c_void, text: *mut c_char, room: usize) -> c_int;
    fn attrisweep_reach(mark: *const c_void, text: *mut c_char, room: usize) -> c_int;
    fn attrisweep_unmark(mark: *mut c_void);
}

/// Room for libtorch's words.
const TEXT: usize = 2048;

/// What was asked of a device so far. The CPU has always done it.
#[derive(Debug)]
pub(crate) struct Mark(Option<*mut c_void>);

impl Mark {
    /// Behind all that `device` has been asked for.
    #[expect(unsafe_code, reason = "a function of mark.cpp")]
    pub(crate) fn now(device: Device) -> Result<Self, TchError> {
        let Device::Cuda(index) = device else { return Ok(Self(None)) };
        let (mut mark, mut text) = (std::ptr::null_mut(), [0; TEXT]);
        // SAFETY: both outlive the call; exceptions are caught there.
        let made = unsafe { attrisweep_mark(index as c_int, &raw mut mark, text.as_mut_ptr(), TEXT) };
        if made == 0 { Ok(Self(Some(mark))) } else { Err(failure(&text)) }
    }

    /// Waits for all that.
    #[expect(unsafe_code, reason = "a function of mark.cpp")]
    pub(crate) fn reach(&self) -> Result<(), TchError> {
        let (Some(mark), mut text) = (self.0, [0; TEXT]) else { return Ok(()) };
        // SAFETY: the mark lives as long as this value, and the text longer than the call.
        let reached = unsafe { attrisweep_reach(mark, text.as_mut_ptr(), TEXT) };
        if reached == 0 { Ok(()) } else { Err(failure(&text)) }
    }
}

impl Drop for Mark {
    #[expect(unsafe_code, reason = "a function of mark.cpp")]
    fn drop(&mut self) {
        if let Some(mark) = self.0 {
            // SAFETY: made by `attrisweep_mark`, and given back once.
            unsafe { attrisweep_unmark(mark) };
        }
    }
}

/// What libtorch said, as tch tells it.
fn failure(text: &[c_char; TEXT]) -> TchError {
    let bytes: Vec<u8> = text.iter().map(|byte| byte.cast_unsigned()).collect();
    let words = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
    TchError::Torch(words.to_string_lossy().into_owned())
}
