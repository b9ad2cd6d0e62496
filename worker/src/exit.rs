//! End of a worker: its exit code and its last message.

use protocol::exit::ExitCode;

/// Ends the process at once, without the exit handlers of libtorch and CUDA: other threads are in the middle of both.
#[expect(unsafe_code, reason = "std has no exit without handlers")]
pub(crate) fn now(code: ExitCode) {
    // SAFETY: ends the process; nothing runs afterwards that could see a broken state.
    unsafe { libc::_exit(code.number()) }
}

/// Last message of a worker, with its exit code.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: ExitCode,
    pub(crate) text: String,
}

impl Exit {
    /// A defect of this program.
    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self { code: ExitCode::Defect, text: text.into() }
    }

    /// The scheduler could not be reached, or refused the worker.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { code: ExitCode::Refused, text: text.into() }
    }

    /// The request cannot be computed.
    pub(crate) fn request(text: impl Into<String>) -> Self {
        Self { code: ExitCode::Request, text: text.into() }
    }

    /// The device failed in a way that only a new process mends.
    pub(crate) fn sticky(text: impl Into<String>) -> Self {
        Self { code: ExitCode::DeviceLost, text: text.into() }
    }

    /// The memory of the device is too small.
    pub(crate) fn memory(text: impl Into<String>) -> Self {
        Self { code: ExitCode::OutOfMemory, text: text.into() }
    }

    /// Exit of a worker whose machine does not see a folder of the sweep.
    pub(crate) fn blind(text: String) -> Self {
        Self { code: ExitCode::Blind, text }
    }

    /// The device cannot be used.
    pub(crate) fn device(text: impl Into<String>) -> Self {
        Self { code: ExitCode::NoDevice, text: text.into() }
    }
}
