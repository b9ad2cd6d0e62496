//! Events in the work of a GPU: once an event is reached, all that was asked for before it is done.
//!
//! So maps are copied to the host while the GPU computes the next ones, and nobody waits for both. What leaves a GPU has a stream
//! of its own, and events are recorded there: an event is reached once all is computed, and has left, that was asked for before.

use std::ffi::{CStr, c_char, c_int, c_void};

use tch::{Device, TchError};

#[expect(unsafe_code, reason = "functions of event.cpp")]
unsafe extern "C" {
    fn attrisweep_event_record(device: c_int, event: *mut *mut c_void, text: *mut c_char, size: usize) -> c_int;
    fn attrisweep_event_wait(event: *const c_void, text: *mut c_char, size: usize) -> c_int;
    fn attrisweep_event_free(event: *mut c_void);
}

/// Longest message of libtorch, in bytes.
pub(super) const TEXT: usize = 2048;

/// Event behind all work that a device was asked for so far. The CPU has always reached its events.
#[derive(Debug)]
pub(crate) struct Event(Option<*mut c_void>);

impl Event {
    /// Records an event behind all that `device` has been asked for.
    #[expect(unsafe_code, reason = "a function of event.cpp")]
    pub(crate) fn record(device: Device) -> Result<Self, TchError> {
        let Device::Cuda(index) = device else { return Ok(Self(None)) };
        let (mut event, mut text) = (std::ptr::null_mut(), [0; TEXT]);
        // SAFETY: both outlive the call; exceptions are caught there.
        let made = unsafe { attrisweep_event_record(index as c_int, &raw mut event, text.as_mut_ptr(), TEXT) };
        if made == 0 { Ok(Self(Some(event))) } else { Err(failure(&text)) }
    }

    /// Waits until the device has reached the event.
    #[expect(unsafe_code, reason = "a function of event.cpp")]
    pub(crate) fn wait(&self) -> Result<(), TchError> {
        let (Some(event), mut text) = (self.0, [0; TEXT]) else { return Ok(()) };
        // SAFETY: the event lives as long as this value, and the text longer than the call.
        let reached = unsafe { attrisweep_event_wait(event, text.as_mut_ptr(), TEXT) };
        if reached == 0 { Ok(()) } else { Err(failure(&text)) }
    }
}

impl Drop for Event {
    #[expect(unsafe_code, reason = "a function of event.cpp")]
    fn drop(&mut self) {
        if let Some(event) = self.0 {
            // SAFETY: made by `attrisweep_event_record`, and given back once.
            unsafe { attrisweep_event_free(event) };
        }
    }
}

/// Error of libtorch with the message `text`, as tch gives such errors.
pub(super) fn failure(text: &[c_char; TEXT]) -> TchError {
    // A character of C has a sign on x86-64 and none on aarch64.
    let bytes: Vec<u8> = text.iter().flat_map(|byte| byte.to_ne_bytes()).collect();
    let words = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
    TchError::Torch(words.to_string_lossy().into_owned())
}
